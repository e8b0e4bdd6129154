//! What is decided between workers of unlike float classes, and what a lie among them is worth.

use crate::SEED;
use dllm_attacks::{
	dice::Dice,
	report::Line,
	simulation::{
		classes::{compared, lines, Sent},
		honest::findings,
		Tries,
	},
};
use dllm_primitives::compare::Likeness::{Alike, Unlike};

const TRIES: Tries = Tries {
	trials: 40_000,
	windows: 0,
	comparisons: 1_000,
	careers: 0,
};

fn tried() -> Vec<Line> {
	lines(TRIES, &mut Dice::new(SEED, "classes")).unwrap()
}

fn find<'a>(lines: &'a [Line], attack: &str) -> &'a Line {
	let mut named = lines.iter().filter(|line| line.attack.contains(attack));
	let line = named.next().unwrap();
	assert!(named.next().is_none(), "two are named {attack}");
	line
}

fn expect(line: &Line, detected: f64, value: f64, within: f64) {
	assert!((line.detected - detected).abs() < within, "{line}");
	assert!((line.value - value).abs() < within, "{line}");
	assert_eq!(line.honest, 0.0, "{line}");
}

/// Honest classes lie 1.4e-6 apart and pass; half of the tolerance passes, and half as much more than it does not.
#[test]
fn rounding_passes_and_a_cheat_does_not() {
	let mut dice = Dice::new(SEED, "likeness");
	for _ in 0..20 {
		for (distance, found) in [
			(1e-6, Alike),
			(1e-5, Alike),
			(3e-5, Unlike),
			(5.8e-4, Unlike),
		] {
			let sent = Sent::Near(distance);
			assert_eq!(compared(sent, Sent::HONEST, &mut dice), found, "{distance}");
			assert_eq!(compared(Sent::HONEST, sent, &mut dice), found, "{distance}");
		}
		let guessed = compared(Sent::HONEST, Sent::Anything, &mut dice);
		assert_eq!(guessed, Unlike);
	}
}

/// Without tolerances lead and checker are of one class in a quarter of the windows, and else a third worker decides for
/// the lead in a quarter: about 9 ⁄ 16 are undecided, less those where somebody is late. With them it takes a late
/// checker, and a third worker of another class.
#[test]
fn honest_workers_of_unlike_classes_are_decided_by_tolerance() {
	let mut dice = Dice::new(SEED, "honest");
	let without = findings(4_000, false, &mut dice).unwrap();
	let with = findings(1_000, true, &mut dice).unwrap();
	let share = |some: u64, of: u64| some as f64 / of as f64;
	let before = share(without.undecided_though_opened, without.windows);
	assert!((0.45..0.57).contains(&before), "{without:?}");
	assert_eq!(with.undecided_though_opened, 0, "{with:?}");
	let after = share(with.undecided, with.windows);
	assert!((0.01..0.08).contains(&after), "{with:?}");
}

/// Who cheats beside a checker of another class is convicted by nobody, but gets no R: of that it saved 0.7 by cheaper
/// weights, and 0.7 ⁄ 40 by one row of 40, of which 16 are looked at. A checker saves 0.07 R and gets no 0.13 R.
#[test]
fn who_is_not_within_the_tolerance_loses_its_pay() {
	let lines = tried();
	expect(find(&lines, "sells f16 as f32"), 1.0, -0.3, 1e-9);
	let row = find(&lines, "makes up one of 40 rows");
	expect(row, 0.4, 0.7 / 40.0 - 0.4, 0.06);
	let guess = find(&lines, "tells rows that it did not compute");
	expect(guess, 1.0, 0.07 - 10.0 / 75.0, 1e-9);
	for line in [row, guess] {
		assert!(line.value < 0.0 && !line.limit, "{line}");
	}
	// The third worker is of the lead's class in half of the tries; else nobody says that the lead is right.
	let (_, share) = guess.attack.split_once('(').unwrap();
	let (share, _) = share.split_once(" % of the honest leads").unwrap();
	let share = share.parse::<u32>().unwrap();
	assert!((44..56).contains(&share), "{guess}");
}

/// A lead that is checked by a friend with probability α gains 0.7 − (1 − α), as nobody convicts it else; where the third
/// worker is a friend as often, 0.7 − (1 − α)².
#[test]
fn a_class_of_ones_own_is_a_limit() {
	let lines = tried();
	let limits = lines.iter().filter(|line| line.limit).collect::<Vec<_>>();
	let third = 1.0 / 3.0;
	let expected = [
		("α = 1/3 of the bonds", false, third),
		("α = 1/3 of the bonds, and of the outsiders", true, third),
		("α = 1/2 of the bonds", false, 0.5),
		("α = 1/2 of the bonds, and of the outsiders", true, 0.5),
	];
	assert_eq!(limits.len(), expected.len());
	for (line, (share, outsiders, alpha)) in limits.into_iter().zip(expected) {
		assert!(line.attack.ends_with(share), "{line}");
		let unpaid = match outsiders {
			false => 1.0 - alpha,
			true => (1.0 - alpha) * (1.0 - alpha),
		};
		expect(line, unpaid, 0.7 - unpaid, 0.02);
		assert!(line.value > 0.0, "{line}");
	}
}
