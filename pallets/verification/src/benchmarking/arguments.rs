//! Disputes at their costliest: one under way, the widest shape, and the longest claim.

use super::{replica_of, revealing, JOB, STAGE};
use crate::{Config, Disputes, Pallet, Trials};
use alloc::{sync::Arc, vec::Vec};
use dllm_primitives::{
	dispute::{Game, Move, Record, Standing, State, Subject},
	ids::Digest,
	trace::{
		layout::Step,
		opening::open,
		shape::{Projection, MAX_INPUTS},
		weights::Weight,
		Constants, Element, Held, Layer, Operator, Shape,
	},
	verdict::Phase,
};
use frame_benchmarking::v2::BenchmarkError;

/// Puts a dispute under way into stage 1 of a trial. A second one, which waits, keeps the round open, so that
/// what the end of a round costs is not counted here. Answers lead and replica.
pub(super) fn arguing<T: Config>(
	subject: Subject,
	game: Game,
) -> Result<(T::AccountId, T::AccountId), BenchmarkError> {
	let mut trial = revealing::<T>(3, true)?;
	Pallet::<T>::unschedule(JOB, trial.until);
	let record = Record {
		subject,
		game,
		shown: Vec::new(),
	};
	let mut parties = None;
	for stage in trial.stages.iter_mut().skip(usize::from(STAGE)) {
		stage.dispute = Some(Standing::Awaiting);
		Disputes::<T>::insert(JOB, stage.stage, &record);
		let replica = replica_of::<T>(stage)?.worker.clone();
		parties = parties.or(Some((stage.lead.worker.clone(), replica)));
	}
	trial.phase = Phase::Disputing;
	trial.until = Pallet::<T>::schedule(JOB, trial.until)?;
	Trials::<T>::insert(JOB, &trial);
	parties.ok_or(BenchmarkError::Stop("no stages"))
}

pub(super) fn argument<T: Config>() -> Option<Standing> {
	Trials::<T>::get(JOB)?.stage(STAGE)?.dispute
}

/// The widest shape that can be disputed, but for its hidden rows, which make columns many, not long.
pub(super) fn widest() -> Shape {
	Shape {
		hidden: 64,
		heads: 1,
		kv_heads: 1,
		head_dim: 64,
		inner: MAX_INPUTS,
		bias: false,
		head_norm: false,
		epsilon: 0,
		factor: 0,
	}
}

pub(super) fn subject(shape: Shape, layers: Vec<Layer>, rows: u32) -> Subject {
	Subject {
		job: JOB,
		stage: STAGE,
		worker: Digest::zero(),
		shape,
		layers,
		rows,
		input: Digest::zero(),
		output: Digest::zero(),
	}
}

/// A trace of one row, all zero but for one sum of the down projection, at the claim that finds it.
pub(super) fn longest_claim() -> Result<(Subject, Game, Move), BenchmarkError> {
	const STOP: BenchmarkError = BenchmarkError::Stop("no claim");
	let shape = widest();
	let zeros = Constants::new(&shape, |weight| match weight {
		Weight::Codes(Projection::Down) => {
			let stride = weight.stride(&shape).unwrap_or_default();
			alloc::vec![0; (shape.outputs(Projection::Down) * stride) as usize]
		}
		_ => Vec::new(),
	});
	let layer = Layer {
		window: u32::MAX,
		weights: zeros.root(),
	};
	let subject = subject(shape, alloc::vec![layer], 1);
	let layout = subject.layout().map_err(|_| STOP)?;
	let mut held = Held::new(layout.clone(), alloc::vec![Arc::new(zeros)]);
	let (codes, sums) = (
		Operator::Codes(Projection::Down),
		Operator::Sums(Projection::Down),
	);
	for operator in [codes, sums] {
		let bytes = layout.elements(operator) * operator.width().bytes();
		let lie = u8::from(operator == sums);
		held.put(0, 0, operator, &alloc::vec![lie; bytes as usize]);
	}
	held.bind(&subject.binding([0; 32]));
	let at = Element {
		row: 0,
		layer: 0,
		operator: sums,
		index: 0,
	};
	let opening = open(&layout, &subject.layers, at, &mut held).map_err(|_| STOP)?;
	let step = Step {
		row: 0,
		slot: layout.first_slot(0, sums),
	};
	let game = Game {
		state: State::Claiming(step),
		trace: held.root(),
		job_key: [0; 32],
	};
	Ok((subject, game, Move::Claim { index: 0, opening }))
}
