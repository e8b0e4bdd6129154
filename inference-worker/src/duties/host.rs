//! `Host`: the shards of a pipeline's stages are fetched, loaded, and declared ready.

use super::{DutyError, Progress, Worker};
use crate::{
	chain::calls,
	network::{
		shards::{distinct, Part},
		Peer,
	},
	pipeline::expect_constants,
};
use dllm_primitives::{
	api::{ModelView, Route},
	ids::{ModelId, PipelineId},
	model::LayerRange,
};
use std::{path::PathBuf, time::Instant};

impl Worker {
	/// Loads every stage that this worker has in a pipeline, then says so, unless it has.
	pub(super) async fn host(
		self,
		pipeline: PipelineId,
		model: ModelId,
		stages: Vec<LayerRange>,
		slots: u8,
		ready: bool,
	) -> Result<Progress, DutyError> {
		let started = Instant::now();
		for layers in stages {
			self.load(model, layers, slots).await?;
			let (from, to) = (layers.start, layers.end);
			let seconds = started.elapsed().as_secs();
			match layers.is_empty() {
				true => tracing::info!(pipeline, model, seconds, "entry loaded"),
				false => tracing::info!(pipeline, model, from, to, seconds, "layers loaded"),
			}
		}
		if !ready {
			let block = self.submitter.submit(&calls::ready(pipeline)).await?.block;
			tracing::info!(pipeline, block, "ready");
		}
		Ok(Progress::Done)
	}

	/// Makes sure that layers, or the entry where the range is empty, stand ready. Layers about which a dispute
	/// would be judged wrongly are not loaded.
	pub(super) async fn load(
		&self,
		model: ModelId,
		layers: LayerRange,
		slots: u8,
	) -> Result<(), DutyError> {
		let host = self.workshop.host.clone();
		let stands = match layers.is_empty() {
			true => host.entry(model).is_ok(),
			false => host.segment(model, layers).is_ok(),
		};
		if stands {
			return Ok(());
		}
		let part = if layers.is_empty() {
			Part::Entry
		} else {
			Part::Layers(layers)
		};
		let folder = self.fetch(model, part).await?;
		let constants = self.model(model).await?.constants;
		let loading = tokio::task::spawn_blocking(move || match part {
			Part::Entry => host.ensure_entry(model, &folder).map(|_| ()),
			Part::Layers(layers) => {
				if let Some(constants) = constants {
					expect_constants(&folder, layers, &constants)?;
				}
				host.ensure(model, &folder, layers, slots).map(|_| ())
			}
		});
		Ok(loading.await.map_err(|_| DutyError::ThreadDied)??)
	}

	/// Makes sure that layers stand ready with the adapter of a job, if it names one. An adapter that nobody
	/// has, or that does not belong to the model, leaves the job unserved.
	pub(super) async fn load_for(
		&self,
		route: &Route,
		layers: LayerRange,
		slots: u8,
	) -> Result<(), DutyError> {
		let (job, model, host) = (route.job, route.model, self.workshop.host.clone());
		let Some(adapter) = route.adapter else {
			return Ok(());
		};
		if host.segment_for(model, layers, Some(adapter)).is_ok() {
			return Ok(());
		}
		let started = Instant::now();
		let folder = self.fetch(model, Part::Layers(layers)).await?;
		let (network, peers) = (&self.workshop.network, self.holders().await?);
		let adapted = self.store.adapter(network, &peers, adapter, layers).await?;
		let loading = tokio::task::spawn_blocking(move || {
			let (model, adapter) = ((model, &*folder), (adapter, &*adapted));
			host.ensure_adapted(model, layers, adapter, slots)
		});
		loading.await.map_err(|_| DutyError::ThreadDied)??;
		let (from, to, seconds) = (layers.start, layers.end, started.elapsed().as_secs());
		tracing::info!(job, model, ?adapter, from, to, seconds, "adapter loaded");
		Ok(())
	}

	/// The folder of a part of a model; what is missing is fetched from the other workers.
	pub(super) async fn fetch(&self, model: ModelId, part: Part) -> Result<PathBuf, DutyError> {
		let view = self.model(model).await?;
		let peers = self.holders().await?;
		let network = &self.workshop.network;
		Ok(self
			.store
			.model(network, &peers, view.manifest_root, part)
			.await?)
	}

	/// The other workers, which may hold what is missing here.
	async fn holders(&self) -> Result<Vec<Peer>, DutyError> {
		let mut workers = self.chain.workers().await?;
		workers.retain(|worker| worker.active && worker.account != *self.account());
		let peers = workers
			.iter()
			.filter_map(|worker| Peer::from_chain(&worker.peer_id, &worker.addresses).ok());
		Ok(distinct(peers))
	}

	async fn model(&self, model: ModelId) -> Result<ModelView, DutyError> {
		let view = self.chain.model(model).await?;
		view.ok_or(DutyError::NoModel(model))
	}
}
