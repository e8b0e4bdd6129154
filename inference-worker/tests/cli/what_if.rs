//! `plan --what-if`: a plan on a network that a file describes. No node runs in any of these tests.

use super::worker::{Folder, Ran};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// Machines of two operators, of which every pair can hold half of the layers.
const NETWORK: &str = r#"
[model]
layers = 8
layerMbyte = 100
layerGflop = 0.2

[workers.a1]
operator = "a"
memoryGbyte = 1
[workers.b1]
operator = "b"
memoryGbyte = 1
[workers.a2]
operator = "a"
memoryGbyte = 1
[workers.b2]
operator = "b"
memoryGbyte = 1

[defaults.link]
rttMs = 20
"#;

fn plan(network: &str, options: &[&str]) -> Ran {
	let folder = Folder::new();
	folder.write("network.toml", network);
	// Nobody could answer there.
	let command = [
		"--chain",
		"ws://127.0.0.1:1",
		"plan",
		"--what-if",
		"network.toml",
	];
	folder.run(&[&command[..], options].concat())
}

fn json(ran: &Ran) -> Value {
	serde_json::from_str(ran.printed()).expect("JSON")
}

/// Refused with a message that has all the parts.
#[track_caller]
fn refused(from: &str, to: &str, parts: &[&str]) {
	assert!(NETWORK.contains(from), "{from:?} is not in the network");
	plan(&NETWORK.replacen(from, to, 1), &[]).fails_with(parts);
}

