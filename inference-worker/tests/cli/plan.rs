//! Where `plan` takes its measurements from: a file, whose figures are checked before a node is asked, and what
//! workers report on chain.

use super::{
	rounds::{account, json_of, known, run, run_in, Known},
	worker::{Folder, Ran},
};
use dllm_primitives::api::LinkView;
use dllm_worker::chain::address;

const DRY_RUN: [&str; 6] = ["plan", "--model", "4", "--segments", "2", "--dry-run"];

/// Every link between the five workers with this round trip; the second end reports it where `both` do.
fn measured(rtt_us: u32, both: bool) -> Known {
	let mut chain = known();
	let pairs = (1..6u8).flat_map(|a| (a + 1..6).map(move |b| [a, b]));
	let link = |pair: [u8; 2]| LinkView {
		ends: pair.map(account),
		rtt_us,
		jitter_us: 10,
		loss_ppm: 0,
		bytes_per_second: 100_000_000,
		ages: [Some(3), both.then_some(8)],
	};
	chain.links.links = pairs.map(link).collect();
	chain
}

fn data_ms(ran: &Ran) -> f64 {
	json_of(ran)["cost"]["dataMs"].as_f64().expect("a number")
}

fn says(ran: &Ran, part: &str) {
	assert!(
		ran.stderr.contains(part),
		"{part:?} is not in: {}",
		ran.stderr
	);
}

#[test]
fn what_workers_measured_is_planned_with() {
	let command = [&DRY_RUN[..], &["--json"]].concat();
	let unknown = run(known(), &command);
	let fast = run(measured(200, true), &command);
	let slow = run(measured(200_000, false), &command);
	let praised = run(measured(200, false), &command);
	assert_eq!(
		data_ms(&praised),
		data_ms(&unknown),
		"one end alone is not believed"
	);
	assert!(data_ms(&fast) < data_ms(&unknown) && data_ms(&unknown) < data_ms(&slow));
	says(&unknown, "0 of 10 links between miners are measured");
	says(&unknown, "10 of 10 links are not measured");
	assert!(!fast.stderr.contains("not measured: a round trip"));
	let all = "10 of 10 links between miners are measured";
	says(&fast, &format!("{all}, 0 of them by one end only"));
	says(&slow, &format!("{all}, 10 of them by one end only"));
}

#[test]
fn a_file_stands_over_what_workers_measured() {
	let folder = Folder::new();
	let pairs =
		(1..6u8).flat_map(|a| (a + 1..6).map(move |b| [a, b].map(|end| address(&account(end)))));
	let links =
		pairs.map(|[from, to]| format!(r#"{{ "from": "{from}", "to": "{to}", "rttMs": 500 }}"#));
	let links = links.collect::<Vec<_>>().join(", ");
	folder.write("links.json", &format!(r#"{{ "links": [{links}] }}"#));
	let command = [&DRY_RUN[..], &["--json"]].concat();
	let with_file = [&command[..], &["--links", "links.json"]].concat();
	let reported = run(measured(200, true), &command);
	let stated = run_in(&folder, measured(200, true), &with_file);
	assert!(data_ms(&stated) > data_ms(&reported));
}

#[test]
fn a_silent_worker_is_left_out_and_named() {
	let mut chain = measured(200, true);
	chain.links.silent = vec![account(1)];
	let silent = address(&account(1));
	let ran = run(chain, &[&DRY_RUN[..], &["--json"]].concat());
	says(&ran, "1 active workers report no links any more");
	says(&ran, &silent);
	assert!(!ran.printed().contains(&silent));

	let mut chain = known();
	chain.links.silent = (1..3).map(account).collect();
	// Three are left for two segments of two.
	run(chain, &DRY_RUN).fails_with(&["3 active miners", "register more workers"]);
}

fn plan(folder: &Folder, file: &str) -> Ran {
	folder.run(&["--account", "//Alice", "plan", "--links", file])
}

#[test]
fn missing_measurements_are_named() {
	let folder = Folder::new();
	plan(&folder, "nowhere.json").fails_with(&["nowhere.json"]);
}

#[test]
fn figures_that_cannot_be_true_are_named() {
	let folder = Folder::new();
	let links = r#"{ "links": [{ "from": "a", "to": "b", "loss": 5 }] }"#;
	folder.write("links.json", links);
	plan(&folder, "links.json")
		.fails_with(&["loss of the link from a to b is 5", "between 0 and 0.5"]);
}
