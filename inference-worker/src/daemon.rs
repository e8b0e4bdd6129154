//! `serve`: a worker from its start to Ctrl-C.
//!
//! Starts network, shards and ledger, then follows the chain: at every best block it reads what is
//! expected of it and lets the [`Board`] act on it; beside it a [`Bidder`] bids in capacity rounds, a [`Planner`]
//! plans for those that it won in, and a [`Surveyor`] measures links, where the configuration says so. While the node is away, work under way goes
//! on; what it comes to is submitted when the node is back, if it is still due.

use crate::{
	bidding::{self, BadOption, Bidder, OnChain, Rules, Safe, SafeError},
	chain::{Account, Chain, ChainError, Submitter, H256},
	commitment::{Ledger, LedgerError},
	config::Config,
	duties::{Board, Pauses, Worker},
	links::{self, Surveyor},
	metrics::{metrics, watch_chain},
	network::{
		identity::{self, IdentityError},
		probes,
		shards::{ShardError, ShardStore},
		Network, NetworkConfig, NetworkError,
	},
	pipeline::{Conduct, Host, Timings, Workshop},
	planning::{self, Planner},
};
use dllm_primitives::ids::JobId;
use std::{
	collections::HashSet,
	fs,
	future::Future,
	io,
	path::{Path, PathBuf},
	pin::Pin,
	sync::Arc,
	time::Duration,
};
use tokio::time::{sleep_until, Instant};

