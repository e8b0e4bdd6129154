//! Which topologies are read.

use crate::TOPOLOGY;
use dllm_netlab::{
	draw::draw,
	methods::Measured,
	topology::{Topology, TopologyError},
};

fn refusal(from: &str, to: &str) -> TopologyError {
	assert!(TOPOLOGY.contains(from));
	Topology::parse(&TOPOLOGY.replacen(from, to, 1)).expect_err("it should be refused")
}

#[test]
fn a_topology_is_read() {
	let topology = Topology::parse(TOPOLOGY).expect("it is right");
	assert_eq!(topology.user(), "user");
	assert_eq!(topology.machines().len(), 2);
	let link = topology.link("user", "h2").expect("it is there");
	assert_eq!(link, topology.link("h2", "user").expect("both ways"));
	assert_eq!(link.loss, 0.01);
	assert!(topology.link("user", "user").is_none());
}

#[test]
fn figures_that_cannot_be_true_are_refused_by_name() {
	for (from, to) in [
		("rttMs = 10.0", "rttMs = -1.0"),
		("rttMs = 10.0", "rttMs = nan"),
		("rttMs = 10.0", "rttMs = 1e9"),
		("jitterMs = 4.0", "jitterMs = 11.0"),
		("loss = 0.01", "loss = 1.0"),
		("mbitPerSecond = 20.0", "mbitPerSecond = 0.0"),
		("share = 0.5", "share = 500.0"),
		("share = 0.5", "share = inf"),
	] {
		let error = refusal(from, to);
		let figure = from.split(' ').next().expect("a name");
		assert!(
			matches!(error, TopologyError::Implausible { .. }),
			"{error}"
		);
		assert!(error.to_string().starts_with(figure), "{error}");
	}
}

#[test]
fn links_lead_between_two_hosts_once() {
	let nowhere = refusal(r#"["user", "h1"]"#, r#"["user", "h7"]"#);
	assert!(matches!(nowhere, TopologyError::Ends(..)));
	let itself = refusal(r#"["user", "h1"]"#, r#"["h1", "h1"]"#);
	assert!(matches!(itself, TopologyError::Ends(..)));
	let twice = refusal(r#"["user", "h1"]"#, r#"["h2", "h1"]"#);
	assert!(matches!(twice, TopologyError::Twice(..)));
}

#[test]
fn there_is_one_user() {
	assert!(matches!(
		refusal("[hosts.user]", ""),
		TopologyError::Users(0)
	));
	assert!(matches!(
		refusal("share = 0.5\n", ""),
		TopologyError::Users(2)
	));
	assert!(matches!(
		refusal("share", "speed"),
		TopologyError::Syntax(_)
	));
}

#[test]
fn a_seed_determines_a_topology_that_can_be_read() {
	let measured = Measured {
		layers: 12,
		layer_ms: 1.0,
		row_ms: 0.2,
		hop_ms: 0.5,
		entry_ms: 1.0,
		row_bytes: 1_536,
		prompt_tokens: 16,
		new_tokens: 32,
	};
	for seed in 1..=10 {
		let topology = draw(seed, &measured).expect("there is one");
		assert_eq!(Some(&topology), draw(seed, &measured).as_ref());
		assert_ne!(Some(&topology), draw(seed + 1, &measured).as_ref());
		let text = toml::to_string(&topology).expect("it can be written");
		assert_eq!(topology, Topology::parse(&text).expect("it is right"));
		// Everybody reaches everybody.
		assert_eq!(topology.links.len(), 7 * 6 / 2);
	}
}
