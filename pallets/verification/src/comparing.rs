//! Comparisons of rows between unlike numerics classes of a float model.
//!
//! Where lead and checker tell the same but for the rows that they sent, in two classes of which the chain knows how
//! far honest workers lie apart, both show some of these rows. Which ones is drawn after both have opened. Where they
//! are within the tolerance both have passed. Where they are not, or one of them shows nothing, a third worker is
//! asked, as if nothing had been compared: a tolerance convicts nobody.

use crate::{
	closing::showings,
	judge,
	phases::{find, TrialOf},
	Beacon, Config, Error, Event, Pallet, ShownRows, Tolerances, Trials,
};
use alloc::vec::Vec;
use dllm_primitives::{
	compare::{self, Comparing, Comparison, Likeness, ShownRow, Tolerance, MAX_ROWS},
	draw,
	flow::ModelCatalog,
	ids::{Digest, JobId, StageIndex, ENTRY_STAGE, MAX_STAGES},
	verdict::{Part, Phase},
};
use frame_support::{ensure, BoundedVec};
use sp_runtime::{traits::ConstU32, DispatchError, DispatchResult};

/// The rows that a worker shows of a stage.
pub type Rows = BoundedVec<ShownRow, ConstU32<MAX_ROWS>>;

impl<T: Config> Pallet<T> {
	/// Draws the rows that are compared of every stage where that can help. Answers whether there is any.
	pub(crate) fn draw_comparisons(job: JobId, trial: &mut TrialOf<T>) -> bool {
		let Some(model) = T::Models::model(trial.model) else {
			return false;
		};
		// Rows of a sealed job stay between its workers. And all that is compared of a job is compared at once.
		if trial.own_entry || trial.stages.iter().any(|stage| stage.comparison.is_some()) {
			return false;
		}
		let showings = showings::<T>(trial);
		let seed = trial.drawn.map_or(Digest::zero(), |drawn| drawn.seed);
		let beacon = Beacon::<T>::get();
		let row_bytes = compare::row_bytes(model.spec.profile, model.spec.hidden_size);
		let mut any = false;
		for (stage, showing) in trial.stages.iter_mut().zip(&showings) {
			// The rows of an entry are looked up, not computed: honest ones are the same in every class.
			let computed = stage.stage != ENTRY_STAGE;
			let open = judge::is_comparable(showing) && judge::needs_tiebreak(showing);
			if !(computed && open) {
				continue;
			}
			let replica = stage.replica.as_ref().and_then(|replica| replica.opening);
			let Some((lead, replica)) = stage.lead.opening.zip(replica) else {
				continue;
			};
			let (a, b) = compare::pair(lead.roots.class, replica.roots.class);
			let Some(tolerance) = Tolerances::<T>::get(a, b) else {
				continue;
			};
			let comparing = Comparing {
				seed: draw::of_rows(seed, beacon, stage.stage),
				rows: lead.roots.rows,
				row_bytes,
				tolerance,
			};
			if comparing.positions().is_empty() {
				continue;
			}
			stage.comparison = Some((comparing, Comparison::Awaiting));
			let stage = stage.stage;
			Self::deposit_event(Event::ComparisonDrawn { job, stage });
			any = true;
		}
		any
	}

	/// Takes the rows of lead or replica; those of the second one are compared with those of the first. Answers the
	/// number of stages.
	pub(crate) fn do_show_rows(
		who: &T::AccountId,
		job: JobId,
		stage: StageIndex,
		rows: Rows,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		let phase = trial.phase;
		let (part, participant) = find::<T>(&mut trial, stage, who)?;
		let root = participant.opening.map(|opening| opening.roots.output);
		ensure!(phase == Phase::Comparing, Error::<T>::WrongPhase);
		let compared = trial.stage_mut(stage).ok_or(Error::<T>::NotAParticipant)?;
		let awaited = compared.awaits_comparison().copied();
		let comparing = awaited.ok_or(Error::<T>::NotCompared)?;
		let shown = ShownRows::<T>::contains_key(job, (stage, part));
		ensure!(!shown, Error::<T>::AlreadyShown);
		let root = root.ok_or(Error::<T>::NotCommitted)?;
		check_rows::<T>(&comparing, (job, stage), root, &rows)?;

		let rows = rows.into_iter().map(|row| row.bytes.into_inner());
		let rows = rows.collect::<Vec<_>>();
		let other = match part {
			Part::Lead => Part::Replica,
			_ => Part::Lead,
		};
		let worker = who.clone();
		Self::deposit_event(Event::RowsShown { job, stage, worker });
		let Some(others) = ShownRows::<T>::take(job, (stage, other)) else {
			ShownRows::<T>::insert(job, (stage, part), rows);
			return Ok(Self::store_or_advance(job, trial));
		};
		let (lead, replica) = match part {
			Part::Lead => (rows, others),
			_ => (others, rows),
		};
		let wide =
			T::Models::model(trial.model).is_some_and(|model| compare::is_wide(model.spec.profile));
		let likeness = compare::likeness(&lead, &replica, wide, &comparing.tolerance);
		Self::note_likeness(job, &mut trial, stage, likeness);
		Ok(Self::store_or_advance(job, trial))
	}

	/// Ends the comparisons that still wait for rows, and drops what was shown for them.
	pub(crate) fn end_comparisons(job: JobId, trial: &mut TrialOf<T>) {
		let waiting = trial.stages.iter();
		let waiting = waiting.filter(|stage| stage.awaits_comparison().is_some());
		let waiting = waiting.map(|stage| stage.stage).collect::<Vec<_>>();
		for stage in waiting {
			Self::note_likeness(job, trial, stage, Likeness::Unshown);
		}
		let _ = ShownRows::<T>::clear_prefix(job, MAX_STAGES.saturating_mul(2), None);
	}

	fn note_likeness(job: JobId, trial: &mut TrialOf<T>, stage: StageIndex, likeness: Likeness) {
		let compared = trial.stage_mut(stage);
		if let Some((_, stands)) = compared.and_then(|stage| stage.comparison.as_mut()) {
			*stands = Comparison::Over(likeness);
		}
		Self::deposit_event(Event::Compared {
			job,
			stage,
			likeness,
		});
	}

	/// Sets, or takes back, what two classes may differ by. What is compared now is judged by what held when its rows
	/// were drawn.
	pub(crate) fn do_set_tolerance(
		(a, b): (Digest, Digest),
		tolerance: Option<Tolerance>,
	) -> DispatchResult {
		let sound = tolerance.is_none_or(|tolerance| tolerance.is_sound());
		ensure!(a != b && sound, Error::<T>::BadTolerance);
		let (a, b) = compare::pair(a, b);
		Tolerances::<T>::set(a, b, tolerance);
		Self::deposit_event(Event::ToleranceSet {
			classes: (a, b),
			tolerance,
		});
		Ok(())
	}
}

/// They are the rows that were drawn, whole, of those that the worker told.
fn check_rows<T: Config>(
	comparing: &Comparing,
	of: (JobId, StageIndex),
	root: Digest,
	shown: &[ShownRow],
) -> DispatchResult {
	let positions = comparing.positions();
	ensure!(shown.len() == positions.len(), Error::<T>::WrongRows);
	let fits = |(row, position): (&ShownRow, &u32)| {
		row.bytes.len() == comparing.row_bytes as usize
			&& row.is_at(of, *position, comparing.rows, root)
	};
	let all = shown.iter().zip(&positions).all(fits);
	ensure!(all, Error::<T>::WrongRows);
	Ok(())
}
