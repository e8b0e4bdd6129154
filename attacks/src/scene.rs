//! A model of the repository in profile exact, and what workers hold of a job about it.

use crate::{court::Case, dice::Dice};
use anyhow::{ensure, Context, Result};
use dllm_model::{
	engine::{Engine, OrtEngine},
	entry::{Entry, Generation, ReplyLimits},
	exact::trace::Traced,
	manifest::Manifest,
	splitter::split,
};
use dllm_primitives::{
	commitment::{merkle_root, result_hash, row_leaf, shards_root, Roots},
	dispute::{players::Rows, Subject},
	ids::{Digest, JobId, StageIndex, ENTRY_STAGE},
	model::{LayerRange, ModelConstants, ModelSpec, Profile},
	trace::{opening::Binding, Held, Layer, Shape},
};
use safetensors::{Dtype, SafeTensors};
use std::{
	fs,
	path::{Path, PathBuf},
};

/// File of a model's weights.
const WEIGHTS: &str = "model.safetensors";
/// The only segment of every ring here.
pub const SEGMENT: StageIndex = 1;
/// Memory of an engine in bytes: plenty for a fixture.
const MEMORY: u64 = 1 << 32;
/// The session of an engine, of which one is open at a time.
const SESSION: u64 = 1;

/// An account; whoever it is, it leads the segment.
pub type Account = u64;

/// A job and who leads it.
#[derive(Clone, Copy, Debug)]
pub struct Job {
	/// Its number.
	pub id: JobId,
	/// Who leads its segment.
	pub lead: Account,
	/// Key of its row digests.
	pub key: [u8; 32],
}

impl Job {
	/// One that nobody has seen.
	pub fn any(dice: &mut Dice) -> Self {
		Self {
			id: dice.below(1 << 32),
			lead: dice.any(),
			key: dice.digest().0,
		}
	}

	/// What the trace of its lead is bound to.
	pub fn binding(&self) -> Binding {
		Binding {
			job: self.id,
			stage: SEGMENT,
			worker: Subject::worker(&self.lead),
			job_key: self.key,
		}
	}
}

/// What a worker has of a segment: what it tells, the digests of its rows, and the trace by which it argues.
#[derive(Clone, Debug)]
pub struct Work {
	/// What it tells.
	pub roots: Roots,
	/// Digests of the rows.
	pub rows: Rows,
	/// Its trace, bound to the lead; none where it could not make one.
	pub trace: Option<Held>,
}

impl Work {
	/// Tells of other rows sent.
	pub fn send(&mut self, rows: Vec<Digest>) {
		self.roots.output = merkle_root(&rows);
		self.rows.output = rows;
	}
}

/// What an entry has of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
	/// Tokens whose rows it sent.
	pub sent: Vec<u32>,
	/// The rows that came back.
	pub received: Vec<f32>,
	/// What it sampled.
	pub tokens: Vec<u32>,
	/// The reply.
	pub text: String,
}

/// A split model with all its layers in one engine.
pub struct Scene {
	/// What the chain knows of it, constants included.
	pub spec: ModelSpec,
	/// Its entry.
	pub entry: Entry,
	/// All of its layers.
	pub range: LayerRange,
	manifest: Manifest,
	folder: PathBuf,
	traced: Traced,
	engine: OrtEngine,
}

impl Scene {
	/// Splits the model in the folder `model` into the folder `shards`, and loads it.
	pub fn new(model: &Path, shards: &Path) -> Result<Self> {
		let manifest = split(model, shards, Profile::Exact, &mut |_| {})
			.with_context(|| format!("{} cannot be split", model.display()))?;
		let end = u16::try_from(manifest.layers.len())?;
		let range = LayerRange { start: 0, end };
		let traced = Traced::load(&manifest, shards, range)?;
		let layers = traced.layers().try_into();
		let constants = ModelConstants {
			shape: dllm_model::exact::trace::shape(&manifest.config),
			layers: layers.map_err(|_| anyhow::anyhow!("too many layers"))?,
		};
		let spec = manifest.spec("Apache-2.0", Some(constants))?;
		Ok(Self {
			spec,
			entry: Entry::load(&manifest, shards)?,
			engine: OrtEngine::load(&manifest, shards, range, MEMORY)?,
			range,
			folder: shards.into(),
			manifest,
			traced,
		})
	}

