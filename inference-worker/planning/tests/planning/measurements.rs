//! Files of measurements: defaults, both ends, and figures that cannot be true.

use dllm_planning::topology::{Reported, Topology, TopologyError, DEFAULT_LINK, DEFAULT_WORKER};

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
		(
			r#"{ "links": [{ "from": "a", "to": "b", "rttMs": 8e-6 }] }"#,
			"rttMs",
		),
		(
			r#"{ "links": [{ "from": "a", "to": "b", "mbitPerSecond": 1e6 }] }"#,
			"mbitPerSecond",
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
		r#"{ "workers": { "a": { "gflops": 5 }, "a": { "gflops": 6 } } }"#,
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

#[test]
fn what_a_file_says_of_a_link_stands_over_what_workers_measured() {
	let text = r#"{
		"defaults": { "link": { "rttMs": 50 } },
		"links": [{ "from": "b", "to": "a", "rttMs": 8 }] }"#;
	let measured = dllm_primitives::cost::link::LinkFigures {
		latency_us: 700,
		..DEFAULT_LINK
	};
	let links = [["a", "b"], ["b", "c"]].map(|ends| Reported {
		ends: ends.map(String::from),
		figures: measured,
		by_both: true,
	});
	let topology = Topology::parse(text).expect("parses").with_links(links);
	assert_eq!(topology.link("a", "b").latency_us, 4_000);
	assert_eq!(topology.link("b", "a").latency_us, 4_000);
	assert_eq!(topology.link("b", "c"), measured);
	assert_eq!(topology.link("c", "b"), measured);
	assert_eq!(topology.link("a", "c").latency_us, 25_000);
	assert_eq!(topology.unknown(&["a", "b", "c"]), (3, 1));
}

#[test]
fn where_one_end_alone_reports_no_figure_is_better_than_the_default() {
	let reported = |figures, by_both| Reported {
		ends: ["a", "b"].map(String::from),
		figures,
		by_both,
	};
	let with = |link| Topology::default().with_links([link]).link("b", "a");
	let marvellous = dllm_primitives::cost::link::LinkFigures {
		latency_us: 1,
		jitter_us: 0,
		loss_ppm: 0,
		bytes_per_second: u64::MAX,
		efficiency_ppm: 1_000_000,
	};
	assert_eq!(with(reported(marvellous, true)), marvellous);
	assert_eq!(with(reported(marvellous, false)), DEFAULT_LINK);
	let slow = dllm_primitives::cost::link::LinkFigures {
		latency_us: 200_000,
		bytes_per_second: 1_000,
		..marvellous
	};
	let counted = dllm_primitives::cost::link::LinkFigures {
		latency_us: 200_000,
		bytes_per_second: 1_000,
		..DEFAULT_LINK
	};
	assert_eq!(with(reported(slow, false)), counted);
}
