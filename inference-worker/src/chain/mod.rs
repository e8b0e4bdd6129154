//! The chain, as the worker sees it: a node behind a WebSocket that may be lost and comes back.
//!
//! What the chain knows is read through the runtime's API in the types of
//! [`dllm_primitives::api`]; what it shall do is signed and followed by the [`Submitter`]. A request
//! waits while the connection is made again, so callers see a lost node as time, or as an error that
//! [`ChainError::is_retryable`] names. What to do with the answers is left to the duties and commands.

mod account;
mod amount;
mod blocks;
pub mod calls;
mod error;
mod past;
mod placed;
mod submitter;

pub use account::{address, parse_address, Account, AccountError};
pub use amount::{Amount, DLLM};
pub use blocks::BestBlock;
pub use error::ChainError;
pub use past::PastEvent;
pub use placed::{Event, Included, Numbered};
pub use submitter::Submitter;

pub use sp_core::{crypto::AccountId32, H256};

use codec::{Decode, Encode};
use dllm_primitives::{
	api::{
		BidState, Duty, JobView, LinksView, ModelView, PipelineView, Receipt, RoundView, Route,
		WorkerView,
	},
	capacity::RoundId,
	ids::{Digest, JobId, ModelId},
	links::Report,
};
use std::{future::Future, sync::Arc, time::Duration};
use subxt::{
	backend::{BlockRef, LegacyBackend},
	config::{substrate::SubstrateConfig, Header, RpcConfigFor},
	ext::scale_value::Value,
	rpcs::{
		self,
		client::{
			reconnecting_rpc_client::{ExponentialBackoff, RpcClient as ReconnectingClient},
			rpc_params,
		},
		methods::legacy::{LegacyRpcMethods, SystemHealth},
		RpcClient,
	},
	OnlineClient,
};
use tokio::sync::watch;

/// Name of the runtime.
const SPEC_NAME: &str = "dllm";
/// First and longest pause between attempts to reach the node again.
const RETRY_FROM: Duration = Duration::from_millis(250);
const RETRY_UP_TO: Duration = Duration::from_secs(15);
/// A call answers, or its connection counts as lost, within this time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A node that does not accept a connection within this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// Without a new block rounds are read again after this time: four slots.
const LOOK_AGAIN: Duration = Duration::from_secs(12);

type Rpc = LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>;

/// A connection to a node. Clones share it.
#[derive(Clone)]
pub struct Chain {
	url: Arc<str>,
	raw: RpcClient,
	rpc: Rpc,
	client: OnlineClient<SubstrateConfig>,
	best: watch::Receiver<BestBlock>,
}

/// Money of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Balance {
	/// Can be spent or put on hold, but for the existential deposit and what is frozen.
	pub free: u128,
	/// On hold: bonds, deposits, escrow.
	pub held: u128,
}

impl Chain {
	/// Connects to a node of a DLLM chain, or says why not.
	pub async fn connect(url: &str) -> Result<Self, ChainError> {
		probe(url).await?;
		let pauses = ExponentialBackoff::from_millis(2)
			.factor(RETRY_FROM.as_millis() as u64 / 2)
			.max_delay(RETRY_UP_TO);
		let client = ReconnectingClient::builder()
			.retry_policy(pauses)
			.request_timeout(REQUEST_TIMEOUT)
			.connection_timeout(CONNECT_TIMEOUT);
		let client = client
			.build(url)
			.await
			.map_err(|error| unreachable_node(url, error))?;
		let client = RpcClient::new(client);
		let raw = client.clone();
		let rpc = Rpc::new(client.clone());
		let backend = Arc::new(LegacyBackend::builder().build(client));
		let client = OnlineClient::from_backend_with_config(SubstrateConfig::new(), backend);
		let client = client.await.map_err(ChainError::from_client)?;
		let best = blocks::follow(rpc.clone()).await?;
		Ok(Self {
			url: url.into(),
			raw,
			rpc,
			client,
			best,
		})
	}

	/// Connects as soon as a node is there; tells `waiting` of every attempt that fails.
	pub async fn connect_patiently(
		url: &str,
		mut waiting: impl FnMut(&ChainError, Duration),
	) -> Result<Self, ChainError> {
		let mut pause = RETRY_FROM;
		loop {
			match Self::connect(url).await {
				Err(error) if error.is_retryable() => {
					waiting(&error, pause);
					tokio::time::sleep(pause).await;
					pause = (pause * 2).min(RETRY_UP_TO);
				}
				done => return done,
			}
		}
	}

