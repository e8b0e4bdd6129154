//! Prices and fees stay where people expect them.

use dllm_primitives::payout::{fee_for, stage_pay};
use dllm_runtime::{
	configs::{consensus::BABE_GENESIS_EPOCH_CONFIG, system::RuntimeBlockWeights},
	constants::{
		block,
		money::{DLLM, MILLI_DLLM},
		time::{DAYS, EPOCH_DURATION_IN_SLOTS, HOURS, SLOT_DURATION},
	},
	AllPalletsWithSystem, Runtime, RuntimeCall, TransactionPayment,
};
use frame_support::{
	dispatch::{DispatchClass, GetDispatchInfo},
	traits::{Get, IntegrityTest},
};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;

/// Bytes of a signed transfer with its extensions.
const TRANSFER_BYTES: u32 = 150;

#[test]
fn a_demo_sized_job_costs_a_few_tokens() {
	let pay = stage_pay(DLLM, 10_000_000, 200);
	let fee = fee_for(pay);
	assert!((DLLM / 10..10 * DLLM).contains(&fee), "{fee} planck");
}

#[test]
fn a_transfer_costs_less_than_a_thousandth_of_a_token() {
	let call = RuntimeCall::Balances(pallet_balances::Call::transfer_allow_death {
		dest: Sr25519Keyring::Bob.to_account_id().into(),
		value: DLLM,
	});
	TestExternalities::default().execute_with(|| {
		let fee = TransactionPayment::compute_fee(TRANSFER_BYTES, &call.get_dispatch_info(), 0);
		assert!(
			(MILLI_DLLM / 10..=MILLI_DLLM).contains(&fee),
			"{fee} planck"
		);
	});
}

#[test]
fn a_full_block_of_transactions_costs_more_than_a_job() {
	TestExternalities::default().execute_with(|| {
		let fee = TransactionPayment::weight_to_fee(block::NORMAL_SHARE * block::MAX_WEIGHT);
		assert!(fee > DLLM / 10, "{fee} planck");
	});
}

#[test]
fn a_day_is_a_day_and_an_epoch_an_hour() {
	assert_eq!(u64::from(DAYS) * SLOT_DURATION, 86_400_000);
	assert_eq!(EPOCH_DURATION_IN_SLOTS, u64::from(HOURS));
	// Randomness mixes in whole segments of 256 primary blocks.
	let (numerator, denominator) = BABE_GENESIS_EPOCH_CONFIG.c;
	assert!(EPOCH_DURATION_IN_SLOTS * numerator / denominator >= 400);
	assert!(2 * numerator < denominator);
}

#[test]
fn hooks_and_operational_calls_keep_room_in_a_full_block() {
	let weights = RuntimeBlockWeights::get();
	assert_eq!(weights.max_block, block::MAX_WEIGHT);
	let normal = weights.get(DispatchClass::Normal).max_total.unwrap();
	assert_eq!(normal, block::NORMAL_SHARE * block::MAX_WEIGHT);
	assert!(
		weights
			.get(DispatchClass::Operational)
			.reserved
			.unwrap()
			.ref_time()
			> 0
	);
}

#[test]
fn a_worker_leaves_later_than_any_trial_ends() {
	use dllm_primitives::flow::Trials;
	let (_, longest) = <Runtime as pallet_jobs::Config>::DeadlineRange::get();
	let verdict: u32 = <pallet_verification::Pallet<Runtime> as Trials<_, _>>::verdict_blocks();
	let delay: u32 = <Runtime as pallet_miners::Config>::UnbondDelay::get();
	assert!(delay > longest + verdict);
}

/// A link that ends in the last block of a session has that session less.
#[test]
fn a_link_reaches_its_validator_longer_than_any_trial_takes() {
	use dllm_primitives::flow::Trials;
	let (_, longest) = <Runtime as pallet_jobs::Config>::DeadlineRange::get();
	let verdict: u32 = <pallet_verification::Pallet<Runtime> as Trials<_, _>>::verdict_blocks();
	let sessions: u32 = <Runtime as pallet_poaw::Config>::UnlinkSessions::get();
	let whole = u64::from(sessions - 1) * EPOCH_DURATION_IN_SLOTS;
	assert!(whole > u64::from(longest + verdict));
}

#[test]
fn the_bounds_of_every_pallet_fit_together() {
	TestExternalities::default()
		.execute_with(<AllPalletsWithSystem as IntegrityTest>::integrity_test);
}
