//! What is announced at the turn of a session, and when it takes effect.

use crate::mock::*;
use codec::Encode;
use dllm_primitives::flow::WorkLedger;
use frame_support::traits::Get;
use pallet_poaw::Snapshot;
use sp_consensus_babe::{ConsensusLog, BABE_ENGINE_ID};
use sp_runtime::DigestItem;

#[test]
fn genesis_has_weights_of_one_and_the_base_follows_two_sessions_later() {
	execute(|| {
		assert_eq!(current(), VALIDATORS.map(|who| (key(who), 1)));
		assert_eq!(next(), current());
		turn();
		assert_eq!(current(), VALIDATORS.map(|who| (key(who), 1)));
		assert_eq!(next(), VALIDATORS.map(|who| (key(who), BASE_WEIGHT)));
		turn();
		assert_eq!(current(), VALIDATORS.map(|who| (key(who), BASE_WEIGHT)));
	});
}

/// Work of session s − 1 is in the ledger that closes with it; at the end of s it is announced for s + 2.
#[test]
fn work_weighs_three_sessions_after_it_was_done() {
	execute(|| {
		turns(5);
		link(WORKER, 1);
		Poaw::credit(500, &[(WORKER, 1)]);
		turn();
		assert_eq!(
			next_weights(),
			vec![BASE_WEIGHT; 4],
			"session 5 closed just now"
		);
		turn();
		assert_eq!(next_weights(), vec![15_000, 10_000, 10_000, 10_000]);
		assert_eq!(current()[0].1, BASE_WEIGHT);
		turn();
		assert_eq!(current()[0].1, 15_000);
		assert_eq!(next_weights()[0], 14_500, "and fades");
	});
}

#[test]
fn work_after_the_close_does_not_reach_the_next_announcement() {
	execute(|| {
		link(WORKER, 1);
		turns(5);
		Poaw::credit(500, &[(WORKER, 1)]);
		turn();
		Poaw::credit(500, &[(WORKER, 1)]);
		turn();
		assert_eq!(next_weights()[0], 15_000);
	});
}

#[test]
fn no_more_than_a_tenth_of_the_own_bond_counts() {
	let credits = vec![(1, 100 * TARGET), (2, 100 * TARGET)];
	execute_with(rules(), credits, || {
		bond(1, 5 * TARGET);
		bond(2, 0);
		turns(3);
		assert_eq!(next_weights(), vec![15_000, 10_000, 10_000, 10_000]);
	});
}

#[test]
fn rewards_that_are_worth_buying_raise_the_target() {
	execute_with(rules(), vec![(1, 100 * TARGET)], || {
		turns(2);
		// 3⁄2 · 8 · R ⁄ n with n = 4: three times what a session pays.
		session_reward(100 * TARGET);
		turns(2);
		let credit = 100 * TARGET * 9 / 10 * 9 / 10 * 9 / 10;
		let expected = 10_000 + 10_000 * credit / (300 * TARGET);
		assert_eq!(u128::from(next_weights()[0]), expected);
	});
}

#[test]
fn a_small_set_has_no_weights_but_the_base() {
	let guarded = Params {
		min_validators: 5,
		..rules()
	};
	execute_with(guarded, vec![(1, 100 * TARGET)], || {
		turns(3);
		assert_eq!(next_weights(), vec![BASE_WEIGHT; 4]);
		set_key(5, 5);
		elect(&[1, 2, 3, 4, 5]);
		turns(3);
		assert_eq!(next_weights(), vec![20_000, 10_000, 10_000, 10_000, 10_000]);
	});
}

#[test]
fn a_fresh_key_is_on_probation_for_one_session() {
	execute_with(rules(), vec![(1, 100 * TARGET)], || {
		turns(4);
		set_key(1, 11);
		turn();
		assert_eq!(next()[0], (key(11), PROBATION_WEIGHT));
		assert_eq!(next_weights()[1..], [BASE_WEIGHT; 3]);
		turn();
		assert_eq!(next()[0], (key(11), 20_000));
	});
}

#[test]
fn a_new_validator_is_on_probation_too() {
	execute(|| {
		turns(4);
		set_key(5, 5);
		elect(&[1, 2, 3, 4, 5]);
		turn();
		assert_eq!(next()[4], (key(5), PROBATION_WEIGHT));
		turn();
		assert_eq!(next()[4], (key(5), BASE_WEIGHT));
	});
}

#[test]
fn more_than_a_third_of_fresh_keys_are_exempt() {
	let credits = vec![(1, 100 * TARGET), (2, 100 * TARGET), (3, 100 * TARGET)];
	execute_with(rules(), credits, || {
		turns(4);
		set_key(3, 13);
		set_key(4, 14);
		turn();
		assert_eq!(next_weights(), vec![20_000, 20_000, 20_000, 10_000]);
		assert_eq!(next()[2].0, key(13));
	});
}

#[test]
fn exactly_a_third_is_not_exempt() {
	execute(|| {
		elect(&[1, 2, 3]);
		turns(4);
		set_key(2, 12);
		turn();
		assert_eq!(next_weights(), vec![10_000, 1, 10_000]);
	});
}