	/// The same model without its last layers, in an engine of its own.
	pub fn shortened(&self, layers: u16) -> Result<OrtEngine> {
		let range = LayerRange {
			end: self.range.end.saturating_sub(layers),
			..self.range
		};
		Ok(OrtEngine::load(
			&self.manifest,
			&self.folder,
			range,
			MEMORY,
		)?)
	}

	/// What its layers have in common.
	pub fn shape(&self) -> Shape {
		dllm_model::exact::trace::shape(&self.manifest.config)
	}

	/// Its layers as they are registered.
	pub fn layers(&self) -> Vec<Layer> {
		self.traced.layers()
	}

	/// Digest of its layers' shards.
	pub fn weights(&self) -> Digest {
		let shards = self.spec.segment(self.range);
		shards_root(shards.iter().map(|shard| &shard.hash))
	}

	/// Digest of its entry's shards.
	pub fn entry_weights(&self) -> Digest {
		let entry = [&self.spec.embed, &self.spec.head];
		shards_root(entry.map(|shard| &shard.hash))
	}

	/// Tokens of a text, at most so many.
	pub fn tokens(&self, text: &str, most: usize) -> Result<Vec<u32>> {
		let mut tokens = self.entry.tokenizer.encode_plain(text)?;
		tokens.truncate(most);
		Ok(tokens)
	}

	/// Rows of tokens.
	pub fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>> {
		Ok(self.entry.embedder.embed(tokens)?)
	}

	/// Rows through all layers of the real engine.
	pub fn run(&self, rows: &[f32]) -> Result<Vec<f32>> {
		run(&self.engine, rows)
	}

	/// The honest work on these rows. Fails where trace and engine give other bytes.
	pub fn work(&self, job: &Job, rows: &[f32]) -> Result<Work> {
		let mut trace = self.trace(rows)?;
		trace.bind(&job.binding());
		let sent = self.run(rows)?;
		let work = self.told(job, rows, &sent, Some(trace));
		let traced = output_rows(job, work.trace.as_ref().context("a trace")?);
		ensure!(
			traced == work.rows.output,
			"the trace does not end in the engine's rows"
		);
		Ok(work)
	}

	/// What a worker tells that received and sent these rows.
	pub fn told(&self, job: &Job, received: &[f32], sent: &[f32], trace: Option<Held>) -> Work {
		let rows = Rows {
			job_key: job.key,
			input: self.leaves(job, SEGMENT - 1, received),
			output: self.leaves(job, SEGMENT, sent),
		};
		let roots = Roots {
			class: self.engine.profile_id(),
			weights: self.weights(),
			input: merkle_root(&rows.input),
			output: merkle_root(&rows.output),
			result: Digest::zero(),
			rows: rows.output.len() as u32,
		};
		Work { roots, rows, trace }
	}

	/// The trace of rows, not yet bound.
	pub fn trace(&self, rows: &[f32]) -> Result<Held> {
		Ok(self.traced.trace(rows)?)
	}

	/// Digests of rows at a boundary.
	pub fn leaves(&self, job: &Job, boundary: StageIndex, rows: &[f32]) -> Vec<Digest> {
		let rows = rows.chunks(self.spec.hidden_size as usize);
		let leaf = |(position, row): (u32, &[f32])| {
			let wire = row.iter().flat_map(|value| value.to_le_bytes());
			let wire = wire.collect::<Vec<_>>();
			row_leaf(&job.key, job.id, boundary, position, &wire)
		};
		(0..).zip(rows).map(leaf).collect()
	}

	/// The case about a job's segment, with what honest work on these rows tells.
	pub fn case(&self, job: &Job, truth: &Work) -> Case {
		Case {
			job: *job,
			shape: self.shape(),
			layers: self.layers(),
			weights: self.weights(),
			truth: truth.roots,
		}
	}

