//! The node's place in the peer-to-peer network, before it is started.

use super::{Block, FullClient, GrandpaLink, Handles, Hash, TransactionPool};
use sc_client_api::HeaderBackend;
use sc_consensus::DefaultImportQueue;
use sc_consensus_grandpa::{grandpa_peers_set_config, protocol_standard_name, warp_proof};
use sc_network::{
	config::FullNetworkConfiguration, NetworkBackend, NotificationService, ProtocolName,
};
use sc_service::{BuildNetworkParams, Configuration, TaskManager, WarpSyncConfig};
use std::sync::Arc;

/// What the network service of this chain is built from.
pub type NetworkParams<'a, N> =
	BuildNetworkParams<'a, Block, N, TransactionPool, DefaultImportQueue<Block>, FullClient>;

/// The protocol over which finality votes travel.
pub struct FinalityProtocol {
	/// Its name, which holds the genesis hash.
	pub name: ProtocolName,
	/// Receives and sends its messages.
	pub notifications: Box<dyn NotificationService>,
}

/// Describes the network: block sync with warp proofs, transactions, and GRANDPA's votes.
pub fn prepare<'a, N: NetworkBackend<Block, Hash>>(
	config: &'a Configuration,
	handles: &Handles,
	grandpa_link: &GrandpaLink,
	import_queue: DefaultImportQueue<Block>,
	task_manager: &TaskManager,
) -> (NetworkParams<'a, N>, FinalityProtocol) {
	let metrics = N::register_notification_metrics(config.prometheus_registry());
	let mut net_config = FullNetworkConfiguration::<Block, Hash, N>::new(
		&config.network,
		config.prometheus_registry().cloned(),
	);
	let genesis = handles.client.info().genesis_hash;
	let name = protocol_standard_name(&genesis, &config.chain_spec);
	let (protocol, notifications) = grandpa_peers_set_config::<Block, N>(
		name.clone(),
		metrics.clone(),
		net_config.peer_store_handle(),
	);
	net_config.add_notification_protocol(protocol);

	let warp_proofs = warp_proof::NetworkProvider::new(
		handles.backend.clone(),
		grandpa_link.shared_authority_set().clone(),
		Vec::new(),
	);
	let params = BuildNetworkParams {
		config,
		net_config,
		client: handles.client.clone(),
		transaction_pool: handles.pool.clone(),
		spawn_handle: task_manager.spawn_handle(),
		spawn_essential_handle: task_manager.spawn_essential_handle(),
		import_queue,
		block_announce_validator_builder: None,
		warp_sync_config: Some(WarpSyncConfig::WithProvider(Arc::new(warp_proofs))),
		block_relay: None,
		metrics,
		gap_sync_body_policy: None,
	};
	(
		params,
		FinalityProtocol {
			name,
			notifications,
		},
	)
}
