//! Probes between workers: round trips, and a timed transfer.
//!
//! Who probes opens a stream, sends a few [`Frame::Ping`]s one after the other, each of which comes back, and
//! now and then asks for bytes with [`Frame::Pull`], which come as one [`Frame::Chunk`]. Every request holds
//! something random that its answer follows from, so that nobody can answer before it was asked. Anybody may
//! probe, so what is answered is bounded: short requests, few for each stream, few streams at once, and so
//! many bytes a second for all peers together. What the figures mean is left to [`crate::links`].

use super::{
	frame::{Frame, Reason},
	link::{out_of_turn, Link, LinkError},
	slots::Slots,
	Network, NetworkError, Peer,
};
use crate::commitment::random_bytes;
use libp2p::{bytes::Bytes, StreamProtocol};
use std::{
	sync::{Arc, Mutex, PoisonError},
	time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// The protocol: pings, then one request for bytes at most.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/dllm/probes/2");
/// Round trips of a visit that count; one more before them warms the stream up, whose protocol is agreed on
/// with the first frame.
pub const PINGS: u32 = 8;
/// Bytes of a timed transfer: a segment's rows of a prompt, and 0.2 s at 10 Mbit/s.
pub const PULL_BYTES: u32 = 256 << 10;
/// Between two pings, so that they do not all meet the same moment.
const PING_PAUSE: Duration = Duration::from_millis(50);
/// Longest wait for a ping to come back, and of the answering side for the next request.
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the bytes: slower than 0.2 Mbit/s counts as that.
const PULL_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests that are answered on one stream: those of a visit.
const MAX_REQUESTS: u32 = PINGS + 2;
/// Longest life of a stream that is answered: a visit with round trips of half a second, and the longest
/// transfer. Whoever asks slowly holds a place no longer.
const STREAM_TIMEOUT: Duration = Duration::from_secs(15);
/// Visits that are answered at once, in all and from one peer: the last one may just be ending.
const MAX_SERVED: (usize, usize) = (16, 2);
/// Visits that are told at once, in all and each peer, that there is no place; more are dropped.
const MAX_REFUSED: (usize, usize) = (16, 1);
/// Bytes a second of a transfer that was not over in time.
pub const SLOWEST: u64 = PULL_BYTES as u64 / PULL_TIMEOUT.as_secs();
/// What a request takes of the [`Allowance`] at least, in bytes: the work of a small frame, not its length.
const REQUEST_COST: u64 = 1 << 10;

/// What a visit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
	/// Round trips in their order; none where the ping did not come back.
	pub round_trips: Vec<Option<Duration>>,
	/// Bytes a second of the transfer, where one was asked for and the peer had time: [`SLOWEST`] where it was
	/// not over in time, or broken off.
	pub bytes_per_second: Option<u64>,
}

/// Why a visit found nothing.
#[derive(thiserror::Error, Debug)]
pub enum ProbeError {
	/// The peer could not be reached.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// It broke off before the first ping came back.
	#[error(transparent)]
	Link(#[from] LinkError),
}

impl ProbeError {
	/// Whether the peer is there, and only had no time.
	pub fn is_busy(&self) -> bool {
		matches!(self, Self::Link(LinkError::Aborted(Reason::Busy)))
	}
}

/// Bytes that may be sent to whoever probes: a bucket that fills with time.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
	left: u64,
	filled: Instant,
}

impl Allowance {
	/// What it holds at most: a transfer to each of 16 peers that come at once.
	pub const MOST_BYTES: u64 = 16 * PULL_BYTES as u64;
	/// What comes in a second: a transfer every four seconds, many times what 16 peers ask for. A worker on a
	/// metered line sends less than 6 GB a day, whatever strangers do.
	pub const BYTES_PER_SECOND: u64 = 64 << 10;

	/// A full one.
	pub fn new(now: Instant) -> Self {
		Self {
			left: Self::MOST_BYTES,
			filled: now,
		}
	}

	/// Takes so many bytes, if there are as many.
	pub fn take(&mut self, bytes: u64, now: Instant) -> bool {
		let passed = now.saturating_duration_since(self.filled).as_micros();
		let passed = u64::try_from(passed).unwrap_or(u64::MAX);
		let come = passed.saturating_mul(Self::BYTES_PER_SECOND) / 1_000_000;
		// What is less than a byte is not lost: the clock moves on with the first one.
		if come > 0 {
			self.left = self.left.saturating_add(come).min(Self::MOST_BYTES);
			self.filled = now;
		}
		let enough = self.left >= bytes;
		if enough {
			self.left -= bytes;
		}
		enough
	}
}

/// Answers the peers that probe, until the network stops.
pub fn serve(network: &Network) -> Result<(), NetworkError> {
	let mut incoming = network.accept(PROTOCOL)?;
	let slots = Slots::new(MAX_SERVED.0, MAX_SERVED.1);
	let refusals = Slots::new(MAX_REFUSED.0, MAX_REFUSED.1);
	let allowance = Arc::new(Mutex::new(Allowance::new(Instant::now())));
	tokio::spawn(async move {
		while let Some((peer, stream)) = incoming.next().await {
			let Some(slot) = slots.take(peer) else {
				tracing::debug!(%peer, "too many probes at once, one is refused");
				let Some(refusal) = refusals.take(peer) else {
					continue;
				};
				tokio::spawn(async move {
					Link::new(stream).abort(Reason::Busy).await;
					drop(refusal);
				});
				continue;
			};
			let allowance = allowance.clone();
			tokio::spawn(async move {
				if let Err(error) = attend(Link::new(stream), &allowance).await {
					tracing::debug!(%peer, %error, "a probe ended early");
				}
				drop(slot);
			});
		}
	});
	Ok(())
}

