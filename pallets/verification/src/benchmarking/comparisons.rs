//! A comparison of rows at its costliest: as many bytes as may be shown, and rows that are alike, so that the job is paid.

use super::{opening, replica_of, revealing, JOB, ROWS, STAGE};
use crate::{Config, Pallet, Rows, ShownRows, Trials};
use alloc::vec::Vec;
use dllm_primitives::{
	commitment::{keyed_row_leaf, merkle_path, merkle_root},
	compare::{self, Comparing, Comparison, ShownRow, Tolerance, MAX_BYTES},
	ids::Digest,
	verdict::{Part, Phase},
};
use frame_benchmarking::v2::BenchmarkError;
use frame_support::BoundedVec;

/// A trial in which the rows of one stage are compared, and only its replica has not shown them; answers that one, and
/// the rows.
pub(super) fn comparing<T: Config>(stages: u32) -> Result<(T::AccountId, Rows), BenchmarkError> {
	let mut trial = revealing::<T>(stages, true)?;
	let told = trial.clone();
	Pallet::<T>::unschedule(JOB, trial.until);
	let comparing = Comparing {
		seed: Digest::zero(),
		rows: ROWS,
		row_bytes: MAX_BYTES / compare::MAX_ROWS,
		tolerance: Tolerance {
			median: 1,
			max: 1,
			version: 1,
			calibration: Digest::zero(),
		},
	};
	// The same rows under other keys.
	let (sent, shown) = shown_rows(&comparing, [1; 32])?;
	let (found, rows) = shown_rows(&comparing, [2; 32])?;
	let next = (u32::from(STAGE) + 1) % trial.stage_count();
	for stage in trial.stages.iter_mut() {
		let mut opening = opening::<T>(&told, stage.stage);
		if stage.stage == STAGE {
			opening.roots.output = sent;
			stage.comparison = Some((comparing, Comparison::Awaiting));
		} else if u32::from(stage.stage) == next {
			opening.roots.input = sent;
		}
		stage.lead.opening = Some(opening);
		let Some(replica) = stage.replica.as_mut() else {
			continue;
		};
		if stage.stage == STAGE {
			opening.roots.class = Digest::repeat_byte(0xee);
			opening.roots.output = found;
		}
		replica.opening = Some(opening);
	}
	let shown = shown.into_iter().map(|row| row.bytes.into_inner());
	ShownRows::<T>::insert(JOB, (STAGE, Part::Lead), shown.collect::<Vec<_>>());
	trial.phase = Phase::Comparing;
	trial.until = Pallet::<T>::schedule(JOB, trial.until)?;
	Trials::<T>::insert(JOB, &trial);
	let stage = trial.stage(STAGE);
	let replica = replica_of::<T>(stage.ok_or(BenchmarkError::Stop("no such stage"))?)?;
	Ok((replica.worker.clone(), rows))
}

/// Rows of ones under one key, with their root, and those of them that are compared.
fn shown_rows(comparing: &Comparing, key: [u8; 32]) -> Result<(Digest, Rows), BenchmarkError> {
	let ones = 1f32.to_le_bytes().repeat(comparing.row_bytes as usize / 4);
	let leaf = |position| keyed_row_leaf(&key, JOB, STAGE, position, &ones);
	let leaves = (0..comparing.rows).map(leaf).collect::<Vec<_>>();
	let too_many = |_| BenchmarkError::Stop("rows do not fit");
	let bytes: BoundedVec<_, _> = ones.clone().try_into().map_err(too_many)?;
	let row = |position: u32| {
		let path = BoundedVec::truncate_from(merkle_path(&leaves, position));
		let bytes = bytes.clone();
		ShownRow { key, bytes, path }
	};
	let rows = comparing.positions().into_iter().map(row);
	let rows = BoundedVec::truncate_from(rows.collect::<Vec<_>>());
	Ok((merkle_root(&leaves), rows))
}
