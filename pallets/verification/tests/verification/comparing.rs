//! Rows of unlike numerics classes: alike they pass, unlike they convict nobody.

use crate::{
	mock::*,
	play::{attest, check_free, commit, expire, reveal, stages},
};
use dllm_primitives::{
	api::Duty,
	commitment::{merkle_path, merkle_root, row_key, row_leaf, Roots},
	compare::{Likeness, ShownRow, Tolerance, MAX_TOLERANCE},
	draw,
	flow::{Conclusion, Trials as _},
	ids::{Digest, JobId, StageIndex, ENTRY_STAGE},
	job::Refund,
	verdict::{
		Part::{self, Lead, Replica, Tiebreak},
		Phase,
		Verdict::{Indeterminate, Pass},
	},
};
use frame_support::{assert_noop, assert_ok};
use pallet_verification::{Beacon, Error, Event, ShownRows, Tolerances};
use sp_runtime::DispatchError;

const JOB: JobId = 0;
/// The stage whose workers are of unlike classes, and the one after it.
const STAGE: StageIndex = 1;
const NEXT: StageIndex = 2;
/// Values of a row, as the model has them.
const VALUES: u32 = 8;
/// Parts per billion of a row by which the rows of the replica are larger than those of the lead.
const APART: u32 = 10_000;

fn class(part: Part) -> Digest {
	match part {
		Lead | Tiebreak => Digest::repeat_byte(1),
		Replica => Digest::repeat_byte(2),
	}
}

/// What a part of the stage sent.
fn rows(part: Part) -> Vec<Vec<u8>> {
	let factor = match part {
		Lead | Tiebreak => 1.0,
		Replica => 1.0 + f64::from(APART) / 1e9,
	};
	let row = |position: u32| {
		let values = (0..VALUES).map(|at| (f64::from(1 + position + at) * factor) as f32);
		values.flat_map(f32::to_le_bytes).collect()
	};
	(0..ROWS).map(row).collect()
}

fn leaves(rows: &[Vec<u8>]) -> Vec<Digest> {
	let places = rows.iter().zip(0..);
	let leaf = |(row, position): (&Vec<u8>, u32)| row_leaf(&KEY, JOB, STAGE, position, row);
	places.map(leaf).collect()
}

const KEY: [u8; 32] = [7; 32];

/// What everybody tells; the next stage received what the lead sent.
fn roots(stage: StageIndex, part: Part) -> Roots {
	let sent = |part| merkle_root(&leaves(&rows(part)));
	let honest = honest(stage);
	match stage {
		STAGE => Roots {
			class: class(part),
			output: sent(part),
			..honest
		},
		NEXT => Roots {
			input: sent(Lead),
			..honest
		},
		_ => honest,
	}
}

fn tolerance(most: u32) -> Tolerance {
	Tolerance {
		median: most,
		max: most,
		version: 3,
		calibration: Digest::repeat_byte(4),
	}
}

fn allow(most: Option<u32>) {
	let (a, b) = (class(Replica), class(Lead));
	let tolerance = most.map(tolerance);
	assert_ok!(Verification::set_tolerance(
		RuntimeOrigin::root(),
		a,
		b,
		tolerance
	));
}

/// Lets everybody commit to, and open, what it tells.
fn speak(tells: impl Fn(StageIndex, Part) -> Roots) {
	for part in [Lead, Replica] {
		expire(JOB, Phase::Drawing);
		for stage in stages(JOB) {
			let digest = digest(JOB, stage, &worker(JOB, stage, part), tells(stage, part));
			assert_ok!(commit(JOB, stage, part, digest));
		}
	}
	for stage in stages(JOB) {
		for part in [Lead, Replica] {
			assert_ok!(reveal(JOB, stage, part, tells(stage, part)));
		}
	}
}

/// Everybody has spoken, and the stage does not agree.
fn told() {
	open(JOB);
	speak(roots);
	assert_eq!(phase(JOB), Phase::Appointing);
}

/// The same, and the rows are drawn.
fn comparing(most: u32) {
	allow(Some(most));
	told();
	expire(JOB, Phase::Appointing);
	assert_eq!(phase(JOB), Phase::Comparing);
}

fn positions() -> Vec<u32> {
	let trial = trial(JOB);
	trial
		.stage(STAGE)
		.unwrap()
		.awaits_comparison()
		.unwrap()
		.positions()
}

