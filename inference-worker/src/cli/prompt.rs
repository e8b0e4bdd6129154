//! `prompt`: a sealed prompt. This process is the entry of its job: tokenizer, embedding, head and
//! sampler run here, and only hidden rows leave the machine.

use super::{
	context::{active_model, full_name},
	paid::{self, Paid, Terms},
	receipt::Report,
	CliError, Context,
};
use crate::{
	chain::{Chain, Submitter},
	commitment::{random_bytes, Ledger},
	network::{
		shards::{distinct, Part, ShardStore},
		Network, NetworkConfig, Peer,
	},
	pipeline::{
		entry::{self, Answer, Question},
		Honest, Host, Timings, Workshop,
	},
};
use clap::Args;
use dllm_model::manifest::Manifest;
use dllm_primitives::{
	api::{ModelView, Route},
	ids::{Digest, PeerId},
	job::{Body, JobState, Limits},
};
use libp2p::identity::Keypair;
use sp_core::hexdisplay::HexDisplay;
use std::{
	path::{Path, PathBuf},
	process::ExitCode,
	sync::Arc,
	time::Instant,
};

/// Folders in the data folder.
const SHARDS: &str = "shards";
const JOBS: &str = "prompts";

/// Blocks for which a fork may name another job's ring under the number of an awarded one.
const ROUTE_LOOKS: u32 = 5;

/// Pay for a prompt and be its entry: the text stays on this machine.
#[derive(Args, Debug)]
pub struct PromptCommand {
	#[command(flatten)]
	terms: Terms,
	/// Folder of the split model; one of `models` of the configuration, or fetched, where left out.
	#[arg(long, value_name = "FOLDER")]
	folder: Option<PathBuf>,
	/// Take the text as it stands, without the model's chat template.
	#[arg(long)]
	raw: bool,
}

/// Everything that stands before the prompt is paid for, so that the first token comes soon after.
struct Desk {
	chain: Chain,
	submitter: Submitter,
	model: ModelView,
	workshop: Workshop,
}

/// When tokens came.
#[derive(Default)]
struct Stopwatch(Vec<Instant>);

impl PromptCommand {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let limits = self.terms.limits()?;
		let text = self.terms.text()?;
		let desk = self.prepare(context).await?;
		let tokens = self.tokens(&desk, &text)?;
		let salt = random_bytes();
		let body = Body::Sealed {
			hash: seal(&salt, &text),
			prompt_tokens: u32::try_from(tokens.len()).unwrap_or(u32::MAX),
			entry: desk.peer_id()?,
		};
		let Desk {
			chain,
			submitter,
			model,
			..
		} = &desk;
		let payer = (chain, submitter);
		let mut paid = Paid::submit(payer, model, &self.terms, &body, &limits).await?;

