//! One request from its purchase to the end of its job. It goes on in a task of its own, so that a client
//! that hangs up cannot leave a job behind that nobody closes, counts and pays for.

use super::{
	admission::Place,
	market::{Client, Event, Job, Offer, Verified},
	spending::Hold,
	ApiError, Gateway,
};
use dllm_primitives::ids::JobId;
use std::{sync::Arc, time::Instant};

/// A request that may be bought.
pub struct Conversation {
	/// Names the request in logs.
	pub request_id: String,
	/// When it arrived.
	pub arrived: Instant,
	/// What it asks.
	pub offer: Offer,
	/// Its price, counted against its key.
	pub hold: Hold,
	/// Its place among the running ones, which whoever tells the reply on may share.
	pub place: Place,
	/// Who hears of it.
	pub client: Client,
}

impl Conversation {
	/// Buys the job, answers, then follows the job until the chain says what it cost.
	pub async fn run(mut self, gateway: Arc<Gateway>) {
		if self.client.has_gone() {
			return gateway.metrics.client_left();
		}
		let (prompt_tokens, rerun) = (self.offer.tokens.len(), self.offer.rerun);
		let mut job = match gateway.market.buy(self.offer).await {
			Ok(job) => job,
			Err(error) => {
				tracing::warn!(request = self.request_id, %error, "not bought");
				self.client.tell(Event::Failed(error));
				return;
			}
		};
		let mut number = job.number();
		tracing::info!(
			request = self.request_id,
			job = number,
			prompt_tokens,
			waited_ms = self.arrived.elapsed().as_millis() as u64,
			"bought"
		);
		gateway.metrics.prompt(prompt_tokens);
		keep(&mut self.hold, number).await;
		self.client.tell(Event::Bought(number));

		let answered = loop {
			let answered = job.answer(&mut self.client).await;
			report(
				&gateway,
				&self.request_id,
				&self.client,
				self.arrived,
				job.number(),
				&answered,
			);
			let verified = match rerun {
				true => verified(job.as_mut(), answered).await,
				false => Some(answered),
			};
			if job.number() != number {
				number = job.number();
				keep(&mut self.hold, number).await;
			}
			if let Some(answered) = verified {
				break answered;
			}
			tracing::info!(request = self.request_id, job = number, "run again");
			self.client.anew();
		};
		self.client.tell(match answered {
			Ok(()) => Event::Done {
				job: number,
				pipeline: job.pipeline(),
				salt: job.salt(),
			},
			Err(error) => Event::Failed(error),
		});
		// The next request runs while the chain verifies this one, once the reply is taken.
		drop((self.place, self.client));
		settle(&gateway, &self.request_id, job.as_mut(), self.hold).await;
	}
}

/// What comes of an answer that is told once it is verified; none where it has to be given again.
async fn verified(
	job: &mut dyn Job,
	answered: Result<(), ApiError>,
) -> Option<Result<(), ApiError>> {
	match job.verified().await {
		Ok(Verified::Again) => None,
		Ok(Verified::Over(ending)) if !ending.settled => Some(answered.and_then(|()| {
			let reason = "its workers failed, and no others ran it in time: nothing was charged";
			Err(ApiError::BrokeOff {
				reason: reason.into(),
			})
		})),
		Ok(Verified::Over(_)) => Some(answered),
		Err(error) => Some(Err(error)),
	}
}

/// Follows the jobs of which a gateway before this one did not see the end.
pub fn resume(gateway: &Arc<Gateway>) {
	for (job, hold) in gateway.spending.left_open() {
		let gateway = gateway.clone();
		tokio::spawn(async move {
			match gateway.market.ending(job).await {
				Ok(ending) => {
					gateway.metrics.ended(ending);
					count(hold, ending.map_or(0, |ending| ending.fee), job).await;
				}
				// Still in the file, so the next start asks again.
				Err(error) => tracing::warn!(job, %error, "the end of an earlier job is unknown"),
			}
		});
	}
}

/// Waits for the end of a job and counts its fee.
async fn settle(gateway: &Gateway, request: &str, job: &mut dyn Job, mut hold: Hold) {
	let before = job.number();
	let ended = job.ended().await;
	let number = job.number();
	if number != before {
		keep(&mut hold, number).await;
	}
	match ended {
		Ok(ending) => {
			tracing::info!(
				request,
				job = number,
				settled = ending.settled,
				fee = %ending.fee,
				"ended"
			);
			gateway.metrics.ended(Some(ending));
			count(hold, ending.fee, number).await;
		}
		Err(error) => {
			// Its ceiling stays counted, and the next start asks the chain again.
			tracing::warn!(request, job = number, %error, "the end of the job is unknown");
			gateway.metrics.ended(None);
		}
	}
}

async fn keep(hold: &mut Hold, job: JobId) {
	if let Err(error) = hold.keep(job).await {
		tracing::error!(job, %error, "the job cannot be noted; a restart would not count it");
	}
}

async fn count(hold: Hold, fee: u128, job: JobId) {
	if let Err(error) = hold.settle(fee).await {
		tracing::error!(job, %error, "the fee cannot be noted; a restart counts it again");
	}
}

/// Counts a reply and tells the log of it.
fn report(
	gateway: &Gateway,
	request: &str,
	client: &Client,
	arrived: Instant,
	job: JobId,
	answered: &Result<(), ApiError>,
) {
	let (all, first) = (arrived.elapsed(), client.first_token(arrived));
	gateway.metrics.replied(client.tokens, first, all);
	let left = client.has_gone();
	if left {
		gateway.metrics.client_left();
	}
	let first_token_ms = first.map(|first| first.as_millis() as u64);
	let (tokens, took_ms) = (client.tokens, all.as_millis() as u64);
	match answered {
		Ok(()) => tracing::info!(
			request,
			job,
			tokens,
			first_token_ms,
			took_ms,
			left,
			"answered"
		),
		Err(error) => {
			tracing::warn!(request, job, tokens, took_ms, left, %error, "the reply broke off")
		}
	}
}
