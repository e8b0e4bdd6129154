//! `Check`: another worker's stage is executed again, then committed to blind, or attested. Where neither end
//! of the hop hands out its rows, the chain is told.

use super::{DutyError, Key, Progress, Worker};
use crate::{
	chain::{calls, AccountId32},
	metrics::{metrics, Committed},
	pipeline::Ring,
	verification::{self, Case, CheckError},
};
use dllm_primitives::{
	api::{Prompt, Route},
	commitment::Roots,
	ids::{Digest, StageIndex},
	model::LayerRange,
	verdict::Part,
};

/// Blocks before the deadline of a check from which it is not left to be tried again after a pause: the longest
/// pause takes ten blocks, and six are kept for what comes of the check.
const LAST_RETRY_BLOCKS: u32 = 16;
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
		let job = route.job;
		let key = Key::Check(job, stage);
		tracing::info!(job, stage, ?part, "checking");
		let layers = route
			.members
			.get(usize::from(stage))
			.map(|member| member.layers);
		// A drawn worker may stand for no pipeline that has this stage.
		let layers = layers.unwrap_or(LayerRange::default());
		match layers.is_empty() || route.adapter.is_none() {
			true => self.load(route.model, layers, DRAWN_SLOTS).await?,
			false => self.load_for(&route, layers, DRAWN_SLOTS).await?,
		}
		let case = Case {
			route: &route,
			stage,
			prompt: prompt.as_ref(),
			commitments: &commitments,
			until,
		};
		let roots = match verification::check(&self.workshop, case).await {
			Err(error) if part == Part::Replica && error.is_withheld() => {
				match self.insist(case, error).await? {
					Some(roots) => roots,
					None => return self.report(key, case).await,
				}
			}
			checked => checked?,
		};
		if part == Part::Tiebreak {
			self.show_what_came(key, &route, stage).await;
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

	/// Roots are public when a third worker gets its rows: where they are not those that a lead told, the receipt is
	/// shown before anything is attested, which may end the job. Whatever comes of it, its own word is due.
	async fn show_what_came(&self, key: Key, route: &Route, stage: StageIndex) {
		let shown = async {
			let boundary = Ring::read(route)?.boundary_into(stage);
			self.show_receipt(key, route, boundary).await
		};
		if let Err(error) = shown.await {
			tracing::warn!(job = route.job, stage, %error, "the receipt of the rows is not shown");
		}
	}

	/// No rows came, which often means only that their holders are a block behind. They are asked again while
	/// there is time, and once more at its end; none where they hand out nothing then.
	async fn insist(&self, case: Case<'_>, error: CheckError) -> Result<Option<Roots>, CheckError> {
		let left = case.until.saturating_sub(self.workshop.block());
		if error.is_retryable() && left > LAST_RETRY_BLOCKS {
			return Err(error);
		}
		verification::last_chance(&self.workshop, case.until).await;
		match verification::check(&self.workshop, case).await {
			Err(error) if error.is_withheld() => Ok(None),
			checked => checked.map(Some),
		}
	}

	/// Tells the chain that nobody hands out the rows of a stage.
	async fn report(&self, key: Key, case: Case<'_>) -> Result<Progress, DutyError> {
		let (job, stage) = (case.route.job, case.stage);
		let call = calls::report_withheld(job, stage);
		if let Some(block) = self.say(key, &call).await? {
			tracing::warn!(
				job,
				stage,
				block,
				"neither end of the hop hands out the rows: the chain was told"
			);
		}
		Ok(Progress::Done)
	}
}
