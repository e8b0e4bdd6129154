//! A sealed job from its purchase to its end: waits for a ring, is its entry, and follows forks and further runs.

use super::{
	market::{Client, Ending, Event, Job, Verified},
	on_chain::OnChain,
	ApiError,
};
use crate::{
	chain::{calls, Numbered},
	pipeline::entry::{self, Question, Wishes},
};
use dllm_model::entry::Step;
use dllm_primitives::{
	api::{JobView, Route},
	ids::{Digest, JobId, PipelineId},
	job::{JobState, Limits, MAX_RERUNS},
};
use futures::future::BoxFuture;

/// Blocks for which a job may be missing, or name a foreign ring, on the best fork.
const FORK_LOOKS: u32 = 5;

/// A sealed job of this gateway.
pub struct SealedJob {
	/// Where it was bought.
	pub market: OnChain,
	/// Its number, followed from fork to fork.
	pub number: Numbered,
	/// Its number when it was bought.
	pub first: JobId,
	/// Its number now: that of the job that runs it again, where its workers failed.
	pub job: JobId,
	/// Names what it asks: tells it from a job that a fork gave its number.
	pub request: Digest,
	/// Who runs it, once that is known.
	pub pipeline: Option<PipelineId>,
	/// Salt of the digest that stands on chain.
	pub salt: [u8; 32],
	/// The prompt.
	pub tokens: Vec<u32>,
	/// How it is answered.
	pub limits: Limits,
	/// What else is told.
	pub wishes: Wishes,
}

impl Job for SealedJob {
	fn number(&self) -> JobId {
		self.job
	}

	fn pipeline(&self) -> Option<PipelineId> {
		self.pipeline
	}

	fn salt(&self) -> [u8; 32] {
		self.salt
	}

	fn answer<'a>(&'a mut self, client: &'a mut Client) -> BoxFuture<'a, Result<(), ApiError>> {
		Box::pin(async move {
			loop {
				let route = match self.awarded(client).await? {
					Some(route) => route,
					None => return Ok(()),
				};
				if self.speak(route, client).await? {
					return Ok(());
				}
			}
		})
	}

	fn verified(&mut self) -> BoxFuture<'_, Result<Verified, ApiError>> {
		Box::pin(async move {
			let (answered, mut blocks) = (self.job, self.market.blocks());
			let mut unknown = 0;
			loop {
				match self.look().await {
					Ok(Some(view)) => {
						if let Some(ending) = ending(&view) {
							return Ok(Verified::Over(ending));
						}
						if view.id != answered {
							return Ok(Verified::Again);
						}
					}
					Ok(None) => unknown += 1,
					// However long the node is away, the verdict comes.
					Err(error) => tracing::debug!(job = self.job, %error, "looking again"),
				}
				if unknown > FORK_LOOKS {
					return Err(broke_off("a fork undid the job, or its record was dropped"));
				}
				blocks.next().await;
			}
		})
	}

	fn ended(&mut self) -> BoxFuture<'_, Result<Ending, ApiError>> {
		Box::pin(async move {
			let mut blocks = self.market.blocks();
			let mut unknown = 0;
			loop {
				match self.look().await {
					Ok(Some(view)) => {
						if let Some(ending) = ending(&view) {
							return Ok(ending);
						}
					}
					Ok(None) => unknown += 1,
					// However long the node is away, the job ends, and is to be counted.
					Err(error) => tracing::debug!(job = self.job, %error, "looking again"),
				}
				if unknown > FORK_LOOKS {
					return Err(broke_off("a fork undid the job, or its record was dropped"));
				}
				blocks.next().await;
			}
		})
	}
}