	/// A reply to a prompt through the real engine.
	pub fn answer(&self, prompt: &[u32], limits: &ReplyLimits) -> Result<Talk> {
		let mut generation = Generation::new(self.entry.tokenizer.clone(), prompt, limits.clone())?;
		let width = self.engine.hidden();
		let ceiling = prompt.len() as u32 + limits.max_tokens;
		self.engine.open(SESSION, ceiling)?;
		let (mut sent, mut received, mut text) = (Vec::new(), Vec::new(), String::new());
		let mut next = prompt.to_vec();
		loop {
			let rows = self.embed(&next)?;
			let rows = self.engine.prefill(SESSION, sent.len() as u32, &rows)?;
			sent.append(&mut next);
			received.extend_from_slice(&rows);
			let last = &rows[rows.len() - width..];
			let step = generation.next(&self.entry.head.logits(last)?)?;
			text.push_str(&step.text);
			if step.finish.is_some() {
				break;
			}
			next.push(step.token);
		}
		self.engine.close(SESSION);
		let tokens = generation.tokens().to_vec();
		Ok(Talk {
			sent,
			received,
			tokens,
			text,
		})
	}

	/// What a checker makes of a prompt and the rows that came back to its entry: these fix every token.
	pub fn replay(&self, prompt: &[u32], limits: &ReplyLimits, received: &[f32]) -> Result<Talk> {
		let mut generation = Generation::new(self.entry.tokenizer.clone(), prompt, limits.clone())?;
		let mut text = String::new();
		let rows = received.chunks(self.engine.hidden());
		for row in rows.skip(prompt.len().saturating_sub(1)) {
			if generation.finished().is_none() {
				let step = generation.next(&self.entry.head.logits(row)?)?;
				text.push_str(&step.text);
			}
		}
		let tokens = generation.tokens().to_vec();
		let ended = usize::from(generation.finished().is_some());
		let kept = &tokens[..tokens.len().saturating_sub(ended)];
		Ok(Talk {
			sent: [prompt, kept].concat(),
			received: received.to_vec(),
			tokens,
			text,
		})
	}

	/// What an entry tells of its talk.
	pub fn told_of(&self, job: &Job, talk: &Talk) -> Result<Roots> {
		let sent = self.embed(&talk.sent)?;
		Ok(Roots {
			class: self.engine.profile_id(),
			weights: self.entry_weights(),
			input: merkle_root(&self.leaves(job, SEGMENT, &talk.received)),
			output: merkle_root(&self.leaves(job, ENTRY_STAGE, &sent)),
			result: result_hash(talk.tokens.len() as u32, talk.text.as_bytes()),
			rows: talk.sent.len() as u32,
		})
	}
}

/// Rows through the layers of an engine, as one prefill.
pub fn run(engine: &OrtEngine, rows: &[f32]) -> Result<Vec<f32>> {
	let count = (rows.len() / engine.hidden()) as u32;
	engine.open(SESSION, count)?;
	let sent = engine.prefill(SESSION, 0, rows);
	engine.close(SESSION);
	Ok(sent?)
}

/// Digests of the rows in which a trace ends.
pub fn output_rows(job: &Job, trace: &Held) -> Vec<Digest> {
	use dllm_primitives::{dispute::players::Trace, trace::layout::Step};
	let mut trace = trace.clone();
	let slot = trace.layout.output_slot();
	let rows = 0..trace.layout.rows;
	rows.map(|row| {
		let place = trace.layout.place(Step { row, slot });
		let wire = trace.step(place).unwrap_or_default();
		row_leaf(&job.key, job.id, SEGMENT, row, &wire)
	})
	.collect()
}

/// A copy of the model in the folder `model` whose weights have a sign, an exponent and two bits of a fraction
/// left: cheaper to hold and to run. The folder `into` is made.
pub fn coarsened(model: &Path, into: &Path) -> Result<PathBuf> {
	let name = model.file_name().context("a model's folder has a name")?;
	let copy = into.join(name);
	fs::create_dir_all(&copy)?;
	for file in fs::read_dir(model)? {
		let file = file?;
		fs::copy(file.path(), copy.join(file.file_name()))?;
	}
	let weights = copy.join(WEIGHTS);
	let mut bytes = fs::read(&weights)?;
	let (header, tensors) = SafeTensors::read_metadata(&bytes)?;
	let halves = tensors
		.tensors()
		.values()
		.all(|tensor| tensor.dtype == Dtype::F16);
	ensure!(halves, "{} is not in half precision", weights.display());
	// After the length of the header, and the header.
	for half in bytes[8 + header..].chunks_exact_mut(2) {
		half[0] = 0;
	}
	fs::write(&weights, bytes)?;
	Ok(copy)
}
