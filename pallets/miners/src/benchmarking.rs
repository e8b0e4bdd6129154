//! Benchmarks of every call, each at its dearest path: a worker in the verifier role with the longest
//! declaration.

use crate::{Call, Config, LinkReports, Pallet, Qualities, VerifierCount, Workers};
use alloc::vec::Vec;
use dllm_primitives::{
	ids::Address,
	links::{Links, Probed, Reading, Report, MAX_LINKS},
	miner::{Roles, WorkerSpec, WorkerState},
	verdict::Verdict,
};
use frame_benchmarking::v2::*;
use frame_support::traits::{
	fungible::{Inspect, Mutate},
	Get,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};

/// The longest declaration; `peer` sets it apart.
fn spec(peer: u8) -> WorkerSpec {
	let address: Address = [b'a'; 128].to_vec().try_into().unwrap_or_default();
	let addresses: Vec<_> = core::iter::repeat_n(address, 4).collect();
	WorkerSpec {
		peer_id: [peer; 64].to_vec().try_into().unwrap_or_default(),
		addresses: addresses.try_into().unwrap_or_default(),
		roles: Roles {
			entry: true,
			miner: true,
			verifier: true,
		},
		memory: 1 << 40,
		price: 1_000_000,
	}
}

fn fund<T: Config>(who: &T::AccountId) -> Result<(), BenchmarkError> {
	let funds = T::MinBond::get().saturating_mul(4);
	T::Currency::mint_into(who, funds.saturating_add(T::Currency::minimum_balance()))?;
	Ok(())
}

/// Registers a worker under `operator`.
fn worker<T: Config>(
	who: &T::AccountId,
	operator: Option<T::AccountId>,
	peer: u8,
) -> Result<(), BenchmarkError> {
	fund::<T>(who)?;
	Pallet::<T>::do_register(who.clone(), operator, spec(peer), T::MinBond::get())?;
	Ok(())
}

fn peer_account<T: Config>(number: u32) -> T::AccountId {
	account("peer", number, 0)
}

fn probed<T: Config>(number: u32) -> Probed<T::AccountId> {
	Probed {
		peer: peer_account::<T>(number),
		reading: Reading {
			rtt_us: 20_000,
			jitter_us: 1_000,
			loss_ppm: 100,
			bytes_per_second: 10_000_000,
		},
	}
}

/// The longest report, of the first block.
fn full_report<T: Config>() -> Report<T::AccountId, BlockNumberFor<T>> {
	let links: Vec<_> = (1..=MAX_LINKS).map(probed::<T>).collect();
	Report {
		block: Default::default(),
		links: links.try_into().unwrap_or_default(),
	}
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn register() -> Result<(), BenchmarkError> {
		let who: T::AccountId = whitelisted_caller();
		fund::<T>(&who)?;

		#[extrinsic_call]
		_(
			RawOrigin::Signed(who.clone()),
			None,
			spec(1),
			T::MinBond::get(),
		);

		assert!(Workers::<T>::contains_key(&who));
		Ok(())
	}

	#[benchmark]
	fn accept_worker() -> Result<(), BenchmarkError> {
		let operator: T::AccountId = whitelisted_caller();
		let who: T::AccountId = account("worker", 0, 0);
		worker::<T>(&who, Some(operator.clone()), 1)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(operator), who.clone());

		assert!(Workers::<T>::get(&who).is_some_and(|w| w.state == WorkerState::Active));
		Ok(())
	}

	/// The worker gives up the verifier role, and another takes its number.
	#[benchmark]
	fn update() -> Result<(), BenchmarkError> {
		let who: T::AccountId = whitelisted_caller();
		worker::<T>(&who, None, 1)?;
		worker::<T>(&account("other", 0, 0), None, 2)?;
		let mut changed = spec(3);
		changed.roles.verifier = false;

		#[extrinsic_call]
		_(RawOrigin::Signed(who), changed);

		assert_eq!(VerifierCount::<T>::get(), 1);
		Ok(())
	}

	#[benchmark]
	fn bond_extra() -> Result<(), BenchmarkError> {
		let who: T::AccountId = whitelisted_caller();
		worker::<T>(&who, None, 1)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), T::MinBond::get());

		let bond = T::MinBond::get().saturating_mul(2);
		assert!(Workers::<T>::get(&who).is_some_and(|w| w.bond == bond));
		Ok(())
	}

	/// Another worker takes its number.
	#[benchmark]
	fn unbond() -> Result<(), BenchmarkError> {
		let who: T::AccountId = whitelisted_caller();
		worker::<T>(&who, None, 1)?;
		worker::<T>(&account("other", 0, 0), None, 2)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(who));

		assert_eq!(VerifierCount::<T>::get(), 1);
		Ok(())
	}

	#[benchmark]
	fn rebond() -> Result<(), BenchmarkError> {
		let who: T::AccountId = whitelisted_caller();
		worker::<T>(&who, None, 1)?;
		Pallet::<T>::do_unbond(who.clone())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(who));

		assert_eq!(VerifierCount::<T>::get(), 1);
		Ok(())
	}

	#[benchmark]
	fn withdraw() -> Result<(), BenchmarkError> {
		let who: T::AccountId = whitelisted_caller();
		worker::<T>(&who, None, 1)?;
		Pallet::<T>::note_verdict(&who, Verdict::Pass);
		LinkReports::<T>::insert(&who, full_report::<T>());
		Pallet::<T>::do_unbond(who.clone())?;
		frame_system::Pallet::<T>::set_block_number(Pallet::<T>::free_from());

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));

		assert!(!Workers::<T>::contains_key(&who));
		Ok(())
	}

	/// Replaces the longest report. Every peer has one as long, which contradicts it with its last link.
	#[benchmark]
	fn report_links(n: Linear<0, MAX_LINKS>) -> Result<(), BenchmarkError> {
		let who: T::AccountId = whitelisted_caller();
		worker::<T>(&who, None, 0)?;
		for peer in 1..=n {
			let account = peer_account::<T>(peer);
			worker::<T>(&account, None, peer as u8)?;
			Workers::<T>::mutate(&account, |worker| {
				if let Some(worker) = worker {
					worker.passed = 1;
				}
			});
			let mut report = full_report::<T>();
			if let Some(last) = report.links.last_mut() {
				last.peer = who.clone();
				last.reading.rtt_us = 20_000_000;
			}
			LinkReports::<T>::insert(&account, report);
		}
		LinkReports::<T>::insert(&who, full_report::<T>());
		frame_system::Pallet::<T>::set_block_number(T::LinkReportPause::get());
		let links: Vec<_> = (1..=n).map(probed::<T>).collect();
		let links: Links<T::AccountId> = links.try_into().unwrap_or_default();

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), links);

		assert!(LinkReports::<T>::get(&who).is_some_and(|report| report.links.len() as u32 == n));
		assert_eq!(Qualities::<T>::contains_key(&who), n >= 3);
		Ok(())
	}
}