	/// Address of the node.
	pub fn url(&self) -> &str {
		&self.url
	}

	/// Hash of the first block: names the chain.
	pub fn genesis(&self) -> H256 {
		self.client.genesis_hash()
	}

	/// The best block, now and whenever it changes.
	pub fn best(&self) -> watch::Receiver<BestBlock> {
		self.best.clone()
	}

	/// State of the node: its peers, and whether it still catches up.
	pub async fn health(&self) -> Result<SystemHealth, ChainError> {
		self.patient("its health", || self.rpc.system_health())
			.await
	}

	/// Every model.
	pub async fn models(&self) -> Result<Vec<ModelView>, ChainError> {
		self.ask("models", ()).await
	}

	/// One model.
	pub async fn model(&self, id: ModelId) -> Result<Option<ModelView>, ChainError> {
		self.ask("model", id).await
	}

	/// Every worker.
	pub async fn workers(&self) -> Result<Vec<WorkerView>, ChainError> {
		self.ask("workers", ()).await
	}

	/// One worker.
	pub async fn worker(&self, who: &AccountId32) -> Result<Option<WorkerView>, ChainError> {
		self.ask("worker", who).await
	}

	/// The links that workers measured of late, and the workers that fell silent.
	pub async fn links(&self) -> Result<LinksView, ChainError> {
		self.ask("links", ()).await
	}

	/// What a worker reported of its links last, however long ago; none where it never did.
	pub async fn link_report(
		&self,
		who: &AccountId32,
	) -> Result<Option<Report<AccountId32, u32>>, ChainError> {
		let id: &[u8] = who.as_ref();
		self.stored("Miners", "LinkReports", vec![Value::from_bytes(id)])
			.await
	}

	/// Pipelines of a model that are not closed.
	pub async fn pipelines(&self, model: ModelId) -> Result<Vec<PipelineView>, ChainError> {
		self.ask("pipelines", model).await
	}

	/// Capacity rounds in progress.
	pub async fn rounds(&self) -> Result<Vec<RoundView>, ChainError> {
		self.ask("rounds", ()).await
	}

	/// Capacity rounds in progress, as a block has them.
	pub async fn rounds_at(&self, block: BestBlock) -> Result<Vec<RoundView>, ChainError> {
		self.ask_at(Some(block.hash), "rounds", ()).await
	}

	/// Where a worker's bid in the round of a model stands, as a block has it; none where it has made none.
	pub async fn bid_at(
		&self,
		block: BestBlock,
		model: ModelId,
		who: &AccountId32,
	) -> Result<Option<BidState>, ChainError> {
		self.ask_at(Some(block.hash), "bid", (model, who)).await
	}

	/// Number that the next capacity round gets, as a block has it.
	pub async fn next_round_at(&self, block: BestBlock) -> Result<RoundId, ChainError> {
		let (pallet, item) = ("Auctions", "NextRound");
		let stored = self.stored_bytes(block, pallet, item, Vec::new()).await?;
		let next = stored.map(|bytes| RoundId::decode(&mut &bytes[..]));
		let next = next.transpose().map_err(|error| ChainError::OtherVersion {
			reason: format!("{pallet}.{item}: {error}"),
		})?;
		Ok(next.unwrap_or_default())
	}

	/// Lowest fee in planck; none where no live pipeline serves such a job.
	pub async fn quote(
		&self,
		model: ModelId,
		prompt_tokens: u32,
		max_tokens: u32,
		own_entry: bool,
	) -> Result<Option<u128>, ChainError> {
		self.ask("quote", (model, prompt_tokens, max_tokens, own_entry))
			.await
	}

	/// A job.
	pub async fn job(&self, id: JobId) -> Result<Option<JobView>, ChainError> {
		self.ask("job", id).await
	}

	/// Names what a job asks: blake3 of its body and limits as the chain stores them; none where it does
	/// not know the job.
	pub async fn request(&self, id: JobId) -> Result<Option<Digest>, ChainError> {
		let keys = vec![Value::u128(id.into())];
		let best = *self.best.borrow();
		let stored = self.stored_bytes(best, "Jobs", "Requests", keys).await?;
		Ok(stored.map(|bytes| Digest::from(*blake3::hash(&bytes).as_bytes())))
	}

