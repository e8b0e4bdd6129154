//! Brings links that peers open to the stages that wait for them.
//!
//! A stage says which peer it expects on which boundary of which job; nobody else gets in. A link that
//! comes before its stage waits a short while, as its peer may read the chain a block earlier; how many
//! may wait is bounded, in all and for one peer. A link to a stage that has done its work is refused: a
//! second session would not be paid, and could not be committed to.
//!
//! A second stream is the spare path of a link that stands ready: it goes to the one that its peer opened with the
//! same words.

use super::{
	ring::{COPIES_PROTOCOL, PROTOCOL},
	PipelineError,
};
use crate::network::{
	frame::{Frame, Open, Reason},
	link::Link,
	slots::Slots,
	spare::Second,
	Incoming, Network, NetworkError, Stream,
};
use dllm_primitives::ids::{JobId, StageIndex};
use libp2p::PeerId;
use std::{
	collections::{HashMap, HashSet},
	future::pending,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	time::Duration,
};
use tokio::{
	sync::oneshot,
	time::{interval, timeout, Instant},
};

/// Longest wait for the first frame of a stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Streams whose first frame is awaited at once, in all and for one peer: a neighbour opens two a job,
/// and as many second ones later.
const MAX_OPENING: (usize, usize) = (64, 8);
/// Links that wait for their stages, in all and for one peer.
const MAX_PARKED: (usize, usize) = (64, 4);
/// How often links that waited too long are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// Which link of which job.
type Key = (JobId, StageIndex);

/// A link that arrived.
pub struct Arrival {
	/// The link; it waits for `Ready`.
	pub link: Link,
	/// What its peer said.
	pub open: Open,
}

/// Links and the stages that wait for them.
#[derive(Clone, Default)]
pub struct Switchboard {
	state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
	expected: HashMap<Key, Expected>,
	parked: Vec<Parked>,
	/// Links that have no second stream yet; not many more than stand.
	seconds: Vec<Awaiting>,
	/// Links into stages that are done.
	done: HashSet<Key>,
	/// Counts expectations, so that an old one does not remove its successor.
	number: u64,
}

struct Expected {
	peer: PeerId,
	number: u64,
	taker: oneshot::Sender<Arrival>,
}

struct Parked {
	peer: PeerId,
	arrival: Arrival,
	since: Instant,
}

/// A link that waits for its second stream.
struct Awaiting {
	peer: PeerId,
	open: Open,
	taker: oneshot::Sender<Second>,
}

/// A stage's wait for a link; dropping it calls it off.
pub struct Expectation {
	board: Switchboard,
	key: Key,
	number: u64,
	arrival: oneshot::Receiver<Arrival>,
}

impl Switchboard {
	/// Takes the ring's streams until the network stops; one that comes before its stage waits for it
	/// for the time `early`.
	pub fn serve(&self, network: &Network, early: Duration) -> Result<(), NetworkError> {
		let mut incoming = network.accept(PROTOCOL)?;
		let mut seconds = match network.copies() {
			0 => None,
			_ => Some(network.accept(COPIES_PROTOCOL)?),
		};
		let board = self.clone();
		let opening = Slots::new(MAX_OPENING.0, MAX_OPENING.1);
		tokio::spawn(async move {
			let mut sweep = interval(SWEEP);
			loop {
				let (stream, is_second) = tokio::select! {
					stream = incoming.next() => (stream, false),
					stream = next_of(&mut seconds) => (stream, true),
					_ = sweep.tick() => {
						board.sweep(early);
						continue;
					}
				};
				let Some((peer, stream)) = stream else { return };
				let Some(slot) = opening.take(peer) else {
					tracing::debug!(%peer, "too many links are being opened, one is dropped");
					continue;
				};
				let board = board.clone();
				tokio::spawn(async move {
					match is_second {
						true => board.receive_second(peer, stream).await,
						false => board.receive(peer, stream).await,
					}
					drop(slot);
				});
			}
		});
		Ok(())
	}

	/// Says that a stage waits for `peer` on a boundary.
	pub fn expect(&self, job: JobId, boundary: StageIndex, peer: PeerId) -> Expectation {
		let key = (job, boundary);
		let (taker, arrival) = oneshot::channel();
		let mut state = self.state();
		// Another job got the number, or the record was lost: the stage is led anew.
		state.done.remove(&key);
		state.number += 1;
		let number = state.number;
		let (mut early, waiting) = std::mem::take(&mut state.parked)
			.into_iter()
			.partition::<Vec<_>, _>(|parked| parked.key() == key);
		state.parked = waiting;
		// The newest of its peer's: earlier ones were given up by the peer.
		match early
			.iter()
			.rposition(|parked| parked.peer == peer)
			.map(|at| early.remove(at))
		{
			// The receiver is held below, so this cannot fail.
			Some(parked) => drop(taker.send(parked.arrival)),
			None => drop(state.expected.insert(
				key,
				Expected {
					peer,
					number,
					taker,
				},
			)),
		}
		drop(state);
		dismiss(early, Reason::Refused);
		Expectation {
			board: self.clone(),
			key,
			number,
			arrival,
		}
	}

