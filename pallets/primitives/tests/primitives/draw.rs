//! The draw: probabilities as they are said, and nobody chosen who has no stake.

use crate::dice::Dice;
use dllm_primitives::{
	draw::{
		check_ppm, choose, fetch_blocks, independent, next_beacon, of_checker, of_second, of_third,
		room, seed, Trust, FETCH_BYTES, MAX_FETCH_BLOCKS, PROBATION, UNVERIFIED_PART, WHOLE,
	},
	ids::Digest,
};
use proptest::prelude::*;

const DRAWS: u64 = 100_000;
const LEAST: u32 = WHOLE / 10;

fn seeds() -> impl Iterator<Item = Digest> {
	let mut dice = Dice::new(1);
	(0..DRAWS).map(move |_| {
		let beacon = Digest::from_low_u64_be(dice.next());
		seed(beacon, dice.next(), Digest::zero(), &[beacon])
	})
}

#[test]
fn an_operator_with_another_part_in_the_job_counts_for_nothing_while_there_are_others() {
	let holders = [('a', 5), ('b', 7), ('a', 1)];
	assert_eq!(independent(&holders, &[]), [5, 7, 1]);
	assert_eq!(independent(&holders, &['a']), [0, 7, 0]);
	assert_eq!(independent(&holders, &['a', 'b']), [5, 7, 1]);
	// Who has no stake is nobody.
	assert_eq!(independent(&[('a', 5), ('b', 0)], &['a']), [5, 0]);
}

#[test]
fn checkers_are_drawn_by_stake() {
	let stakes = [1_000, 0, 3_000, 6_000];
	let mut drawn = [0u32; 4];
	for seed in seeds() {
		drawn[choose(seed, &stakes).unwrap()] += 1;
	}
	assert_eq!(drawn[1], 0, "who has no stake answers for nothing");
	let chi_square = [(0, 0.1), (2, 0.3), (3, 0.6)].map(|(at, share)| {
		let expected = DRAWS as f64 * share;
		(f64::from(drawn[at]) - expected).powi(2) / expected
	});
	// Two degrees at p = 0.001.
	assert!(chi_square.iter().sum::<f64>() < 13.82, "{drawn:?}");
}

#[test]
fn stages_of_a_job_draw_apart() {
	let stakes = [1, 1];
	type Part = fn(Digest, u8) -> Digest;
	let of_second_now = |seed, stage| of_second(seed, Digest::repeat_byte(9), stage);
	let of_third_now = |seed, stage| of_third(seed, Digest::repeat_byte(9), stage);
	let parts: [(Part, u8); 4] = [
		(of_checker, 2),
		(of_second_now, 2),
		(of_third_now, 1),
		(of_third_now, 2),
	];
	for (part, stage) in parts {
		let same = seeds().filter(|seed| {
			choose(of_checker(*seed, 1), &stakes) == choose(part(*seed, stage), &stakes)
		});
		let share = same.count() as f64 / DRAWS as f64;
		assert!((0.49..0.51).contains(&share), "{share}");
	}
}

/// Who knows the seed of the draw does not know who is drawn later.
#[test]
fn who_is_drawn_later_rests_on_the_beacon_of_its_moment() {
	let stakes = [1, 1];
	for part in [of_second, of_third] {
		let now = |seed, beacon| choose(part(seed, Digest::repeat_byte(beacon), 1), &stakes);
		let same = seeds().filter(|seed| now(*seed, 1) == now(*seed, 2));
		let share = same.count() as f64 / DRAWS as f64;
		assert!((0.49..0.51).contains(&share), "{share}");
	}
}

#[test]
fn who_has_to_fetch_shards_has_time_for_it_and_no_more() {
	for (bytes, blocks) in [
		(0, 0),
		(FETCH_BYTES - 1, 0),
		(FETCH_BYTES, 1),
		(7 * FETCH_BYTES + 1, 7),
		(u64::MAX, MAX_FETCH_BLOCKS),
	] {
		assert_eq!(fetch_blocks(bytes), blocks, "{bytes}");
	}
}

proptest! {
	#[test]
	fn more_work_and_more_rank_are_never_checked_more(
		passed in 0..100u32, rank in 0..=WHOLE, room: u128, pay: u128, more in 0..1_000u32,
	) {
		let trust = Trust { passed, rank, room };
		let ppm = check_ppm(&trust, pay, LEAST);
		prop_assert!((LEAST..=WHOLE).contains(&ppm));
		if passed < PROBATION || pay > room {
			prop_assert_eq!(ppm, WHOLE);
		}
		let better = Trust {
			passed: passed + more,
			rank: rank.saturating_add(more).min(WHOLE),
			room: room.saturating_add(more.into()),
		};
		prop_assert!(check_ppm(&better, pay, LEAST) <= ppm);
		prop_assert_eq!(check_ppm(&better, pay, WHOLE), WHOLE);
	}

	#[test]
	fn room_is_a_part_of_the_bond_less_what_is_unverified(bond: u128, unverified: u128) {
		let left = room(bond, unverified);
		prop_assert!(left <= bond / UNVERIFIED_PART);
		prop_assert_eq!(left == 0, unverified >= bond / UNVERIFIED_PART);
	}

	#[test]
	fn somebody_with_a_stake_is_drawn(stakes in prop::collection::vec(0..u64::MAX, 0..6), beacon: u64) {
		let stakes = stakes.into_iter().map(u128::from).collect::<Vec<_>>();
		let drawn = choose(next_beacon(Digest::zero(), Digest::from_low_u64_be(beacon)), &stakes);
		match drawn {
			Some(at) => prop_assert!(stakes[at] > 0),
			None => prop_assert!(stakes.iter().all(|stake| *stake == 0)),
		}
	}
}
