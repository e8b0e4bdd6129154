//! What a conviction costs, and who gets it.

use crate::mock::*;
use dllm_primitives::{
	flow::WorkerPool,
	ids::Digest,
	miner::WorkerState,
	slash::{Conviction, Ground},
	verdict::Verdict,
};
use frame_support::{assert_noop, assert_ok};
use proptest::{collection::vec, prelude::*};

const BOND: u128 = 100_000;

/// User of the cheated job.
const USER: AccountId = 50;

fn slashed(amount: u128, to_user: u128, to_convictors: u128, burned: u128) -> RuntimeEvent {
	assert_eq!(amount, to_user + to_convictors + burned);
	Event::Slashed {
		worker: ALICE,
		amount,
		to_user,
		to_convictors,
		burned,
	}
	.into()
}

#[test]
fn takes_a_share_of_the_bond_at_least() {
	execute(|| {
		bonded(ALICE, BOND + 1);
		// A tenth, rounded up; 300 × 33 is less.
		assert_eq!(convict(&ALICE, 33, &USER, &[BOB, CAROL]), 10_001);
		assert_eq!(get(ALICE).bond, BOND - 10_000);
		assert_eq!(held(ALICE), BOND - 10_000);
		assert_eq!(free(USER), FUNDS + 2_000);
		assert_eq!(free(BOB), FUNDS + 1_500);
		assert_eq!(free(CAROL), FUNDS + 1_500);
		System::assert_last_event(slashed(10_001, 2_000, 3_000, 5_001));
	});
}

#[test]
fn takes_a_multiple_of_the_pay_where_that_is_more() {
	execute(|| {
		bonded(ALICE, BOND);
		assert_eq!(convict(&ALICE, 100, &USER, &[BOB]), 30_000);
		assert_eq!(get(ALICE).cheats, 1);
		assert_eq!(state(ALICE), WorkerState::Active);
	});
}

#[test]
fn never_takes_more_than_the_bond() {
	execute(|| {
		bonded(ALICE, BOND);
		let own = free(ALICE);
		assert_eq!(convict(&ALICE, u128::MAX, &USER, &[]), BOND);
		assert_eq!((held(ALICE), get(ALICE).bond, free(ALICE)), (0, 0, own));
	});
}

#[test]
fn burns_the_convictors_share_where_there_is_none() {
	execute(|| {
		bonded(ALICE, BOND);
		convict(&ALICE, 0, &USER, &[]);
		System::assert_last_event(slashed(10_000, 2_000, 0, 8_000));
	});
}

#[test]
fn burns_what_cannot_be_received() {
	execute(|| {
		bonded(ALICE, MIN_BOND);
		// 1 000 are slashed: 200 for the user, and 300 for 31 strangers are 9 each, below the
		// existential deposit.
		let strangers: Vec<_> = (STRANGER..STRANGER + 31).collect();
		convict(&ALICE, 0, &USER, &strangers);
		System::assert_has_event(slashed(1_000, 200, 0, 800));
	});
}

#[test]
fn gives_the_rounding_to_the_fire() {
	execute(|| {
		bonded(ALICE, BOND);
		// 3 000 for 7 are 428 each.
		let convictors: Vec<_> = (10..17).collect();
		convict(&ALICE, 0, &USER, &convictors);
		System::assert_last_event(slashed(10_000, 2_000, 2_996, 5_004));
	});
}

#[test]
fn lets_a_worker_go_whose_bond_is_no_longer_enough() {
	execute(|| {
		worker(ALICE);
		convict(&ALICE, 0, &USER, &[BOB]);
		assert_eq!(get(ALICE).bond, MIN_BOND - 1_000);
		assert_eq!(state(ALICE), WorkerState::Unbonding(1 + DELAY));
		assert_eq!(Miners::draw_verifier(Digest::zero(), &[], 0), None);

		assert_noop!(Miners::rebond(signed(ALICE)), Error::BondTooLow);
		assert_ok!(Miners::bond_extra(signed(ALICE), 1_000));
		assert_ok!(Miners::rebond(signed(ALICE)));
		assert_eq!(state(ALICE), WorkerState::Active);
	});
}

