//! `plan --round`: a plan for the winners of a capacity round, at their prices and with what they measured of
//! themselves, and its score ([`crate::planning`]).
//!
//! Winners that do not answer now are left out where the others suffice. A plan whose score could be another one
//! in the block that takes it is not submitted.

use super::{roll, search, shown::Shown};
use crate::{
	chain::calls,
	cli::{context::find_model, plan::PlanCommand, CliError, Context},
	planning::{leads, spec_of, Loaded, Tender},
};
use dllm_primitives::{
	api::{RoundPhase, RoundView},
	capacity::RoundId,
	cost,
};
use std::process::ExitCode;

impl PlanCommand {
	/// Makes a plan for the winners of a round and lets it compete.
	pub(super) async fn compete(
		&self,
		id: RoundId,
		context: &Context,
	) -> Result<ExitCode, CliError> {
		let (chain, submitter) = context.submitter().await?;
		let rounds = chain.rounds().await?;
		let round = rounds.iter().find(|round| round.id == id);
		let round = round.ok_or(CliError::NoRound(id))?;
		if round.phase != RoundPhase::Planning {
			let (from, until) = (round.clears, round.closes.saturating_sub(1));
			return Err(CliError::NoPlan {
				reason: format!("round {id} is not cleared yet; plans compete from block {from} to block {until}"),
			});
		}
		let model = find_model(&chain, &round.model.to_string()).await?;
		let spec = spec_of(&model)?;
		let workers = chain.workers().await?;
		let pipelines = chain.pipelines(round.model).await?;
		let tender = Tender::new(round, &spec, &pipelines, Loaded::Now);
		let absent = roll::absent(&workers).await?;
		let (made, _) = roll::plan(workers, &absent, |workers| {
			let make = || tender.make(&spec, workers, self.count(), &search());
			Ok(tokio::task::block_in_place(make)?)
		})?;
		super::say_entries(made.has_entries);
		let score = made.terms.total();
		let mut shown = Shown::new(&made.plan, &made.quote, &made.terms, &made.placement);
		shown.for_round(id, score);
		if !self.dry_run {
			if !Tender::is_steady(round, &spec, &pipelines, &made.plan)? {
				return Err(CliError::NoPlan {
					reason: "a pipeline of the model is just being loaded or closed, which changes the score and could cost the deposit; try again when `dllm-worker status` shows it live or no more".into(),
				});
			}
			better(round, score)?;
			let included = submitter.submit(&calls::compete(&made.plan, score)).await?;
			if !leads(&included) {
				return Err(CliError::FalseScore {
					block: included.block,
				});
			}
			shown.leads(included.block);
		}
		context.print(&shown, || shown.readable())?;
		Ok(ExitCode::SUCCESS)
	}
}

/// Fails where a plan competes that is no worse.
fn better(round: &RoundView, score: u128) -> Result<(), CliError> {
	let ms = |femtos: u128| femtos as f64 / cost::FEMTOS_PER_MS as f64;
	match &round.plan {
		Some(leader) if leader.score <= score => Err(CliError::NoPlan {
			reason: format!(
				"a plan with a score of {:.3} ms leads round {} already; the best that was found has {:.3} ms",
				ms(leader.score),
				round.id,
				ms(score)
			),
		}),
		_ => Ok(()),
	}
}