/// The rows at these positions of what a part sent.
fn shown(part: Part, positions: &[u32]) -> Vec<ShownRow> {
	let rows = rows(part);
	let leaves = leaves(&rows);
	let row = |position: &u32| ShownRow {
		key: row_key(&KEY, STAGE, *position),
		bytes: rows[*position as usize].clone().try_into().unwrap(),
		path: merkle_path(&leaves, *position).try_into().unwrap(),
	};
	positions.iter().map(row).collect()
}

fn show_as(who: &AccountId, stage: StageIndex, rows: Vec<ShownRow>) -> Result<(), DispatchError> {
	let origin = RuntimeOrigin::signed(who.clone());
	let rows = rows.try_into().unwrap();
	check_free(Verification::show_rows(origin, JOB, stage, rows))
}

fn show(part: Part) -> Result<(), DispatchError> {
	show_as(&worker(JOB, STAGE, part), STAGE, shown(part, &positions()))
}

fn conclusion() -> Conclusion<AccountId> {
	let all = Concluded::get();
	assert_eq!(all.len(), 1);
	all[0].2.clone()
}

fn compared(likeness: Likeness) {
	let event = Event::Compared {
		job: JOB,
		stage: STAGE,
		likeness,
	};
	System::assert_has_event(event.into());
	assert_eq!(trial(JOB).stage(STAGE).unwrap().likeness(), Some(likeness));
	assert_eq!(ShownRows::<Test>::iter_prefix(JOB).count(), 0);
	assert!(Slashes::get().is_empty(), "a tolerance convicts nobody");
}

#[test]
fn rows_within_the_tolerance_are_paid() {
	for order in [[Lead, Replica], [Replica, Lead]] {
		execute(|| {
			comparing(2 * APART);
			for part in order {
				assert_ok!(show(part));
			}
			compared(Likeness::Alike);
			assert_eq!(verdict(JOB, STAGE, Lead), Some(Pass));
			assert_eq!(verdict(JOB, STAGE, Replica), Some(Pass));
			let Conclusion::Served { checkers, .. } = conclusion() else {
				panic!("the job was served");
			};
			assert!(checkers.contains(&(STAGE, acc(21))));
			assert!(Draws::get().is_empty(), "nobody else is asked");
		});
	}
}

#[test]
fn rows_beyond_it_are_for_a_third_worker() {
	execute(|| {
		comparing(APART / 2);
		assert_ok!(show(Lead));
		assert_ok!(show(Replica));
		compared(Likeness::Unlike);
		assert_eq!(phase(JOB), Phase::Appointing);
		expire(JOB, Phase::Appointing);
		assert_eq!(phase(JOB), Phase::Tiebreak, "they are compared once");
		assert_ok!(attest(JOB, STAGE, roots(STAGE, Tiebreak)));
		assert_eq!(verdict(JOB, STAGE, Lead), Some(Pass));
		assert_eq!(verdict(JOB, STAGE, Replica), Some(Indeterminate));
		assert!(Slashes::get().is_empty());
	});
}

#[test]
fn who_shows_nothing_is_not_compared() {
	for silent in [Lead, Replica] {
		execute(|| {
			comparing(2 * APART);
			let other = if silent == Lead { Replica } else { Lead };
			show(other).unwrap();
			assert_eq!(ShownRows::<Test>::iter_prefix(JOB).count(), 1);
			expire(JOB, Phase::Comparing);
			compared(Likeness::Unshown);
			assert_eq!(phase(JOB), Phase::Appointing);
			expire(JOB, Phase::Appointing);
			assert_eq!(phase(JOB), Phase::Tiebreak);
			expire(JOB, Phase::Tiebreak);
			assert_eq!(conclusion(), Conclusion::Failed(Refund::Indeterminate));
			assert!(Slashes::get().is_empty() && Forfeits::get().is_empty());
		});
	}
}

#[test]
fn classes_without_a_tolerance_are_never_compared() {
	execute(|| {
		allow(Some(2 * APART));
		allow(None);
		told();
		expire(JOB, Phase::Appointing);
		assert_eq!(phase(JOB), Phase::Tiebreak);
	});
}

