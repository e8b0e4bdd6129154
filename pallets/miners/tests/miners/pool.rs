//! What other pallets see of the pool: look-ups, engagements and records.

use crate::mock::*;
use dllm_primitives::{
	flow::{WorkerPool, WorkerRanks},
	verdict::Verdict,
};
use pallet_miners::UnverifiedPay;

#[test]
fn knows_registered_workers_only() {
	execute(|| {
		worker(ALICE);
		assert_eq!(Miners::worker(&ALICE), Some(get(ALICE)));
		assert_eq!(Miners::worker(&BOB), None);
	});
}

#[test]
fn lists_every_worker_by_account() {
	execute(|| {
		for who in [DAVE, ALICE, CAROL] {
			worker(who);
		}
		let listed: Vec<_> = Miners::all().into_iter().map(|(who, _)| who).collect();
		assert_eq!(listed, vec![ALICE, CAROL, DAVE]);
	});
}

#[test]
fn counts_open_jobs_and_their_ends() {
	execute(|| {
		worker(ALICE);
		let verdicts = [
			Verdict::Pass,
			Verdict::Pass,
			Verdict::WorkerFault,
			Verdict::VerifierFault,
			Verdict::Indeterminate,
			Verdict::Cheat,
		];
		verdicts.iter().for_each(|_| Miners::engage(&ALICE));
		assert_eq!(get(ALICE).open_jobs, 6);
		for verdict in verdicts {
			Miners::release(&ALICE, verdict);
		}
		let worker = get(ALICE);
		assert_eq!((worker.open_jobs, worker.passed, worker.faults), (0, 2, 2));
		// A conviction is counted by its slash, in whatever order the two come.
		assert_eq!(worker.cheats, 0);
	});
}

#[test]
fn ignores_who_is_gone() {
	execute(|| {
		assert_eq!(Miners::rank(&ALICE), 0);
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::Pass);
		assert_eq!(convict(&ALICE, 5, &BOB, &[CAROL]), 0);
		assert!(Miners::all().is_empty());
	});
}

#[test]
fn passes_raise_the_rank_and_faults_lower_it() {
	execute(|| {
		worker(ALICE);
		let newcomer = Miners::rank(&ALICE);
		assert_eq!(newcomer, 250_000);
		for _ in 0..3 {
			Miners::engage(&ALICE);
			Miners::release(&ALICE, Verdict::Pass);
		}
		let steady = Miners::rank(&ALICE);
		assert!(steady > newcomer);
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::Indeterminate);
		assert_eq!(Miners::rank(&ALICE), steady);
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::WorkerFault);
		let faulty = Miners::rank(&ALICE);
		assert!(faulty < steady);
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::VerifierFault);
		assert!(Miners::rank(&ALICE) < faulty);
	});
}

#[test]
fn a_conviction_takes_the_whole_rank() {
	execute(|| {
		worker(ALICE);
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::Pass);
		convict(&ALICE, 5, &BOB, &[CAROL]);
		assert_eq!(Miners::rank(&ALICE), 0);
	});
}

#[test]
fn the_rank_goes_with_the_worker() {
	execute(|| {
		worker(ALICE);
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::Pass);
		Miners::unbond(signed(ALICE)).unwrap();
		System::set_block_number(10_000);
		Miners::withdraw(signed(ALICE)).unwrap();
		assert_eq!(Miners::rank(&ALICE), 0);
		assert!(!pallet_miners::Qualities::<Test>::contains_key(ALICE));
	});
}

/// Unverified pay takes from the room that a bond leaves, until the next check is passed.
#[test]
fn unverified_pay_is_counted_until_a_check_is_passed() {
	execute(|| {
		let bond = get(worker(ALICE)).bond;
		let room = || Miners::trust(&ALICE).room;
		assert_eq!(room(), bond / 40);
		Miners::unverified(&ALICE, 7);
		Miners::unverified(&ALICE, 5);
		assert_eq!(room(), (bond / 40).saturating_sub(12));
		for nothing_said in [
			Verdict::Unchecked,
			Verdict::Indeterminate,
			Verdict::WorkerFault,
		] {
			Miners::release(&ALICE, nothing_said);
			assert_eq!(UnverifiedPay::<Test>::get(ALICE), Some(12));
		}
		Miners::unverified(&ALICE, u128::MAX);
		assert_eq!(room(), 0);
		Miners::release(&ALICE, Verdict::Pass);
		assert_eq!(room(), bond / 40);
		Miners::unverified(&BOB, 7);
		let nobody = UnverifiedPay::<Test>::iter().next().is_none();
		assert!(nobody, "nobody owes for who is not registered");
	});
}

/// An unchecked stage is neither for nor against a worker.
#[test]
fn an_unchecked_stage_counts_for_nothing() {
	execute(|| {
		worker(ALICE);
		let before = (get(ALICE).passed, Miners::rank(&ALICE));
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::Unchecked);
		let after = get(ALICE);
		assert_eq!((after.passed, Miners::rank(&ALICE)), before);
		assert_eq!((after.open_jobs, after.faults), (0, 0));
	});
}
