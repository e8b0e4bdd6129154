//! `Dispute`: the next move in the dispute about a stage, as its lead or its replica.

use super::{DutyError, Key, Progress, Worker};
use crate::{
	chain::{calls, AccountId32},
	dispute::{self, Case, DisputeError},
	metrics::metrics,
	network::shards::Part,
	verification,
};
use dllm_primitives::{
	api::Route,
	dispute::{Move, Record, Side},
	ids::{Digest, StageIndex},
};

impl Worker {
	/// Looks for the next move and makes it.
	pub(super) async fn dispute(
		self,
		route: Route,
		stage: StageIndex,
		side: Side,
		record: Record,
		(commitments, until): (Vec<(StageIndex, AccountId32, Digest)>, u32),
	) -> Result<Progress, DutyError> {
		let (job, moves) = (route.job, record.shown.len());
		let key = Key::of_dispute(job, stage, &record);
		tracing::info!(job, stage, ?side, moves, "in dispute");
		let checked = verification::Case {
			route: &route,
			stage,
			prompt: None,
			commitments: &commitments,
			until,
		};
		let looking = self.look_for_move(checked, record, side);
		let made = self.workshop.run_until(job, until, looking).await?;
		let Some(made) = made else {
			tracing::error!(job, stage, ?side, "no move is made in the dispute, so it will be lost: this worker's own rows are not what its shards give; run `dllm-worker doctor`");
			return Ok(Progress::Done);
		};
		if let Some(block) = self.say(key, &calls::dispute(job, stage, &made)).await? {
			metrics().moved_in_dispute(side);
			tracing::info!(job, stage, ?side, moves, block, "moved in a dispute");
		}
		Ok(Progress::Done)
	}

	/// The next move. A challenger that has lost its rows executes the stage once more.
	async fn look_for_move(
		&self,
		checked: verification::Case<'_>,
		record: Record,
		side: Side,
	) -> Result<Option<Move>, DutyError> {
		let model = checked.route.model;
		let member = checked.route.members.get(usize::from(checked.stage));
		let layers = member.map(|member| member.layers).unwrap_or_default();
		let folder = match self.workshop.traces.holds(&record, side) {
			true => None,
			false => Some(self.fetch(model, Part::Layers(layers)).await?),
		};
		let case = Case {
			record,
			side,
			layers,
			folder,
		};
		match dispute::next_move(&self.workshop, case.clone()).await {
			Err(DisputeError::NoRows { .. }) if side == Side::Challenger => {}
			made => return Ok(made?),
		}
		self.load(model, layers, super::check::DRAWN_SLOTS).await?;
		verification::again(&self.workshop, checked).await?;
		Ok(dispute::next_move(&self.workshop, case).await?)
	}
}
