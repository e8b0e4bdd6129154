//! What the chain held and did in a block of the past. A node that does not keep old states answers for its
//! latest blocks only; [`ChainError::is_pruned`] tells that apart.

use super::{AccountId32, BestBlock, Chain, ChainError};
use codec::Decode;
use dllm_primitives::{
	api::{ModelView, PipelineView, WorkerView},
	ids::{JobId, ModelId},
	job::{Assurance, Body, Limits, Options},
};
use subxt::{backend::BlockRef, error::EventsError, ext::scale_value::Value};

/// Something that happened in a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastEvent {
	/// Pallet of the event.
	pub pallet: String,
	/// Its name.
	pub name: String,
	/// Its fields, SCALE-encoded one after the other.
	pub fields: Vec<u8>,
}

impl Chain {
	/// The block of a number in the node's best chain; none beyond it.
	pub async fn block(&self, number: u32) -> Result<Option<BestBlock>, ChainError> {
		let wanted = Some(number.into());
		let ask = || self.rpc.chain_get_block_hash(wanted);
		let hash = self.patient("the hash of a block", ask).await?;
		Ok(hash.map(|hash| BestBlock { number, hash }))
	}

	/// A model, as a block has it.
	pub async fn model_at(
		&self,
		block: BestBlock,
		id: ModelId,
	) -> Result<Option<ModelView>, ChainError> {
		self.ask_at(Some(block.hash), "model", id).await
	}

	/// Pipelines of a model that a block has and that are not closed there.
	pub async fn pipelines_at(
		&self,
		block: BestBlock,
		model: ModelId,
	) -> Result<Vec<PipelineView>, ChainError> {
		self.ask_at(Some(block.hash), "pipelines", model).await
	}

	/// A worker, as a block has it.
	pub async fn worker_at(
		&self,
		block: BestBlock,
		who: &AccountId32,
	) -> Result<Option<WorkerView>, ChainError> {
		self.ask_at(Some(block.hash), "worker", who).await
	}

	/// The stored record of a job, as a block has it, in a form of the caller's.
	pub async fn job_record_at<R: Decode>(
		&self,
		block: BestBlock,
		id: JobId,
	) -> Result<Option<R>, ChainError> {
		self.job_item_at(block, "Jobs", id).await
	}

	/// What a job asks, as a block has it.
	pub async fn request_at(
		&self,
		block: BestBlock,
		id: JobId,
	) -> Result<Option<(Body, Limits, Assurance, Options)>, ChainError> {
		self.job_item_at(block, "Requests", id).await
	}

	async fn job_item_at<R: Decode>(
		&self,
		block: BestBlock,
		item: &str,
		id: JobId,
	) -> Result<Option<R>, ChainError> {
		let keys = vec![Value::u128(id.into())];
		let stored = self.stored_bytes(block, "Jobs", item, keys).await?;
		let Some(bytes) = stored else {
			return Ok(None);
		};
		let mut input = bytes.as_slice();
		let decoded = R::decode(&mut input).ok().filter(|_| input.is_empty());
		let reason = format!("Jobs.{item} is stored in another form");
		decoded.map(Some).ok_or(ChainError::OtherVersion { reason })
	}

	/// Everything that happened in a block, in order.
	pub async fn events_at(&self, block: BestBlock) -> Result<Vec<PastEvent>, ChainError> {
		let at = self
			.client
			.at_block_hash_and_number(BlockRef::from_hash(block.hash), block.number.into());
		let at = at.await.map_err(ChainError::from_block)?;
		let found = at.events().fetch().await.map_err(unreadable)?;
		let events = found.iter().map(|event| {
			let event = event.map_err(unreadable)?;
			Ok(PastEvent {
				pallet: event.pallet_name().into(),
				name: event.event_name().into(),
				fields: event.field_bytes().into(),
			})
		});
		events.collect()
	}
}

fn unreadable(error: EventsError) -> ChainError {
	match error {
		EventsError::CannotFetchEventBytes(error) => {
			ChainError::from_backend(error, "the events of a block")
		}
		error => ChainError::OtherVersion {
			reason: error.to_string(),
		},
	}
}
