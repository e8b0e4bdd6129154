//! What the node answers over JSON-RPC besides the standard `author`, `chain`, `state`, `system`,
//! `chainHead` and `transaction` methods.
//!
//! | namespace | what |
//! |---|---|
//! | `system_accountNextIndex`, `system_dryRun` | nonces that count waiting transactions |
//! | `payment_*` | fees of a transaction |
//! | `babe_epochAuthorship` | slots of this node's keys (unsafe) |
//! | `grandpa_*` | finality rounds, proofs, justifications |
//! | `sync_state_genSyncSpec` | a chain specification from which light clients start |
//! | `dllm_poaw`, `dllm_poawCredit` | weights and expected shares of block authors: see [`poaw`] |
//! | `dllm_*` | jobs, receipts, pipelines, models, quotes, capacity rounds: see [`dllm`] |

pub mod dllm;
pub mod poaw;
pub mod updates;

use crate::service::{Block, FullBackend, GrandpaLink, Handles, Hash};
use dllm::{Dllm, DllmApiServer};
use jsonrpsee::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use poaw::{PoawApiServer, Work};
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use sc_service::ChainSpec;
use sc_sync_state_rpc::{SyncState, SyncStateApiServer};
use sp_runtime::traits::NumberFor;
use std::sync::Arc;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// Where the answers come from.
pub struct Sources {
	/// Client, pool, fork choice and keys.
	pub node: Handles,
	/// The chain as it was loaded.
	pub chain_spec: Box<dyn ChainSpec>,
	/// BABE's epochs.
	pub babe_worker: BabeWorkerHandle<Block>,
	/// Finality.
	pub grandpa: Finality,
}

/// Where answers about finality come from.
pub struct Finality {
	authority_set: SharedAuthoritySet<Hash, NumberFor<Block>>,
	voter_state: SharedVoterState,
	justifications: GrandpaJustificationStream<Block>,
	proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

impl Finality {
	/// Reads finality from the voter's link and the database.
	pub fn new(
		link: &GrandpaLink,
		voter_state: SharedVoterState,
		backend: Arc<FullBackend>,
	) -> Self {
		let authority_set = link.shared_authority_set().clone();
		Self {
			proofs: FinalityProofProvider::new_for_service(backend, Some(authority_set.clone())),
			authority_set,
			voter_state,
			justifications: link.justification_stream(),
		}
	}
}

/// Makes the module that is served next to the standard methods.
pub fn create(
	sources: &Sources,
	executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
	let Sources {
		node,
		chain_spec,
		babe_worker,
		grandpa,
	} = sources;
	let client = &node.client;
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), node.pool.clone()).into_rpc())?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	let babe = Babe::new(
		client.clone(),
		babe_worker.clone(),
		node.keystore.clone(),
		node.select_chain.clone(),
	);
	module.merge(babe.into_rpc())?;
	let finality = Grandpa::new(
		executor.clone(),
		grandpa.authority_set.clone(),
		grandpa.voter_state.clone(),
		grandpa.justifications.clone(),
		grandpa.proofs.clone(),
	);
	module.merge(finality.into_rpc())?;
	let sync_state = SyncState::new(
		chain_spec.cloned_box(),
		client.clone(),
		grandpa.authority_set.clone(),
		babe_worker.clone(),
	)?;
	module.merge(sync_state.into_rpc())?;
	module.merge(Work::new(client.clone()).into_rpc())?;
	module.merge(Dllm::new(client.clone(), executor).into_rpc())?;
	Ok(module)
}
