//! How fast the chain's clock runs: slots, sessions, eras. Fixed by the first block and never changed: BABE
//! counts epochs in slots, and a change would stop block production.
//!
//! One runtime then serves the public network and networks for tests, whose eras take minutes.

use crate::{constants::time, Runtime};
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::traits::Get;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_staking::{EraIndex, SessionIndex};

pub use pallet::*;

/// The lengths that hold from the first block on.
#[derive(
	Encode,
	Decode,
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
pub struct Lengths {
	/// Milliseconds of a slot; an even number.
	pub slot_millis: u64,
	/// Slots of a session, which is one BABE epoch.
	pub session_slots: u64,
	/// Sessions of an era.
	pub era_sessions: SessionIndex,
	/// Eras that stake stays bonded after it was unbonded; not more than on the public network, for which
	/// the pools keep room.
	pub bonding_eras: EraIndex,
}

impl Default for Lengths {
	/// Those of the public network.
	fn default() -> Self {
		Self {
			slot_millis: time::SLOT_DURATION,
			session_slots: time::EPOCH_DURATION_IN_SLOTS,
			era_sessions: time::SESSIONS_PER_ERA,
			bonding_eras: time::BONDING_ERAS,
		}
	}
}

impl Lengths {
	/// Whether a chain can run on them.
	fn is_sound(&self) -> bool {
		self.slot_millis >= 2
			&& self.slot_millis.is_multiple_of(2)
			&& self.session_slots > 0
			&& self.era_sessions > 0
			&& self.bonding_eras > 0
			&& self.bonding_eras <= time::BONDING_ERAS
	}
}

#[frame_support::pallet]
pub mod pallet {
	use super::Lengths;
	use frame_support::pallet_prelude::*;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {}

	/// The lengths in force.
	#[pallet::storage]
	pub type Pace<T: Config> = StorageValue<_, Lengths, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The lengths of this chain.
		pub lengths: Lengths,
		/// Nothing: the lengths do not depend on the runtime.
		#[serde(skip)]
		pub _runtime: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			assert!(
				self.lengths.is_sound(),
				"slots, sessions or eras are of no length, a slot of an odd one, or stake bonded for too many eras"
			);
			Pace::<T>::put(self.lengths);
		}
	}
}

impl Config for Runtime {}

fn lengths() -> Lengths {
	Pace::<Runtime>::get()
}

/// Milliseconds of a slot.
pub struct SlotMillis;

impl Get<u64> for SlotMillis {
	fn get() -> u64 {
		lengths().slot_millis
	}
}

/// Least time between two blocks, in milliseconds: half a slot, as BABE wants it.
pub struct HalfSlot;

impl Get<u64> for HalfSlot {
	fn get() -> u64 {
		lengths().slot_millis / 2
	}
}

/// Slots of a session.
pub struct SessionSlots;

impl Get<u64> for SessionSlots {
	fn get() -> u64 {
		lengths().session_slots
	}
}

/// Milliseconds of a session.
pub struct SessionMillis;

impl Get<u64> for SessionMillis {
	fn get() -> u64 {
		let Lengths {
			slot_millis,
			session_slots,
			..
		} = lengths();
		slot_millis.saturating_mul(session_slots)
	}
}

/// Sessions of an era.
pub struct EraSessions;

impl Get<SessionIndex> for EraSessions {
	fn get() -> SessionIndex {
		lengths().era_sessions
	}
}

/// Eras that stake stays bonded.
pub struct BondingEras;

impl Get<EraIndex> for BondingEras {
	fn get() -> EraIndex {
		lengths().bonding_eras
	}
}

/// Eras between an offence and its slash, in which governance can cancel it: one less than stake stays
/// bonded.
pub struct SlashDeferEras;

impl Get<EraIndex> for SlashDeferEras {
	fn get() -> EraIndex {
		lengths().bonding_eras.saturating_sub(1)
	}
}

/// Sessions that stake stays bonded: how long finality can still be called to account.
pub struct BondingSessions;

impl Get<u64> for BondingSessions {
	fn get() -> u64 {
		let Lengths {
			era_sessions,
			bonding_eras,
			..
		} = lengths();
		u64::from(era_sessions).saturating_mul(bonding_eras.into())
	}
}

impl Get<SessionIndex> for BondingSessions {
	fn get() -> SessionIndex {
		<Self as Get<u64>>::get()
			.try_into()
			.unwrap_or(SessionIndex::MAX)
	}
}

/// Blocks for which a report of an offence is worth sending: as long as its stake is bonded.
pub struct ReportBlocks;

impl Get<u64> for ReportBlocks {
	fn get() -> u64 {
		<BondingSessions as Get<u64>>::get().saturating_mul(lengths().session_slots)
	}
}
