//! Which duties are under way, which wait to be tried again, and which are done.

use super::{job_of, key_of, Crew, DutyError, Key, Progress, Task, Worker};
use crate::{metrics::metrics, network::frame::Side};
use dllm_primitives::{
	api::Duty,
	ids::{JobId, ModelId, StageIndex},
	model::LayerRange,
};
use libp2p::PeerId;
use std::{
	collections::{BTreeSet, HashMap, HashSet},
	time::Duration,
};
use tokio::{
	task::{AbortHandle, JoinError, JoinSet},
	time::{timeout, Instant},
};

/// How long a board waits before it acts again.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
	/// First and longest pause before a failed duty is tried again.
	pub retry: (Duration, Duration),
	/// Before a duty that cannot be done is looked at again: money may have come, or memory.
	pub give_up: Duration,
	/// A duty that was done and still stands after this time was undone by a fork: it is done again.
	pub undone_after: Duration,
}

impl Default for Pauses {
	fn default() -> Self {
		Self {
			retry: (Duration::from_secs(1), Duration::from_secs(30)),
			give_up: Duration::from_secs(300),
			undone_after: Duration::from_secs(45),
		}
	}
}

/// What a task came to.
type Outcome = (Key, Result<Progress, DutyError>);

/// Keeps one task for each duty.
pub struct Board<C = Worker> {
	worker: C,
	pauses: Pauses,
	tasks: JoinSet<Outcome>,
	states: HashMap<Key, State>,
	/// Jobs that this worker has had a part in and that have not ended.
	attended: HashSet<JobId>,
	/// Stages whose rows checkers may fetch.
	served: HashSet<(JobId, StageIndex)>,
	/// What is loaded, or being loaded, for pipelines; an empty range stands for the entry.
	hosted: BTreeSet<(ModelId, LayerRange)>,
}

/// Where a duty stands.
enum State {
	/// Under way; tried again after that pause if it fails.
	Running { task: AbortHandle, pause: Duration },
	/// Tried again at that time; after a longer pause, if it fails again.
	Failed { again: Instant, pause: Duration },
	/// Nothing more to do, as of that time.
	Done(Instant),
}

impl<C: Crew> Board<C> {
	/// An empty board. `attended` are the jobs that the ledger holds from before.
	pub fn new(worker: C, attended: HashSet<JobId>, pauses: Pauses) -> Self {
		Self {
			worker,
			pauses,
			tasks: JoinSet::new(),
			states: HashMap::new(),
			attended,
			served: HashSet::new(),
			hosted: BTreeSet::new(),
		}
	}

	/// What the tasks work with.
	pub fn worker(&self) -> &C {
		&self.worker
	}

	/// Brings tasks in line with the chain's list.
	pub fn follow(&mut self, duties: &[Duty]) {
		let keys = duties.iter().filter_map(key_of).collect::<HashSet<_>>();
		self.drop_gone(&keys);
		self.serve(duties);
		self.release(duties);
		for duty in duties {
			self.start(duty, duties);
		}
		self.close(duties);
	}

	/// Waits for the end of a task and notes it; never ends while there is none.
	pub async fn ended(&mut self) {
		match self.tasks.join_next().await {
			Some(ended) => self.note(ended),
			None => std::future::pending().await,
		}
	}

	/// When the next failed duty is due again.
	pub fn next_attempt(&self) -> Option<Instant> {
		let attempts = self.states.values().filter_map(|state| match state {
			State::Failed { again, .. } => Some(*again),
			_ => None,
		});
		attempts.min()
	}

	/// Lets tasks come to an end, for at most that long.
	pub async fn finish(mut self, within: Duration) {
		let all = async { while self.tasks.join_next().await.is_some() {} };
		if timeout(within, all).await.is_err() {
			self.tasks.shutdown().await;
		}
	}

	/// Forgets duties that the chain does not ask for any more. What is under way for a job goes on: its
	/// duty is often gone because its call just reached a block, and a fork may bring it back.
	fn drop_gone(&mut self, keys: &HashSet<Key>) {
		self.states.retain(|key, state| match (state, key) {
			_ if keys.contains(key) || matches!(key, Key::Close(_)) => true,
			(State::Running { task, .. }, Key::Host(_)) => {
				task.abort();
				false
			}
			(State::Running { .. }, _) => true,
			_ => false,
		});
	}

	/// Lets the named checkers fetch rows, and nobody else.
	fn serve(&mut self, duties: &[Duty]) {
		let worker = &self.worker;
		let mut served = HashSet::new();
		for duty in duties {
			if let Duty::Serve {
				job,
				stage,
				output_to,
				input_to,
			} = duty
			{
				let peers = |of: &[Vec<u8>]| {
					let peers = of.iter().map(|peer| PeerId::from_bytes(peer));
					peers.filter_map(Result::ok).collect::<Vec<_>>()
				};
				worker.allow(*job, *stage, Side::Output, peers(output_to));
				worker.allow(*job, *stage, Side::Input, peers(input_to));
				served.insert((*job, *stage));
			}
		}
		for (job, stage) in self.served.difference(&served) {
			worker.allow(*job, *stage, Side::Output, Vec::new());
			worker.allow(*job, *stage, Side::Input, Vec::new());
		}
		self.served = served;
	}