	/// Whether the chain had a job once, and has dropped its record for its age: so says the final block,
	/// which no fork undoes.
	pub async fn has_dropped(&self, id: JobId) -> Result<bool, ChainError> {
		let at = self.final_block().await?;
		let next = self.stored_bytes(at, "Jobs", "NextJob", Vec::new()).await?;
		let next = next.and_then(|bytes| JobId::decode(&mut &bytes[..]).ok());
		if next.is_none_or(|next| next <= id) {
			return Ok(false);
		}
		let keys = vec![Value::u128(id.into())];
		let record = self.stored_bytes(at, "Jobs", "Jobs", keys).await?;
		Ok(record.is_none())
	}

	/// Number of the best block that the node has heard of: its own one once it has caught up.
	pub async fn highest_known(&self) -> Result<u32, ChainError> {
		#[derive(serde::Deserialize)]
		#[serde(rename_all = "camelCase")]
		struct SyncState {
			current_block: u32,
			highest_block: Option<u32>,
		}
		let ask = || {
			self.raw
				.request::<SyncState>("system_syncState", rpc_params![])
		};
		let state = self.patient("how far it has caught up", ask).await?;
		Ok(state.highest_block.unwrap_or(state.current_block))
	}

	/// Version of the node's program.
	pub async fn node_version(&self) -> Result<String, ChainError> {
		self.patient("its version", || self.rpc.system_version())
			.await
	}

	/// All that stands behind a job.
	pub async fn receipt(&self, id: JobId) -> Result<Option<Receipt>, ChainError> {
		self.ask("receipt", id).await
	}

	/// The last block that no fork undoes.
	pub async fn final_block(&self) -> Result<BestBlock, ChainError> {
		let what = "its final block";
		let hash = self.patient(what, || self.rpc.chain_get_finalized_head());
		let hash = hash.await?;
		let header = self.patient(what, || self.rpc.chain_get_header(Some(hash)));
		let header = header.await?.ok_or_else(|| ChainError::Refused {
			what: what.into(),
			reason: "it has none".into(),
		})?;
		let number = u32::try_from(header.number()).unwrap_or(u32::MAX);
		Ok(BestBlock { number, hash })
	}

	/// All that stands behind a job, as a block has it.
	pub async fn receipt_at(
		&self,
		block: BestBlock,
		id: JobId,
	) -> Result<Option<Receipt>, ChainError> {
		self.ask_at(Some(block.hash), "receipt", id).await
	}

	/// Root of the state after a block: proofs of what the chain holds begin there.
	pub async fn state_root(&self, block: BestBlock) -> Result<H256, ChainError> {
		let header = self.patient("a block", || self.rpc.chain_get_header(Some(block.hash)));
		let header = header.await?.ok_or_else(|| ChainError::Refused {
			what: format!("block {}", block.number),
			reason: "it has dropped it".into(),
		})?;
		Ok(header.state_root)
	}

	/// The ring of a running job.
	pub async fn route(&self, id: JobId) -> Result<Option<Route>, ChainError> {
		self.ask("route", id).await
	}

	/// What the chain expects of a worker now.
	pub async fn duties(&self, who: &AccountId32) -> Result<Vec<Duty>, ChainError> {
		self.ask("duties", who).await
	}

	/// Calls a function of the runtime's DLLM interface at the best block.
	async fn ask<R: Decode>(
		&self,
		function: &str,
		arguments: impl Encode,
	) -> Result<R, ChainError> {
		self.ask_at(None, function, arguments).await
	}

	/// Calls a function of the runtime's DLLM interface at a block, the best one where none is named.
	async fn ask_at<R: Decode>(
		&self,
		block: Option<H256>,
		function: &str,
		arguments: impl Encode,
	) -> Result<R, ChainError> {
		let method = format!("DllmApi_{function}");
		let arguments = arguments.encode();
		let answer = self
			.patient(&method, || {
				self.rpc.state_call(&method, Some(&arguments), block)
			})
			.await?;
		let mut input = answer.as_slice();
		let decoded = R::decode(&mut input).ok().filter(|_| input.is_empty());
		decoded.ok_or_else(|| ChainError::OtherVersion {
			reason: format!("{method} answers in another form"),
		})
	}

	/// Money of an account.
	pub async fn balance(&self, who: &AccountId32) -> Result<Balance, ChainError> {
		/// The beginning of `frame_system::AccountInfo` over `pallet_balances::AccountData`: nonce and
		/// three reference counts, free, reserved.
		type AccountInfo = ([u32; 4], u128, u128);
		let id: &[u8] = who.as_ref();
		let info = self
			.stored::<AccountInfo>("System", "Account", vec![Value::from_bytes(id)])
			.await?;
		Ok(info.map_or(Balance::default(), |(_, free, held)| Balance { free, held }))
	}

