//! A dispute as it is stored and told.

use super::{Game, Move, Outcome, Refusal, Side, State, Subject};
use crate::{ids::JobId, model::ModelSpec, trace::Shape, trial::StageTrial};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Operations of a segment for all rows at most: both sides have to compute their trace in the time of a move.
pub const MAX_OPERATIONS: u64 = 20_000_000_000;
/// Bytes of a trace at most: its prover holds all of it.
pub const MAX_TRACE_BYTES: u64 = 1 << 30;

/// Bytes of a trace, as its prover holds it.
fn trace_bytes(subject: &Subject) -> u64 {
	let Shape {
		hidden,
		inner,
		heads,
		..
	} = subject.shape;
	let wide = u64::from(hidden)
		.saturating_add(inner.into())
		.saturating_mul(20);
	let scores = u64::from(heads)
		.saturating_mul(subject.rows.into())
		.saturating_mul(8);
	wide.saturating_add(scores)
		.saturating_mul(subject.rows.into())
		.saturating_mul(subject.layers.len() as u64)
}

/// Where the dispute of a stage stands. Disputes go on in rounds: in each of them, whose turn it is makes one
/// move.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
	/// The move of this round has not been made.
	Awaiting,
	/// It has been made; the next round begins when every dispute of the job has come so far.
	Moved,
	/// It is over.
	Over(Outcome),
}

/// A dispute under way: some 130 bytes and the subject, with what the defender has shown so far, at most
/// 32 KiB a move. It is dropped when the dispute is over.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Record {
	/// What it is about.
	pub subject: Subject,
	/// The game.
	pub game: Game,
	/// The defender's moves with what was awaited before each: a challenger that was started again needs
	/// nothing else to go on.
	pub shown: Vec<(State, Move)>,
}

impl Record {
	/// The dispute between the lead and the replica of a stage of a job. None where the model names no
	/// constants, the lead has not opened, or the rows exceed what a dispute can be about or what a worker can
	/// trace in time ([`MAX_OPERATIONS`], [`MAX_TRACE_BYTES`]); whether the two did the same work is not looked
	/// at ([`crate::judge::is_disputable`]).
	pub fn open<AccountId: Encode, BlockNumber>(
		job: JobId,
		stage: &StageTrial<AccountId, BlockNumber>,
		spec: &ModelSpec,
	) -> Option<Self> {
		let constants = spec.constants.as_ref()?;
		let range = usize::from(stage.layers.start)..usize::from(stage.layers.end);
		let roots = stage.lead.opening?.roots;
		let subject = Subject {
			job,
			stage: stage.stage,
			worker: Subject::worker(&stage.lead.worker),
			shape: constants.shape,
			layers: constants.layers.get(range)?.to_vec(),
			rows: roots.rows,
			input: roots.input,
			output: roots.output,
		};
		let operations = spec
			.stage_flops(stage.layers, false)
			.saturating_mul(roots.rows.into());
		let bytes = trace_bytes(&subject);
		if operations > MAX_OPERATIONS || bytes > MAX_TRACE_BYTES {
			return None;
		}
		Some(Self {
			game: Game::new(&subject).ok()?,
			subject,
			shown: Vec::new(),
		})
	}

	/// Makes the move of the side whose turn it is, and gives where the dispute stands then; an error
	/// changes nothing.
	pub fn play(&mut self, made: Move) -> Result<Standing, Refusal> {
		let (before, side) = (self.game.state, self.game.turn());
		self.game.play(&self.subject, &made)?;
		if side == Some(Side::Defender) {
			self.shown.push((before, made));
		}
		Ok(self.game.outcome().map_or(Standing::Moved, Standing::Over))
	}
}
