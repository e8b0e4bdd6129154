//! What the pipelines offer to the jobs of one block.

use crate::{Config, WeightInfo};
use alloc::{collections::BTreeMap, vec::Vec};
use core::marker::PhantomData;
use dllm_primitives::{
	auction::Offer,
	flow::{ModelCatalog, PipelineBook},
	ids::{ModelId, PipelineId},
	job::WaitingJob,
	model::ModelSpec,
	plan::Pipeline,
};
use frame_support::weights::WeightMeter;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::SaturatedConversion;

/// A model and its live pipelines.
type Stand<AccountId> = (ModelSpec, Vec<Pipeline<AccountId>>);

/// The models that the jobs ask for, each with its live pipelines.
pub(crate) struct Market<T: Config> {
	stands: BTreeMap<ModelId, Stand<T::AccountId>>,
	config: PhantomData<T>,
}

impl<T: Config> Market<T> {
	/// Reads the models of `jobs`, in their order, for as many models as there is weight. What `kept` may
	/// cost is left over.
	pub(crate) fn read<BlockNumber>(
		jobs: &[WaitingJob<u128, BlockNumber>],
		meter: &mut WeightMeter,
		kept: frame_support::weights::Weight,
	) -> Self {
		let mut stands = BTreeMap::new();
		for job in jobs {
			if stands.contains_key(&job.model) {
				continue;
			}
			let price = T::WeightInfo::model();
			if !meter.can_consume(price.saturating_add(kept)) {
				break;
			}
			meter.consume(price);
			let Some(model) = T::Models::model(job.model) else {
				continue;
			};
			stands.insert(job.model, (model.spec, T::Book::live(job.model)));
		}
		Self {
			stands,
			config: PhantomData,
		}
	}

	/// The pipelines with a free slot, as they stand in block `now`.
	pub(crate) fn offers(&self, now: BlockNumberFor<T>) -> Vec<Offer> {
		let now = now.saturated_into();
		let pipelines = self.stands.values().flat_map(|(_, pipelines)| pipelines);
		let offer = |pipeline: &Pipeline<T::AccountId>| Offer {
			pipeline: pipeline.id,
			model: pipeline.plan.model,
			free_slots: pipeline.free_slots(),
			in_flight: pipeline.load.in_flight,
			row_time: pipeline.load.row_time(now),
		};
		pipelines
			.map(offer)
			.filter(|offer| offer.free_slots > 0)
			.collect()
	}

	/// What a pipeline charges for a job at most, in planck; none where it cannot serve it, or the job avoids it.
	pub(crate) fn fee<BlockNumber>(
		&self,
		job: &WaitingJob<u128, BlockNumber>,
		pipeline: PipelineId,
	) -> Option<u128> {
		let (model, pipelines) = self.stands.get(&job.model)?;
		let pipeline = pipelines
			.iter()
			.find(|candidate| candidate.id == pipeline)?;
		let fits = pipeline.serves(job.own_entry) && !job.avoided.contains(&pipeline.id);
		fits.then(|| pipeline.fee(model, job.rows, job.own_entry))
	}
}
