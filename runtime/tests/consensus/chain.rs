//! A chain in memory with the validators of the preset `fast`: blocks with BABE's digest, authored by the
//! validators in turn with the keys that they have in that session. Calls are dispatched as the signed
//! origin of who makes them, which the runtime's filter of calls holds for as for a transaction; what that
//! would be charged is not looked at here.

use codec::Encode;
use dllm_runtime::{
	genesis_presets::{self, FAST},
	pace::{SessionSlots, SlotMillis},
	Babe, Executive, Header, Poaw, Runtime, RuntimeCall, RuntimeEvent, RuntimeGenesisConfig,
	RuntimeOrigin, Session, SessionKeys, System, UncheckedExtrinsic,
};
use frame_support::traits::Get;
use serde_json::Value;
use sp_consensus_babe::{
	digests::{PreDigest, SecondaryVRFPreDigest},
	make_vrf_sign_data, AuthorityId, ConsensusLog, BABE_ENGINE_ID,
};
use sp_core::{crypto::key_types, sr25519, H256};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use sp_runtime::{
	traits::{Dispatchable, Header as _},
	BuildStorage, Digest, DigestItem, DispatchError,
};
use std::sync::Arc;

/// Slot of the first block; any later than 0 would do.
const FIRST_SLOT: u64 = 1_000;

/// Validators of genesis.
pub const VALIDATORS: [Sr25519Keyring; 4] = [
	Sr25519Keyring::Alice,
	Sr25519Keyring::Bob,
	Sr25519Keyring::Charlie,
	Sr25519Keyring::Dave,
];

/// The chain, and every session key that was ever used on it.
pub struct Chain {
	state: TestExternalities,
	keystore: Arc<MemoryKeystore>,
	parent: H256,
	number: u32,
}

/// Who makes a call.
pub enum By {
	/// An account.
	Account(Sr25519Keyring),
	/// The chain's root.
	Root,
	/// A transaction without a signature.
	Nobody,
}

impl From<By> for RuntimeOrigin {
	fn from(by: By) -> Self {
		match by {
			By::Account(who) => RuntimeOrigin::signed(who.to_account_id()),
			By::Root => RuntimeOrigin::root(),
			By::Nobody => RuntimeOrigin::none(),
		}
	}
}

impl Chain {
	/// The chain before its first block.
	pub fn new() -> Self {
		Self::with(|_| ())
	}

	/// The same with another genesis.
	pub fn with(change: impl FnOnce(&mut RuntimeGenesisConfig)) -> Self {
		let mut config = genesis();
		change(&mut config);
		let mut state = TestExternalities::new(config.build_storage().unwrap());
		let keystore = Arc::new(MemoryKeystore::new());
		for who in VALIDATORS {
			keystore
				.sr25519_generate_new(key_types::BABE, Some(&who.to_seed()))
				.unwrap();
		}
		state.register_extension(KeystoreExt::from(keystore.clone()));
		let parent = state.execute_with(|| System::block_hash(0));
		Self {
			state,
			keystore,
			parent,
			number: 0,
		}
	}

	/// Reads the state after the last block.
	pub fn read<R>(&mut self, read: impl FnOnce() -> R) -> R {
		self.state.execute_with(read)
	}

