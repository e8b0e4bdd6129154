//! What every command needs: client, database, keystore, pool, and the rules of block import.

use super::{Block, Executor, FullBackend, FullClient, FullSelectChain, TransactionPool};
use sc_consensus::{DefaultImportQueue, LongestChain};
use sc_consensus_babe::{BabeBlockImport, BabeLink, BabeWorkerHandle, ImportQueueParams};
use sc_consensus_grandpa::{GrandpaBlockImport, GrandpaPruningFilter, LinkHalf};
use sc_service::{Configuration, Error, PartialComponents, TaskManager};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_babe::{
	inherents::{BabeCreateInherentDataProviders, InherentDataProvider as BabeInherent},
	SlotDuration,
};
use sp_timestamp::InherentDataProvider as TimestampInherent;
use std::sync::Arc;

/// A justification is stored and asked for at least every so many blocks, so that a node that
/// syncs without warp proofs finds one within half an hour of chain time.
pub(super) const JUSTIFICATION_PERIOD: u32 = 512;

/// Telemetry messages that may wait to be sent; more are dropped.
const TELEMETRY_BUFFER: usize = 16;

/// GRANDPA's part of block import: authority set changes and justifications.
pub type FinalityImport = GrandpaBlockImport<FullBackend, Block, FullClient, FullSelectChain>;
/// BABE around GRANDPA: epoch changes, equivocations, block weight.
pub type BlockImport = BabeBlockImport<
	Block,
	FullClient,
	FinalityImport,
	BabeCreateInherentDataProviders<Block>,
	FullSelectChain,
>;

/// GRANDPA's half that the voter takes.
pub type GrandpaLink = LinkHalf<Block, FullClient, FullSelectChain>;

/// What an author of blocks needs of BABE.
pub struct Babe {
	/// The rules by which a block enters the database.
	pub block_import: BlockImport,
	/// Configuration and epochs.
	pub link: BabeLink<Block>,
	/// Makes slot and timestamp of a new block.
	pub inherents: BabeCreateInherentDataProviders<Block>,
}

/// What the tasks of a running node take over from block import.
pub struct Consensus {
	/// For authoring.
	pub babe: Babe,
	/// Answers questions about epochs.
	pub babe_worker: BabeWorkerHandle<Block>,
	/// For finality.
	pub grandpa_link: GrandpaLink,
	/// Reports to a telemetry server, where one is configured.
	pub telemetry: Option<Telemetry>,
}

/// The parts of a node that does not run yet.
pub type Service = PartialComponents<
	FullClient,
	FullBackend,
	FullSelectChain,
	DefaultImportQueue<Block>,
	TransactionPool,
	Consensus,
>;

/// Opens the database and sets up block import.
pub fn new_partial(config: &Configuration) -> Result<Service, Error> {
	let telemetry = connect_telemetry(config)?;
	let executor: Executor = sc_service::new_wasm_executor(&config.executor);
	let (client, backend, keystore_container, task_manager) =
		sc_service::new_full_parts::<Block, dllm_runtime::RuntimeApi, _>(
			config,
			telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
			executor,
			// Warp proofs need the blocks that carry a justification.
			vec![Arc::new(GrandpaPruningFilter)],
		)?;
	let client = Arc::new(client);
	let telemetry =
		telemetry.map(|(worker, telemetry)| run_telemetry(worker, telemetry, &task_manager));
	let telemetry_handle = telemetry.as_ref().map(|telemetry| telemetry.handle());

	let select_chain = LongestChain::new(backend.clone());
	let transaction_pool = transaction_pool(config, client.clone(), &task_manager);

	let (finality_import, grandpa_link) = sc_consensus_grandpa::block_import(
		client.clone(),
		JUSTIFICATION_PERIOD,
		&client,
		select_chain.clone(),
		telemetry_handle.clone(),
	)?;
	let babe_config = sc_consensus_babe::configuration(&*client)?;
	let slot_duration = babe_config.slot_duration();
	let inherents = inherents(slot_duration);
	let (block_import, link) = sc_consensus_babe::block_import(
		babe_config,
		finality_import.clone(),
		client.clone(),
		inherents.clone(),
		select_chain.clone(),
		OffchainTransactionPoolFactory::new(transaction_pool.clone()),
	)?;
	let (import_queue, babe_worker) = sc_consensus_babe::import_queue(ImportQueueParams {
		link: link.clone(),
		block_import: block_import.clone(),
		justification_import: Some(Box::new(finality_import)),
		client: client.clone(),
		slot_duration,
		spawner: &task_manager.spawn_essential_handle(),
		registry: config.prometheus_registry(),
		telemetry: telemetry_handle,
	})?;

	Ok(PartialComponents {
		client,
		backend,
		task_manager,
		keystore_container,
		select_chain,
		import_queue,
		transaction_pool,
		other: Consensus {
			babe: Babe {
				block_import,
				link,
				inherents,
			},
			babe_worker,
			grandpa_link,
			telemetry,
		},
	})
}

fn transaction_pool(
	config: &Configuration,
	client: Arc<FullClient>,
	task_manager: &TaskManager,
) -> Arc<TransactionPool> {
	let spawner = task_manager.spawn_essential_handle();
	let is_validator = config.role.is_authority().into();
	let pool = sc_transaction_pool::Builder::new(spawner, client, is_validator)
		.with_options(config.transaction_pool.clone())
		.with_prometheus(config.prometheus_registry())
		.build();
	Arc::new(pool)
}

/// Slot and timestamp from the system clock.
fn inherents(slot_duration: SlotDuration) -> BabeCreateInherentDataProviders<Block> {
	Arc::new(move |_, ()| async move {
		let timestamp = TimestampInherent::from_system_time();
		let slot = BabeInherent::from_timestamp_and_slot_duration(*timestamp, slot_duration);
		Ok((slot, timestamp))
	})
}

fn connect_telemetry(
	config: &Configuration,
) -> Result<Option<(TelemetryWorker, Telemetry)>, sc_telemetry::Error> {
	let Some(endpoints) = config
		.telemetry_endpoints
		.clone()
		.filter(|list| !list.is_empty())
	else {
		return Ok(None);
	};
	let worker = TelemetryWorker::new(TELEMETRY_BUFFER)?;
	let telemetry = worker.handle().new_telemetry(endpoints);
	Ok(Some((worker, telemetry)))
}

fn run_telemetry(
	worker: TelemetryWorker,
	telemetry: Telemetry,
	task_manager: &TaskManager,
) -> Telemetry {
	let spawner = task_manager.spawn_handle();
	spawner.spawn("telemetry", None, worker.run());
	telemetry
}
