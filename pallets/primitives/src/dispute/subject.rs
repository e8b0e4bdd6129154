//! What a dispute is about.

use super::Refusal;
use crate::{
	ids::{Digest, JobId, StageIndex},
	trace::{opening::Binding, Layer, Layout, Shape},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What a dispute is about. It stands on chain before the first move, and every move is judged by it.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Subject {
	/// The job.
	pub job: JobId,
	/// The segment; at least 1.
	pub stage: StageIndex,
	/// blake3 of the SCALE encoding of the defender's account.
	pub worker: Digest,
	/// What all layers have in common.
	pub shape: Shape,
	/// The layers of the segment; with `shape` they are what the model registered ([`Layer::digest`]).
	pub layers: Vec<Layer>,
	/// Rows that passed.
	pub rows: u32,
	/// Root of the rows received, to which both sides committed.
	pub input: Digest,
	/// Root of the rows that the defender committed to sending.
	pub output: Digest,
}

impl Subject {
	/// How an account is named: blake3 of its SCALE encoding.
	pub fn worker(account: &impl Encode) -> Digest {
		Digest::from(*blake3::hash(&account.encode()).as_bytes())
	}

	/// Where values lie in the trace.
	pub fn layout(&self) -> Result<Layout, Refusal> {
		let layers = u16::try_from(self.layers.len()).map_err(|_| Refusal::NotDisputable)?;
		match self.stage {
			0 => Err(Refusal::NotDisputable),
			_ => Layout::new(self.shape, layers, self.rows).ok_or(Refusal::NotDisputable),
		}
	}

	/// What the leaves of the defender's trace are bound to.
	pub fn binding(&self, job_key: [u8; 32]) -> Binding {
		Binding {
			job: self.job,
			stage: self.stage,
			worker: self.worker,
			job_key,
		}
	}
}
