//! `Summon`: a lot is drawn over a stage that this worker holds, and shown to the chain if it wins. It is the same lot
//! whenever it is drawn, so neither a restart nor a second try changes anything.

use super::{DutyError, Key, Progress, Worker};
use crate::chain::{calls, Account};
use dllm_primitives::{
	ids::{Digest, JobId, StageIndex},
	summons::{self, Proof},
};

impl Worker {
	/// Draws the lot, and shows it if it is below the threshold.
	pub(super) async fn summon(
		self,
		job: JobId,
		stage: StageIndex,
		(seed, threshold): (Digest, u64),
	) -> Result<Progress, DutyError> {
		let account = self.submitter.account();
		let Some(proof) = winning_lot(account, seed, (job, stage), threshold) else {
			tracing::debug!(job, stage, "not summoned");
			return Ok(Progress::Done);
		};
		let key = Key::Summon(job, stage, seed);
		if let Some(block) = self.say(key, &calls::summon(job, stage, &proof)).await? {
			tracing::info!(job, stage, block, "summoned to check");
		}
		Ok(Progress::Done)
	}
}

/// The lot of an account over a stage; none where it does not win.
pub fn winning_lot(
	account: &Account,
	seed: Digest,
	at: (JobId, StageIndex),
	threshold: u64,
) -> Option<Proof> {
	let proof = account.draw_lot(seed, at);
	let lot = summons::lot(seed, at, account.id().as_ref(), &proof)?;
	(lot < threshold).then_some(proof)
}