impl SealedJob {
	/// Waits until a pipeline takes the job and gives its ring; none where the client left before, and
	/// the job was taken back.
	async fn awarded(&mut self, client: &Client) -> Result<Option<Route>, ApiError> {
		let mut blocks = self.market.blocks();
		let mut unknown = 0;
		loop {
			match self.look().await {
				Ok(Some(view)) if view.state.is_final() => {
					return Err(broke_off("no pipeline took the job"))
				}
				Ok(Some(view)) if view.state == JobState::Waiting => {
					if client.has_gone() && self.cancel().await {
						return Ok(None);
					}
				}
				// A node that is lost in this moment counts like a fork.
				Ok(Some(view)) => match self.route().await.unwrap_or_default() {
					Some(route) => {
						if let JobState::Running { pipeline } = view.state {
							self.pipeline = Some(pipeline);
						}
						return Ok(Some(route));
					}
					None => unknown += 1,
				},
				Ok(None) => unknown += 1,
				Err(error) => {
					tracing::warn!(job = self.job, %error, "the chain cannot be asked for the job");
					unknown += 1;
				}
			}
			if unknown > FORK_LOOKS {
				return Err(broke_off("the chain does not name the job's ring"));
			}
			tokio::select! {
				() = blocks.next() => {},
				() = client.gone(), if !client.has_gone() => {},
			}
		}
	}

	/// Is the entry of a ring until the reply ends or the client leaves; false where a fork took the ring
	/// away from the job.
	async fn speak(&mut self, route: Route, client: &mut Client) -> Result<bool, ApiError> {
		let workshop = self.market.shared.workshop.clone();
		let job = self.job;
		client.begin();
		let question = Question::Tokens(self.tokens.clone());
		let (limits, wishes) = (&self.limits, self.wishes);
		// Whoever wants the prompt as a vector gets no text; the one token is what a job cannot do without.
		let told = |step: &Step| match wishes.pooled {
			true => client.untold(),
			false => client.token(step),
		};
		let spoken = entry::run_while(&workshop, route, question, limits, wishes, told);
		let answered = tokio::select! {
			answered = spoken => Some(answered),
			moved = self.number.other_than(self.first.into()) => {
				moved?;
				None
			}
		};
		// What the entry recorded serves nobody: the gateway checks nothing and is not checked.
		if let Err(error) = workshop.forget(job).await {
			tracing::warn!(job, %error, "its rows cannot be removed");
		}
		match answered {
			Some(Ok(answer)) => {
				if let Some(pooled) = answer.pooled {
					client.tell(Event::Pooled(pooled));
				}
				Ok(true)
			}
			Some(Err(error)) => Err(broke_off(&error.to_string())),
			None => Ok(false),
		}
	}

	/// The job as the best block has it, under the number that it has there; where it failed, the one that runs it
	/// again.
	async fn look(&mut self) -> Result<Option<JobView>, ApiError> {
		let (number, _) = self.number.now()?;
		self.first = JobId::try_from(number).unwrap_or(JobId::MAX);
		self.job = self.first;
		let mut found = self.own(self.job).await?;
		for _ in 0..MAX_RERUNS {
			let Some(JobState::Rerun { by, .. }) = found.as_ref().map(|view| view.state) else {
				break;
			};
			self.job = by;
			found = self.own(by).await?;
		}
		Ok(found)
	}

	async fn own(&self, job: JobId) -> Result<Option<JobView>, ApiError> {
		let chain = &self.market.shared.chain;
		let (view, request) = tokio::try_join!(chain.job(job), chain.request(job))?;
		let is_own = request == Some(self.request);
		Ok(view.filter(|view| is_own && self.market.is_own(view)))
	}

	/// The ring of the job, if this gateway is its entry.
	async fn route(&self) -> Result<Option<Route>, ApiError> {
		let shared = &self.market.shared;
		let own = shared.workshop.network.peer_id().to_bytes();
		let route = shared.chain.route(self.job).await?;
		Ok(route.filter(|route| {
			let entry = route.members.first();
			entry.is_some_and(|entry| entry.peer_id == own)
		}))
	}

	/// Takes the job back, unless a pipeline takes it in this moment; then it is run up to its first token.
	async fn cancel(&self) -> bool {
		let call = calls::cancel_job(self.job);
		let cancelled = self.market.shared.submitter.submit(&call).await;
		if let Err(error) = &cancelled {
			tracing::debug!(job = self.job, %error, "not taken back");
		}
		cancelled.is_ok()
	}
}

/// How a job ended, if it has.
pub fn ending(view: &JobView) -> Option<Ending> {
	let settled = view.state == JobState::Settled;
	view.state.is_final().then_some(Ending {
		settled,
		fee: view.fee,
	})
}

fn broke_off(reason: &str) -> ApiError {
	ApiError::BrokeOff {
		reason: reason.into(),
	}
}
