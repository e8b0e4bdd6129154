//! Files of measurements: defaults, both ends, and figures that cannot be true.

use dllm_planning::topology::{Topology, TopologyError, DEFAULT_LINK, DEFAULT_WORKER};

#[test]
fn what_is_not_measured_has_a_default() {
	let topology = Topology::parse(r#"{ "workers": { "a": { "gflops": 900 } } }"#).expect("parses");
	assert_eq!(topology.worker("a").flops_per_second, 900_000_000_000);
	assert_eq!(topology.worker("b"), DEFAULT_WORKER);
	assert_eq!(topology.link("a", "b"), DEFAULT_LINK);
	assert_eq!(topology.unknown(&["a", "b", "c"]), (2, 3));
}

#[test]
fn the_worse_of_two_reports_counts_in_both_directions() {
	let text = r#"{ "links": [
		{ "from": "a", "to": "b", "rttMs": 8, "loss": 0.01, "mbitPerSecond": 80 },
		{ "from": "a", "to": "b", "rttMs": 20, "loss": 0.001, "mbitPerSecond": 800 } ] }"#;
	let topology = Topology::parse(text).expect("parses");
	for link in [topology.link("a", "b"), topology.link("b", "a")] {
		assert_eq!(link.latency_us, 10_000);
		assert_eq!(link.loss_ppm, 10_000);
		assert_eq!(link.bytes_per_second, 10_000_000);
	}
}

#[test]
fn a_direction_of_its_own_stays() {
	let text = r#"{ "links": [
		{ "from": "a", "to": "b", "mbitPerSecond": 80 }, { "from": "b", "to": "a", "mbitPerSecond": 8 } ] }"#;
	let topology = Topology::parse(text).expect("parses");
	assert_eq!(topology.link("a", "b").bytes_per_second, 10_000_000);
	assert_eq!(topology.link("b", "a").bytes_per_second, 1_000_000);
}

#[test]
fn figures_that_cannot_be_true_are_named() {
	let cases = [
		(
			r#"{ "links": [{ "from": "a", "to": "b", "mbitPerSecond": 0 }] }"#,
			"mbitPerSecond",
		),
		(
			r#"{ "links": [{ "from": "a", "to": "b", "rttMs": -1 }] }"#,
			"rttMs",
		),
		(
			r#"{ "links": [{ "from": "a", "to": "b", "rttMs": 8000000 }] }"#,
			"rttMs",
		),
		(
			r#"{ "links": [{ "from": "a", "to": "b", "loss": 5 }] }"#,
			"loss",
		),
		(r#"{ "workers": { "a": { "gflops": 900e9 } } }"#, "gflops"),
		(
			r#"{ "defaults": { "worker": { "failure": 1 } } }"#,
			"failure",
		),
	];
	for (text, wanted) in cases {
		match Topology::parse(text) {
			Err(TopologyError::Implausible { figure, .. }) => assert_eq!(figure, wanted),
			other => panic!("{text}: {other:?}"),
		}
	}
}

#[test]
fn other_forms_are_refused() {
	for text in [
		r#"{ "link": [] }"#,
		r#"{ "links": [{ "from": "a", "to": "b", "rttMs": NaN }] }"#,
		"7",
	] {
		assert!(
			matches!(Topology::parse(text), Err(TopologyError::Syntax(_))),
			"{text}"
		);
	}
	let own = r#"{ "links": [{ "from": "a", "to": "a" }] }"#;
	assert!(matches!(Topology::parse(own), Err(TopologyError::Loop(_))));
}
