//! No attack pays, and no honest party loses: a part of what `make attacks` tries.

mod classes;
mod votes;

use dllm_attacks::{
	engine,
	money::{Role, Sampling},
	report::{table, write_into, Kind, Line},
	scene::{coarsened, Scene},
	simulation::{self, least_checked, OTHER_CLASS, OTHER_ROWS},
};
use std::path::Path;

/// Seed of everything that is random.
const SEED: u64 = 6;

fn model() -> &'static Path {
	Path::new(concat!(
		env!("CARGO_MANIFEST_DIR"),
		"/../models/fixture-untied"
	))
}

fn expect_no_gain(lines: &[Line]) {
	println!("{}", table(lines));
	let bad = lines.iter().filter(|line| line.is_bad());
	let bad = bad.map(Line::to_string).collect::<Vec<_>>();
	assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn no_attack_on_the_engine_pays() {
	let folder = tempfile::tempdir().unwrap();
	let scene = Scene::new(model(), &folder.path().join("shards")).unwrap();
	let coarse = coarsened(model(), &folder.path().join("coarse")).unwrap();
	let cheap = Scene::new(&coarse, &folder.path().join("cheap")).unwrap();
	assert_ne!(scene.weights(), cheap.weights());
	let stage = engine::Stage {
		scene: &scene,
		cheap: &cheap,
		tries: engine::Tries::FEW,
		least: Sampling::of_runtime(),
		seed: SEED,
	};
	let lines = stage.all().unwrap();
	expect_no_gain(&lines);
	for line in &lines {
		assert!(line.tried > 0, "{line}");
		assert_eq!(line.detected, 1.0, "{line}");
	}
	// A segment loses its dispute: a bond of 40 R, but for a friend's fifth. An entry has no trace, so two votes convict
	// it, and no more than its pay comes back.
	for (attack, expected) in [("layer skipped", 32.0), ("prompt altered", 39.0)] {
		let line = lines.iter().find(|line| line.attack == attack).unwrap();
		let lost = line.loss / line.checked - Role::Lead.pay();
		assert!((lost - expected).abs() < 1e-6, "{line}");
	}
}

#[test]
fn no_simulated_attack_pays() {
	let few = simulation::Tries::FEW;
	expect_no_gain(&simulation::all(few, Sampling::of_runtime(), SEED).unwrap());
}

/// One stage in ten is checked, and what is said to cover that is tried.
#[test]
fn sampling_is_covered_by_what_is_tried() {
	let least = Sampling::of_runtime();
	assert!(least.share() < 0.5);
	let lines = simulation::all(simulation::Tries::FEW, least, SEED).unwrap();
	for attack in [OTHER_CLASS, OTHER_ROWS] {
		let line = lines.iter().find(|line| line.attack == attack).unwrap();
		assert!(line.detected == 1.0 && line.value < 0.0, "{line}");
	}
	let said = |text: &str, limit| {
		let mut lines = lines.iter().filter(|line| line.limit == limit);
		assert!(lines.any(|line| line.attack.contains(text)), "{text}");
	};
	for covered in [
		"it knows no lot of others",
		"show their lots first",
		"draw no lots",
		"until a friend is drawn",
		"the only honest holder beside a friend: an outsider",
		"a lead sells f16 as f32",
		"a lead makes up one of 40 rows",
		"a checker of another float class tells rows",
	] {
		said(covered, false);
	}
	for limit in [
		"offline",
		"lots are shown",
		"no outsider has room",
		"an honest lead outvoted",
		"a lead cheats with a friend among the holders, float profile",
		"both name a class of their own",
	] {
		said(limit, true);
	}
}

/// Whoever draws fewer lots than it could is what the bound on one winner at least leaves out.
#[test]
fn holders_are_summoned_as_often_as_is_due() {
	let least = Sampling(100_000);
	for parts in [&[1u128][..], &[1, 1], &[1, 2, 3]] {
		let total = parts.iter().sum();
		let all = least.summons(parts, total);
		assert!((0.1..0.106).contains(&all), "{all}");
		let some = least.summons(&parts[..1], total);
		assert!(some <= all && (parts.len() == 1 || some < all));
	}
}

#[test]
fn who_has_no_slot_changes_no_draw() {
	let none = [false; 8];
	assert_eq!(least_checked(&none, 3, 0.1), 0.1);
	// The last block only: it may be left to somebody else.
	let last = [false, false, true, false];
	assert!((least_checked(&last, 3, 0.1) - 0.01).abs() < 1e-12);
	// All three: the outcome is known, and three other authors' blocks may be waited for.
	let all = [true, true, true, false, false, false];
	assert!((least_checked(&all, 3, 0.1) - 0.01).abs() < 1e-12);
}

#[test]
fn what_pays_is_found() {
	let line = |value, honest, limit| Line {
		attack: "an attack".into(),
		kind: Kind::Simulation,
		tried: 1,
		checked: 1.0,
		detected: 0.0,
		loss: 0.0,
		honest,
		value,
		limit,
	};
	assert!(line(0.1, 0.0, false).is_bad());
	assert!(line(-0.1, 1.0, false).is_bad());
	assert!(!line(-0.1, 0.0, false).is_bad());
	assert!(!line(0.1, 1.0, true).is_bad());
	let text = table(&[line(0.1, 0.0, true), line(-0.1, 0.0, false)]);
	let (covered, limits) = text.split_once("Not covered").unwrap();
	assert!(
		covered.contains("| -0.10 |") && limits.contains("| +0.10 |"),
		"{text}"
	);
}

#[test]
fn the_table_goes_between_its_marks() {
	let document = "a\n<!-- attacks -->\nold\n<!-- /attacks -->\nb\n";
	let written = write_into(document, "new\n").unwrap();
	assert_eq!(
		written,
		"a\n<!-- attacks -->\n\nnew\n\n<!-- /attacks -->\nb\n"
	);
	assert_eq!(write_into("a\n", "new"), None);
}
