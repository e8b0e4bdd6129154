//! The parts of a node and how they are wired.
//!
//! [`new_partial`] makes what every command needs (client, database, import queue, pool);
//! [`new_full`] adds what a running node does: network, RPC, authoring, finality.

mod consensus;
mod discovery;
pub mod equivocations;
mod network;
mod partial;

pub use consensus::revert as revert_consensus;
pub use partial::{new_partial, Babe, BlockImport, Consensus, GrandpaLink, Service};

use crate::rpc;
use dllm_runtime::RuntimeApi;
use futures::FutureExt;
use sc_client_api::Backend;
use sc_consensus_grandpa::SharedVoterState;
use sc_network::{service::traits::NetworkService, NetworkBackend};
use sc_service::{Configuration, Error, Role, SpawnTasksParams, TaskManager};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_keystore::KeystorePtr;
use sp_runtime::traits::Block as BlockT;
use std::sync::Arc;
use substrate_prometheus_endpoint::Registry;

/// Block as the client sees it: extrinsics are bytes.
pub use dllm_runtime::opaque::Block;
/// Hash of a block.
pub type Hash = <Block as BlockT>::Hash;
/// Runs the runtime's wasm.
pub type Executor = sc_executor::WasmExecutor<sp_io::SubstrateHostFunctions>;
/// Executes and stores blocks.
pub type FullClient = sc_service::TFullClient<Block, RuntimeApi, Executor>;
/// The database.
pub type FullBackend = sc_service::TFullBackend<Block>;
/// Fork choice: the longest chain, counted in primary BABE slots.
pub type FullSelectChain = sc_consensus::LongestChain<FullBackend, Block>;
/// Transactions that wait for a block.
pub type TransactionPool = sc_transaction_pool::TransactionPoolHandle<Block, FullClient>;

/// What several tasks of a running node share.
#[derive(Clone)]
pub struct Handles {
	/// Executes and stores blocks.
	pub client: Arc<FullClient>,
	/// The database.
	pub backend: Arc<FullBackend>,
	/// Fork choice.
	pub select_chain: FullSelectChain,
	/// Transactions that wait.
	pub pool: Arc<TransactionPool>,
	/// Session keys.
	pub keystore: KeystorePtr,
	/// Metrics, where they are served.
	pub prometheus: Option<Registry>,
	/// Telemetry, where it is configured.
	pub telemetry: Option<TelemetryHandle>,
}

/// Starts a node on the network backend `N` and returns the tasks that keep it alive.
pub fn new_full<N>(config: Configuration) -> Result<TaskManager, Error>
where
	N: NetworkBackend<Block, Hash>,
{
	let node = new_partial(&config)?;
	let handles = handles(&config, &node);
	let mut task_manager = node.task_manager;
	let Consensus {
		babe,
		babe_worker,
		grandpa_link,
		mut telemetry,
	} = node.other;

	let (network_params, finality_protocol) = network::prepare::<N>(
		&config,
		&handles,
		&grandpa_link,
		node.import_queue,
		&task_manager,
	);
	let (network, system_rpc_tx, tx_handler_controller, sync, bitswap) =
		sc_service::build_network(network_params)?;
	task_manager.keep_alive(bitswap);

	let role = config.role;
	let own_addresses = discovery::OwnAddresses::read(&config);
	let force_authoring = config.force_authoring;
	let voter_name = (!config.disable_grandpa).then(|| config.network.node_name.clone());
	let voter_state = SharedVoterState::empty();
	if config.offchain_worker.enabled {
		run_offchain_workers(&handles, network.clone(), role, &task_manager)?;
	}
	let rpc = rpc::Sources {
		node: handles.clone(),
		chain_spec: config.chain_spec.cloned_box(),
		babe_worker,
		grandpa: rpc::Finality::new(&grandpa_link, voter_state.clone(), handles.backend.clone()),
	};
	sc_service::spawn_tasks(SpawnTasksParams {
		config,
		client: handles.client.clone(),
		backend: handles.backend.clone(),
		task_manager: &mut task_manager,
		keystore: handles.keystore.clone(),
		transaction_pool: handles.pool.clone(),
		rpc_builder: Box::new(move |executor| rpc::create(&rpc, executor).map_err(Into::into)),
		network: network.clone(),
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync.clone(),
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;
	task_manager.keep_alive(telemetry);

	equivocations::watch(&handles, &task_manager);
	if role.is_authority() {
		discovery::run(&handles, own_addresses, network.clone(), &task_manager);
		consensus::author(&handles, babe, force_authoring, sync.clone(), &task_manager)?;
	}
	if let Some(name) = voter_name {
		let voter = consensus::Voter {
			role,
			name,
			link: grandpa_link,
			state: voter_state,
			network,
			sync,
			protocol: finality_protocol,
		};
		consensus::finalise(&handles, voter, &task_manager)?;
	}
	Ok(task_manager)
}

fn handles(config: &Configuration, node: &Service) -> Handles {
	Handles {
		client: node.client.clone(),
		backend: node.backend.clone(),
		select_chain: node.select_chain.clone(),
		pool: node.transaction_pool.clone(),
		keystore: node.keystore_container.keystore(),
		prometheus: config.prometheus_registry().cloned(),
		telemetry: node
			.other
			.telemetry
			.as_ref()
			.map(|telemetry| telemetry.handle()),
	}
}

/// Lets the runtime run its off-chain hook after each best block.
fn run_offchain_workers(
	handles: &Handles,
	network: Arc<dyn NetworkService>,
	role: Role,
	task_manager: &TaskManager,
) -> Result<(), Error> {
	let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
		runtime_api_provider: handles.client.clone(),
		keystore: Some(handles.keystore.clone()),
		offchain_db: handles.backend.offchain_storage(),
		transaction_pool: Some(OffchainTransactionPoolFactory::new(handles.pool.clone())),
		network_provider: Arc::new(network),
		is_validator: role.is_authority(),
		enable_http_requests: false,
		custom_extensions: |_| Vec::new(),
	})?;
	task_manager.spawn_handle().spawn(
		"offchain-workers-runner",
		"offchain-worker",
		workers
			.run(handles.client.clone(), task_manager.spawn_handle())
			.boxed(),
	);
	Ok(())
}