		let followed = desk.follow(context, &mut paid, tokens, &limits).await;
		desk.workshop.network.shutdown().await;
		let (text, watch) = followed?;
		let receipt = paid.settle().await?;
		let name = full_name(model, receipt.job.adapter);
		let mut report = Report::of(name, receipt);
		let first = watch.0.first();
		let first = first.map(|at| at.duration_since(paid.sent).as_millis());
		report.first_token_ms = first.and_then(|ms| u64::try_from(ms).ok());
		report.tokens_per_second = watch.rate();
		report.token_ms = watch.gaps();
		report.salt = Some(format!("0x{}", HexDisplay::from(&salt)));
		report.tokens = Some(u32::try_from(watch.0.len()).unwrap_or(u32::MAX));
		report.settled &= text.is_some();
		report.reply = text;
		report.finish(context)
	}

	/// Loads the entry and reaches for the workers.
	async fn prepare(&self, context: &Context) -> Result<Desk, CliError> {
		let (chain, submitter) = context.submitter().await?;
		let model = active_model(&chain, self.terms.model.as_deref()).await?;
		// A new identity for every prompt: workers cannot tell who asks.
		let keypair = Keypair::generate_ed25519();
		let network = Network::start(NetworkConfig::new(keypair, Vec::new())).await?;
		let peers = peers(&chain).await?;
		let folder = self.find_folder(context, &model, &network, &peers).await?;
		greet(&network, peers);

		let host = Arc::new(Host::new(context.config.memory, Arc::new(Honest)));
		let (loading, id) = (host.clone(), model.id);
		let loaded = tokio::task::spawn_blocking(move || loading.ensure_entry(id, &folder)).await;
		loaded.map_err(|error| CliError::BrokeOff {
			reason: error.to_string(),
		})??;
		let ledger = Ledger::open(context.config.data.join(JOBS))?;
		let account = submitter.account().id().clone();
		let conduct = Arc::new(Honest);
		let workshop = Workshop::open(network, ledger, host, conduct, account, Timings::default())?;
		Ok(Desk {
			chain,
			submitter,
			model,
			workshop,
		})
	}

	/// The folder with tokenizer, embedding and head of the model.
	async fn find_folder(
		&self,
		context: &Context,
		model: &ModelView,
		network: &Network,
		peers: &[Peer],
	) -> Result<PathBuf, CliError> {
		if let Some(folder) = &self.folder {
			Manifest::load(folder)?.expect_root(model.manifest_root)?;
			return Ok(folder.clone());
		}
		let is_model = |folder: &&PathBuf| holds(folder, model.manifest_root);
		if let Some(folder) = context.config.models.iter().find(is_model) {
			return Ok(folder.clone());
		}
		let store = ShardStore::open(context.config.data.join(SHARDS))?;
		let fetched = store
			.model(network, peers, model.manifest_root, Part::Entry)
			.await;
		fetched.map_err(|error| CliError::NoFolder {
			name: model.name.clone(),
			reason: error.to_string(),
		})
	}

	fn tokens(&self, desk: &Desk, text: &str) -> Result<Vec<u32>, CliError> {
		let hosted = desk.workshop.host.entry(desk.model.id)?;
		let tokenizer = &hosted.entry.tokenizer;
		let tokens = match self.raw {
			true => tokenizer.encode(text)?,
			false => Question::Text(text.into()).tokens(&hosted.entry)?,
		};
		tokenizer.check_length(&tokens)?;
		Ok(tokens)
	}
}

impl Desk {
	fn peer_id(&self) -> Result<PeerId, CliError> {
		let bytes = self.workshop.network.peer_id().to_bytes();
		bytes.try_into().map_err(|_| CliError::TooLong {
			what: "the peer id",
		})
	}

	/// Is the entry of the job, and of those that run it again, until one of them has ended: the last reply, if
	/// there was one, and when its tokens came.
	async fn follow(
		&self,
		context: &Context,
		paid: &mut Paid,
		tokens: Vec<u32>,
		limits: &Limits,
	) -> Result<(Option<String>, Stopwatch), CliError> {
		loop {
			let mut watch = Stopwatch::default();
			let answer = self.converse(context, paid, tokens.clone(), limits, &mut watch);
			let text = match answer.await {
				Ok(answer) => Some(answer.text),
				Err(error) if error.is_interruption() => return Err(error),
				Err(error) => {
					// The job is refunded or run again then, which is worth waiting for too.
					eprintln!("error: {error}");
					None
				}
			};
			let job = paid.job;
			let view = paid.until(|view| view.id != job).await?;
			if view.state.is_final() {
				return Ok((text, watch));
			}
			// The same seed does not help: the rows of the failed run, and so its tokens, may have been wrong.
			eprintln!(
				"job {}: what was shown does not count, the reply comes again",
				view.id
			);
		}
	}

