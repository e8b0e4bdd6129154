//! The example configuration documents the defaults, so it has to be them.

use dllm_worker::config::Config;
use libp2p::Multiaddr;
use std::path::PathBuf;

#[test]
fn example_says_the_defaults() {
	let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
	let example = Config::load(Some(&folder.join("worker.example.toml")), None);
	let (example, default) = (example.expect("a sound example"), Config::default());
	assert_eq!(example.node, default.node);
	assert_eq!(
		example.account,
		folder.join(default.account).to_string_lossy()
	);
	assert_eq!(example.data, folder.join(default.data));
	assert_eq!(example.listen, default.listen);
	assert_eq!(example.advertise, default.advertise);
	assert_eq!(example.copies, default.copies);
	assert_eq!(example.roles, default.roles);
	assert_eq!(example.memory, default.memory);
	assert_eq!(example.price, default.price);
	assert_eq!(example.operator, default.operator);
	assert_eq!(example.models, default.models);
	assert_eq!(example.onnxruntime, default.onnxruntime);
	assert_eq!(example.threads, default.threads);
	assert_eq!(example.reach, default.reach);
	assert_eq!(example.bidding, default.bidding);
	assert_eq!(example.planning, default.planning);
	assert_eq!(example.links, default.links);
	assert_eq!(example.gateway, default.gateway);
	assert_eq!(example.metrics, default.metrics);
	assert_eq!(default.listen.len(), 2, "QUIC and TCP");
}

#[test]
fn others_are_told_the_best_way_that_is_known() {
	let address = |text: &str| text.parse::<Multiaddr>().unwrap();
	let mut config = Config::default();
	assert_eq!(config.reachable_at(), config.listen);
	let relay =
		"/ip4/198.51.100.4/tcp/30400/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
	config.reach.relays = vec![address(relay)];
	let through = address(&format!("{relay}/p2p-circuit"));
	assert_eq!(config.reachable_at(), [through]);
	config.advertise = vec![address("/ip4/203.0.113.7/tcp/30400")];
	assert_eq!(config.reachable_at(), config.advertise);
}
