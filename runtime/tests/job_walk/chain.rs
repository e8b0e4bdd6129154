//! A chain in memory: whole blocks with BABE's digest, the timestamp and signed transactions, and the
//! invariants after each of them.

use crate::invariants;
use codec::Encode;
use dllm_runtime::{
	genesis_presets, AccountId, Address, Balances, Executive, Header, Runtime, RuntimeCall,
	RuntimeEvent, RuntimeGenesisConfig, SignedPayload, System, TxExtension, UncheckedExtrinsic,
	SLOT_DURATION,
};
use serde_json::Value;
use sp_consensus_babe::{
	digests::{PreDigest, SecondaryVRFPreDigest},
	make_vrf_sign_data, BABE_ENGINE_ID,
};
use sp_core::{crypto::VrfSecret, sr25519, Pair, H256};
use sp_io::TestExternalities;
use sp_runtime::{
	generic::Era, traits::Header as _, BuildStorage, Digest, DigestItem, DispatchError,
	MultiSignature,
};

/// Slot of the first block; any later than 0 would do.
const FIRST_SLOT: u64 = 1_000;

/// The chain of the preset `dev`, authored by Alice.
pub struct Chain {
	state: TestExternalities,
	parent: H256,
	number: u32,
	/// What every call offers the author beside its fee.
	pub tip: u128,
}

/// Key pair of a well-known account, by its derivation path.
pub fn pair(path: &str) -> sr25519::Pair {
	sr25519::Pair::from_string(&format!("//{path}"), None).unwrap()
}

/// Account of a well-known key.
pub fn account(path: &str) -> AccountId {
	pair(path).public().into()
}

impl Chain {
	/// The chain before its first block.
	pub fn new() -> Self {
		let storage = genesis(genesis_presets::DEV).build_storage().unwrap();
		let mut chain = Self {
			state: TestExternalities::new(storage),
			parent: H256::zero(),
			number: 0,
			tip: 0,
		};
		chain.parent = chain.read(|| System::block_hash(0));
		chain
	}

	/// Reads the state after the last block.
	pub fn read<R>(&mut self, read: impl FnOnce() -> R) -> R {
		self.state.execute_with(read)
	}

	/// Makes a block of calls that must all succeed; answers its events.
	pub fn block<const N: usize>(&mut self, calls: [(&str, RuntimeCall); N]) -> Vec<RuntimeEvent> {
		let (results, events) = self.try_block(calls.to_vec());
		for (at, result) in results.iter().enumerate() {
			assert_eq!(*result, Ok(()), "call {at} in block {}", self.number);
		}
		events
	}

	/// Makes a block of one call, which must be included and fail; answers its error.
	pub fn refuse(&mut self, who: &str, call: RuntimeCall) -> DispatchError {
		let (results, _) = self.try_block(vec![(who, call)]);
		results[0].expect_err("the call succeeded")
	}

	/// Makes so many empty blocks; answers the events of all of them.
	pub fn skip(&mut self, blocks: u32) -> Vec<RuntimeEvent> {
		(0..blocks).flat_map(|_| self.block([])).collect()
	}

	/// Makes empty blocks until the last one has this number.
	pub fn skip_to(&mut self, number: u32) -> Vec<RuntimeEvent> {
		self.skip(
			number
				.checked_sub(self.number)
				.expect("the block is in the past"),
		)
	}

	fn try_block(
		&mut self,
		calls: Vec<(&str, RuntimeCall)>,
	) -> (Vec<Result<(), DispatchError>>, Vec<RuntimeEvent>) {
		self.number += 1;
		let slot = FIRST_SLOT + u64::from(self.number);
		let (number, parent, tip) = (self.number, self.parent, self.tip);
		let (header, results, events) = self.state.execute_with(|| {
			let issued = Balances::total_issuance();
			Executive::initialize_block(&unsealed(number, parent, slot));
			let time = pallet_timestamp::Call::set {
				now: slot * SLOT_DURATION,
			};
			Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(time.into()))
				.unwrap()
				.unwrap();
			let results = calls
				.into_iter()
				.map(|(who, call)| Executive::apply_extrinsic(sign(who, call, tip)).unwrap())
				.collect();
			let header = Executive::finalize_block();
			let events: Vec<_> = System::read_events_no_consensus()
				.map(|record| record.event)
				.collect();
			invariants::check(issued, &events);
			(header, results, events)
		});
		self.parent = header.hash();
		(results, events)
	}
}

/// A preset as the node applies it: its patch merged into the default.
fn genesis(preset: &str) -> RuntimeGenesisConfig {
	let patch = genesis_presets::get_preset(&preset.to_string()).unwrap();
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

/// Header of a block that is to be made, with the claim of Alice, the only validator, to its slot.
fn unsealed(number: u32, parent: H256, slot: u64) -> Header {
	let randomness = pallet_babe::Randomness::<Runtime>::get();
	let epoch = pallet_babe::EpochIndex::<Runtime>::get();
	let vrf_signature =
		pair("Alice").vrf_sign(&make_vrf_sign_data(&randomness, slot.into(), epoch));
	let claim = PreDigest::SecondaryVRF(SecondaryVRFPreDigest {
		authority_index: 0,
		slot: slot.into(),
		vrf_signature,
	});
	let digest = Digest {
		logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, claim.encode())],
	};
	Header::new(number, H256::zero(), H256::zero(), parent, digest)
}

/// A call signed as a wallet signs it.
fn sign(who: &str, call: RuntimeCall, tip: u128) -> UncheckedExtrinsic {
	let nonce = System::account_nonce(account(who));
	let extension: TxExtension = (
		frame_system::AuthorizeCall::new(),
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckMortality::from(Era::Immortal),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(tip),
		frame_metadata_hash_extension::CheckMetadataHash::new(false),
		frame_system::WeightReclaim::new(),
	);
	let payload = SignedPayload::new(call.clone(), extension.clone()).unwrap();
	let signature = payload.using_encoded(|bytes| pair(who).sign(bytes));
	UncheckedExtrinsic::new_signed(
		call,
		Address::Id(account(who)),
		MultiSignature::Sr25519(signature),
		extension,
	)
}