	/// Waits for the award, then is the entry of the job until the reply ends.
	async fn converse(
		&self,
		context: &Context,
		paid: &mut Paid,
		tokens: Vec<u32>,
		limits: &Limits,
		watch: &mut Stopwatch,
	) -> Result<Answer, CliError> {
		let is_awarded = |state| matches!(state, JobState::Running { .. });
		let broken = |reason: &str| CliError::BrokeOff {
			reason: reason.into(),
		};
		let mut unknown = 0;
		loop {
			let view = paid.until(|view| is_awarded(view.state)).await?;
			let job = paid.job;
			if !is_awarded(view.state) {
				return Err(broken("no pipeline took the job"));
			}
			let route = self.chain.route(job).await?;
			let Some(route) = route.filter(|route| self.is_entry_of(route)) else {
				unknown += 1;
				if unknown > ROUTE_LOOKS {
					return Err(broken("the chain names no ring for the job"));
				}
				paid.next_block().await;
				continue;
			};
			let deadline = route.run_until;
			let answered = tokio::select! {
				answered = self.answer(context, route, tokens.clone(), limits, watch) => answered,
				moved = paid.renumbered() => {
					// The ring of the old number is not this job's any more.
					moved?;
					self.workshop.forget(job).await?;
					continue;
				}
				() = self.follow_blocks() => Err(broken("the node is gone")),
				_ = tokio::signal::ctrl_c() => Err(CliError::Interrupted { job, deadline }),
			};
			paid::stream(context, "\n");
			eprintln!("job {job}: the reply has ended");
			// What the entry recorded serves nobody: the user checks nothing and is not checked.
			self.workshop.forget(job).await?;
			return answered;
		}
	}

	/// Whether a ring is that of this very prompt: its entry is an identity made for it alone.
	fn is_entry_of(&self, route: &Route) -> bool {
		let own = self.workshop.network.peer_id().to_bytes();
		route
			.members
			.first()
			.is_some_and(|entry| entry.peer_id == own)
	}

	async fn answer(
		&self,
		context: &Context,
		route: Route,
		tokens: Vec<u32>,
		limits: &Limits,
		watch: &mut Stopwatch,
	) -> Result<Answer, CliError> {
		let question = Question::Tokens(tokens);
		let answer = entry::run(&self.workshop, route, question, limits, |step| {
			watch.0.push(Instant::now());
			paid::stream(context, &step.text);
		});
		answer.await.map_err(|error| CliError::BrokeOff {
			reason: error.to_string(),
		})
	}

	/// Lets the ring know how far the chain is.
	async fn follow_blocks(&self) {
		let mut best = self.chain.best();
		loop {
			self.workshop.set_block(best.borrow_and_update().number);
			if best.changed().await.is_err() {
				return;
			}
		}
	}
}

impl Stopwatch {
	/// Tokens a second after the first one.
	fn rate(&self) -> Option<f64> {
		let (first, last) = (self.0.first()?, self.0.last()?);
		let seconds = last.duration_since(*first).as_secs_f64();
		(seconds > 0.0).then(|| (self.0.len() - 1) as f64 / seconds)
	}

	/// Milliseconds from each token to the next.
	fn gaps(&self) -> Vec<f64> {
		let pairs = self.0.windows(2);
		let gaps = pairs.map(|pair| pair[1].duration_since(pair[0]).as_micros());
		gaps.map(|us| us as f64 / 1e3).collect()
	}
}

/// The workers that can be asked for shards, and that may stand in a ring.
async fn peers(chain: &Chain) -> Result<Vec<Peer>, CliError> {
	let workers = chain.workers().await?;
	let active = workers.iter().filter(|worker| worker.active);
	let peers =
		active.filter_map(|worker| Peer::from_chain(&worker.peer_id, &worker.addresses).ok());
	Ok(distinct(peers))
}

/// Connects ahead of the job; who cannot be reached now may be later.
fn greet(network: &Network, peers: Vec<Peer>) {
	for peer in peers {
		let network = network.clone();
		tokio::spawn(async move {
			if let Err(error) = network.connect(&peer).await {
				tracing::debug!(%error, "a worker cannot be reached yet");
			}
		});
	}
}

fn holds(folder: &Path, root: Digest) -> bool {
	Manifest::load(folder).is_ok_and(|manifest| manifest.root() == root)
}

/// blake3 of `salt ‖ prompt`.
fn seal(salt: &[u8; 32], text: &str) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(salt);
	hasher.update(text.as_bytes());
	Digest::from(*hasher.finalize().as_bytes())
}
