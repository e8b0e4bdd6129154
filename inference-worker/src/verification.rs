//! Checks another worker's stage by executing it again.
//!
//! The rows that went into a stage come from either end of the hop: from the lead of the stage before, who
//! committed to them, or from the lead itself, with what both signed. Then they are executed as one prefill.
//! The result is recorded like a run's, and committed blind. The rows that were handed out are kept with it:
//! in a dispute the checker depends on nobody for them. So are the rows that it computed of a float model, as the
//! chain may have some of them compared with those of a lead in another numerics class. The entry is checked from
//! the public prompt and the rows that the last segment sent back: they fix every token, and with it every row that
//! the entry sent.

mod output;
mod permits;
mod source;

pub use permits::{Permits, PROTOCOL};

use crate::{
	commitment::{origin, Leaves, LedgerError, MadeBy, StageRecord},
	network::{
		frame::{Record, MAX_ROWS},
		link::LinkError,
		NetworkError,
	},
	pipeline::{
		entry::{check_ceiling, next_step, reply_limits, result_of, Question},
		HostError, HostedEntry, PipelineError, Ring, Segment, Session, Workshop,
	},
};
use codec::Encode;
use dllm_model::{
	engine::{Engine, EXACT_CLASS},
	entry::{Generation, ReplyLimits},
};
use dllm_primitives::{
	api::{AccountId32, Prompt, Route},
	commitment::Roots,
	ids::{Digest, JobId, StageIndex, ENTRY_STAGE},
};
use libp2p::{bytes::Bytes, PeerId};
use output::Output;
use source::{last_block, Source, Wanted};
use tokio::task::spawn_blocking;

/// Commitment of every lead: its stage, its account, the digest on chain.
pub type Commitments = [(StageIndex, AccountId32, Digest)];

/// Why a stage cannot be checked.
#[derive(thiserror::Error, Debug)]
pub enum CheckError {
	/// The chain holds no commitment of the lead that hands out the rows.
	#[error("job {job}: no commitment of stage {stage} is on chain: the node lags or a fork dropped it; the next block tells")]
	NotCommitted { job: JobId, stage: StageIndex },
	/// What the lead opened is not what it committed to.
	#[error("job {job}: {peer} opens another commitment than the one on chain: it is at fault, nothing to do here")]
	OtherOpening { job: JobId, peer: PeerId },
	/// The rows are not those that the lead committed to.
	#[error("job {job}: {peer} hands out other rows than it committed to: it is at fault, nothing to do here")]
	OtherRows { job: JobId, peer: PeerId },
	/// Neither end of the hop hands out the rows.
	#[error("job {job}: neither end of the hop hands out the rows that went into stage {stage}: from the stage before: {sender}; from its lead: {receiver}")]
	NeitherEnd {
		job: JobId,
		stage: StageIndex,
		sender: Box<CheckError>,
		receiver: Box<CheckError>,
	},
	/// The prompt of a public job is missing.
	#[error("job {job}: the chain gives no prompt to check the entry with: use the version of this program that belongs to the chain")]
	NoPrompt { job: JobId },
	/// The lead's stream failed or made no sense.
	#[error("job {job}: rows from {peer}: {error}; it is asked again while the check is due")]
	Link {
		job: JobId,
		peer: PeerId,
		error: LinkError,
	},
	/// The lead cannot be reached.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// The model is not ready.
	#[error(transparent)]
	Host(#[from] HostError),
	/// The stage could not be executed.
	#[error(transparent)]
	Pipeline(#[from] PipelineError),
	/// The result cannot be recorded.
	#[error(transparent)]
	Ledger(#[from] LedgerError),
}

impl CheckError {
	/// Whether the check can be tried again while its duty stands.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Link { .. } | Self::NotCommitted { .. } => true,
			Self::NeitherEnd {
				sender, receiver, ..
			} => sender.is_retryable() || receiver.is_retryable(),
			Self::Network(error) => error.is_retryable(),
			Self::Host(error) => error.is_retryable(),
			Self::Pipeline(error) => error.is_retryable(),
			_ => false,
		}
	}

	/// Whether the rows of the stage were not handed out, or not as they were signed for.
	pub fn is_withheld(&self) -> bool {
		match self {
			Self::NeitherEnd { .. } | Self::Link { .. } | Self::OtherRows { .. } => true,
			Self::Pipeline(PipelineError::Overdue { .. }) => true,
			Self::Network(error) => error.is_retryable(),
			_ => false,
		}
	}

	/// Whether this worker itself is at fault, or told to stop: the other end of the hop cannot help.
	fn is_interruption(&self) -> bool {
		matches!(
			self,
			Self::Pipeline(PipelineError::Interrupted { .. }) | Self::Ledger(_)
		)
	}
}

/// What is checked: a stage of a job.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
	/// The ring that ran the job.
	pub route: &'a Route,
	/// The stage.
	pub stage: StageIndex,
	/// The prompt, for the entry of a public job.
	pub prompt: Option<&'a Prompt>,
	/// What the leads committed to.
	pub commitments: &'a Commitments,
	/// Block by which the check is due: no lead can hold it up for longer, however slowly it sends.
	pub until: u32,
}

