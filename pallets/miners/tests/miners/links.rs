//! Reports of links: who may make them, what they may say, how they age, and when they go.

use crate::mock::*;
use dllm_primitives::{
	flow::WorkerPool,
	links::{Link, Links, Reading},
	verdict::Verdict,
};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{GetDispatchInfo, Pays},
};
use pallet_miners::LinkReports;

fn report(who: AccountId, links: Links<AccountId>) {
	assert_ok!(Miners::report_links(signed(who), links));
}

fn at(block: u32) {
	System::set_block_number(block);
}

/// One link to BOB with a figure of one's own.
fn with(harm: impl FnOnce(&mut Reading)) -> Links<AccountId> {
	let mut links = probed(&[BOB]);
	harm(&mut links[0].reading);
	links
}

#[test]
fn is_kept_and_free_of_charge() {
	execute(|| {
		worker(ALICE);
		worker(BOB);
		let paid = Miners::report_links(signed(ALICE), probed(&[BOB])).unwrap();
		assert_eq!(paid.pays_fee, Pays::No);
		let kept = LinkReports::<Test>::get(ALICE).unwrap();
		assert_eq!((kept.block, kept.links), (1, probed(&[BOB])));
		System::assert_last_event(
			Event::LinksReported {
				worker: ALICE,
				links: 1,
			}
			.into(),
		);
	});
}

#[test]
fn is_for_active_workers_only() {
	execute(|| {
		let none = || probed(&[]);
		assert_noop!(
			Miners::report_links(signed(ALICE), none()),
			Error::NotRegistered
		);
		pending(BOB, ALICE);
		assert_noop!(Miners::report_links(signed(BOB), none()), Error::NotActive);
		worker(CAROL);
		assert_ok!(Miners::unbond(signed(CAROL)));
		assert_noop!(
			Miners::report_links(signed(CAROL), none()),
			Error::NotActive
		);
		assert_noop!(
			Miners::report_links(RuntimeOrigin::none(), none()),
			sp_runtime::DispatchError::BadOrigin
		);
	});
}

#[test]
fn comes_no_more_often_than_the_pause() {
	execute(|| {
		worker(ALICE);
		worker(BOB);
		report(ALICE, probed(&[]));
		at(PAUSE);
		assert_noop!(
			Miners::report_links(signed(ALICE), probed(&[BOB])),
			Error::TooEarly
		);
		at(1 + PAUSE);
		report(ALICE, probed(&[BOB]));
		assert_eq!(LinkReports::<Test>::get(ALICE).unwrap().block, 1 + PAUSE);
	});
}

#[test]
fn names_every_other_worker_once() {
	execute(|| {
		worker(ALICE);
		worker(BOB);
		let refused = |links| Miners::report_links(signed(ALICE), links);
		assert_noop!(refused(probed(&[ALICE])), Error::LinkToItself);
		assert_noop!(refused(probed(&[BOB, BOB])), Error::DuplicateLink);
		assert_noop!(refused(probed(&[BOB, STRANGER])), Error::UnknownPeer);
		assert!(LinkReports::<Test>::get(ALICE).is_none());
	});
}

#[test]
fn says_nothing_that_cannot_be_true() {
	execute(|| {
		worker(ALICE);
		worker(BOB);
		let impossible: [fn(&mut Reading); 6] = [
			|reading| reading.rtt_us = 0,
			|reading| reading.rtt_us = 60_000_001,
			|reading| reading.jitter_us = 30_000_001,
			|reading| reading.loss_ppm = 500_001,
			|reading| reading.bytes_per_second = 99,
			|reading| reading.bytes_per_second = 1_000_000_000_001,
		];
		for harm in impossible {
			assert_noop!(
				Miners::report_links(signed(ALICE), with(harm)),
				Error::ImplausibleLink
			);
		}
	});
}

#[test]
fn the_worse_of_both_ends_counts() {
	execute(|| {
		worker(ALICE);
		worker(BOB);
		report(ALICE, with(|reading| reading.rtt_us = 1));
		at(3);
		let mut back = probed(&[ALICE]);
		back[0].reading.bytes_per_second = 1_000;
		report(BOB, back);
		let reading = Reading {
			bytes_per_second: 1_000,
			..READING
		};
		let link = Link {
			ends: [ALICE, BOB],
			reading,
			reported: [Some(1), Some(3)],
		};
		assert_eq!(Miners::links(), (vec![link], vec![]));
	});
}

#[test]
fn an_old_one_no_longer_counts_and_its_worker_falls_silent() {
	execute(|| {
		let _ = [ALICE, BOB, CAROL].map(worker);
		report(ALICE, probed(&[BOB]));
		report(BOB, probed(&[]));
		at(1 + LIFETIME);
		let (links, silent) = Miners::links();
		assert_eq!((links.len(), silent), (1, vec![]));
		at(2 + LIFETIME);
		// CAROL never reported: nothing is known of it.
		assert_eq!(Miners::links(), (vec![], vec![ALICE, BOB]));
		// Who answers somebody is not dead.
		report(CAROL, probed(&[BOB]));
		let (links, silent) = Miners::links();
		assert_eq!(links[0].ends, [BOB, CAROL]);
		assert_eq!(links[0].reported, [None, Some(2 + LIFETIME)]);
		assert_eq!(silent, vec![ALICE]);
	});
}

