//! Rows of two numerics classes: which are compared, and how far they lie apart.

use crate::dice::Dice;
use dllm_primitives::{
	commitment::{keyed_row_leaf, merkle_path, merkle_root, row_key, row_leaf},
	compare::{
		likeness, pair, Comparing, Likeness, ShownRow, Tolerance, MAX_BYTES, MAX_ROWS,
		MAX_TOLERANCE,
	},
	ids::Digest,
};
use proptest::prelude::*;

fn tolerance(median: u32, max: u32) -> Tolerance {
	Tolerance {
		median,
		max,
		version: 1,
		calibration: Digest::zero(),
	}
}

fn comparing(seed: u64, rows: u32, row_bytes: u32) -> Comparing {
	Comparing {
		seed: Digest::from_low_u64_be(seed),
		rows,
		row_bytes,
		tolerance: tolerance(1, 1),
	}
}

/// Values between -1 and 1.
fn row(dice: &mut Dice, values: usize) -> Vec<f32> {
	let value = |dice: &mut Dice| (dice.below(2_000_001) as f32 - 1e6) / 1e6;
	(0..values).map(|_| value(dice)).collect()
}

fn wide(row: &[f32]) -> Vec<u8> {
	row.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The square of the relative distance, in double floats.
fn apart(found: &[f32], expected: &[f32]) -> f64 {
	let pairs = found.iter().zip(expected);
	let sum: f64 = pairs
		.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
		.sum();
	let length: f64 = expected.iter().map(|value| f64::from(*value).powi(2)).sum();
	sum / length
}

#[test]
fn a_tolerance_is_some_distance_and_no_large_one() {
	for (median, max, sound) in [
		(1, 1, true),
		(20_000, 50_000, true),
		(MAX_TOLERANCE, MAX_TOLERANCE, true),
		(0, 5, false),
		(6, 5, false),
		(1, MAX_TOLERANCE + 1, false),
	] {
		assert_eq!(tolerance(median, max).is_sound(), sound, "{median}, {max}");
	}
	let (a, b) = (Digest::repeat_byte(1), Digest::repeat_byte(2));
	assert_eq!((pair(a, b), pair(b, a)), ((a, b), (a, b)));
}

#[test]
fn every_row_is_drawn_as_often_as_any_other() {
	const ROWS: u32 = 40;
	const DRAWS: u64 = 20_000;
	let mut drawn = [0u32; ROWS as usize];
	for seed in 0..DRAWS {
		for position in comparing(seed, ROWS, 4).positions() {
			drawn[position as usize] += 1;
		}
	}
	let share = f64::from(MAX_ROWS) / f64::from(ROWS);
	for (position, count) in drawn.into_iter().enumerate() {
		// Five standard deviations.
		let expected = DRAWS as f64 * share;
		let bound = 5.0 * (expected * (1.0 - share)).sqrt();
		assert!(
			(f64::from(count) - expected).abs() < bound,
			"{position}: {count}"
		);
	}
}

#[test]
fn long_rows_are_fewer_and_too_long_ones_none() {
	assert_eq!(comparing(1, 100, MAX_BYTES / 4).positions().len(), 4);
	assert_eq!(comparing(1, 100, MAX_BYTES).positions().len(), 1);
	assert!(comparing(1, 100, MAX_BYTES + 1).positions().is_empty());
	assert!(comparing(1, 0, 4).positions().is_empty());
	assert_eq!(comparing(1, 3, 4).positions(), [0, 1, 2]);
}

#[test]
fn a_row_is_shown_by_its_key_and_its_place() {
	let of = (7, 2);
	let rows = (0..5u8).map(|n| vec![n; 8]).collect::<Vec<_>>();
	let leaf = |at: usize| row_leaf(&[9; 32], of.0, of.1, at as u32, &rows[at]);
	let leaves = (0..5).map(leaf).collect::<Vec<_>>();
	let root = merkle_root(&leaves);
	for position in 0..5u32 {
		let key = row_key(&[9; 32], of.1, position);
		let bytes = &rows[position as usize];
		assert_eq!(
			keyed_row_leaf(&key, of.0, of.1, position, bytes),
			leaves[position as usize]
		);
		let shown = ShownRow {
			key,
			bytes: bytes.clone().try_into().unwrap(),
			path: merkle_path(&leaves, position).try_into().unwrap(),
		};
		assert!(shown.is_at(of, position, 5, root));
		assert!(!shown.is_at(of, (position + 1) % 5, 5, root));
		assert!(!shown.is_at((8, 2), position, 5, root));
		assert!(!shown.is_at((7, 1), position, 5, root));
		assert!(!shown.is_at(of, position, 6, root));
		let other = ShownRow {
			key: [0; 32],
			..shown
		};
		assert!(!other.is_at(of, position, 5, root));
	}
}

#[test]
fn what_has_no_distance_is_unlike() {
	let far = tolerance(MAX_TOLERANCE, MAX_TOLERANCE);
	let one = [wide(&[1.0, 2.0])];
	let compare = |a: &[Vec<u8>], b: &[Vec<u8>]| likeness(a, b, true, &far);
	assert_eq!(compare(&one, &one), Likeness::Alike);
	assert_eq!(compare(&[], &[]), Likeness::Unlike);
	let two = [wide(&[1.0, 2.0]), wide(&[1.0, 2.0])];
	assert_eq!(compare(&one, &two), Likeness::Unlike);
	assert_eq!(compare(&one, &[wide(&[1.0])]), Likeness::Unlike);
	assert_eq!(compare(&[vec![0; 7]], &[vec![0; 7]]), Likeness::Unlike);
	for value in [f32::NAN, f32::INFINITY, f32::MAX] {
		let odd = [wide(&[value, 2.0])];
		assert_eq!(compare(&odd, &one), Likeness::Unlike);
		assert_eq!(compare(&one, &odd), Likeness::Unlike);
	}
	let nothing = [wide(&[0.0, -0.0])];
	assert_eq!(compare(&nothing, &nothing), Likeness::Alike);
	assert_eq!(compare(&one, &nothing), Likeness::Unlike);
}

/// Every half float but those without a value is the single float that IEEE 754 says.
#[test]
fn half_floats_are_what_they_are() {
	let least = tolerance(1, 1);
	for bits in 0..=u16::MAX {
		let (sign, exponent, fraction) = (bits >> 15, i32::from(bits >> 10 & 0x1f), bits & 0x3ff);
		let size = match exponent {
			0 => f64::from(fraction) * 2f64.powi(-24),
			_ => f64::from(fraction + 1024) * 2f64.powi(exponent - 25),
		};
		let value = if sign == 1 { -size } else { size };
		// Beside a one: its distance from what is half of it says what it is.
		let rows = |bits: u16| vec![[bits.to_le_bytes(), 0x3c00u16.to_le_bytes()].concat()];
		let found = likeness(&rows(bits), &rows(bits), false, &least);
		assert_eq!(found == Likeness::Alike, exponent != 0x1f, "{bits:04x}");
		if exponent == 0x1f {
			continue;
		}
		let zero = value.abs() * 1e9;
		let near = |parts: f64| tolerance(parts as u32, parts as u32);
		if (1_000.0..f64::from(MAX_TOLERANCE)).contains(&zero) {
			let from_zero = |parts| likeness(&rows(bits), &rows(0), false, &near(parts));
			assert_eq!(from_zero(zero * 1.01), Likeness::Alike, "{bits:04x}");
			assert_eq!(from_zero(zero * 0.99), Likeness::Unlike, "{bits:04x}");
		}
	}
}

proptest! {
	#[test]
	fn positions_are_of_the_stage_and_in_order(
		seed: u64, rows in 1..5_000u32, row_bytes in 1..2 * MAX_BYTES,
	) {
		let positions = comparing(seed, rows, row_bytes).positions();
		let fit = MAX_BYTES / row_bytes;
		prop_assert_eq!(positions.len() as u32, rows.min(MAX_ROWS).min(fit));
		prop_assert!(positions.windows(2).all(|two| two[0] < two[1]));
		prop_assert!(positions.iter().all(|position| *position < rows));
	}

	/// Against double floats, a hundredth above and below the distance that there is.
	#[test]
	fn distances_are_those_of_double_floats(
		seed: u64, values in 1..300usize, count in 1..8usize, exponent in 2..7u32,
	) {
		let mut dice = Dice::new(seed);
		let noise = 10f32.powi(-(exponent as i32));
		let rows = (0..count).map(|_| row(&mut dice, values)).collect::<Vec<_>>();
		let noisy = rows.iter().map(|row| {
			row.iter().map(|value| value + noise * (dice.below(2_001) as f32 / 1e3 - 1.0)).collect::<Vec<_>>()
		});
		let noisy = noisy.collect::<Vec<_>>();
		let mut found = noisy.iter().zip(&rows).map(|(a, b)| apart(a, b).sqrt() * 1e9).collect::<Vec<_>>();
		prop_assume!(found.iter().all(|parts| parts.is_finite() && (200.0..9e6).contains(parts)));
		found.sort_by(f64::total_cmp);
		let (median, max) = (found[count / 2], found[count - 1]);
		let of = |rows: &[Vec<f32>]| rows.iter().map(|row| wide(row)).collect::<Vec<_>>();
		let judged = |by_median: f64, by_max: f64| {
			let tolerance = tolerance((median * by_median) as u32, (max * by_max) as u32);
			likeness(&of(&noisy), &of(&rows), true, &tolerance)
		};
		prop_assert_eq!(judged(1.01, 1.01), Likeness::Alike);
		prop_assert_eq!(judged(1.01, 0.99), Likeness::Unlike);
		prop_assert_eq!(judged(0.99, 1.01), Likeness::Unlike);
	}
}