#[test]
fn weights_follow_the_order_of_the_validators() {
	execute_with(rules(), vec![(2, 100 * TARGET)], || {
		turns(3);
		elect(&[4, 2, 1]);
		turns(2);
		let expected = vec![(key(4), 10_000), (key(2), 20_000), (key(1), 10_000)];
		assert_eq!(current(), expected);
		assert_eq!(pallet_session::Validators::<Test>::get(), vec![4, 2, 1]);
	});
}

#[test]
fn a_validator_that_leaves_keeps_nothing() {
	execute_with(rules(), vec![(1, 100 * TARGET)], || {
		turns(3);
		elect(&[2, 3, 4]);
		turns(3);
		assert_eq!(current(), [2, 3, 4].map(|who| (key(who), BASE_WEIGHT)));
		elect(&[1, 2, 3, 4]);
		turn();
		assert_eq!(next()[0], (key(1), PROBATION_WEIGHT));
	});
}

#[test]
fn a_validator_that_leaves_in_mid_session_stays_in_the_lists_that_were_told() {
	execute_with(rules(), vec![(2, 100 * TARGET)], || {
		turns(4);
		let (running, announced) = (current(), next());
		// The first validator makes the blocks of these tests.
		Session::purge_keys(RuntimeOrigin::signed(3)).unwrap();
		assert!(Session::disable_index(2));

		let told = ConsensusLog::OnDisabled(2).encode();
		let told = DigestItem::Consensus(BABE_ENGINE_ID, told);
		assert!(System::digest().logs.contains(&told));
		assert_eq!((current(), next()), (running, announced.clone()));

		turn();
		assert_eq!(current(), announced, "with the key that is purged");
		assert_eq!(Session::disabled_validators(), [2]);
		let left = [(key(1), 10_000), (key(2), 20_000), (key(4), 10_000)];
		assert_eq!(next(), left);
		turn();
		assert_eq!(current(), left);
		assert!(
			Session::disabled_validators().is_empty(),
			"the place is another's now"
		);
	});
}

/// The session pallet hands over those whom it queued, who were announced, so this cannot happen; a chain
/// that came there all the same would go on.
#[test]
fn keys_that_were_not_announced_weigh_next_to_nothing() {
	execute_with(rules(), vec![(1, 100 * TARGET)], || {
		turns(4);
		assert_eq!(next_weights(), [20_000, 10_000, 10_000, 10_000]);
		set_key(5, 5);
		let others = [4, 1, 5].map(|who| (who, Keys { babe: key(who) }));
		pallet_session::QueuedKeys::<Test>::put(others.to_vec());
		turn();
		let expected = [
			(key(4), BASE_WEIGHT),
			(key(1), 20_000),
			(key(5), PROBATION_WEIGHT),
		];
		assert_eq!(current(), expected);
		let said = format!("{:?}", Poaw::do_try_state().unwrap_err());
		assert!(said.contains("not those that were announced"), "{said}");

		let announced = next();
		turn();
		assert_eq!(current(), announced, "and was over with that session");
	});
}

#[test]
fn a_validator_without_keys_is_left_out_of_every_list() {
	execute(|| {
		elect(&[1, 2, 3, 4, 6]);
		turn();
		assert_eq!(next().len(), 4);
		turn();
		assert_eq!(current().len(), 4);
	});
}

#[test]
fn a_skipped_epoch_uses_what_was_announced() {
	execute_with(rules(), vec![(1, 100 * TARGET)], || {
		turns(3);
		let announced = next();
		turn_after(4 * EPOCH);
		assert_eq!(current(), announced);
		let skipped = pallet_babe::SkippedEpochs::<Test>::get();
		assert_eq!(
			skipped.len(),
			1,
			"equivocation proofs need the session of an epoch"
		);
		assert_eq!(skipped[0].1, 4);
	});
}

#[test]
fn what_was_announced_holds_over_fifty_sessions_of_changes() {
	execute(|| {
		link(WORKER, 1);
		link(OTHER, 2);
		(5..=7).for_each(|who| set_key(who, who));
		for session in 0..50u64 {
			let announced = next();
			Poaw::credit(
				u128::from(session * 17 % 400),
				&[(WORKER, 2), (OTHER, session as u128 % 3)],
			);
			if session % 3 == 0 {
				set_key(session % 7 + 1, 100 + session);
			}
			if session % 5 == 4 {
				let size = 3 + session / 5 % 5;
				elect(&(1..=size).collect::<Vec<_>>());
			}
			turn_after(if session % 11 == 10 { 3 * EPOCH } else { EPOCH });
			assert_eq!(current(), announced, "session {session}");
			Poaw::do_try_state().unwrap();
		}
	});
}

#[test]
fn the_announcement_is_told() {
	execute(|| {
		turns(3);
		set_key(2, 12);
		turn();
		let told = Event::Weighed {
			session: 5,
			total: 3 * BASE_WEIGHT + 1,
			fresh: 1,
		};
		assert!(events().contains(&told));
	});
}

#[test]
fn the_snapshot_holds_every_queued_validator() {
	execute(|| {
		turns(2);
		let weighed: Vec<_> = Snapshot::<Test>::get().into_iter().collect();
		assert_eq!(weighed, VALIDATORS.map(|who| (who, BASE_WEIGHT)));
		let bound: u32 = <Test as pallet_babe::Config>::MaxAuthorities::get();
		assert!(weighed.len() as u32 <= bound);
	});
}