/// Waits until no rows are waited for any more.
pub(crate) async fn last_chance(workshop: &Workshop, until: u32) {
	workshop.past(last_block(until)).await;
}

/// Executes a stage of a job again, records the result and gives its roots. Where that was done before
/// a restart, it only gives the roots again.
pub async fn check(workshop: &Workshop, case: Case<'_>) -> Result<Roots, CheckError> {
	let (job, stage) = (case.route.job, case.stage);
	let origin = origin(case.route, &(case.prompt, case.commitments).encode());
	let recorded = workshop
		.ledger
		.blocking(move |ledger| ledger.record_of(job, stage, origin));
	if let Some(record) = recorded.await? {
		return Ok(record.opening.roots);
	}
	again(workshop, case).await
}

/// The same whether or not it was done before: for a checker that has lost the rows.
pub async fn again(workshop: &Workshop, case: Case<'_>) -> Result<Roots, CheckError> {
	let (job, stage) = (case.route.job, case.stage);
	let origin = origin(case.route, &(case.prompt, case.commitments).encode());
	let execution = execute(workshop, case, origin);
	let mut record = workshop.run_until(job, case.until, execution).await?;
	record.made_by = MadeBy::Checker;
	let roots = record.opening.roots;
	let closed = workshop
		.ledger
		.blocking(move |ledger| ledger.close(job, stage, &record));
	closed.await?;
	tracing::info!(job, stage, rows = roots.rows, "stage checked");
	Ok(roots)
}

async fn execute(
	workshop: &Workshop,
	case: Case<'_>,
	origin: Digest,
) -> Result<StageRecord, CheckError> {
	let Case {
		route,
		stage,
		prompt,
		commitments,
		until,
	} = case;
	let ring = Ring::read(route)?;
	let wanted = |shape| Wanted {
		ring: &ring,
		stage,
		commitments,
		shape,
		until,
	};
	if stage == ENTRY_STAGE {
		let prompt = prompt.ok_or(CheckError::NoPrompt { job: route.job })?;
		let hosted = workshop.host.entry(ring.model)?;
		let shape = (hosted.width, hosted.dtype);
		let source = Source::fetch(workshop, wanted(shape)).await?;
		return check_entry(&ring, &hosted, prompt, origin, source).await;
	}
	let layers = ring.member(stage)?.layers;
	let segment = workshop
		.host
		.segment_for(ring.model, layers, ring.adapter)?;
	let shape = (segment.width, segment.dtype);
	let source = Source::fetch(workshop, wanted(shape)).await?;
	check_segment(workshop, &segment, stage, origin, source).await
}

async fn check_segment(
	workshop: &Workshop,
	segment: &Segment,
	stage: StageIndex,
	origin: Digest,
	mut source: Source,
) -> Result<StageRecord, CheckError> {
	let (job, record) = (source.job, source.record.clone());
	let session = Session::open(workshop, segment, (job, stage), record.rows).await?;
	let leaves = Leaves::new(job, record.job_key, stage, source.row_bytes());
	let is_exact = segment.engine.profile_id().to_fixed_bytes() == EXACT_CLASS;
	let mut output = Output::begin(workshop, (job, stage), leaves, is_exact).await?;
	while let Some((position, rows)) = source.next().await? {
		let rows = session.execute(position, rows).output().await?;
		output = output.push(position, rows).await?;
	}
	let roots = Roots {
		class: segment.engine.profile_id(),
		weights: segment.weights,
		input: source.root,
		output: output.finish().await?,
		result: Digest::zero(),
		rows: record.rows,
	};
	Ok(StageRecord::new(
		origin,
		roots,
		record.job_key,
		record.width,
		record.dtype,
	))
}

