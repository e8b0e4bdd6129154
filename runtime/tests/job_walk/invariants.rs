//! What must hold after every block, whatever happened in it.

use dllm_primitives::job::JobState;
use dllm_runtime::{
	Allocation, Auctions, Balance, Balances, Jobs, Miners, Models, Poaw, Rewards, Runtime,
	RuntimeEvent, RuntimeHoldReason, System, Verification,
};

/// Asserts every invariant after a block that started with `issued` planck and had these events.
pub fn check(issued: Balance, events: &[RuntimeEvent]) {
	Models::do_try_state().unwrap();
	Miners::do_try_state().unwrap();
	Jobs::do_try_state().unwrap();
	Auctions::do_try_state().unwrap();
	Allocation::do_try_state().unwrap();
	Verification::do_try_state().unwrap();
	Rewards::do_try_state().unwrap();
	Poaw::do_try_state().unwrap();
	check_loads();
	check_holds();
	check_issuance(issued, events);
}

/// The rows that a pipeline has in flight are those of its jobs.
fn check_loads() {
	for standing in pallet_allocation::Pipelines::<Runtime>::iter_values() {
		let pipeline = standing.pipeline;
		let running = JobState::Running {
			pipeline: pipeline.id,
		};
		let jobs = pallet_jobs::Jobs::<Runtime>::iter_values().filter(|job| job.state == running);
		let rows = jobs.map(|job| u64::from(job.rows_ceiling)).sum::<u64>();
		assert_eq!(pipeline.load.in_flight, rows, "pipeline {}", pipeline.id);
	}
}

/// Each kind of hold, over all accounts, is what the pallet that placed it says.
fn check_holds() {
	let escrow = pallet_jobs::Jobs::<Runtime>::iter_values()
		.map(|job| job.held())
		.sum::<Balance>();
	assert_eq!(
		on_hold(pallet_jobs::HoldReason::Escrow.into()),
		escrow,
		"escrow"
	);
	let bonds = pallet_miners::Workers::<Runtime>::iter_values()
		.map(|worker| worker.bond)
		.sum::<Balance>();
	assert_eq!(
		on_hold(pallet_miners::HoldReason::Bond.into()),
		bonds,
		"bonds"
	);
	let deposits = pallet_models::Deposits::<Runtime>::iter_values().sum::<Balance>();
	assert_eq!(
		on_hold(pallet_models::HoldReason::ModelDeposit.into()),
		deposits,
		"deposits"
	);
	let adapters = pallet_models::Adapters::<Runtime>::iter_values();
	let standing = adapters.filter(|adapter| !adapter.retired).count() as Balance;
	let deposit: Balance = <Runtime as pallet_models::Config>::AdapterDeposit::get();
	assert_eq!(
		on_hold(pallet_models::HoldReason::AdapterDeposit.into()),
		standing * deposit,
		"deposits for adapters"
	);
}

fn on_hold(reason: RuntimeHoldReason) -> Balance {
	pallet_balances::Holds::<Runtime>::iter_values()
		.flatten()
		.filter(|hold| hold.id == reason)
		.map(|hold| hold.amount)
		.sum()
}

/// Money is only ever burned, or made at the end of an era, and only where an event says so; the accounts
/// hold all the rest.
fn check_issuance(before: Balance, events: &[RuntimeEvent]) {
	let burned: Balance = events
		.iter()
		.map(|event| match event {
			RuntimeEvent::Rewards(pallet_rewards::Event::Paid { burned, .. }) => *burned,
			RuntimeEvent::Miners(
				pallet_miners::Event::Slashed { burned, .. }
				| pallet_miners::Event::Forfeited { burned, .. },
			) => *burned,
			RuntimeEvent::Auctions(pallet_auctions::Event::BidForfeited { burned, .. }) => *burned,
			RuntimeEvent::Allocation(pallet_allocation::Event::FalseScore { burned, .. }) => {
				*burned
			}
			_ => 0,
		})
		.sum();
	let minted: Balance = events
		.iter()
		.map(|event| match event {
			RuntimeEvent::Staking(pallet_staking::Event::EraPaid { remainder, .. }) => *remainder,
			_ => 0,
		})
		.sum();
	let issued = Balances::total_issuance();
	assert_eq!(issued, before + minted - burned, "total issuance");
	let owned = frame_system::Account::<Runtime>::iter_values()
		.map(|account| account.data.free + account.data.reserved)
		.sum::<Balance>();
	assert_eq!(
		issued,
		owned,
		"issuance and balances at block {}",
		System::block_number()
	);
}