	/// Makes a block of these calls; answers their results and the block's events.
	pub fn block(
		&mut self,
		calls: Vec<(By, RuntimeCall)>,
	) -> (Vec<Result<(), DispatchError>>, Vec<RuntimeEvent>) {
		self.number += 1;
		let slot = FIRST_SLOT + u64::from(self.number);
		let header = self.unsealed(slot);
		let (header, results, events) = self.state.execute_with(|| {
			Executive::initialize_block(&header);
			let time = pallet_timestamp::Call::set {
				now: slot * SlotMillis::get(),
			};
			Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(time.into()))
				.unwrap()
				.unwrap();
			let dispatch = |(by, call): (By, RuntimeCall)| {
				call.dispatch(by.into())
					.map(|_| ())
					.map_err(|error| error.error)
			};
			let results = calls.into_iter().map(dispatch).collect();
			let header = Executive::finalize_block();
			let events = System::read_events_no_consensus();
			let events = events.map(|record| record.event).collect();
			Poaw::do_try_state().unwrap();
			(header, results, events)
		});
		self.parent = header.hash();
		(results, events)
	}

	/// Makes a block of calls that must all succeed; answers its events.
	pub fn run<const N: usize>(&mut self, calls: [(By, RuntimeCall); N]) -> Vec<RuntimeEvent> {
		let (results, events) = self.block(calls.into());
		for (at, result) in results.iter().enumerate() {
			assert_eq!(*result, Ok(()), "call {at} in block {}", self.number);
		}
		events
	}

	/// Makes empty blocks up to the first one of the next session; answers the events of all of them.
	pub fn turn(&mut self) -> Vec<RuntimeEvent> {
		let before = self.session();
		let mut events = Vec::new();
		for _ in 0..=self.read(SessionSlots::get) {
			events.extend(self.run([]));
			if self.session() != before {
				return events;
			}
		}
		panic!("session {before} did not end");
	}

	/// Turns sessions until this era is active; answers the events of all blocks.
	pub fn turn_to_era(&mut self, era: u32) -> Vec<RuntimeEvent> {
		let mut events = Vec::new();
		while self.era() < era {
			events.extend(self.turn());
		}
		events
	}

	/// The session that runs.
	pub fn session(&mut self) -> u32 {
		self.read(pallet_session::CurrentIndex::<Runtime>::get)
	}

	/// The active era.
	pub fn era(&mut self) -> u32 {
		self.read(|| pallet_staking::ActiveEra::<Runtime>::get().map_or(0, |era| era.index))
	}

	/// Authorities of the running epoch, with their weights.
	pub fn current(&mut self) -> Vec<(AuthorityId, u64)> {
		self.read(|| pallet_babe::Authorities::<Runtime>::get().into_inner())
	}

	/// Authorities that were announced for the next one.
	pub fn next(&mut self) -> Vec<(AuthorityId, u64)> {
		self.read(|| pallet_babe::NextAuthorities::<Runtime>::get().into_inner())
	}

	/// What the digest of the last block announces, if it does.
	pub fn announced(&mut self) -> Option<Vec<(AuthorityId, u64)>> {
		let logs = self.read(System::digest).logs;
		logs.iter().find_map(
			|log| match log.consensus_try_to::<ConsensusLog>(&BABE_ENGINE_ID) {
				Some(ConsensusLog::NextEpochData(next)) => Some(next.authorities),
				_ => None,
			},
		)
	}

	/// Makes fresh session keys, and the call that sets them for `owner`.
	pub fn rotate(&mut self, owner: Sr25519Keyring) -> RuntimeCall {
		let owner = owner.to_account_id();
		let generated = self.read(|| SessionKeys::generate(&owner.encode(), None));
		let proof = generated.proof.encode();
		let keys = generated.keys;
		pallet_session::Call::set_keys { keys, proof }.into()
	}

	/// Signs with a validator's BABE key.
	pub fn sign(&self, key: &AuthorityId, message: &[u8]) -> sr25519::Signature {
		let signed = self
			.keystore
			.sr25519_sign(key_types::BABE, key.as_ref(), message);
		signed.unwrap().expect("the key is in the keystore")
	}

	/// Header of the next block, with the claim of the validator whose turn it is.
	fn unsealed(&mut self, slot: u64) -> Header {
		let (number, parent) = (self.number, self.parent);
		let draw = self.draw(slot);
		let disabled = self.read(Session::disabled_validators);
		let able: Vec<_> = (0..draw.authorities.len() as u32)
			.filter(|index| !disabled.contains(index))
			.collect();
		let index = able[number as usize % able.len()];
		let claim = self.claim(&draw, index, slot);
		let digest = Digest { logs: vec![claim] };
		Header::new(number, H256::zero(), H256::zero(), parent, digest)
	}

	/// Who may author in a slot that follows the last block, and by which randomness.
	pub fn draw(&mut self, slot: u64) -> Draw {
		self.read(|| {
			let start = *Babe::current_epoch_start();
			let turns = System::block_number() > 0 && slot >= start + SessionSlots::get();
			let epoch = pallet_babe::EpochIndex::<Runtime>::get();
			if turns {
				return Draw {
					authorities: pallet_babe::NextAuthorities::<Runtime>::get().into_inner(),
					randomness: pallet_babe::NextRandomness::<Runtime>::get(),
					epoch: epoch + 1,
				};
			}
			Draw {
				authorities: pallet_babe::Authorities::<Runtime>::get().into_inner(),
				randomness: Babe::randomness(),
				epoch,
			}
		})
	}

	/// A validator's claim to a slot as its secondary author.
	pub fn claim(&self, draw: &Draw, authority_index: u32, slot: u64) -> DigestItem {
		let key = &draw.authorities[authority_index as usize].0;
		let data = make_vrf_sign_data(&draw.randomness, slot.into(), draw.epoch);
		let signed = self
			.keystore
			.sr25519_vrf_sign(key_types::BABE, key.as_ref(), &data);
		let claim = PreDigest::SecondaryVRF(SecondaryVRFPreDigest {
			authority_index,
			slot: slot.into(),
			vrf_signature: signed.unwrap().expect("the key is in the keystore"),
		});
		DigestItem::PreRuntime(BABE_ENGINE_ID, claim.encode())
	}
}

/// What decides who authors a slot.
pub struct Draw {
	/// The authorities, with their weights.
	pub authorities: Vec<(AuthorityId, u64)>,
	/// Randomness of the epoch.
	pub randomness: [u8; 32],
	/// Number of the epoch.
	pub epoch: u64,
}

/// The preset as the node applies it: its patch merged into the default.
fn genesis() -> RuntimeGenesisConfig {
	let patch = genesis_presets::get_preset(&FAST.to_string()).unwrap();
	let mut json = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
	merge(&mut json, serde_json::from_slice(&patch).unwrap());
	serde_json::from_value(json).unwrap()
}

fn merge(into: &mut Value, patch: Value) {
	match (into, patch) {
		(Value::Object(into), Value::Object(patch)) => {
			for (key, value) in patch {
				merge(into.entry(key).or_insert(Value::Null), value);
			}
		}
		(into, patch) => *into = patch,
	}
}
