//! `rounds`: the capacity rounds in progress.

use super::{
	table::{short, table},
	CliError, Context,
};
use crate::chain::{address, Amount};
use clap::Args;
use dllm_primitives::{
	api::{RoundPhase, RoundView},
	cost::FEMTOS_PER_MS,
};
use std::process::ExitCode;

/// Show the capacity rounds in progress: their bids, winners and best plans.
#[derive(Args, Debug)]
pub struct Rounds {}

impl Rounds {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let chain = context.chain().await?;
		let rounds = chain.rounds().await?;
		let block = chain.best().borrow().number;
		context.print(&rounds, || readable(&rounds, block))?;
		Ok(ExitCode::SUCCESS)
	}
}

fn readable(rounds: &[RoundView], block: u32) -> String {
	if rounds.is_empty() {
		return format!("no capacity round is in progress at block {block}");
	}
	let rows = rounds.iter().map(|round| {
		let (phase, until) = match round.phase {
			RoundPhase::Committing => ("bids are sealed", round.commit_until),
			RoundPhase::Revealing => ("bids are revealed", round.clears.saturating_sub(1)),
			RoundPhase::Planning => ("plans compete", round.closes.saturating_sub(1)),
		};
		let best = round.plan.as_ref().map_or("none".into(), |plan| {
			format!("{:.3} ms", plan.score as f64 / FEMTOS_PER_MS as f64)
		});
		[
			round.id.to_string(),
			round.model.to_string(),
			phase.into(),
			until.to_string(),
			round.bidders.to_string(),
			round.terms.reserve.to_string(),
			Amount(round.terms.deposit).to_string(),
			best,
		]
	});
	let head = [
		"round",
		"model",
		"phase",
		"until block",
		"bids",
		"reserve, planck/GFLOP",
		"deposit",
		"best plan",
	];
	let mut text = format!(
		"at block {block}\n\n{}",
		table(head, &rows.collect::<Vec<_>>())
	);
	for round in rounds.iter().filter(|round| !round.winners.is_empty()) {
		let rows = round.winners.iter().map(|winner| {
			[
				short(&address(&winner.worker)),
				winner.slots.to_string(),
				winner.price.to_string(),
			]
		});
		let winners = table(
			["worker", "layers", "planck/GFLOP"],
			&rows.collect::<Vec<_>>(),
		);
		text += &format!("\nwinners of round {}\n{winners}", round.id);
	}
	text
}
