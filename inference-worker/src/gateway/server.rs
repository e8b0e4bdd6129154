//! The gateway from its start to its end: it connects, listens, and drains before it stops.

use super::{
	keys::Keys,
	on_chain::{OnChain, Purse},
	patience::Patient,
	routes,
	spending::Spending,
	FileError, Gateway,
};
use crate::{
	chain::{Account, Chain, ChainError, Submitter},
	commitment::{Ledger, LedgerError},
	config::Config,
	network::{
		shards::{ShardError, ShardStore},
		Network, NetworkConfig, NetworkError,
	},
	pipeline::{Honest, Host, Timings, Workshop},
};
use axum::{http::HeaderValue, Router};
use hyper_util::{
	rt::{TokioExecutor, TokioIo, TokioTimer},
	server::conn::auto::Builder,
	service::TowerToHyperService,
};
use libp2p::identity::Keypair;
use std::{
	fs,
	future::Future,
	io,
	net::SocketAddr,
	path::{Path, PathBuf},
	sync::Arc,
	time::Duration,
};
use tokio::{
	io::{AsyncRead, AsyncWrite},
	net::TcpListener,
	sync::{watch, Semaphore},
	task::JoinSet,
	time::{sleep, timeout},
};

/// Folders and files in the data folder.
const SHARDS: &str = "shards";
const JOBS: &str = "gateway/jobs";
const KEYS: &str = "gateway/keys.json";
const SPENDING: &str = "gateway/spending.json";
/// Connections at once; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 2048;
/// Longest wait for the headers of a request: a slow client holds its connection no longer.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time for which a client takes nothing of what is written to it. Proxies and slow links pause for
/// seconds; a reply that nobody reads would otherwise stay in memory for as long as its connection stands.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for the last bytes of replies to reach their clients.
const FAREWELL: Duration = Duration::from_secs(5);
/// Pause after a connection that could not be accepted, for want of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a gateway cannot start.
#[derive(thiserror::Error, Debug)]
pub enum GatewayError {
	/// The address is taken, or not this machine's.
	#[error("cannot listen on {address}: {source}; choose another address with --listen, or `listen` under [gateway]")]
	CannotListen {
		address: SocketAddr,
		source: io::Error,
	},
	/// An origin is none.
	#[error(
		"allow_origin {origin:?} is no origin: write it like https://chat.example, or * for all"
	)]
	BadOrigin { origin: String },
	/// There is no web page in the folder.
	#[error("{path} holds no index.html: build the web page, or correct --web")]
	NoPage { path: PathBuf },
	/// The chain does not answer.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The network cannot start.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// The folder of shards cannot be opened.
	#[error(transparent)]
	Shards(#[from] ShardError),
	/// The folder of jobs cannot be opened.
	#[error(transparent)]
	Ledger(#[from] LedgerError),
	/// A file of keys or spending cannot be used.
	#[error(transparent)]
	File(#[from] FileError),
}

/// The file of keys in a data folder.
pub fn keys_file(data: &Path) -> PathBuf {
	data.join(KEYS)
}

/// The file of spending in a data folder.
pub fn spending_file(data: &Path) -> PathBuf {
	data.join(SPENDING)
}

/// Serves until `stop` resolves; then refuses what is new, and lets what runs come to its end.
pub async fn serve(
	config: &Config,
	account: Account,
	stop: impl Future<Output = ()>,
) -> Result<(), GatewayError> {
	let options = &config.gateway;
	check(options)?;
	let address = options.listen;
	let listener = TcpListener::bind(address);
	let listener = listener
		.await
		.map_err(|source| GatewayError::CannotListen { address, source })?;
	// Only dials: no other worker needs to reach a gateway.
	let keypair = Keypair::generate_ed25519();
	let network = Network::start(NetworkConfig::new(keypair, Vec::new()));
	let network = network.await?;
	tokio::pin!(stop);
	let started = tokio::select! {
		started = start(config, account, network.clone()) => Some(started),
		() = &mut stop => None,
	};
	let ended = match started {
		Some(Ok((gateway, market))) => {
			gateway.resume();
			tokio::select! {
				() = until_drained(&gateway, listener, stop) => {},
				() = market.keep_ready() => {},
			}
			Ok(())
		}
		Some(Err(error)) => Err(error),
		None => Ok(()),
	};
	network.shutdown().await;
	tracing::info!("stopped");
	ended
}

/// Fails where an option cannot be obeyed.
fn check(options: &super::Options) -> Result<(), GatewayError> {
	for origin in &options.allow_origin {
		let plain = origin.contains("://") && !origin.ends_with('/');
		if origin != "*" && (!plain || origin.parse::<HeaderValue>().is_err()) {
			let origin = origin.clone();
			return Err(GatewayError::BadOrigin { origin });
		}
	}
	match &options.web {
		Some(path) if !path.join("index.html").is_file() => {
			Err(GatewayError::NoPage { path: path.clone() })
		}
		_ => Ok(()),
	}
}

/// Connects to the chain and opens what the gateway needs.
async fn start(
	config: &Config,
	account: Account,
	network: Network,
) -> Result<(Arc<Gateway>, OnChain), GatewayError> {
	let keys = Keys::open(keys_file(&config.data))?;
	let spending = Spending::open(spending_file(&config.data))?;
	if keys.list().is_empty() && !config.gateway.open {
		tracing::warn!(
			"there is no key: nobody can ask until `dllm-worker gateway key add` was run"
		);
	}
	let store = ShardStore::open(config.data.join(SHARDS))?;
	let waiting = |error: &ChainError, pause: Duration| {
		tracing::warn!(%error, again_in_s = pause.as_secs_f32(), "waiting for the node");
	};
	let chain = Chain::connect_patiently(&config.node, waiting).await?;
	let balance = chain.balance(account.id()).await?;
	tracing::info!(
		node = chain.url(),
		account = account.address(),
		free = %crate::chain::Amount(balance.free),
		"connected"
	);
	let workshop = Workshop::open(
		network,
		Ledger::open(fresh(&config.data.join(JOBS))?)?,
		Arc::new(Host::new(config.memory, Arc::new(Honest))),
		Arc::new(Honest),
		account.id().clone(),
		Timings::default(),
	)?;
	let purse = Purse {
		submitter: Submitter::new(chain.clone(), account),
		chain,
		workshop,
		store,
		folders: config.models.clone(),
	};
	let market = OnChain::new(purse, &config.gateway);
	let options = config.gateway.clone();
	let gateway = Gateway::new(options, Arc::new(market.clone()), keys, spending);
	Ok((Arc::new(gateway), market))
}

/// A folder without what a gateway that died left there: the rows of its jobs serve nobody.
fn fresh(folder: &Path) -> Result<&Path, FileError> {
	match fs::remove_dir_all(folder) {
		Err(source) if source.kind() != io::ErrorKind::NotFound => Err(FileError::Io {
			path: folder.into(),
			source,
		}),
		_ => Ok(folder),
	}
}

/// Answers requests until `stop` resolves and those that run then are answered, or take too long.
async fn until_drained(
	gateway: &Arc<Gateway>,
	listener: TcpListener,
	stop: impl Future<Output = ()>,
) {
	let (close, closing) = watch::channel(false);
	let router = routes::router(gateway.clone());
	let serving = tokio::spawn(listen(listener, router, closing));
	stop.await;
	let patience = Duration::from_secs(gateway.options.drain);
	tracing::info!("stopping: what runs is answered, what is new is refused");
	if timeout(patience, gateway.drain()).await.is_err() {
		tracing::warn!("some replies take too long, and are cut off");
	}
	close.send_replace(true);
	// Whatever has not taken its last bytes by now is cut off with the process.
	let _ = timeout(FAREWELL, serving).await;
}

/// Takes connections until `closing` says so, then lets them end.
pub async fn listen(listener: TcpListener, router: Router, mut closing: watch::Receiver<bool>) {
	let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
	let mut connections = JoinSet::new();
	if let Ok(address) = listener.local_addr() {
		tracing::info!(%address, "listening");
	}
	loop {
		// The semaphore is never closed.
		let Ok(place) = places.clone().acquire_owned().await else {
			return;
		};
		let accepted = tokio::select! {
			accepted = listener.accept() => accepted,
			() = said(&mut closing) => break,
		};
		match accepted {
			Ok((stream, _)) => {
				// Tokens leave one by one, and must not wait for company.
				let _ = stream.set_nodelay(true);
				let stream = Patient::new(stream, WRITE_TIMEOUT);
				let connection = converse(stream, router.clone(), closing.clone());
				connections.spawn(async move {
					connection.await;
					drop(place);
				});
			}
			Err(error) => {
				tracing::warn!(%error, "a connection cannot be accepted");
				sleep(ACCEPT_PAUSE).await;
			}
		}
		while connections.try_join_next().is_some() {}
	}
	drop(listener);
	while connections.join_next().await.is_some() {}
}

/// Answers the requests of one connection.
pub async fn converse(
	stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
	router: Router,
	mut closing: watch::Receiver<bool>,
) {
	let mut builder = Builder::new(TokioExecutor::new());
	builder
		.http1()
		.timer(TokioTimer::new())
		.header_read_timeout(HEADER_TIMEOUT);
	let service = TowerToHyperService::new(router);
	let connection = builder.serve_connection(TokioIo::new(stream), service);
	tokio::pin!(connection);
	let ended = tokio::select! {
		ended = connection.as_mut() => ended,
		() = said(&mut closing) => {
			connection.as_mut().graceful_shutdown();
			connection.await
		}
	};
	if let Err(error) = ended {
		tracing::debug!(%error, "a connection broke");
	}
}

/// Waits until connections are to be closed.
async fn said(closing: &mut watch::Receiver<bool>) {
	// Nobody is left to say so either where the sender is gone.
	let _ = closing.wait_for(|closing| *closing).await;
}
