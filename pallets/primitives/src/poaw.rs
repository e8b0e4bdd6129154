//! Proof of AI work, as chain, node and wallets share it: the rules that governance may set and their hard
//! bounds, and what the outside reads of weights and ledger.

use crate::api::planck;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
pub use sp_runtime::AccountId32;
use sp_runtime::Permill;

/// Weight in the draw of block authors of a validator without any AI work.
pub const BASE_WEIGHT: u64 = 10_000;
/// Weight of a key in its first session. Its owner may have chosen the key after it knew the randomness
/// of that session, so it gets as good as no primary slots; weight 0 would stop every node.
pub const PROBATION_WEIGHT: u64 = 1;

/// Multiplier of one, in thousandths: no influence of AI work.
pub const LEAST_KAPPA_MILLI: u32 = 1_000;
/// Highest multiplier, in thousandths. At κ = 4 attackers with a fifth of the stake can hold half of the
/// primary slots (`f < 1 ⁄ (1 + κ)`); more would be careless.
pub const MOST_KAPPA_MILLI: u32 = 4_000;
/// Fastest fading of credit: half of it is gone after a session.
pub const LEAST_DECAY: Permill = Permill::from_percent(50);
/// Slowest: a hundredth is. Without any fading a credit would be bought once and held for ever.
pub const MOST_DECAY: Permill = Permill::from_percent(99);
/// Largest part of the sunk fee that the pot pays back: at least as much stays lost.
pub const MOST_REBATE: Permill = Permill::from_percent(50);

/// What governance may set of proof of AI work.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct Params {
	/// κ: weight of a validator with full credit, in thousandths of one without.
	pub kappa_milli: u32,
	/// δ: part of a credit that is left after a session.
	pub decay: Permill,
	/// λ: part of a validator's own bond up to which its credit counts.
	pub bond_share: Permill,
	/// A*: credit in planck that gives the full multiplier, unless the chain's own rewards demand more.
	#[serde(with = "planck")]
	pub target: u128,
	/// β: part of a job's sunk fee that the pot pays back to the workers.
	pub rebate: Permill,
	/// Planck that the pot holds at most; what comes on top is the treasury's.
	#[serde(with = "planck")]
	pub pot_limit: u128,
	/// Validators that a session needs for any weights but the base; κ = 2 wants `3κ + 1 = 7`, so that
	/// no single one can take a third of the primary slots.
	pub min_validators: u32,
}

impl Default for Params {
	/// κ = 2, δ = 0.9, λ = 10 %, β = 50 %, seven validators.
	fn default() -> Self {
		Self {
			kappa_milli: 2_000,
			decay: Permill::from_percent(90),
			bond_share: Permill::from_percent(10),
			target: 1_000_000_000_000,
			rebate: Permill::from_percent(50),
			pot_limit: 100_000 * 1_000_000_000_000,
			min_validators: 7,
		}
	}
}

impl Params {
	/// Whether every figure is inside its hard bounds.
	pub fn is_sound(&self) -> bool {
		(LEAST_KAPPA_MILLI..=MOST_KAPPA_MILLI).contains(&self.kappa_milli)
			&& (LEAST_DECAY..=MOST_DECAY).contains(&self.decay)
			&& self.rebate <= MOST_REBATE
			&& self.target > 0
			&& self.min_validators > 0
	}
}

/// A validator in the draw of block authors.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct AuthorView {
	/// Its account.
	pub account: AccountId32,
	/// Its weight.
	pub weight: u64,
}

/// What the ledger knows of a validator.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct CreditView {
	/// Its account.
	pub account: AccountId32,
	/// Its credit at the end of the last session, in planck.
	#[serde(with = "planck")]
	pub credit: u128,
	/// What it earned in the session that runs, in planck.
	#[serde(with = "planck")]
	pub earned: u128,
	/// Its own bond, in planck.
	#[serde(with = "planck")]
	pub self_bond: u128,
	/// What of the credit counts: no more than λ times the bond, in planck.
	#[serde(with = "planck")]
	pub counted: u128,
	/// Session from which its work counts again, where it was banned.
	pub banned_until: Option<u32>,
}

/// Weights and ledger at a block.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct PoawView {
	/// The session that runs.
	pub session: u32,
	/// Part of the slots with a primary author: numerator and denominator of BABE's c.
	pub primary: (u64, u64),
	/// Credit for the full multiplier as it would be charged now, in planck.
	#[serde(with = "planck")]
	pub target: u128,
	/// Balance of the pot, in planck.
	#[serde(with = "planck")]
	pub pot: u128,
	/// Authors of this session, in the order of the validators.
	pub current: Vec<AuthorView>,
	/// Authors of the next session, as announced.
	pub next: Vec<AuthorView>,
	/// The ledger of both.
	pub ledger: Vec<CreditView>,
	/// The rules in force.
	pub params: Params,
}

sp_api::decl_runtime_apis! {
	/// Proof of AI work.
	pub trait PoawApi {
		/// Weights, ledger and rules.
		fn poaw() -> PoawView;
		/// What the ledger knows of a validator, in the set or not.
		fn poaw_credit(who: AccountId32) -> CreditView;
	}
}
