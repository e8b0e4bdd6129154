//! How a worker behaves. There is one honest way, and the product knows no other; tests of the network's
//! defences bring their own.

use dllm_primitives::{
	commitment::Roots,
	dispute::Move,
	ids::{Digest, JobId, StageIndex},
	model::LayerRange,
	stall::Tally,
	trace::{Binding, Held},
};
use std::path::{Path, PathBuf};

/// Where a worker could deviate from what the chain asks of it. Every default is honest.
pub trait Conduct: Send + Sync {
	/// Rows that are executed and recorded in the place of as many that came to a stage; none where it takes what
	/// came.
	fn input_rows(&self, _job: JobId, _stage: StageIndex, _came: &[u8]) -> Option<Vec<u8>> {
		None
	}

	/// Whether a stage is recorded though the stage before did not sign for its rows.
	fn records_unsigned(&self) -> bool {
		false
	}

	/// May change a row before it is sent and hashed.
	fn output_row(&self, _stage: StageIndex, _position: u32, _row: &mut [f32]) {}

	/// The layers that are executed where these are due.
	fn layers(&self, due: LayerRange) -> LayerRange {
		due
	}

	/// The folder whose shards are executed where those of `due` are.
	fn model_folder(&self, due: &Path) -> PathBuf {
		due.to_path_buf()
	}

	/// What the lead of a segment says of it.
	fn told(&self, _stage: StageIndex, honest: Roots) -> Roots {
		honest
	}

	/// The commitment that is posted; `others` are those of the same job that are on chain already.
	fn commitment(&self, honest: Digest, _others: &[Digest]) -> Option<Digest> {
		Some(honest)
	}

	/// Whether rows are sent on in the ring, those of a stage from a position on.
	fn passes_on(&self, _stage: StageIndex, _position: u32) -> bool {
		true
	}

	/// What is told of how far a stage came whose job did not come to its end; none where it stays silent.
	fn tally(&self, _stage: StageIndex, own: Tally) -> Option<Tally> {
		Some(own)
	}

	/// Whether checkers get the rows of a stage.
	fn hands_out(&self, _stage: StageIndex) -> bool {
		true
	}

	/// Whether the commitment to a stage is opened.
	fn opens(&self, _stage: StageIndex) -> bool {
		true
	}

	/// May change the trace with which it goes into a dispute; it is bound.
	fn trace(&self, _trace: &mut Held, _binding: &Binding) {}

	/// The move that is made in a dispute; none where it stays silent.
	fn dispute(&self, honest: Move) -> Option<Move> {
		Some(honest)
	}
}

/// Does what the chain asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

impl Conduct for Honest {}