	/// Frees what neither a pipeline nor an open job needs any more.
	fn release(&mut self, duties: &[Duty]) {
		let wanted = duties.iter().filter_map(|duty| match duty {
			Duty::Host { model, layers, .. } => Some((*model, *layers)),
			Duty::Run { route, stage, .. }
			| Duty::Check { route, stage, .. }
			| Duty::Dispute { route, stage, .. } => {
				let member = route.members.get(usize::from(*stage))?;
				Some((route.model, member.layers))
			}
			Duty::Tally { .. }
			| Duty::Summon { .. }
			| Duty::Reveal { .. }
			| Duty::Reconcile { .. }
			| Duty::Compare { .. }
			| Duty::Serve { .. } => None,
		});
		let wanted = wanted.collect::<BTreeSet<_>>();
		for (model, layers) in self.hosted.difference(&wanted) {
			if self.worker.release(*model, *layers) {
				tracing::info!(
					model,
					from = layers.start,
					to = layers.end,
					"shards released"
				);
			}
		}
		self.hosted = wanted;
	}

	/// Starts the task of a duty, unless it is under way, paused or done.
	fn start(&mut self, duty: &Duty, duties: &[Duty]) {
		self.attended.extend(job_of(duty));
		// Shards that stay loaded stay done.
		let stays = matches!(duty, Duty::Host { ready: true, .. });
		let Some(key) = key_of(duty).filter(|key| self.is_due(key, stays)) else {
			return;
		};
		if let Some(task) = task_of(duty, duties) {
			self.spawn(key, task);
		}
	}

	/// Looks after jobs that ask for nothing any more: they have ended, or are about to.
	fn close(&mut self, duties: &[Duty]) {
		let open = duties.iter().filter_map(job_of).collect::<HashSet<_>>();
		for job in self.attended.difference(&open).copied().collect::<Vec<_>>() {
			let key = Key::Close(job);
			if matches!(self.states.get(&key), Some(State::Done(_))) {
				self.states.remove(&key);
				self.attended.remove(&job);
			} else if self.is_due(&key, true) {
				self.spawn(key, Task::Close { job });
			}
		}
	}

	/// Whether a task has to be started; one that is done counts as undone after a while, unless it
	/// `stays` done.
	fn is_due(&self, key: &Key, stays: bool) -> bool {
		match self.states.get(key) {
			None => true,
			Some(State::Failed { again, .. }) => *again <= Instant::now(),
			Some(State::Done(at)) => !stays && at.elapsed() > self.pauses.undone_after,
			Some(State::Running { .. }) => false,
		}
	}

	fn spawn(&mut self, key: Key, task: Task) {
		let (first, longest) = self.pauses.retry;
		let pause = match self.states.get(&key) {
			Some(State::Failed { pause, .. }) => (*pause * 2).min(longest),
			_ => first,
		};
		let worker = self.worker.clone();
		let task = self
			.tasks
			.spawn(async move { (key, worker.perform(task).await) });
		self.states.insert(key, State::Running { task, pause });
	}

	fn note(&mut self, ended: Result<Outcome, JoinError>) {
		let Ok((key, result)) = ended else {
			// A task that was aborted has no state any more; one that panicked is started again.
			let panicked =
				|state: &State| matches!(state, State::Running { task, .. } if task.is_finished());
			self.states.retain(|_, state| !panicked(state));
			return;
		};
		let Some(State::Running { pause, .. }) = self.states.get(&key) else {
			return;
		};
		let pause = *pause;
		let state = match result {
			Ok(Progress::Done) => State::Done(Instant::now()),
			Ok(Progress::NotYet) => {
				self.states.remove(&key);
				return;
			}
			Err(error) if error.is_retryable() => {
				metrics().duty_failed(true);
				let again_in_s = pause.as_secs();
				// The first time it is often only that another worker is a block behind.
				match pause == self.pauses.retry.0 {
					true => tracing::debug!(duty = ?key, %error, again_in_s, "a duty failed"),
					false => tracing::warn!(duty = ?key, %error, again_in_s, "a duty failed"),
				}
				State::Failed {
					again: Instant::now() + pause,
					pause,
				}
			}
			Err(error) => {
				metrics().duty_failed(false);
				tracing::error!(duty = ?key, %error, "a duty cannot be done");
				State::Failed {
					again: Instant::now() + self.pauses.give_up,
					pause: self.pauses.retry.1,
				}
			}
		};
		self.states.insert(key, state);
	}
}

/// The work of a duty that has a key. All stages of a pipeline are loaded by one task.
fn task_of(duty: &Duty, duties: &[Duty]) -> Option<Task> {
	Some(match duty.clone() {
		Duty::Host {
			pipeline,
			model,
			slots,
			ready,
			..
		} => {
			let stages = duties.iter().filter_map(|duty| match duty {
				Duty::Host {
					pipeline: other,
					layers,
					..
				} if *other == pipeline => Some(*layers),
				_ => None,
			});
			Task::Host {
				pipeline,
				model,
				stages: stages.collect(),
				slots,
				ready,
			}
		}
		Duty::Run {
			route,
			stage,
			prompt,
			..
		} => Task::Run {
			route,
			stage,
			prompt,
		},
		Duty::Tally { job, stage, .. } => Task::Tally { job, stage },
		Duty::Check {
			route,
			stage,
			part,
			prompt,
			commitments,
			until,
		} => Task::Check {
			route,
			stage,
			part,
			prompt,
			commitments,
			until,
		},
		Duty::Summon {
			job,
			stage,
			seed,
			threshold,
			..
		} => Task::Summon {
			job,
			stage,
			seed,
			threshold,
		},
		Duty::Reveal { job, stage, .. } => Task::Reveal { job, stage },
		Duty::Reconcile {
			route, boundary, ..
		} => Task::Reconcile { route, boundary },
		Duty::Compare {
			job,
			stage,
			positions,
			..
		} => Task::Compare {
			job,
			stage,
			positions,
		},
		Duty::Dispute {
			route,
			stage,
			side,
			record,
			commitments,
			until,
		} => Task::Dispute {
			route,
			stage,
			side,
			record: Box::new(record),
			commitments,
			until,
		},
		Duty::Serve { .. } => return None,
	})
}
