//! Whether this program, the node and the runtime belong together, and who else may look at the worker.

use super::{lacking, ok, poor, Finding};
use crate::{chain::Chain, config::Config, metrics::scrape};
use std::net::TcpListener;

/// Versions of this program and the node: one release brings both.
pub async fn versions(chain: &Chain) -> Finding {
	const OWN: &str = env!("CARGO_PKG_VERSION");
	let node = match chain.node_version().await {
		Ok(node) => node,
		Err(error) => return lacking("versions", error),
	};
	// A build adds its commit after a dash.
	let release = node.split('-').next().unwrap_or_default();
	let found = format!("dllm-worker {OWN}, node {node}");
	match release == OWN {
		true => ok("versions", found),
		false => poor("versions", found, "use worker and node of one release"),
	}
}

/// Where the metrics are, or could be.
pub async fn metrics(config: &Config) -> Finding {
	let Some(address) = config.metrics else {
		return poor(
			"metrics",
			"nobody can look at this worker",
			"set `metrics` to watch it with Prometheus or `dllm-worker status --watch`",
		);
	};
	if scrape(address).await.is_ok() {
		return ok("metrics", format!("served on {address}"));
	}
	match TcpListener::bind(address) {
		Ok(_) => ok("metrics", format!("{address} is free")),
		Err(error) => poor(
			"metrics",
			format!("{address}: {error}"),
			"end the other program there, or change `metrics`",
		),
	}
}