fn checkout() -> PathBuf {
	PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_plan_the_cost_by_term_and_the_second_best_are_shown() {
	let third = "[workers.a3]\noperator = \"a\"\nmemoryGbyte = 1\ngflops = 20\n";
	let network = format!("{NETWORK}{third}");
	let shown = json(&plan(&network, &["--json"]));
	let best = &shown["best"];
	let segments = best["segments"].as_array().expect("segments");
	let mut layers = 0;
	for segment in segments {
		assert_eq!(segment["layers"]["start"], layers);
		layers = segment["layers"]["end"].as_u64().expect("a number");
		let workers = segment["workers"].as_array().expect("workers");
		let operators = workers
			.iter()
			.map(|name| &name.as_str().expect("a name")[..1]);
		let mut operators = operators.collect::<Vec<_>>();
		operators.sort_unstable();
		assert_eq!(operators, ["a", "b"]);
	}
	assert_eq!(layers, 8);
	let cost = best["cost"].as_object().expect("a cost");
	let total = cost["totalMs"].as_f64().expect("a total");
	let terms = cost.iter().filter(|(name, _)| *name != "totalMs");
	let sum = terms.map(|(_, term)| term.as_f64().expect("a number"));
	assert!((sum.sum::<f64>() - total).abs() < 1e-6 * total);
	assert_eq!(best["gapPercent"].as_f64(), Some(0.0));

	let second = &shown["second"];
	let names = |plan: &Value| plan["segments"].to_string().contains("a3");
	assert!(!names(best) && names(second), "the slow machine stands in");
	let dearer = second["cost"]["totalMs"].as_f64().expect("a total");
	assert!(dearer > total);
	let more = shown["secondCostsMorePercent"].as_f64().expect("a share");
	assert!((100.0 * (dearer / total - 1.0) - more).abs() < 1e-9);

	let ran = plan(&network, &[]);
	for part in [
		"segment",
		"compute",
		"jitter and loss",
		"no plan costs less",
		"second best:",
		"% more",
	] {
		assert!(
			ran.printed().contains(part),
			"{part:?} is not in: {}",
			ran.stdout
		);
	}
}

#[test]
fn links_decide() {
	// Only a1 and b2 are near the entry, and near the other two.
	let near = r#"
[[links]]
from = "entry"
to = "a1"
rttMs = 0.1
[[links]]
from = "entry"
to = "b2"
rttMs = 0.1
"#;
	let options = ["--json", "--segments", "2", "--slots", "1"];
	let shown = json(&plan(&format!("{NETWORK}{near}"), &options));
	let ends = &shown["best"]["segments"];
	let of = |segment: usize| {
		let names = ends[segment]["workers"].as_array().expect("workers");
		names
			.iter()
			.map(|name| name.to_string())
			.collect::<String>()
	};
	// Both ends of a ring are at the entry, so each of them is once the first and once the last.
	assert!(of(0).contains("a1") != of(0).contains("b2"), "{ends}");
	assert!(of(1).contains("a1") != of(1).contains("b2"), "{ends}");
}

#[test]
fn one_plan_only_has_no_second() {
	let shown = json(&plan(
		&NETWORK.replace("[workers.a2]\noperator = \"a\"\nmemoryGbyte = 1\n[workers.b2]\noperator = \"b\"\nmemoryGbyte = 1\n", "")
			.replace("memoryGbyte = 1", "memoryGbyte = 3"),
		&["--json", "--segments", "1"],
	));
	assert!(shown["second"].is_null());
	assert!(shown["secondCostsMorePercent"].is_null());
}

#[test]
fn the_drawing_shows_hosts_layers_links_and_rings() {
	let folder = Folder::new();
	folder.write(
		"network.toml",
		&NETWORK.replace("a1", "\"<Jack & \\\"Jill\\\">\""),
	);
	let command = [
		"plan",
		"--what-if",
		"network.toml",
		"--drawing",
		"plan.svg",
		"--segments",
		"2",
	];
	let ran = folder.run(&command);
	assert!(ran.printed().ends_with("drawn: plan.svg"));
	let svg = fs::read_to_string(folder.path("plan.svg")).expect("a drawing");
	for part in [
		"&lt;Jack &amp; &quot;",
		"b2",
		"layers 0 to",
		"ring 1",
		"ring 2",
		"10 ms",
		"100 Mbit/s",
		"entry",
	] {
		assert!(svg.contains(part), "{part:?} is not in: {svg}");
	}
	let mut open = Vec::new();
	for tag in svg
		.split('<')
		.skip(1)
		.map(|rest| rest.split('>').next().unwrap_or_default())
	{
		match tag.strip_prefix('/') {
			Some(name) => assert_eq!(open.pop(), Some(name.to_string())),
			None if tag.ends_with('/') => {}
			None => open.push(tag.split(' ').next().unwrap_or_default().to_string()),
		}
	}
	assert!(open.is_empty(), "{open:?} are not closed");
	folder
		.run(&[
			"plan",
			"--what-if",
			"network.toml",
			"--drawing",
			"nowhere/plan.svg",
		])
		.fails_with(&["nowhere/plan.svg"]);
}

#[test]
fn the_picture_of_the_book_is_what_the_command_draws() {
	let folder = Folder::new();
	let example = checkout().join("examples/what-if/three-towns.toml");
	let example = example.to_str().expect("a path");
	let ran = folder.run(&["plan", "--what-if", example, "--drawing", "plan.svg"]);
	assert!(
		ran.printed().contains("no plan costs less"),
		"{}",
		ran.stdout
	);
	let drawn = fs::read_to_string(folder.path("plan.svg")).expect("a drawing");
	let picture = checkout().join("docs/images/what-if.svg");
	let picture = fs::read_to_string(picture).expect("the picture of the book");
	assert_eq!(
		drawn, picture,
		"draw docs/images/what-if.svg again with `plan --what-if`"
	);
}

#[test]
fn networks_without_a_plan_name_what_binds() {
	let infeasible = |from: &str, to: &str, parts: &[&str]| {
		refused(
			from,
			to,
			&[&["no plan", "infeasible because"], parts].concat(),
		);
	};
	// No table of defaults: no link is named, so nobody is reached.
	infeasible(
		"[defaults.link]\nrttMs = 20",
		"",
		&["no way over the links"],
	);
	infeasible(
		"layerMbyte = 100",
		"layerMbyte = 900",
		&["layer 0", "fits the memory of no candidate"],
	);
	infeasible(
		"layers = 8",
		"layers = 200",
		&["the memories of all candidates together"],
	);
	let one = NETWORK.replace("\"b\"", "\"a\"");
	plan(&one, &[]).fails_with(&[
		"infeasible because",
		"2 workers of different operators",
		"there are 1 at most",
	]);
	plan(NETWORK, &["--replicas", "3"])
		.fails_with(&["3 workers of different operators", "there are 2 at most"]);
	plan(NETWORK, &["--max-token", "1"]).fails_with(&[
		"infeasible because",
		"the time per token in ms",
		"limit of 1.000",
	]);
	plan(NETWORK, &["--segments", "9"]).fails_with(&["infeasible because", "no 9 segments"]);
}

#[test]
fn a_network_in_two_halves_has_no_plan() {
	// Each half reaches the entry and itself, and holds less than the model.
	let link = |from: &str, to: &str| format!("[[links]]\nfrom = \"{from}\"\nto = \"{to}\"\n");
	let ends = ["a1", "a2", "b1", "b2"]
		.map(|to| link("entry", to))
		.concat();
	let halves = link("a1", "a2") + &link("b1", "b2");
	let apart = NETWORK
		.replace("[defaults.link]\nrttMs = 20\n", &(ends + &halves))
		.replace("layers = 8", "layers = 12");
	plan(&apart, &["--replicas", "1"]).fails_with(&["infeasible because", "no way over the links"]);
	let joined = apart + &link("a2", "b1");
	plan(&joined, &["--replicas", "1"]).printed();
}

#[test]
fn figures_that_cannot_be_true_are_refused_by_name() {
	let link = "rttMs = 20";
	refused(
		link,
		"mbitPerSecond = 0",
		&[
			"mbitPerSecond of the default link is 0",
			"check the number and its unit",
		],
	);
	refused(
		link,
		"mbitPerSecond = 100e6",
		&["mbitPerSecond", "100000000"],
	);
	refused(link, "mbitPerSecond = 1e-4", &["mbitPerSecond"]);
	refused(
		link,
		"rttMs = 20e6",
		&["rttMs of the default link is 20000000"],
	);
	refused(
		link,
		"rttMs = 20e-6",
		&["rttMs of the default link is 0.00002"],
	);
	refused(link, "rttMs = nan", &["rttMs of the default link is NaN"]);
	refused(link, "rttMs = inf", &["rttMs of the default link is inf"]);
	refused(link, "rttMs = -1", &["rttMs of the default link is -1"]);
	refused(
		link,
		"loss = 1",
		&["loss of the default link is 1", "between 0 and 0.5"],
	);
	let memory = "memoryGbyte = 1";
	refused(
		memory,
		"memoryGbyte = nan",
		&["memoryGbyte of worker a1 is NaN"],
	);
	refused(
		memory,
		"memoryGbyte = 1e6",
		&["memoryGbyte of worker a1 is 1000000"],
	);
	refused(memory, "memoryGbyte = 1e-6", &["memoryGbyte"]);
	refused(
		memory,
		"memoryGbyte = 1\ngflops = -5",
		&["gflops of worker a1 is -5"],
	);
	refused(memory, "memoryGbyte = 1\ngflops = 50e9", &["gflops"]);
	refused(
		memory,
		"memoryGbyte = 1\nfailure = 1",
		&["failure of worker a1 is 1"],
	);
	refused(memory, "memoryGbyte = 1\nprice = -1", &["line 10", "-1"]);
	refused(
		"layerMbyte = 100",
		"layerMbyte = 100e6",
		&["layerMbyte of the model is 100000000"],
	);
	refused(
		"layerMbyte = 100",
		"layerMbyte = 100e-6",
		&["operations for a byte", "layerMbyte and layerGflop"],
	);
	refused(
		"layerGflop = 0.2",
		"layerGflop = 0.2e6",
		&["operations for a byte"],
	);
	refused(
		"layerGflop = 0.2",
		"layerGflop = 0.2e-6",
		&["operations for a byte"],
	);
	refused(
		"layers = 8",
		"layers = 0",
		&["layers of the model is 0", "between 1 and 256"],
	);
	refused(
		"layers = 8",
		"layers = 1000",
		&["layers of the model is 1000"],
	);
	refused(
		"layers = 8",
		"layers = 8\ncontext = 0",
		&["context of the model is 0"],
	);
	refused(
		"[model]",
		"[job]\nnewTokens = 0\n[model]",
		&["newTokens of the job is 0"],
	);
}

#[test]
fn files_that_are_no_network_are_refused_by_line() {
	refused(
		"[workers.a2]",
		"[workers.a1]",
		&["network.toml: line", "a1"],
	);
	refused(
		"[workers.a1]",
		"[workers.entry]",
		&["no worker can be named \"entry\""],
	);
	refused("layers = 8", "layrs = 8", &["line 3", "layrs"]);
	refused("memoryGbyte = 1", "", &["memoryGbyte"]);
	let links = |to: &str| format!("[[links]]\nfrom = \"a1\"\nto = \"{to}\"\n[defaults.link]");
	refused(
		"[defaults.link]",
		&links("c9"),
		&["a link from a1 to c9", "c9", "no worker of this file"],
	);
	refused(
		"[defaults.link]",
		&links("a1"),
		&["a link leads from a1 to itself"],
	);
	plan(
		"[model]\nlayers = 8\nlayerMbyte = 100\nlayerGflop = 0.2\n",
		&[],
	)
	.fails_with(&["there are no workers"]);
	plan("", &[]).fails_with(&["line 1", "model"]);
	Folder::new()
		.run(&["plan", "--what-if", "nowhere.toml"])
		.fails_with(&["nowhere.toml"]);
}

#[test]
fn options_that_ask_a_node_are_refused_beside_it() {
	for option in [
		&["--model", "2"][..],
		&["--links", "2"],
		&["--round", "2"],
		&["--dry-run"],
	] {
		plan(NETWORK, option).fails_with(&["cannot be used with", option[0]]);
	}
	Folder::new()
		.run(&["plan", "--drawing", "plan.svg"])
		.fails_with(&["--what-if"]);
	plan(NETWORK, &["--replicas", "5"]).fails_with(&["--replicas", "5 is not 1 to 4"]);
	plan(NETWORK, &["--replicas", "0"]).fails_with(&["--replicas", "0 is not 1 to 4"]);
	plan(NETWORK, &["--slots", "9"]).fails_with(&["--slots", "9 is not 1 to 8"]);
}
