//! What always holds between two blocks. Every mock run of the tests ends here.

use crate::pallet::{
	Agenda, Config, Ended, EndedRange, HoldReason, Jobs, NextJob, Pallet, Replies, Requests,
	Waiting,
};
use alloc::{collections::BTreeMap, vec::Vec};
use dllm_primitives::{flow::PipelineBook, job::JobState};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the pallet.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_escrow()?;
		Self::check_waiting()?;
		Self::check_ended()?;
		Self::check_records()?;
		Self::check_reruns()
	}

	/// What a client has on hold is what its open jobs may cost; final jobs hold nothing.
	fn check_escrow() -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<T::AccountId, u128>::new();
		for job in Jobs::<T>::iter_values() {
			let sum = held.entry(job.client.clone()).or_default();
			*sum = sum.saturating_add(job.held());
		}
		let reason = HoldReason::Escrow.into();
		let exact = held
			.iter()
			.all(|(who, sum)| T::Currency::balance_on_hold(&reason, who) == *sum);
		ensure!(exact, "escrow on hold differs from the prices of open jobs");
		Ok(())
	}

	/// The queue is sorted and holds exactly the waiting jobs; each is on the agenda of its deadline, and
	/// nothing else is on an agenda.
	fn check_waiting() -> Result<(), TryRuntimeError> {
		let waiting = Waiting::<T>::get();
		ensure!(
			waiting.windows(2).all(|pair| pair[0] < pair[1]),
			"the queue is out of order"
		);
		let open = |id: &u64| Jobs::<T>::get(id).filter(|job| job.state == JobState::Waiting);
		for id in &waiting {
			let job = open(id).ok_or("a job in the queue does not wait")?;
			let due = Agenda::<T>::get(job.deadline).unwrap_or_default();
			ensure!(
				due.contains(id),
				"a waiting job is not on the agenda of its deadline"
			);
		}
		let count = Jobs::<T>::iter_values()
			.filter(|job| job.state == JobState::Waiting)
			.count();
		ensure!(count == waiting.len(), "a waiting job is not in the queue");
		let agendas = Agenda::<T>::iter_values().collect::<Vec<_>>();
		ensure!(
			agendas.iter().all(|due| !due.is_empty()),
			"an empty agenda is stored"
		);
		let entries = agendas.iter().map(|due| due.len()).sum::<usize>();
		ensure!(
			entries == waiting.len(),
			"an agenda names a job that does not wait"
		);
		Ok(())
	}

	/// Every final job, and no other, is filed once, in the order of its end.
	fn check_ended() -> Result<(), TryRuntimeError> {
		let (oldest, next) = EndedRange::<T>::get();
		let mut before = None;
		for at in oldest..next {
			let id = Ended::<T>::get(at).ok_or("a number of an ended job is missing")?;
			let job = Jobs::<T>::get(id).ok_or("an ended job has no record")?;
			ensure!(job.state.is_final(), "an open job is filed as ended");
			ensure!(
				job.ended.is_some() && before <= job.ended,
				"ended jobs are out of order"
			);
			before = job.ended;
		}
		let filed = Ended::<T>::iter_keys().count() as u64;
		let ended = Jobs::<T>::iter_values()
			.filter(|job| job.state.is_final())
			.count() as u64;
		let range = next.saturating_sub(oldest);
		ensure!(
			filed == range && ended == range,
			"ended jobs and their files differ"
		);
		Ok(())
	}

	/// A job that is run again and the job that does so name each other, ask the same for the same price of the
	/// same client within the same time, and are run by different pipelines.
	fn check_reruns() -> Result<(), TryRuntimeError> {
		for (id, job) in Jobs::<T>::iter() {
			if let JobState::Rerun { by, .. } = job.state {
				let next = Jobs::<T>::get(by).ok_or("a job that is run again has no successor")?;
				let of = next.lineage.as_ref().map(|lineage| lineage.of);
				ensure!(id < by && of == Some(id), "a successor names another job");
				let same = next.client == job.client
					&& next.max_price == job.max_price
					&& next.deadline <= job.deadline
					&& Requests::<T>::get(by) == Requests::<T>::get(id);
				ensure!(same, "a successor asks something else");
			}
			let Some(lineage) = &job.lineage else {
				continue;
			};
			ensure!(
				!lineage.failed.is_empty(),
				"no pipeline failed a job that is run again"
			);
			let again = job.pipeline.filter(|id| lineage.failed.contains(id));
			ensure!(
				again.is_none(),
				"a pipeline has a job that it failed before"
			);
			let before = Jobs::<T>::get(lineage.of).map(|before| before.state);
			let named = match before {
				// Its record is dropped.
				None => true,
				Some(JobState::Rerun { by, .. }) => by == id,
				Some(_) => false,
			};
			ensure!(named, "a job that is run again does not name its successor");
		}
		Ok(())
	}

	/// Every job has a request, a number below the next one, and a pipeline while it runs.
	fn check_records() -> Result<(), TryRuntimeError> {
		let next = NextJob::<T>::get();
		for (id, job) in Jobs::<T>::iter() {
			ensure!(id < next, "a job has a number that was not given yet");
			ensure!(Requests::<T>::contains_key(id), "a job has no request");
			ensure!(
				job.fee <= job.max_price,
				"a job was charged more than its ceiling"
			);
			if let JobState::Running { pipeline } = job.state {
				ensure!(
					T::Book::pipeline(pipeline).is_some(),
					"a job runs on no pipeline"
				);
			}
		}
		let known = |id: u64| Jobs::<T>::contains_key(id);
		ensure!(
			Requests::<T>::iter_keys().all(known),
			"a request has no job"
		);
		ensure!(Replies::<T>::iter_keys().all(known), "a reply has no job");
		Ok(())
	}
}
