//! `Check`: another worker's stage is executed again, then committed to blind, or attested.

use super::{DutyError, Key, Progress, Worker};
use crate::{
	chain::{calls, AccountId32},
	metrics::{metrics, Committed},
	verification::{self, Case},
};
use dllm_primitives::{
	api::{Prompt, Route},
	ids::{Digest, StageIndex},
	model::LayerRange,
	verdict::Part,
};

/// Sessions for which a drawn worker loads a stage that it does not host.
pub(super) const DRAWN_SLOTS: u8 = 1;

impl Worker {
	/// Executes a stage again, unless the ledger says that this was done, and says what came of it.
	pub(super) async fn check(
		self,
		route: Route,
		stage: StageIndex,
		part: Part,
		prompt: Option<Prompt>,
		(commitments, until): (Vec<(StageIndex, AccountId32, Digest)>, u32),
	) -> Result<Progress, DutyError> {
		let (job, model) = (route.job, route.model);
		let key = Key::Check(job, stage);
		tracing::info!(job, stage, ?part, "checking");
		let layers = route
			.members
			.get(usize::from(stage))
			.map(|member| member.layers);
		// A drawn worker may stand for no pipeline that has this stage.
		self.load(model, layers.unwrap_or(LayerRange::default()), DRAWN_SLOTS)
			.await?;
		let case = Case {
			route: &route,
			stage,
			prompt: prompt.as_ref(),
			commitments: &commitments,
			until,
		};
		let roots = verification::check(&self.workshop, case).await?;
		if part == Part::Tiebreak {
			if let Some(block) = self.say(key, &calls::attest(job, stage, &roots)).await? {
				metrics().committed(Committed::Attest);
				tracing::info!(job, stage, rows = roots.rows, block, "checked and attested");
			}
			return Ok(Progress::Done);
		}
		let Some(commitment) = self.commitment(job, stage).await? else {
			return Ok(Progress::Done);
		};
		if let Some(block) = self
			.say(key, &calls::commit(job, stage, commitment))
			.await?
		{
			metrics().committed(Committed::Check);
			tracing::info!(
				job,
				stage,
				rows = roots.rows,
				block,
				"checked and committed"
			);
		}
		Ok(Progress::Done)
	}
}