#[test]
fn reaches_a_worker_that_is_leaving_and_leaves_it_its_date() {
	execute(|| {
		bonded(ALICE, BOND);
		assert_ok!(Miners::unbond(signed(ALICE)));
		System::set_block_number(5);
		assert_eq!(convict(&ALICE, 0, &USER, &[BOB]), 10_000);
		assert_eq!(state(ALICE), WorkerState::Unbonding(1 + DELAY));
	});
}

#[test]
fn takes_everything_the_second_time_and_bans() {
	execute(|| {
		bonded(ALICE, BOND);
		convict(&ALICE, 0, &USER, &[BOB]);
		assert_eq!(convict(&ALICE, 0, &USER, &[BOB]), BOND - 10_000);
		assert_eq!((state(ALICE), held(ALICE)), (WorkerState::Banned, 0));
		System::assert_last_event(Event::Banned { worker: ALICE }.into());
	});
}

/// Two friends can outvote one that is honest: they gain nothing, and it stays.
#[test]
fn votes_pay_nobody_but_the_user_and_ban_nobody() {
	execute(|| {
		bonded(ALICE, BOND);
		let outvoted = |exact, pay| {
			let conviction = Conviction {
				pay,
				ground: Ground::Votes,
				exact,
				user: &USER,
				convicted_by: &[BOB, CAROL],
			};
			Miners::slash(&ALICE, &conviction)
		};
		assert_eq!(outvoted(false, 100), 10_000);
		System::assert_last_event(slashed(10_000, 100, 0, 9_900));
		assert_eq!(outvoted(true, 100), 30_000);
		System::assert_last_event(slashed(30_000, 100, 0, 29_900));
		assert_eq!((free(BOB), free(CAROL)), (FUNDS, FUNDS));
		assert_eq!((get(ALICE).cheats, state(ALICE)), (0, WorkerState::Active));
		assert_eq!(Miners::rank_of(&ALICE), 0);
		Miners::acquit(&ALICE, 0, Some(Ground::Votes));
		assert_eq!(get(ALICE).cheats, 0);
		assert!(Miners::rank_of(&ALICE) > 0, "its rank comes back");

		// What is proved then is the first time.
		assert_eq!(convict(&ALICE, 0, &USER, &[]), (BOND - 40_000) / 10);
		assert_eq!((get(ALICE).cheats, state(ALICE)), (1, WorkerState::Active));
		outvoted(false, 0);
		assert_eq!(state(ALICE), WorkerState::Active);
	});
}

#[test]
fn bans_for_good() {
	execute(|| {
		bonded(ALICE, BOND);
		convict(&ALICE, 0, &USER, &[]);
		convict(&ALICE, 0, &USER, &[]);
		System::set_block_number(10 * DELAY);
		assert_noop!(Miners::unbond(signed(ALICE)), Error::NotActive);
		assert_noop!(Miners::rebond(signed(ALICE)), Error::NotUnbonding);
		assert_noop!(Miners::withdraw(signed(ALICE)), Error::Banned);
		assert_noop!(Miners::bond_extra(signed(ALICE), BOND), Error::Banned);
		assert_noop!(
			Miners::accept_worker(signed(ALICE), ALICE),
			Error::NotPending
		);
		assert_noop!(
			Miners::register(signed(ALICE), None, spec(ALICE), BOND),
			Error::AlreadyRegistered
		);
		assert_eq!(Miners::draw_verifier(Digest::zero(), &[], 0), None);
		// A third conviction, from a job that was still open, finds nothing and says Banned only once.
		assert_eq!(convict(&ALICE, 100, &USER, &[BOB]), 0);
		let banned: RuntimeEvent = Event::Banned { worker: ALICE }.into();
		assert_eq!(
			System::events()
				.iter()
				.filter(|record| record.event == banned)
				.count(),
			1
		);
	});
}

#[test]
fn counts_a_conviction_once_with_its_verdict() {
	execute(|| {
		bonded(ALICE, BOND);
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::Cheat);
		convict(&ALICE, 0, &USER, &[]);
		assert_eq!(get(ALICE).cheats, 1);
		assert_eq!(state(ALICE), WorkerState::Active);
	});
}

