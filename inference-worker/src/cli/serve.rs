//! `serve`: does the work that the chain gives this worker.

use super::{CliError, Context};
use crate::{daemon, memory, metrics, pipeline::Honest};
use clap::Args;
use std::{future::Future, net::SocketAddr, process::ExitCode, sync::Arc};

/// Do the work that the chain gives this worker, until Ctrl-C.
#[derive(Args, Debug)]
pub struct Serve {
	/// Where Prometheus finds the numbers of this worker, over `metrics` of the configuration.
	#[arg(long, value_name = "ADDRESS")]
	metrics: Option<SocketAddr>,
}

impl Serve {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let account = context.account()?;
		let mut config = context.config.clone();
		config.metrics = self.metrics.or(config.metrics);
		let endpoint = match config.metrics {
			Some(address) => Some(metrics::serve(address).await?),
			None => None,
		};
		tokio::spawn(memory::tend());
		let served = daemon::serve(&config, account, Arc::new(Honest), stopped()?).await;
		if let Some(endpoint) = endpoint {
			endpoint.abort();
		}
		served?;
		Ok(ExitCode::SUCCESS)
	}
}

/// Resolves at Ctrl-C, or when the system asks the process to end.
#[cfg(unix)]
pub fn stopped() -> Result<impl Future<Output = ()>, CliError> {
	use tokio::signal::unix::{signal, SignalKind};
	let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::NoThreads)?;
	let mut terminate = signal(SignalKind::terminate()).map_err(CliError::NoThreads)?;
	Ok(async move {
		tokio::select! {
			_ = interrupt.recv() => {},
			_ = terminate.recv() => {},
		}
	})
}

/// Resolves at Ctrl-C.
#[cfg(not(unix))]
pub fn stopped() -> Result<impl Future<Output = ()>, CliError> {
	Ok(async {
		// Without a signal handler only the system can end the process.
		if tokio::signal::ctrl_c().await.is_err() {
			std::future::pending::<()>().await;
		}
	})
}