#[test]
fn goes_with_its_worker_and_names_nobody_who_left() {
	execute(|| {
		let _ = [ALICE, BOB, CAROL].map(worker);
		report(ALICE, probed(&[BOB, CAROL]));
		report(BOB, probed(&[ALICE]));
		assert_ok!(Miners::unbond(signed(BOB)));
		at(1 + DELAY);
		report(ALICE, probed(&[BOB, CAROL]));
		assert_ok!(Miners::withdraw(signed(BOB)));
		assert!(LinkReports::<Test>::get(BOB).is_none());
		let (links, silent) = Miners::links();
		assert_eq!(links.len(), 1);
		assert_eq!(links[0].ends, [ALICE, CAROL]);
		assert!(silent.is_empty());
	});
}

/// Four workers with work to their names, the last three of which agree on their links to the first.
fn neighbours() -> [AccountId; 4] {
	let all = [ALICE, BOB, CAROL, DAVE].map(worker);
	for who in all {
		pass(who);
		report(who, probed(&[]));
	}
	at(1 + PAUSE);
	for who in [BOB, CAROL, DAVE] {
		report(who, probed(&[ALICE]));
	}
	all
}

fn pass(who: AccountId) {
	Miners::engage(&who);
	Miners::release(&who, Verdict::Pass);
}

/// What ALICE says of its links: ten times the round trips that the others find.
fn lie(to: &[AccountId]) -> Links<AccountId> {
	let mut links = probed(to);
	links.iter_mut().for_each(|link| link.reading.rtt_us *= 10);
	links
}

fn doubt(who: AccountId) -> u32 {
	pallet_miners::Qualities::<Test>::get(who).map_or(0, |quality| quality.doubt)
}

#[test]
fn who_is_contradicted_by_most_operators_loses_rank() {
	execute(|| {
		let all = neighbours();
		let before = all.map(|who| Miners::rank_of(&who));
		for turn in 2..12 {
			at(1 + turn * PAUSE);
			report(ALICE, lie(&[BOB, CAROL, DAVE]));
			let doubted = Event::ReportContradicted {
				worker: ALICE,
				doubt: doubt(ALICE),
			};
			System::assert_has_event(doubted.into());
			for who in [BOB, CAROL, DAVE] {
				report(who, probed(&[ALICE]));
			}
		}
		let after = all.map(|who| Miners::rank_of(&who));
		assert!(after[0] < before[0]);
		// Each of them is contradicted by one of one.
		assert_eq!(after[1..], before[1..]);
		assert_eq!([BOB, CAROL, DAVE].map(doubt), [0; 3]);
	});
}

#[test]
fn who_is_confirmed_is_not_doubted() {
	execute(|| {
		neighbours();
		at(1 + 2 * PAUSE);
		report(ALICE, probed(&[BOB, CAROL, DAVE]));
		assert_eq!(doubt(ALICE), 0);
		// One of three is off.
		let mut links = probed(&[BOB, CAROL, DAVE]);
		links[0].reading.rtt_us *= 10;
		at(1 + 3 * PAUSE);
		report(ALICE, links);
		assert_eq!(doubt(ALICE), 0);
	});
}

/// Whether ALICE is doubted after a lie to all its neighbours, once something was changed.
fn is_doubted(change: impl FnOnce()) -> bool {
	let mut doubted = false;
	execute(|| {
		neighbours();
		at(1 + 2 * PAUSE);
		change();
		report(ALICE, lie(&[BOB, CAROL, DAVE]));
		doubted = doubt(ALICE) > 0;
	});
	doubted
}

fn change_worker(who: AccountId, change: impl FnOnce(&mut pallet_miners::WorkerOf<Test>)) {
	pallet_miners::Workers::<Test>::mutate(who, |worker| change(worker.as_mut().unwrap()));
}

#[test]
fn three_operators_with_work_and_fresh_reports_have_to_be_heard() {
	assert!(is_doubted(|| ()));
	let same_operator = || change_worker(BOB, |worker| worker.operator = CAROL);
	assert!(!is_doubted(same_operator), "two operators are too few");
	let own_worker = || change_worker(BOB, |worker| worker.operator = ALICE);
	assert!(!is_doubted(own_worker), "one's own worker is no witness");
	assert!(!is_doubted(
		|| change_worker(BOB, |worker| worker.passed = 0)
	));
	assert!(
		!is_doubted(|| report(BOB, probed(&[CAROL]))),
		"it names others"
	);
	let stale = || at(2 + PAUSE + LIFETIME);
	assert!(!is_doubted(stale));
}

#[test]
fn weighs_more_with_more_links() {
	let weight = |links| {
		let call = pallet_miners::Call::<Test>::report_links { links };
		call.get_dispatch_info().call_weight.ref_time()
	};
	assert!(weight(probed(&[BOB])) > weight(probed(&[])));
}

/// A worker that is off misses no deadline before it has one: so long a lead could know it, and the chain not.
#[test]
fn whose_reports_stop_is_not_counted_on() {
	execute(|| {
		worker(ALICE);
		worker(BOB);
		at(2 * LIFETIME);
		assert!(!Miners::is_late(&ALICE), "nothing is known of it");
		report(ALICE, probed(&[]));
		at(3 * LIFETIME);
		assert!(!Miners::is_late(&ALICE));
		at(3 * LIFETIME + 1);
		assert!(Miners::is_late(&ALICE));
		assert!(!Miners::is_late(&BOB));
		report(ALICE, probed(&[]));
		assert!(!Miners::is_late(&ALICE), "it is back");
		Miners::engage(&ALICE);
		Miners::release(&ALICE, Verdict::VerifierFault);
		assert!(Miners::is_late(&ALICE), "a report is no check");
	});
}