/// File of the network identity in the data folder.
pub const NETWORK_KEY: &str = "network.key";
/// Folder of shards, and of the rows of open jobs.
const SHARDS: &str = "shards";
const JOBS: &str = "jobs";
/// Folder of sealed bids.
const BIDS: &str = "bids";
/// File with the genesis of the chain that the data folder belongs to.
const GENESIS: &str = "genesis";
/// Time for calls that were sent to reach a block.
const FAREWELL: Duration = Duration::from_secs(15);
/// Without a new block the duties are read again after this time, and a failed one is tried again no
/// sooner than after this pause.
const LOOK_AGAIN: Duration = Duration::from_secs(12);
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// Why a worker cannot start.
#[derive(thiserror::Error, Debug)]
pub enum DaemonError {
	/// The node runs another chain, or does not fit.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The network cannot start.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// There is no network key.
	#[error(transparent)]
	Identity(#[from] IdentityError),
	/// A model's folder is not as it should be.
	#[error(transparent)]
	Shards(#[from] ShardError),
	/// The ledger cannot be opened.
	#[error(transparent)]
	Ledger(#[from] LedgerError),
	/// No bid can be made of the configuration.
	#[error(transparent)]
	Bidding(#[from] BadOption),
	/// Links cannot be measured as the configuration says.
	#[error(transparent)]
	Links(#[from] links::BadOption),
	/// Bids cannot be kept.
	#[error(transparent)]
	Bids(#[from] SafeError),
	/// Another file cannot be read or written.
	#[error("{path}: {source}; free space on the disk, or give the worker's account the right to write there")]
	Io { path: PathBuf, source: io::Error },
}

/// Serves until `stop` resolves. `conduct` says how the worker behaves; there is one honest way.
pub async fn serve(
	config: &Config,
	account: Account,
	conduct: Arc<dyn Conduct>,
	stop: impl Future<Output = ()>,
) -> Result<(), DaemonError> {
	tokio::pin!(stop);
	let rules = match config.bidding.enabled {
		true => Some(Rules::of(config)?),
		false => None,
	};
	let survey = match config.links.enabled {
		true => Some(links::Rules::of(&config.links)?),
		false => None,
	};
	let network = start_network(config).await?;
	let started = tokio::select! {
		started = start(config, account, conduct, network.clone()) => Some(started),
		() = &mut stop => None,
	};
	let started = started.map(|board| {
		let board = board?;
		let bidder = rules.map(|rules| bidder(config, rules, board.worker()));
		Ok::<_, DaemonError>((bidder.transpose()?, board))
	});
	let ended = match started {
		Some(Ok((bidder, board))) => {
			let (chain, submitter) = (
				board.worker().chain.clone(),
				board.worker().submitter.clone(),
			);
			let planner = config.planning.enabled.then(|| {
				let desk = planning::OnChain {
					chain: chain.clone(),
					submitter: submitter.clone(),
				};
				Planner::new(desk, planning::Rules::of(&config.planning))
			});
			let surveyor = survey.map(|rules| Surveyor::new(network.clone(), rules));
			tokio::select! {
				() = follow(board, stop) => {},
				() = bidding::follow(bidder) => {},
				() = planning::follow(planner) => {},
				() = links::follow(surveyor, chain.clone(), submitter) => {},
				() = watch_chain(chain), if config.metrics.is_some() => {},
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

async fn start_network(config: &Config) -> Result<Network, DaemonError> {
	let keypair = identity::load_or_create(&config.data.join(NETWORK_KEY))?;
	let network = Network::start(NetworkConfig {
		keypair,
		listen: config.listen.clone(),
		advertise: config.advertise.clone(),
		reach: config.reach.clone(),
		copies: usize::try_from(config.copies).unwrap_or(usize::MAX),
	})
	.await?;
	for address in network.listen_addresses() {
		tracing::info!(%address, peer = %network.peer_id(), "listening");
	}
	Ok(network)
}

/// Everything that comes before the first look at the duties.
async fn start(
	config: &Config,
	account: Account,
	conduct: Arc<dyn Conduct>,
	network: Network,
) -> Result<Board, DaemonError> {
	let store = import(config).await?;
	store.serve(&network)?;
	probes::serve(&network)?;

	let waiting = |error: &ChainError, pause: Duration| {
		tracing::warn!(%error, again_in_s = pause.as_secs_f32(), "waiting for the node");
	};
	let chain = Chain::connect_patiently(&config.node, waiting).await?;
	expect_genesis(&config.data, chain.genesis())?;
	let number = chain.best().borrow().number;
	tracing::info!(
		node = chain.url(),
		block = number,
		account = account.address(),
		"connected"
	);
	if chain.worker(account.id()).await?.is_none() {
		let account = account.address();
		tracing::warn!(
			account,
			"not registered: there is nothing to do until `register` was run"
		);
	}

	let jobs = config.data.join(JOBS);
	let ledger = Ledger::open(&jobs)?;
	let host = Arc::new(Host::new(config.memory, conduct.clone()));
	let own = account.id().clone();
	let workshop = Workshop::open(network, ledger, host, conduct, own, Timings::default())?;
	let submitter = Submitter::new(chain.clone(), account);
	let attended = recorded_jobs(&jobs)?;
	Ok(Board::new(
		Worker {
			chain,
			submitter,
			workshop,
			store,
		},
		attended,
		Pauses::default(),
	))
}

/// Who bids for this worker.
fn bidder(config: &Config, rules: Rules, worker: &Worker) -> Result<Bidder, DaemonError> {
	let safe = Safe::open(config.data.join(BIDS), worker.account().clone())?;
	let auctioneer = OnChain {
		chain: worker.chain.clone(),
		submitter: worker.submitter.clone(),
	};
	Ok(Bidder::new(auctioneer, safe, rules))
}

/// The store of shards, with the models of the configuration.
async fn import(config: &Config) -> Result<ShardStore, DaemonError> {
	let store = ShardStore::open(config.data.join(SHARDS))?;
	for folder in config.models.clone() {
		let importing = store.clone();
		let shown = folder.display().to_string();
		let imported = tokio::task::spawn_blocking(move || importing.import(&folder)).await;
		let imported = imported.map_err(|error| io_error(config.data.join(SHARDS), error))?;
		tracing::info!(folder = shown, root = ?imported?, "model imported");
	}
	Ok(store)
}

/// Follows the chain until `stop` resolves, then lets what was sent reach its block.
async fn follow(mut board: Board, mut stop: Pin<&mut impl Future<Output = ()>>) {
	let mut best = board.worker().chain.best();
	loop {
		best.borrow_and_update();
		tokio::select! {
			() = &mut stop => break,
			() = look(&mut board) => {},
		}
		let (soonest, latest) = (Instant::now() + LOOK_PAUSE, Instant::now() + LOOK_AGAIN);
		let again = board
			.next_attempt()
			.map_or(latest, |at| at.clamp(soonest, latest));
		tokio::select! {
			() = &mut stop => break,
			changed = best.changed() => if changed.is_err() { break },
			() = board.ended() => {},
			() = sleep_until(again) => {},
		}
	}
	tracing::info!("stopping: nothing new is begun, and what was sent may reach its block");
	board.worker().workshop.network.shutdown().await;
	tokio::select! {
		() = board.finish(FAREWELL) => {},
		_ = tokio::signal::ctrl_c() => tracing::warn!("stopped at once"),
	}
}

/// Reads what is expected and acts on it. While the node is away, nothing changes.
async fn look(board: &mut Board) {
	let worker = board.worker();
	let number = worker.chain.best().borrow().number;
	worker.workshop.set_block(number);
	match worker.chain.duties(worker.account()).await {
		Ok(duties) => {
			metrics().expected(&duties);
			board.follow(&duties);
		}
		Err(error) => tracing::warn!(%error, "the duties cannot be read"),
	}
}

/// Fails if the data folder belongs to another chain; marks a new one.
fn expect_genesis(data: &Path, genesis: H256) -> Result<(), DaemonError> {
	let path = data.join(GENESIS);
	let found = format!("{genesis:?}");
	match fs::read_to_string(&path) {
		Ok(expected) if expected.trim() == found => Ok(()),
		Ok(expected) => {
			let expected = expected.trim().into();
			Err(ChainError::OtherGenesis { found, expected }.into())
		}
		Err(error) if error.kind() == io::ErrorKind::NotFound => {
			fs::write(&path, found).map_err(|error| io_error(path, error))
		}
		Err(error) => Err(io_error(path, error)),
	}
}

/// Jobs that the ledger holds from before.
fn recorded_jobs(folder: &Path) -> Result<HashSet<JobId>, DaemonError> {
	let entries = fs::read_dir(folder).map_err(|error| io_error(folder.into(), error))?;
	let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
	Ok(names.filter_map(|name| name.parse().ok()).collect())
}

fn io_error(path: PathBuf, source: impl Into<io::Error>) -> DaemonError {
	DaemonError::Io {
		path,
		source: source.into(),
	}
}