/// Answers one stream, and ends it in time.
async fn attend(mut link: Link, allowance: &Mutex<Allowance>) -> Result<(), LinkError> {
	match timeout(STREAM_TIMEOUT, answer(&mut link, allowance)).await {
		Ok(answered) => answered?,
		Err(_) => {
			link.abort(Reason::Late).await;
			return Err(LinkError::Silent(STREAM_TIMEOUT));
		}
	}
	link.finish().await
}

async fn answer(link: &mut Link, allowance: &Mutex<Allowance>) -> Result<(), LinkError> {
	for _ in 0..MAX_REQUESTS {
		let asked = match link.receive_first(PING_TIMEOUT).await {
			Ok(asked) => asked,
			Err(LinkError::Closed) => break,
			Err(error) => return Err(error),
		};
		let cost = match &asked {
			Frame::Ping { .. } => REQUEST_COST,
			Frame::Pull { bytes, .. } if *bytes <= PULL_BYTES => REQUEST_COST.max((*bytes).into()),
			other => {
				link.abort(Reason::Protocol).await;
				return Err(out_of_turn(other));
			}
		};
		let allowed = allowance
			.lock()
			.unwrap_or_else(PoisonError::into_inner)
			.take(cost, Instant::now());
		if !allowed {
			link.abort(Reason::Busy).await;
			return Err(LinkError::Aborted(Reason::Busy));
		}
		let answer = match asked {
			Frame::Pull { bytes, nonce } => Frame::Chunk(chunk(&nonce, bytes)),
			ping => ping,
		};
		link.send_within(&answer, PULL_TIMEOUT).await?;
	}
	Ok(())
}

/// The bytes that answer a [`Frame::Pull`]: blake3's extendable output of its nonce.
pub fn chunk(nonce: &[u8; 32], bytes: u32) -> Bytes {
	let mut chunk = vec![0; bytes as usize];
	let mut source = blake3::Hasher::new().update(nonce).finalize_xof();
	source.fill(&mut chunk);
	chunk.into()
}

/// Probes a peer; with `transfer`, also how fast bytes come from it. A peer whose answers do not follow from
/// what it was asked is believed nothing: the visit fails.
pub async fn visit(network: &Network, peer: &Peer, transfer: bool) -> Result<Visit, ProbeError> {
	let mut link = Link::new(network.open(peer, PROTOCOL).await?);
	ping(&mut link).await?;
	let mut visit = Visit::default();
	for _ in 0..PINGS {
		sleep(PING_PAUSE).await;
		match ping(&mut link).await {
			Ok(round_trip) => visit.round_trips.push(Some(round_trip)),
			Err(LinkError::Silent(_)) => {
				// Its answer may come yet, in the place of the next one.
				visit.round_trips.push(None);
				return Ok(visit);
			}
			Err(error) if visit.round_trips.is_empty() || is_made_up(&error) => {
				return Err(error.into())
			}
			Err(error) => {
				tracing::debug!(peer = %peer.id, %error, "a visit was cut short");
				return Ok(visit);
			}
		}
	}
	if transfer {
		let quickest = visit.round_trips.iter().flatten().min();
		let quickest = quickest.copied().unwrap_or_default();
		match pull(&mut link, quickest).await {
			Ok(speed) => visit.bytes_per_second = Some(speed),
			Err(LinkError::Aborted(Reason::Busy)) => {
				tracing::debug!(peer = %peer.id, "has no time for a transfer now");
			}
			Err(error) if is_made_up(&error) => return Err(error.into()),
			Err(error) => {
				tracing::debug!(peer = %peer.id, %error, "a transfer was not over in time");
				visit.bytes_per_second = Some(SLOWEST);
			}
		}
	}
	// The peer may have closed first.
	let _ = link.finish().await;
	Ok(visit)
}

/// Whether an answer was none to what was asked.
fn is_made_up(error: &LinkError) -> bool {
	matches!(error, LinkError::OutOfTurn(_) | LinkError::Malformed(_))
}

async fn ping(link: &mut Link) -> Result<Duration, LinkError> {
	let [a, b, c, d, e, f, g, h, ..] = random_bytes();
	let number = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
	let sent = Instant::now();
	link.send_within(&Frame::Ping { number }, PING_TIMEOUT)
		.await?;
	match link.receive_first(PING_TIMEOUT).await? {
		Frame::Ping { number: answered } if answered == number => Ok(sent.elapsed()),
		other => Err(out_of_turn(&other)),
	}
}

/// Bytes a second, without the way of the request and of the first byte.
async fn pull(link: &mut Link, round_trip: Duration) -> Result<u64, LinkError> {
	let (bytes, nonce) = (PULL_BYTES, random_bytes());
	let expected = Frame::Chunk(chunk(&nonce, bytes));
	let sent = Instant::now();
	link.send_within(&Frame::Pull { bytes, nonce }, PING_TIMEOUT)
		.await?;
	let answer = link.receive(PULL_TIMEOUT).await?;
	let elapsed = sent.elapsed();
	if answer != expected {
		return Err(out_of_turn(&answer));
	}
	// Where the round trip is most of the time, its own changes would be taken for bandwidth.
	let transfer = elapsed.saturating_sub(round_trip).max(elapsed / 4);
	let micros = u64::try_from(transfer.as_micros()).unwrap_or(u64::MAX);
	Ok(u64::from(PULL_BYTES) * 1_000_000 / micros.max(1))
}
