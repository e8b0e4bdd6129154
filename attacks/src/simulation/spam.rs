//! Challenges for their own sake: what a lost dispute costs the chain in weight, and who started it in money.

use crate::{
	money::{least_bond, Role, Tally},
	report::{Kind, Line},
};
use anyhow::{ensure, Result};
use dllm_primitives::{dispute::MAX_MOVES, ids::MAX_STAGES, slash, verdict::Verdict};
use dllm_runtime::{
	configs::economy::FeeForWeight, constants::fee, weights::pallet_verification::WeightInfo,
	Runtime,
};
use frame_support::weights::{Weight, WeightToFee};
use pallet_verification::WeightInfo as _;

/// Bytes of a move at most, with its signature: 40 KiB of a claim.
const MOVE_BYTES: u128 = 41_200;

/// A dispute as long and as heavy as there can be one. Moves are free where the chain awaits them, so all
/// of it is the chain's loss; here it is priced as the chain prices weight and bytes. What the spammer loses
/// is the slash of a stage that pays nothing.
pub fn line() -> Result<Line> {
	let bytes = MOVE_BYTES.saturating_mul(MAX_MOVES.into());
	let cost = FeeForWeight::weight_to_fee(&longest()) + fee::PER_BYTE * bytes;
	let lost = slash::first(least_bond(), 0);
	ensure!(
		lost > cost,
		"a lost challenge costs the spammer {lost} planck, the chain {cost}"
	);
	let mut tally = Tally::new(Role::Checker);
	tally.note(Verdict::Cheat, [Verdict::Pass]);
	let ratio = lost / cost;
	let attack = format!("challenge spam: the spammer loses {ratio} times what the chain would charge for the dispute");
	Ok(tally.line(&attack, Kind::Simulation, 1.0))
}

/// Weight of all moves of the longest dispute, each of them the last of its round, and of the end.
fn longest() -> Weight {
	let (level, claim) = (
		WeightInfo::<Runtime>::dispute_level(),
		WeightInfo::<Runtime>::dispute_claim(),
	);
	let end = WeightInfo::<Runtime>::attest(MAX_STAGES);
	let all = level.max(claim).saturating_mul(MAX_MOVES.into());
	all.saturating_add(end.saturating_mul(MAX_MOVES.into()))
}