	/// Refuses these links into a stage of a job from now on: the stage is done.
	pub fn refuse(&self, job: JobId, boundaries: Vec<StageIndex>) {
		let mut state = self.state();
		state
			.done
			.extend(boundaries.into_iter().map(|boundary| (job, boundary)));
		let (late, waiting) = std::mem::take(&mut state.parked)
			.into_iter()
			.partition::<Vec<_>, _>(|parked| state.done.contains(&parked.key()));
		state.parked = waiting;
		drop(state);
		dismiss(late, Reason::Refused);
	}

	/// Forgets a job that has ended.
	pub fn forget(&self, job: JobId) {
		self.state().done.retain(|(of, _)| *of != job);
	}

	async fn receive(&self, peer: PeerId, stream: Stream) {
		let mut link = Link::new(stream);
		let open = match link.receive_first(OPEN_TIMEOUT).await {
			Ok(Frame::Open(open)) => open,
			_ => return link.abort(Reason::Protocol).await,
		};
		let arrival = Arrival { link, open };
		if let Some((mut arrival, reason)) = self.place(peer, arrival) {
			tracing::debug!(%peer, job = arrival.open.job, ?reason, "a link was refused");
			arrival.link.abort(reason).await;
		}
	}

	/// The second stream of a link that `peer` opened so, once it comes.
	pub fn second(&self, peer: PeerId, open: Open) -> oneshot::Receiver<Second> {
		let (taker, second) = oneshot::channel();
		let mut state = self.state();
		state.seconds.retain(|waiting| !waiting.taker.is_closed());
		state.seconds.push(Awaiting { peer, open, taker });
		second
	}

	/// Hands a second stream to its link; drops one that belongs to none.
	async fn receive_second(&self, peer: PeerId, stream: Stream) {
		let mut link = Link::new(stream);
		let Ok(Frame::Open(open)) = link.receive_first(OPEN_TIMEOUT).await else {
			return;
		};
		let mut state = self.state();
		let mut waiting = state.seconds.iter();
		let Some(at) = waiting.position(|of| of.peer == peer && of.open == open) else {
			tracing::debug!(%peer, job = open.job, "a second stream belongs to no link");
			return;
		};
		// The link may have ended meanwhile.
		drop(state.seconds.remove(at).taker.send(link.into_second()));
	}

	/// Hands a link to its stage or lets it wait; gives it back where neither is possible.
	fn place(&self, peer: PeerId, arrival: Arrival) -> Option<(Arrival, Reason)> {
		let key = (arrival.open.job, arrival.open.boundary);
		let mut state = self.state();
		if state.done.contains(&key) {
			return Some((arrival, Reason::Refused));
		}
		if let Some(expected) = state.expected.remove(&key) {
			if expected.peer != peer {
				state.expected.insert(key, expected);
				return Some((arrival, Reason::Refused));
			}
			// A stage that was called off in this moment no longer expects anything.
			return expected
				.taker
				.send(arrival)
				.err()
				.map(|back| (back, Reason::NotExpected));
		}
		let of_peer = state
			.parked
			.iter()
			.filter(|parked| parked.peer == peer)
			.count();
		if state.parked.len() >= MAX_PARKED.0 || of_peer >= MAX_PARKED.1 {
			return Some((arrival, Reason::Busy));
		}
		state.parked.push(Parked {
			peer,
			arrival,
			since: Instant::now(),
		});
		None
	}

	/// Sends away the links whose stages did not come.
	fn sweep(&self, early: Duration) {
		let mut state = self.state();
		let (late, waiting) = std::mem::take(&mut state.parked)
			.into_iter()
			.partition::<Vec<_>, _>(|parked| parked.since.elapsed() > early);
		state.parked = waiting;
		drop(state);
		dismiss(late, Reason::NotExpected);
	}

	fn state(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Parked {
	fn key(&self) -> Key {
		(self.arrival.open.job, self.arrival.open.boundary)
	}
}

impl Expectation {
	/// The link, once it comes.
	pub async fn arrive(mut self, within: Duration) -> Result<Arrival, PipelineError> {
		let (job, boundary) = self.key;
		match timeout(within, &mut self.arrival).await {
			Ok(Ok(arrival)) => Ok(arrival),
			// Another wait for the same link took its place.
			Ok(Err(_)) => Err(PipelineError::Superseded { job }),
			Err(_) => Err(PipelineError::NobodyCame {
				job,
				boundary,
				waited: within,
			}),
		}
	}
}

impl Drop for Expectation {
	fn drop(&mut self) {
		let mut state = self.board.state();
		if state
			.expected
			.get(&self.key)
			.is_some_and(|expected| expected.number == self.number)
		{
			state.expected.remove(&self.key);
		}
	}
}

/// The next stream; none ever comes where none are taken.
async fn next_of(incoming: &mut Option<Incoming>) -> Option<(PeerId, Stream)> {
	match incoming {
		Some(incoming) => incoming.next().await,
		None => pending().await,
	}
}

fn dismiss(links: Vec<Parked>, reason: Reason) {
	for mut parked in links {
		tokio::spawn(async move { parked.arrival.link.abort(reason).await });
	}
}
