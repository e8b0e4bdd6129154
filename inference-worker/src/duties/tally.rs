//! `Tally`: the job of a stage that was led here did not come to its end, and the chain asks how far it came.

use super::{DutyError, Key, Progress, Worker};
use crate::chain::calls;
use dllm_primitives::ids::{JobId, StageIndex};

impl Worker {
	/// Tells how far a stage came. Who could not do its own part says nothing: it is to blame.
	pub(super) async fn tally(self, job: JobId, stage: StageIndex) -> Result<Progress, DutyError> {
		let own = self.workshop.tallies.of(job, stage);
		let told = own.and_then(|own| self.workshop.conduct.tally(stage, own));
		let Some(tally) = told else {
			tracing::warn!(
				job,
				stage,
				"not finished in time, for a fault of this worker"
			);
			return Ok(Progress::Done);
		};
		let call = calls::report_tally(job, stage, tally);
		if let Some(block) = self.say(Key::Tally(job, stage), &call).await? {
			tracing::info!(
				job,
				stage,
				block,
				received = tally.received,
				sent = tally.sent,
				lost_next = tally.lost_next,
				"the job stood still: told how far it came"
			);
		}
		Ok(Progress::Done)
	}
}
