//! Whether a worker bids in a round, and what it offers.
//!
//! What it asks decides what it wins and never what it is paid, so the ask is what the work is worth to it.
//! Layers are offered as far as memory is free, because a plan that names memory twice cannot stand. A bid
//! that the chain would not let it reveal, or that cannot win, is not made.

use super::Rules;
use crate::chain::Amount;
use dllm_primitives::{
	api::{ModelView, RoundView, WorkerView},
	capacity::{highest_ask, slot_memory, Offer},
	model::ModelState,
	plan::usable_memory,
};

/// Planck that stay free beside the deposit: a tenth of a DLLM pays for the fees of a bid, its reveal and
/// some attempts at both, and keeps the account alive.
pub const FOR_FEES: u128 = 100_000_000_000;

/// What a worker has when it bids.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
	/// The worker as the chain knows it; none where it is not registered.
	pub worker: Option<&'a WorkerView>,
	/// Planck that it can spend.
	pub free: u128,
	/// Bytes of memory that its bids in other rounds may take.
	pub pledged: u64,
}

/// Why a worker does not bid in a round.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum Declined {
	/// Its operator does not want it to.
	#[error("the model is not among bidding.models")]
	OtherModel,
	/// The round will buy nothing.
	#[error("the model takes no plans")]
	ModelNotActive,
	/// It could not reveal.
	#[error("this account is no active worker in the miner role: run `dllm-worker register`")]
	NotMiner,
	/// Too much is at stake.
	#[error("the deposit of {0} is above bidding.deposit")]
	Deposit(Amount),
	/// A restart could cost the deposit.
	#[error("{0} blocks to reveal are less than bidding.reveal_blocks")]
	ShortReveal(u32),
	/// It could not pay for the reveal.
	#[error("{free} free do not cover the deposit of {deposit} and the fee of the reveal: send the account some DLLM")]
	Funds { free: Amount, deposit: Amount },
	/// It has no memory for a layer.
	#[error("no memory is free for a layer of {slot} bytes with its caches")]
	Memory { slot: u64 },
	/// It cannot win.
	#[error("{ask} planck per GFLOP is more than the {highest} with which a worker of this rank can win: lower bidding.ask")]
	AboveReserve { ask: u64, highest: u64 },
}

/// What a worker offers in a round, or why it does not.
pub fn offer(
	rules: &Rules,
	round: &RoundView,
	model: &ModelView,
	means: &Means,
) -> Result<Offer, Declined> {
	let number = model.id.to_string();
	let named = |name: &String| *name == model.name || *name == number;
	if !rules.models.is_empty() && !rules.models.iter().any(named) {
		return Err(Declined::OtherModel);
	}
	if model.state != ModelState::Active {
		return Err(Declined::ModelNotActive);
	}
	let fit = |worker: &&WorkerView| worker.active && worker.roles.miner;
	let worker = means.worker.filter(fit).ok_or(Declined::NotMiner)?;
	let terms = &round.terms;
	if terms.deposit > rules.deposit {
		return Err(Declined::Deposit(Amount(terms.deposit)));
	}
	if terms.reveal_blocks < rules.reveal_blocks {
		return Err(Declined::ShortReveal(terms.reveal_blocks));
	}
	if means.free < terms.deposit.saturating_add(FOR_FEES) {
		return Err(Declined::Funds {
			free: Amount(means.free),
			deposit: Amount(terms.deposit),
		});
	}
	let layers = model.layers.len() as u32;
	let highest = highest_ask(&terms.demand(layers), worker.rank);
	if worker.rank == 0 || rules.ask > highest {
		let ask = rules.ask;
		return Err(Declined::AboveReserve { ask, highest });
	}
	let slot = slot_memory(&model.layers, model.max_context, terms.jobs);
	let free = usable_memory(worker.memory.min(rules.memory))
		.saturating_sub(worker.promised)
		.saturating_sub(means.pledged);
	let room = u32::try_from(free.checked_div(slot).unwrap_or(0)).unwrap_or(u32::MAX);
	let capacity = room.min(layers).min(rules.layers.unwrap_or(u32::MAX));
	if capacity == 0 {
		return Err(Declined::Memory { slot });
	}
	Ok(Offer {
		ask: rules.ask,
		capacity,
		device: rules.device,
	})
}