#[test]
fn pays_a_worker_that_cheated_itself_its_share_as_user() {
	execute(|| {
		bonded(ALICE, BOND);
		let own = free(ALICE);
		convict(&ALICE, 0, &ALICE, &[BOB]);
		assert_eq!(free(ALICE), own + 2_000);
		assert_eq!(held(ALICE), BOND - 10_000);
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	/// `execute` compares all money with what slashes say that they burned.
	#[test]
	fn conserves_money_whatever_is_slashed(
		bond in MIN_BOND..FUNDS / 2,
		slashes in vec((0..5_000u128, 1..60u64, vec(2..120u64, 0..8)), 0..4),
	) {
		execute(|| {
			bonded(ALICE, bond);
			let mut left = bond;
			for (round, (pay, user, convictors)) in slashes.into_iter().enumerate() {
				let taken = convict(&ALICE, pay, &user, &convictors);
				let due = if round == 0 { (pay * 300).max(left.div_ceil(10)).min(left) } else { left };
				assert_eq!(taken, due);
				left -= taken;
				assert_eq!(held(ALICE), left);
			}
		});
	}
}

/// No conviction: neither counted nor banned for, but it costs more than silence could have gained.
#[test]
fn who_withholds_an_opening_forfeits_a_multiple_of_the_pay() {
	execute(|| {
		bonded(ALICE, BOND);
		assert_eq!(Miners::withheld(&ALICE, 100, Some(&USER)), 4_000);
		assert_eq!((get(ALICE).bond, held(ALICE)), (BOND - 4_000, BOND - 4_000));
		assert_eq!(free(USER), FUNDS + 800);
		assert_eq!((get(ALICE).cheats, state(ALICE)), (0, WorkerState::Active));
		let forfeited = Event::Forfeited {
			worker: ALICE,
			amount: 4_000,
			to_user: 800,
			burned: 3_200,
		};
		System::assert_last_event(forfeited.into());
		assert_eq!(
			Miners::withheld(&ALICE, u128::MAX, Some(&USER)),
			BOND - 4_000
		);
		assert_eq!(get(ALICE).bond, 0);
		assert!(matches!(state(ALICE), WorkerState::Unbonding(_)));
		assert_eq!(Miners::withheld(&99, 5, Some(&USER)), 0);
	});
}

#[test]
fn an_acquittal_takes_a_conviction_back() {
	execute(|| {
		bonded(ALICE, BOND);
		let taken = convict(&ALICE, 33, &USER, &[BOB]);
		assert_eq!(Miners::rank_of(&ALICE), 0);
		// The runtime has put it into the worker's account.
		assert_eq!(Miners::acquit(&ALICE, taken, Some(Ground::Proof)), taken);
		assert_eq!(
			(get(ALICE).bond, held(ALICE), get(ALICE).cheats),
			(BOND, BOND, 0)
		);
		assert_eq!(free(ALICE), FUNDS - BOND - taken);
		assert!(Miners::rank_of(&ALICE) > 0);
		System::assert_last_event(
			Event::Acquitted {
				worker: ALICE,
				amount: taken,
			}
			.into(),
		);
		// A forfeit was no conviction.
		convict(&ALICE, 33, &USER, &[BOB]);
		Miners::acquit(&ALICE, 1, None);
		assert_eq!(get(ALICE).cheats, 1);
	});
}

#[test]
fn an_acquittal_lifts_the_ban_that_rested_on_it() {
	execute(|| {
		bonded(ALICE, BOND);
		for _ in 0..3 {
			convict(&ALICE, 33, &USER, &[]);
		}
		assert_eq!(state(ALICE), WorkerState::Banned);
		// Two convictions are left: it stays banned, and has no bond.
		assert_eq!(Miners::acquit(&ALICE, 5, Some(Ground::Proof)), 0);
		assert_eq!((state(ALICE), get(ALICE).bond), (WorkerState::Banned, 0));
		assert_eq!(Miners::acquit(&ALICE, 5, Some(Ground::Proof)), 5);
		assert!(matches!(state(ALICE), WorkerState::Unbonding(_)));
	});
}

#[test]
fn an_acquittal_adds_no_more_than_there_is() {
	execute(|| {
		bonded(ALICE, BOND);
		convict(&ALICE, 33, &USER, &[]);
		assert_eq!(Miners::acquit(&ALICE, u128::MAX, Some(Ground::Proof)), 0);
		assert_eq!((get(ALICE).bond, get(ALICE).cheats), (BOND - BOND / 10, 0));
		assert_eq!(Miners::acquit(&STRANGER, 1, Some(Ground::Proof)), 0);
	});
}
