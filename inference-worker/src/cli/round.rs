//! `round`: the owner of a model buys capacity for it.

use super::{
	context::active_model,
	plan::{topology, workload},
	CliError, Context,
};
use crate::chain::{calls, Amount};
use clap::{value_parser, Args, Subcommand};
use dllm_primitives::{
	capacity::{Terms, MAX_WINDOW_BLOCKS},
	cost::{link::LinkFigures, Workload},
};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

/// Buy capacity for a model, as its owner.
#[derive(Subcommand, Debug)]
pub enum Round {
	/// Open a round: workers bid for the layers of one more pipeline, and plans for the winners compete.
	Open(Open),
}

/// Open a round.
#[derive(Args, Debug)]
pub struct Open {
	/// Number or name of the model; the active one where left out.
	#[arg(long)]
	model: Option<String>,
	/// The highest price of 10⁹ operations, like "0.000001 DLLM"; for a worker of lower rank it counts in
	/// proportion, for a new one as a quarter.
	#[arg(long, value_name = "AMOUNT")]
	reserve: Amount,
	/// Workers of each segment.
	#[arg(long, default_value_t = 2, value_parser = value_parser!(u8).range(2..=4))]
	replicas: u8,
	/// Jobs at once.
	#[arg(long, default_value_t = 2, value_parser = value_parser!(u8).range(1..=8))]
	slots: u8,
	/// What a bidder puts on hold until it reveals.
	#[arg(long, value_name = "AMOUNT", default_value = "1 DLLM")]
	deposit: Amount,
	/// Blocks in which bids are sealed.
	#[arg(long, default_value_t = 40, value_parser = blocks())]
	commit_blocks: u32,
	/// Blocks in which they are revealed.
	#[arg(long, default_value_t = 20, value_parser = blocks())]
	reveal_blocks: u32,
	/// Blocks in which plans compete.
	#[arg(long, default_value_t = 40, value_parser = blocks())]
	plan_blocks: u32,
	/// Measurements as JSON, as `plan` takes them; its default link stands for every link of the plans.
	#[arg(long, value_name = "FILE")]
	links: Option<PathBuf>,
}

fn blocks() -> clap::builder::RangedI64ValueParser<u32> {
	value_parser!(u32).range(1..=i64::from(MAX_WINDOW_BLOCKS))
}

/// What was opened.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
	round: u32,
	model: u32,
	name: String,
	block: u32,
	/// Last block that seals a bid.
	commit_until: u32,
}

impl Round {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let Self::Open(open) = self;
		open.run(context).await
	}
}

impl Open {
	async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let link = topology(self.links.as_deref())?.default_link();
		let reserve = self.reserve()?;
		let (chain, submitter) = context.submitter().await?;
		let model = active_model(&chain, self.model.as_deref()).await?;
		let terms = self.terms(
			reserve,
			workload(model.profile, model.hidden_size, model.max_context),
			link,
		);
		let call = calls::open_round(model.id, &terms);
		// Others build on the number.
		let included = submitter.submit_final(&call).await?;
		let round = included.number("Auctions", "RoundOpened", "round")?;
		let opened = Opened {
			round: u32::try_from(round).unwrap_or(u32::MAX),
			model: model.id,
			name: model.name,
			block: included.block,
			commit_until: included.block.saturating_add(terms.commit_blocks),
		};
		context.print(&opened, || {
			format!(
				"opened round {} for model {} ({}) in block {}; bids are sealed up to block {}",
				opened.round, opened.model, opened.name, opened.block, opened.commit_until
			)
		})?;
		Ok(ExitCode::SUCCESS)
	}

	/// The reserve and the deposit, where a round can be held on them.
	fn reserve(&self) -> Result<u64, CliError> {
		if self.deposit.0 == 0 {
			return Err(CliError::BadArgument {
				what: "--deposit",
				reason: "is 0: without a deposit bidders need not reveal".into(),
			});
		}
		let reserve = u64::try_from(self.reserve.0)
			.ok()
			.filter(|reserve| *reserve > 0);
		reserve.ok_or_else(|| CliError::BadArgument {
			what: "--reserve",
			reason: format!("{} is not between 1 and {} planck", self.reserve, u64::MAX),
		})
	}

	fn terms(&self, reserve: u64, workload: Workload, link: LinkFigures) -> Terms {
		Terms {
			replicas: self.replicas,
			jobs: self.slots,
			reserve,
			deposit: self.deposit.0,
			commit_blocks: self.commit_blocks,
			reveal_blocks: self.reveal_blocks,
			plan_blocks: self.plan_blocks,
			workload,
			link,
		}
	}
}
