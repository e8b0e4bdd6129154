//! The end of a job: what was found of this worker, what it was paid, and what can be forgotten.

use super::{DutyError, Progress, Worker};
use crate::{
	chain::{Amount, DLLM},
	metrics::metrics,
};
use dllm_primitives::{api::Receipt, ids::JobId, job::JobState};

impl Worker {
	/// Tells the end of a job and forgets its rows; not yet while the job goes on, or a fork could undo its end.
	pub(super) async fn close(self, job: JobId) -> Result<Progress, DutyError> {
		// On another branch the job may go on, and its rows be asked for again.
		let end = self.chain.final_block().await?;
		let Some(receipt) = self.chain.receipt_at(end, job).await? else {
			// It may come again where the node lags or a fork dropped it, but not once its record has
			// been dropped for its age.
			if !self.chain.has_dropped(job).await? {
				return Ok(Progress::NotYet);
			}
			tracing::info!(job, "forgotten: the chain has dropped its record");
			self.workshop.forget(job).await?;
			return Ok(Progress::Done);
		};
		if !receipt.job.state.is_final() {
			return Ok(Progress::NotYet);
		}
		self.tell(job, &receipt);
		self.workshop.forget(job).await?;
		Ok(Progress::Done)
	}

	fn tell(&self, job: JobId, receipt: &Receipt) {
		let own = self.account();
		for stage in &receipt.stages {
			for participant in stage.participants.iter().filter(|part| part.worker == *own) {
				let (stage, part) = (stage.stage, participant.part);
				match participant.verdict {
					Some(verdict) => {
						metrics().judged(verdict);
						tracing::info!(job, stage, ?part, ?verdict, "judged");
					}
					None => tracing::info!(job, stage, ?part, "not judged"),
				}
			}
		}
		let payments = receipt.miners.iter().chain(&receipt.verifiers);
		let paid = payments
			.filter(|payment| payment.to == *own)
			.map(|payment| payment.amount);
		let paid = Amount(paid.fold(0u128, u128::saturating_add));
		metrics().job_ended(receipt.job.state);
		metrics().earned.inc_by(paid.0 as f64 / DLLM as f64);
		match receipt.job.state {
			JobState::Refunded(why) => tracing::info!(job, ?why, "job refunded"),
			JobState::Rerun { by, reason } => tracing::info!(job, by, ?reason, "job run again"),
			_ => tracing::info!(job, %paid, block = receipt.job.ended, "job settled"),
		}
	}
}
