//! A segment's session: rows as bytes in, rows as bytes out, off the threads of the network unless it is
//! brief.
//!
//! The lead and its checkers execute through the same code, so that they differ in nothing but how many
//! rows come at once, which does not change a bit.

use super::{
	handover::{Handover, Started},
	Conduct, PipelineError, Segment, Workshop,
};
use crate::{metrics::metrics, network::Dtype};
use dllm_model::engine::{Engine, OrtEngine, SessionId};
use dllm_primitives::ids::{JobId, StageIndex};
use libp2p::bytes::Bytes;
use std::{sync::Arc, time::Instant};
use tokio::task::spawn_blocking;

/// An open session of an engine; it is closed when this is dropped.
pub(crate) struct Session {
	job: JobId,
	stage: StageIndex,
	id: SessionId,
	engine: Arc<OrtEngine>,
	width: usize,
	dtype: Dtype,
	conduct: Arc<dyn Conduct>,
	handover: Handover,
}

/// Rows on their way through the layers.
pub(crate) struct Execution {
	job: JobId,
	output: Started<Result<Vec<u8>, PipelineError>>,
}

impl Session {
	/// Opens a session for at most `rows` rows of a job.
	pub async fn open(
		workshop: &Workshop,
		segment: &Segment,
		(job, stage): (JobId, StageIndex),
		rows: u32,
	) -> Result<Self, PipelineError> {
		let id = workshop.host.next_session();
		let engine = segment.engine.clone();
		let factors = segment.factors.clone();
		let opening = spawn_blocking(move || match factors {
			Some(factors) => engine.open_adapted(id, rows, &factors),
			None => engine.open(id, rows),
		});
		opening
			.await
			.map_err(|_| PipelineError::Interrupted { job })??;
		metrics().sessions.inc();
		Ok(Self {
			job,
			stage,
			id,
			engine: segment.engine.clone(),
			width: segment.width as usize,
			dtype: segment.dtype,
			conduct: workshop.conduct.clone(),
			handover: Handover::default(),
		})
	}

	/// Executes rows, or starts to from `position` on.
	pub fn execute(&self, position: u32, input: Bytes) -> Execution {
		let (engine, conduct) = (self.engine.clone(), self.conduct.clone());
		let (id, stage, width, dtype) = (self.id, self.stage, self.width, self.dtype);
		let one_row = input.len() == width * dtype.bytes();
		let output = self.handover.start(one_row, move || {
			let started = Instant::now();
			let mut rows = engine.prefill(id, position, &dtype.decode(&input))?;
			for (position, row) in (position..).zip(rows.chunks_mut(width)) {
				conduct.output_row(stage, position, row);
			}
			let encoded = dtype.encode(&rows)?;
			metrics().rows.inc_by((rows.len() / width) as u64);
			metrics()
				.step_seconds
				.observe(started.elapsed().as_secs_f64());
			Ok(encoded)
		});
		Execution {
			job: self.job,
			output,
		}
	}
}

impl Execution {
	/// The rows that leave the last layer; dropping the call keeps the result for the next one.
	pub async fn output(&mut self) -> Result<Bytes, PipelineError> {
		match self.output.result().await {
			Ok(rows) => rows.map(Bytes::from),
			Err(_) => Err(PipelineError::Interrupted { job: self.job }),
		}
	}
}

impl Drop for Session {
	fn drop(&mut self) {
		metrics().sessions.dec();
		let (engine, id) = (self.engine.clone(), self.id);
		// Closing waits for the engine's current call, which must not hold up this thread.
		match tokio::runtime::Handle::try_current() {
			Ok(runtime) => drop(runtime.spawn_blocking(move || engine.close(id))),
			Err(_) => drop(engine.close(id)),
		}
	}
}
