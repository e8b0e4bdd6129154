//! Reports authors that make two blocks in one slot, so that the chain can slash them.
//!
//! BABE's own import looks for them too, but only once the seal has been taken off a header
//! (sc-consensus-babe 0.60), and a proof without seals convicts nobody. This task compares the sealed headers
//! of every block that was imported, on whatever fork. Double votes are GRANDPA's to report.

use super::{Block, FullClient, Handles, Hash};
use dllm_runtime::Header;
use futures::StreamExt;
use sc_client_api::{BlockImportNotification, BlockchainEvents, HeaderBackend};
use sc_service::TaskManager;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiError, ApiExt, ProvideRuntimeApi};
use sp_consensus_babe::{
	digests::CompatibleDigestItem, AuthorityId, BabeApi, EquivocationProof, Slot,
};
use sp_runtime::traits::Header as _;
use std::{collections::BTreeMap, sync::Arc};

/// Slots whose headers are remembered. What is older is stale: its author has been slashed, or the proof that
/// the key was its own is gone.
pub const REMEMBERED_SLOTS: u64 = 1_000;

/// Starts the task. It ends with the node.
pub fn watch(handles: &Handles, task_manager: &TaskManager) {
	let client = handles.client.clone();
	let pool = OffchainTransactionPoolFactory::new(handles.pool.clone());
	let mut imported = client.every_import_notification_stream();
	let watching = async move {
		let mut seen = Seen::default();
		while let Some(block) = imported.next().await {
			if let Err(error) = examine(&client, &pool, &mut seen, &block) {
				log::warn!(target: "babe", "block {:?} could not be examined for equivocation: {error}", block.hash);
			}
		}
	};
	task_manager
		.spawn_handle()
		.spawn("equivocations", Some("babe"), watching);
}

/// The first sealed header of every author in every slot of late.
#[derive(Default)]
pub struct Seen(BTreeMap<Slot, Vec<(AuthorityId, Header)>>);

impl Seen {
	/// Notes a header, and answers the proof if its author has made another one in that slot. The third
	/// header of a slot is another proof of the same.
	pub fn note(
		&mut self,
		slot: Slot,
		author: AuthorityId,
		header: Header,
	) -> Option<EquivocationProof<Header>> {
		let newest = self.0.keys().next_back().copied().unwrap_or(slot).max(slot);
		let oldest = newest.saturating_sub(REMEMBERED_SLOTS);
		self.0 = self.0.split_off(&oldest);
		if slot < oldest {
			return None;
		}
		let headers = self.0.entry(slot).or_default();
		let Some((_, first)) = headers.iter().find(|(known, _)| *known == author) else {
			headers.push((author, header));
			return None;
		};
		(first.hash() != header.hash()).then(|| EquivocationProof {
			offender: author,
			slot,
			first_header: first.clone(),
			second_header: header,
		})
	}
}

/// Notes an imported block, and reports its author where it has made another one.
fn examine(
	client: &Arc<FullClient>,
	pool: &OffchainTransactionPoolFactory<Block>,
	seen: &mut Seen,
	block: &BlockImportNotification<Block>,
) -> Result<(), ApiError> {
	let logs = block.header.digest().logs();
	let Some(claim) = logs.iter().find_map(|log| log.as_babe_pre_digest()) else {
		return Ok(());
	};
	let place = claim.authority_index() as usize;
	// Only a block that was executed, or is to be, has a state; others are long past.
	let Ok(epoch) = client.runtime_api().current_epoch(block.hash) else {
		return Ok(());
	};
	let Some((author, _)) = epoch.authorities.get(place) else {
		return Ok(());
	};
	match seen.note(claim.slot(), author.clone(), block.header.clone()) {
		Some(proof) => submit(client, pool, *block.header.parent_hash(), proof),
		None => Ok(()),
	}
}

/// Hands a proof to the pool, for the next block that this node makes.
fn submit(
	client: &Arc<FullClient>,
	pool: &OffchainTransactionPoolFactory<Block>,
	parent: Hash,
	proof: EquivocationProof<Header>,
) -> Result<(), ApiError> {
	let best = client.info().best_hash;
	let (slot, offender) = (proof.slot, proof.offender.clone());
	let ownership = |at| {
		client
			.runtime_api()
			.generate_key_ownership_proof(at, slot, offender.clone())
	};
	// The parent of the first block of a session is of the session before, whose keys may be others.
	let owned = match ownership(parent)? {
		Some(owned) => Some(owned),
		None => ownership(best)?,
	};
	let Some(owned) = owned else {
		return Ok(());
	};
	let mut api = client.runtime_api();
	api.register_extension(pool.offchain_transaction_pool(best));
	let reported = api.submit_report_equivocation_unsigned_extrinsic(best, proof, owned)?;
	if reported.is_some() {
		log::info!(target: "babe", "reported the author {offender:?} for two blocks in slot {slot}");
	}
	Ok(())
}
