//! The numbers over HTTP: `GET /metrics`, as Prometheus scrapes it.

use super::registry;
use std::{io, net::SocketAddr};
use substrate_prometheus_endpoint::init_prometheus;
use tokio::{net::TcpListener, task::JoinHandle};

/// Why nobody can scrape.
#[derive(thiserror::Error, Debug)]
pub enum MetricsError {
	/// The address cannot be listened on.
	#[error("metrics cannot be served on {address}: {source}; end the other program there, or change `metrics` or --metrics")]
	CannotListen {
		address: SocketAddr,
		source: io::Error,
	},
}

/// Serves the numbers until the task is aborted. Fails at once where the address is taken.
pub async fn serve(address: SocketAddr) -> Result<JoinHandle<()>, MetricsError> {
	// The endpoint reports a taken port only to its own task, too late for the person at the command.
	let probe = TcpListener::bind(address).await;
	drop(probe.map_err(|source| MetricsError::CannotListen { address, source })?);
	tracing::info!(%address, "metrics at /metrics");
	Ok(tokio::spawn(async move {
		if let Err(error) = init_prometheus(address, registry().clone()).await {
			tracing::error!(%address, %error, "metrics are not served any more");
		}
	}))
}