async fn check_entry(
	ring: &Ring,
	hosted: &HostedEntry,
	prompt: &Prompt,
	origin: Digest,
	mut source: Source,
) -> Result<StageRecord, CheckError> {
	let (job, record) = (source.job, source.record.clone());
	let limits = reply_limits(&prompt.limits)?;
	let question = Question::public(prompt)?;
	let (hosted, ceiling) = (hosted.clone(), ring.rows_ceiling);
	let begun = spawn_blocking(move || Replay::begin(hosted, question, limits, ceiling));
	let mut replay = begun
		.await
		.map_err(|_| PipelineError::Interrupted { job })??;
	while let Some((position, rows)) = source.next().await? {
		let followed = spawn_blocking(move || replay.follow(position, rows));
		replay = followed
			.await
			.map_err(|_| PipelineError::Interrupted { job })??;
	}
	let input = source.root;
	let finished = spawn_blocking(move || replay.finish(job, &record, origin, input));
	Ok(finished
		.await
		.map_err(|_| PipelineError::Interrupted { job })??)
}

/// A reply that is sampled again from the rows that came back to the entry.
struct Replay {
	hosted: HostedEntry,
	prompt: Vec<u32>,
	generation: Generation,
	reply: String,
}

impl Replay {
	fn begin(
		hosted: HostedEntry,
		question: Question,
		limits: ReplyLimits,
		ceiling: u32,
	) -> Result<Self, PipelineError> {
		let prompt = question.tokens(&hosted.entry)?;
		check_ceiling(&prompt, &limits, ceiling)?;
		let generation = Generation::new(hosted.entry.tokenizer.clone(), &prompt, limits)?;
		Ok(Self {
			hosted,
			prompt,
			generation,
			reply: String::new(),
		})
	}

	/// Samples from every row from the prompt's last one on. Rows behind the end of the reply change
	/// nothing: there should be none.
	fn follow(mut self, position: u32, rows: Bytes) -> Result<Self, PipelineError> {
		let HostedEntry {
			entry,
			width,
			dtype,
			..
		} = &self.hosted;
		let row_bytes = *width as usize * dtype.bytes();
		for (position, row) in (position..).zip(rows.chunks(row_bytes)) {
			let sampled = position as usize + 1 >= self.prompt.len();
			if sampled && self.generation.finished().is_none() {
				let step = next_step(entry, &mut self.generation, &dtype.decode(row))?;
				self.reply.push_str(&step.text);
			}
		}
		Ok(self)
	}

	/// The roots of the entry, as they should be. Where the ring carried fewer or more rows than the
	/// reply takes, the number of rows here says so, and differs from the lead's.
	fn finish(
		self,
		job: JobId,
		record: &Record,
		origin: Digest,
		input: Digest,
	) -> Result<StageRecord, PipelineError> {
		let HostedEntry {
			entry,
			weights,
			class,
			..
		} = &self.hosted;
		let tokens = self.generation.tokens();
		let ended = self.generation.finished().is_some();
		let sent = tokens.len().saturating_sub(usize::from(ended));
		let sequence = self
			.prompt
			.iter()
			.chain(&tokens[..sent])
			.copied()
			.collect::<Vec<_>>();

		let row_bytes = record.width as usize * record.dtype.bytes();
		let mut output = Leaves::new(job, record.job_key, ENTRY_STAGE, row_bytes);
		for part in sequence.chunks(MAX_ROWS) {
			let rows = record.dtype.encode(&entry.embedder.embed(part)?)?;
			output.append(output.rows(), &rows)?;
		}
		let roots = Roots {
			class: *class,
			weights: *weights,
			input,
			output: output.root(),
			result: result_of(tokens, &self.reply),
			rows: sequence.len() as u32,
		};
		let mut record =
			StageRecord::new(origin, roots, record.job_key, record.width, record.dtype);
		record.tokens = tokens.to_vec();
		record.reply = self.reply;
		Ok(record)
	}
}