#[test]
fn which_rows_is_known_when_both_have_spoken() {
	let drawn = |beacon: u64| {
		let mut found = (vec![], Digest::zero());
		execute(|| {
			allow(Some(APART));
			told();
			run_to(trial(JOB).until);
			Beacon::<Test>::put(Digest::from_low_u64_be(beacon));
			run_to(trial(JOB).until + 1);
			let of_draw = trial(JOB).drawn.unwrap().seed;
			let seed = draw::of_rows(of_draw, Beacon::<Test>::get(), STAGE);
			let trial = trial(JOB);
			let comparing = *trial.stage(STAGE).unwrap().awaits_comparison().unwrap();
			assert_eq!((comparing.seed, comparing.row_bytes), (seed, 4 * VALUES));
			assert_eq!(comparing.rows, ROWS);
			found = (comparing.positions(), of_draw);
		});
		found
	};
	let (one, other) = (drawn(1), drawn(2));
	assert_eq!(one.1, other.1);
	assert_ne!(one.0, other.0);
}

/// In which class they were computed does not matter then.
#[test]
fn the_same_rows_agree_whatever_class_they_are_of() {
	execute(|| {
		open(JOB);
		let named = |stage, part| Roots {
			class: class(part),
			..honest(stage)
		};
		speak(named);
		assert!(matches!(conclusion(), Conclusion::Served { .. }));
		assert_eq!(verdict(JOB, STAGE, Replica), Some(Pass));
	});
}

/// Its rows are looked up, so honest ones are the same everywhere, and noise in them is none of a processor's.
#[test]
fn the_entry_is_never_compared() {
	execute(|| {
		allow(Some(2 * APART));
		open(JOB);
		let noisy = |stage, part| match (stage, part) {
			(ENTRY_STAGE, Replica) => Roots {
				class: class(Replica),
				output: Digest::repeat_byte(9),
				..honest(stage)
			},
			_ => honest(stage),
		};
		speak(noisy);
		expire(JOB, Phase::Appointing);
		assert_eq!(phase(JOB), Phase::Tiebreak);
	});
}

#[test]
fn a_comparison_is_judged_by_what_held_when_it_was_drawn() {
	execute(|| {
		comparing(2 * APART);
		allow(Some(1));
		assert_ok!(show(Lead));
		allow(None);
		assert_ok!(show(Replica));
		compared(Likeness::Alike);
	});
}

#[test]
fn only_the_rows_that_were_drawn_are_taken() {
	execute(|| {
		allow(Some(2 * APART));
		told();
		let (lead, early) = (worker(JOB, STAGE, Lead), shown(Lead, &[0]));
		assert_noop!(show_as(&lead, STAGE, early), Error::<Test>::WrongPhase);
		expire(JOB, Phase::Appointing);

		let right = positions();
		let mut other = right.clone();
		other.swap(0, 1);
		let mut keyed = shown(Lead, &right);
		keyed[3].key = [0; 32];
		let mut short = shown(Lead, &right);
		short[5].bytes.truncate(4);
		for rows in [
			shown(Lead, &other),
			shown(Lead, &right[1..]),
			shown(Replica, &right),
			vec![],
			keyed,
			short,
		] {
			assert_noop!(show_as(&lead, STAGE, rows), Error::<Test>::WrongRows);
		}
		let rows = || shown(Lead, &right);
		let stranger = show_as(&acc(22), STAGE, rows());
		assert_eq!(stranger, Err(Error::<Test>::NotAParticipant.into()));
		let next = worker(JOB, NEXT, Lead);
		assert_noop!(show_as(&next, NEXT, rows()), Error::<Test>::NotCompared);
		assert_ok!(show(Lead));
		assert_noop!(show_as(&lead, STAGE, rows()), Error::<Test>::AlreadyShown);
	});
}

#[test]
fn both_have_the_duty_until_they_have_shown() {
	execute(|| {
		let due = |who: u8| {
			let duties = Verification::duties(&acc(who)).into_iter();
			duties
				.filter_map(|duty| match duty {
					Duty::Compare {
						stage, positions, ..
					} => Some((stage, positions)),
					_ => None,
				})
				.collect::<Vec<_>>()
		};
		comparing(2 * APART);
		let drawn = vec![(STAGE, positions())];
		assert_eq!(
			(due(20), due(21), due(30)),
			(drawn.clone(), drawn.clone(), vec![])
		);
		let told = |job| {
			Verification::stage_receipts(job)[1]
				.comparison
				.clone()
				.unwrap()
		};
		assert_eq!(told(JOB).likeness, None);
		assert_ok!(show(Replica));
		assert_eq!((due(20), due(21)), (drawn, vec![]));
		assert_ok!(show(Lead));
		assert!(due(20).is_empty());
		assert_eq!(told(JOB).likeness, Some(Likeness::Alike));
		assert_eq!(told(JOB).tolerance, tolerance(2 * APART));
	});
}