	/// Milliseconds since 1970 at the best block, as its author saw them.
	pub async fn timestamp(&self) -> Result<u64, ChainError> {
		self.stored("Timestamp", "Now", Vec::new())
			.await
			.map(Option::unwrap_or_default)
	}

	/// A constant of a pallet, from the metadata.
	pub async fn constant<R: Decode>(&self, pallet: &str, name: &str) -> Result<R, ChainError> {
		let at = self
			.client
			.at_current_block()
			.await
			.map_err(ChainError::from_block)?;
		let pallet_metadata = at.metadata_ref().pallet_by_name(pallet);
		let value = pallet_metadata
			.and_then(|metadata| metadata.constant_by_name(name))
			.and_then(|constant| R::decode(&mut constant.value()).ok());
		let reason = format!("no constant {pallet}.{name} of the expected form");
		value.ok_or(ChainError::OtherVersion { reason })
	}

	/// A value of the best block's storage, or the beginning of one.
	async fn stored<R: Decode>(
		&self,
		pallet: &str,
		item: &str,
		keys: Vec<Value>,
	) -> Result<Option<R>, ChainError> {
		let best = *self.best.borrow();
		let stored = self.stored_bytes(best, pallet, item, keys).await?;
		let value = stored.map(|bytes| R::decode(&mut &bytes[..])).transpose();
		value.map_err(|error| ChainError::OtherVersion {
			reason: format!("{pallet}.{item}: {error}"),
		})
	}

	/// The bytes of a value of a block's storage.
	async fn stored_bytes(
		&self,
		BestBlock { number, hash }: BestBlock,
		pallet: &str,
		item: &str,
		keys: Vec<Value>,
	) -> Result<Option<Vec<u8>>, ChainError> {
		let at = self
			.client
			.at_block_hash_and_number(BlockRef::from_hash(hash), number.into());
		let at = at.await.map_err(ChainError::from_block)?;
		let what = format!("{pallet}.{item}");
		let stored = at.storage().try_fetch((pallet, item), keys).await;
		let stored = stored.map_err(|error| ChainError::from_storage(error, &what))?;
		Ok(stored.map(|value| value.bytes().to_vec()))
	}

	/// Repeats a read as long as the connection is lost in the middle of it.
	async fn patient<R, F: std::future::Future<Output = Result<R, rpcs::Error>>>(
		&self,
		what: &str,
		request: impl Fn() -> F,
	) -> Result<R, ChainError> {
		loop {
			match request().await {
				Err(error) if error.is_disconnected_will_reconnect() => {
					tokio::time::sleep(RETRY_FROM).await
				}
				done => return done.map_err(|error| ChainError::from_rpc(error, what)),
			}
		}
	}
}

/// Waits until another look at the chain may show something new: for a block, for the end of `work`, or, without
/// either, for four slots. Never ends once the chain is gone with its last handle: the duties end then.
pub async fn next_look(best: &mut watch::Receiver<BestBlock>, work: impl Future<Output = ()>) {
	tokio::select! {
		changed = best.changed() => if changed.is_err() {
			std::future::pending::<()>().await;
		},
		() = work => {},
		() = tokio::time::sleep(LOOK_AGAIN) => {},
	}
}

/// One attempt to reach a node, and a look at what it runs.
async fn probe(url: &str) -> Result<(), ChainError> {
	let attempt = async {
		let client = RpcClient::from_insecure_url(url).await?;
		Rpc::new(client).state_get_runtime_version(None).await
	};
	let version = match tokio::time::timeout(CONNECT_TIMEOUT, attempt).await {
		Ok(version) => version.map_err(|error| unreachable_node(url, error))?,
		Err(_) => return Err(unreachable_node(url, "no answer")),
	};
	let name = version
		.other
		.get("specName")
		.and_then(|name| name.as_str())
		.unwrap_or_default();
	if name != SPEC_NAME {
		let (url, found) = (url.into(), name.into());
		return Err(ChainError::WrongChain {
			url,
			found,
			expected: SPEC_NAME,
		});
	}
	Ok(())
}

fn unreachable_node(url: &str, reason: impl std::fmt::Display) -> ChainError {
	ChainError::Unreachable {
		url: url.into(),
		reason: error::innermost(&reason),
	}
}
