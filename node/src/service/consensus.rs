//! The two consensus tasks: BABE authors blocks, GRANDPA finalises them.

use super::{
	network::FinalityProtocol,
	partial::{Babe, GrandpaLink, JUSTIFICATION_PERIOD},
	Block, FullBackend, FullClient, Handles,
};
use sc_basic_authorship::ProposerFactory;
use sc_consensus_babe::{BabeParams, SlotProportion};
use sc_consensus_grandpa::{GrandpaParams, SharedVoterState, VotingRulesBuilder};
use sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging;
use sc_network::service::traits::NetworkService;
use sc_network_sync::SyncingService;
use sc_service::{Error, Role, TaskManager};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_runtime::traits::NumberFor;
use std::{sync::Arc, time::Duration};

/// Share of a slot that may be spent on building its block: half of 3 s, which leaves the other half
/// for the block to travel and to be executed before the next slot.
const PROPOSAL_SHARE: f32 = 0.5;

/// Time in which a vote is expected to cross the network.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);

/// The node's own part in finality.
pub struct Voter {
	/// Only an authority votes; any other node follows.
	pub role: Role,
	/// Name of the node in logs and telemetry.
	pub name: String,
	/// The voter's half of block import.
	pub link: GrandpaLink,
	/// Shown by the RPC.
	pub state: SharedVoterState,
	/// The started network.
	pub network: Arc<dyn NetworkService>,
	/// Tells which peers follow the same chain.
	pub sync: Arc<SyncingService<Block>>,
	/// The votes' own protocol.
	pub protocol: FinalityProtocol,
}

/// Starts block authoring. The node stops if the task ends.
pub fn author(
	handles: &Handles,
	babe: Babe,
	force_authoring: bool,
	sync: Arc<SyncingService<Block>>,
	task_manager: &TaskManager,
) -> Result<(), Error> {
	let proposer = ProposerFactory::new(
		task_manager.spawn_handle(),
		handles.client.clone(),
		handles.pool.clone(),
		handles.prometheus.as_ref(),
		handles.telemetry.clone(),
	);
	let worker = sc_consensus_babe::start_babe(BabeParams {
		keystore: handles.keystore.clone(),
		client: handles.client.clone(),
		select_chain: handles.select_chain.clone(),
		env: proposer,
		block_import: babe.block_import,
		sync_oracle: sync.clone(),
		justification_sync_link: sync,
		create_inherent_data_providers: babe.inherents,
		force_authoring,
		backoff_authoring_blocks: Some(BackoffAuthoringOnFinalizedHeadLagging::default()),
		babe_link: babe.link,
		block_proposal_slot_portion: SlotProportion::new(PROPOSAL_SHARE),
		max_block_proposal_slot_portion: None,
		telemetry: handles.telemetry.clone(),
	})?;
	task_manager.spawn_essential_handle().spawn_blocking(
		"babe-proposer",
		Some("block-authoring"),
		worker,
	);
	Ok(())
}

/// Starts the finality voter. The node stops if the task ends.
pub fn finalise(handles: &Handles, voter: Voter, task_manager: &TaskManager) -> Result<(), Error> {
	let config = sc_consensus_grandpa::Config {
		gossip_duration: GOSSIP_DURATION,
		justification_generation_period: JUSTIFICATION_PERIOD,
		observer_enabled: false,
		local_role: voter.role,
		name: Some(voter.name),
		// A node that does not vote has no use for the keys.
		keystore: voter.role.is_authority().then(|| handles.keystore.clone()),
		telemetry: handles.telemetry.clone(),
		protocol_name: voter.protocol.name,
	};
	let task = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
		config,
		link: voter.link,
		network: voter.network,
		sync: voter.sync,
		notification_service: voter.protocol.notifications,
		voting_rule: VotingRulesBuilder::default().build(),
		prometheus_registry: handles.prometheus.clone(),
		shared_voter_state: voter.state,
		telemetry: handles.telemetry.clone(),
		offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(handles.pool.clone()),
	})?;
	task_manager
		.spawn_essential_handle()
		.spawn_blocking("grandpa-voter", None, task);
	Ok(())
}

/// Takes back what BABE and GRANDPA remember of the last `blocks` blocks.
pub fn revert(
	client: Arc<FullClient>,
	backend: Arc<FullBackend>,
	blocks: NumberFor<Block>,
) -> sc_cli::Result<()> {
	sc_consensus_babe::revert(client.clone(), backend, blocks)?;
	sc_consensus_grandpa::revert(client, blocks)?;
	Ok(())
}