#[test]
fn tolerances_are_for_governance_and_sound() {
	execute(|| {
		let (a, b) = (class(Lead), class(Replica));
		let set = |origin, a, b, tolerance| Verification::set_tolerance(origin, a, b, tolerance);
		let root = RuntimeOrigin::root;
		let some = Some(tolerance(5));
		let signed = RuntimeOrigin::signed(acc(10));
		assert_noop!(set(signed, a, b, some), DispatchError::BadOrigin);
		assert_noop!(set(root(), a, a, some), Error::<Test>::BadTolerance);
		for bad in [0, MAX_TOLERANCE + 1] {
			let bad = Some(tolerance(bad));
			assert_noop!(set(root(), a, b, bad), Error::<Test>::BadTolerance);
		}
		assert_ok!(set(root(), b, a, some));
		assert_eq!(Tolerances::<Test>::get(a, b), some);
		let event = Event::ToleranceSet {
			classes: (a, b),
			tolerance: some,
		};
		System::assert_last_event(event.into());
		assert_ok!(set(root(), a, b, None));
		assert_eq!(Tolerances::<Test>::iter().count(), 0);
	});
}

/// Whoever shows at the last moment delays the end by no more than was promised.
#[test]
fn a_comparison_ends_in_time() {
	execute(|| {
		comparing(APART / 2);
		run_to(trial(JOB).until);
		assert_ok!(show(Lead));
		assert_ok!(show(Replica));
		for last in [Phase::Appointing, Phase::Tiebreak] {
			assert_eq!(phase(JOB), last);
			expire(JOB, last);
		}
		assert_eq!(phase(JOB), Phase::Closed);
		assert!(System::block_number() <= RUN_UNTIL + Verification::verdict_blocks());
	});
}

/// All roots are public by then, so a third worker could name the class of whom it wants convicted.
#[test]
fn who_agrees_under_another_class_convicts_nobody() {
	execute(|| {
		comparing(APART / 2);
		assert_ok!(show(Lead));
		assert_ok!(show(Replica));
		expire(JOB, Phase::Appointing);
		let copied = Roots {
			class: class(Lead),
			..roots(STAGE, Replica)
		};
		assert_ok!(attest(JOB, STAGE, copied));
		assert_eq!(verdict(JOB, STAGE, Lead), Some(Indeterminate));
		assert!(Slashes::get().is_empty());
	});
}

/// The rows of a sealed job stay between its workers.
#[test]
fn a_sealed_job_is_never_compared() {
	execute(|| {
		allow(Some(2 * APART));
		open_sealed(JOB);
		speak(roots);
		expire(JOB, Phase::Appointing);
		assert_eq!(phase(JOB), Phase::Tiebreak);
	});
}

/// One of two is compared and unlike; what is allowed meanwhile opens no second round.
#[test]
fn all_that_is_compared_of_a_job_is_compared_at_once() {
	execute(|| {
		let third = Digest::repeat_byte(3);
		let two = move |stage, part| match (stage, part) {
			(NEXT, Replica) => Roots {
				class: third,
				output: Digest::repeat_byte(9),
				..roots(stage, part)
			},
			_ => roots(stage, part),
		};
		allow(Some(APART / 2));
		open(JOB);
		speak(two);
		expire(JOB, Phase::Appointing);
		let root = RuntimeOrigin::root();
		let of_next = honest(NEXT).class;
		assert_ok!(Verification::set_tolerance(
			root,
			of_next,
			third,
			Some(tolerance(1))
		));
		assert_ok!(show(Lead));
		assert_ok!(show(Replica));
		expire(JOB, Phase::Appointing);
		assert_eq!(phase(JOB), Phase::Tiebreak);
		assert!(trial(JOB).stage(NEXT).unwrap().comparison.is_none());
	});
}
