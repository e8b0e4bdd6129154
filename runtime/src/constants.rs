//! Figures of the chain, grouped: time, money, weight, fees. What depends on one of them is computed
//! from it.

/// Time, in milliseconds, slots and blocks.
pub mod time {
	use crate::BlockNumber;

	/// Milliseconds of a slot on the public network; [`crate::pace`] lets a test network have others.
	/// Cannot change after genesis: epochs are counted in slots.
	pub const SLOT_DURATION: u64 = 3_000;
	/// Blocks of a minute, where every slot has its block.
	pub const MINUTES: BlockNumber = (60_000 / SLOT_DURATION) as BlockNumber;
	/// Blocks of an hour.
	pub const HOURS: BlockNumber = 60 * MINUTES;
	/// Blocks of a day.
	pub const DAYS: BlockNumber = 24 * HOURS;
	/// Slots of an epoch, which is one session: one hour. Cannot change after genesis. At c = 2/5 about
	/// 480 of them are primary, and BABE mixes randomness in segments of 256 primary blocks, so that
	/// every epoch brings new entropy.
	pub const EPOCH_DURATION_IN_SLOTS: u64 = HOURS as u64;
	/// Sessions of an era: rewards are counted and validators elected every six hours.
	pub const SESSIONS_PER_ERA: u32 = 6;
	/// Eras that stake stays bonded: a week, in which whoever signed two histories can be slashed.
	pub const BONDING_ERAS: u32 = 28;
	/// Share of slots that have at least one primary author. Below one half, so that few of them have
	/// several; the others have a secondary author.
	pub const PRIMARY_PROBABILITY: (u64, u64) = (2, 5);
}

/// Money, in planck.
pub mod money {
	use crate::Balance;

	/// One token: 10¹² planck.
	pub const DLLM: Balance = 1_000_000_000_000;
	/// A thousandth of a token.
	pub const MILLI_DLLM: Balance = DLLM / 1_000;
	/// A millionth of a token.
	pub const MICRO_DLLM: Balance = MILLI_DLLM / 1_000;
	/// What an account must hold to exist: enough that filling the state with empty accounts costs
	/// more than the fees.
	pub const EXISTENTIAL_DEPOSIT: Balance = MILLI_DLLM;

	/// Deposit for what lies in storage until its owner removes it: one item and its bytes.
	pub const fn deposit(items: u32, bytes: u32) -> Balance {
		items as Balance * 100 * MILLI_DLLM + bytes as Balance * MILLI_DLLM
	}
}

/// Bounds of a block.
pub mod block {
	use frame_support::weights::{constants::WEIGHT_REF_TIME_PER_SECOND, Weight};
	use sp_runtime::Perbill;

	/// One second of computing in a slot of three: the author has half a slot to build a block, and
	/// every other node has to execute it before the next. Proof size does not bound a solo chain.
	pub const MAX_WEIGHT: Weight = Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND, u64::MAX);
	/// Bytes of a block at most: 2.5 MiB, which cross a 20 Mbit/s line in a second.
	pub const MAX_LENGTH: u32 = 5 * 512 * 1024;
	/// Share that ordinary transactions may fill; the rest is left to operational ones.
	pub const NORMAL_SHARE: Perbill = Perbill::from_percent(75);
	/// Share that hooks may take before transactions are counted.
	pub const HOOKS_SHARE: Perbill = Perbill::from_percent(10);
	/// Blocks for which a signed transaction may name its birth block: two hours.
	pub const HASHES_KEPT: crate::BlockNumber = 2_400;
}

/// Fees of transactions; those of prompts are set by the workers.
pub mod fee {
	use super::money::{MICRO_DLLM, MILLI_DLLM};
	use crate::Balance;

	/// Fee for the weight of an empty transaction. A transfer has about twice that weight.
	pub const PER_BASE_EXTRINSIC: Balance = MILLI_DLLM / 10;
	/// Fee for a byte of a transaction.
	pub const PER_BYTE: Balance = MICRO_DLLM;
}
