//! Frames over a stream, with a limit on every wait and on what is held in memory.
//!
//! Short frames may go over a spare path too ([`super::spare`]). Frames are counted in each direction; the next one
//! is taken from whichever stream brings it first, and what the other one brings of it is dropped, whatever it says,
//! as if it had never come. Both streams are the same peer's, authenticated and in order, so that of two unlike frames
//! of one number the first counts, as if it had come alone. A link goes on while either stream stands, as long as no
//! frame was lost that had no copy.

use super::{
	frame::{Frame, FrameError, Reason, LENGTH_BYTES, MAX_FIRST, MAX_FRAME},
	spare::{copy, length_of, Reader, Second, Spare, MAX_COPY},
	stream::Stream,
};
use crate::metrics::metrics;
use futures::AsyncWriteExt;
use libp2p::swarm::ConnectionId;
use std::{io, time::Duration};
use tokio::{sync::oneshot, time::timeout};

/// Longest wait for a peer to take in one frame of 2 MiB: it covers 1 Mbit/s.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait to say good-bye.
pub(super) const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// One end of a stream of frames.
#[derive(Debug)]
pub struct Link {
	main: Reader<Stream>,
	/// Why nothing more comes over it, while the spare path carries the link.
	lost: Option<LinkError>,
	/// Whether nothing more goes over it: a frame may have been cut.
	cut: bool,
	spare: Spare,
	/// Bytes of frames that are sent over the spare path too, at most.
	copied: usize,
	/// Number of the next frame to be sent.
	sent: u64,
	/// Number of the next frame to be taken, and of the one at the front of what was read: not a later one.
	taken: u64,
	arrived: u64,
}

/// Why no frame came or went.
#[derive(thiserror::Error, Debug)]
pub enum LinkError {
	/// The peer did not answer in time.
	#[error("the peer was silent for {} ms", .0.as_millis())]
	Silent(Duration),
	/// The peer went away.
	#[error("the peer closed the stream")]
	Closed,
	/// The stream broke.
	#[error("the stream broke: {0}")]
	Broken(#[from] io::Error),
	/// The peer sent something that is no frame.
	#[error(transparent)]
	Malformed(#[from] FrameError),
	/// The peer gave up.
	#[error("the peer gave up: {0}")]
	Aborted(Reason),
	/// The frame is none that may come here.
	#[error("the peer sent {0} out of turn")]
	OutOfTurn(&'static str),
}

impl LinkError {
	/// What the other neighbour is told when this link fails.
	pub fn reason(&self) -> Reason {
		match self {
			Self::Silent(_) => Reason::Late,
			Self::Closed | Self::Broken(_) | Self::Aborted(_) => Reason::PeerLost,
			Self::Malformed(_) | Self::OutOfTurn(_) => Reason::Protocol,
		}
	}
}

impl Link {
	/// Speaks frames over a stream.
	pub fn new(stream: Stream) -> Self {
		Self {
			main: Reader::new(stream),
			lost: None,
			cut: false,
			spare: Spare::None,
			copied: 0,
			sent: 0,
			taken: 0,
			arrived: 0,
		}
	}

	/// Sends frames of up to `copied` bytes over a second stream too, once that comes, and takes those that come over
	/// it. Both ends do so, or neither.
	pub fn expect_spare(&mut self, second: oneshot::Receiver<Second>, copied: usize) {
		self.spare = Spare::Awaited(second);
		self.copied = copied.min(MAX_COPY);
	}

	/// The connection that it goes over; none within this process.
	pub fn connection(&self) -> Option<ConnectionId> {
		self.main.stream.connection()
	}

	/// This link's stream, to become the spare path of another link: what was read and not yet taken goes with it.
	pub fn into_second(self) -> Second {
		Second(self.main)
	}

	/// Sends a frame; returns once the transport has it.
	pub async fn send(&mut self, frame: &Frame) -> Result<(), LinkError> {
		self.send_within(frame, SEND_TIMEOUT).await
	}

	/// Sends a frame to a peer that may take that long to take it in.
	pub async fn send_within(&mut self, frame: &Frame, within: Duration) -> Result<(), LinkError> {
		self.write(&[frame.encode()], within).await
	}

	/// Sends two frames as one piece.
	pub async fn send_both(&mut self, first: &Frame, second: &Frame) -> Result<(), LinkError> {
		self.write(&[first.encode(), second.encode()], SEND_TIMEOUT)
			.await
	}

	async fn write(&mut self, frames: &[Vec<u8>], within: Duration) -> Result<(), LinkError> {
		let copies = self.copies(frames);
		self.sent += frames.len() as u64;
		if self.cut {
			let sent = timeout(within, self.spare.send_alone(&copies)).await;
			return match sent {
				Ok(true) if !copies.is_empty() => Ok(()),
				Ok(_) => Err(LinkError::Closed),
				Err(_) => Err(LinkError::Silent(within)),
			};
		}
		let copied = !copies.is_empty() && self.spare.send(&copies);
		let bytes = frames.concat();
		let stream = &mut self.main.stream;
		let sent = async {
			stream.write_all(&bytes).await?;
			stream.flush().await
		};
		let error = match timeout(within, sent).await {
			Ok(Ok(())) => return Ok(()),
			Ok(Err(error)) => LinkError::from(error),
			Err(_) => LinkError::Silent(within),
		};
		self.cut = true;
		match copied {
			true => Ok(()),
			false => Err(error),
		}
	}

	/// Frames as copies, the next of which has the number `sent`; nothing where they are too long for it.
	fn copies(&self, frames: &[Vec<u8>]) -> Vec<u8> {
		let bytes = frames.iter().map(Vec::len).sum::<usize>();
		if bytes > self.copied {
			return Vec::new();
		}
		let numbered = (self.sent..).zip(frames);
		let copies = numbered.map(|(number, frame)| copy(number, frame));
		copies.collect::<Vec<_>>().concat()
	}

	/// The next frame; an abort is an error. A call that is dropped loses nothing.
	pub async fn receive(&mut self, within: Duration) -> Result<Frame, LinkError> {
		let next = timeout(within, self.next(MAX_FRAME)).await;
		next.map_err(|_| LinkError::Silent(within))?
	}

	/// The first frame of a stream that anybody may have opened: it has to be short.
	pub async fn receive_first(&mut self, within: Duration) -> Result<Frame, LinkError> {
		let next = timeout(within, self.next(MAX_FIRST)).await;
		next.map_err(|_| LinkError::Silent(within))?
	}

	/// Waits, as long as the link stands, for the peer to give up; anything else that it sends is out of
	/// turn. A call that is dropped loses nothing.
	pub async fn failure(&mut self) -> LinkError {
		match self.next(MAX_FRAME).await {
			Ok(frame) => out_of_turn(&frame),
			Err(error) => error,
		}
	}

	/// Reads ahead while the caller works, up to one frame; returns when there is nothing to gain.
	/// A call that is dropped loses nothing.
	pub async fn read_ahead(&mut self) -> Result<(), LinkError> {
		while self.lost.is_none() && self.main.buffer.len() < LENGTH_BYTES + MAX_FRAME {
			self.main.fill().await?;
		}
		Ok(())
	}

	/// Tells the peer why this side gives up, and closes.
	pub async fn abort(&mut self, reason: Reason) {
		let bytes = Frame::Abort(reason).encode();
		self.spare.send(&copy(self.sent, &bytes));
		self.sent += 1;
		let farewell = async {
			self.main.stream.write_all(&bytes).await?;
			self.main.stream.close().await
		};
		// The peer may be gone already: then there is nobody to tell.
		let _ = timeout(FAREWELL_TIMEOUT, farewell).await;
		self.spare = Spare::None;
	}

	/// Closes this side after the last frame.
	pub async fn finish(mut self) -> Result<(), LinkError> {
		if self.cut {
			return Ok(());
		}
		match timeout(FAREWELL_TIMEOUT, self.main.stream.close()).await {
			Ok(closed) => Ok(closed?),
			Err(_) => Err(LinkError::Silent(FAREWELL_TIMEOUT)),
		}
	}

	async fn next(&mut self, most: usize) -> Result<Frame, LinkError> {
		loop {
			if let Some(frame) = self.take(most)? {
				self.taken += 1;
				return match frame {
					Frame::Abort(reason) => Err(LinkError::Aborted(reason)),
					frame => Ok(frame),
				};
			}
			self.fill().await?;
		}
	}

	/// The next frame, if it was read from either stream. What came of frames that were taken is dropped.
	fn take(&mut self, most: usize) -> Result<Option<Frame>, LinkError> {
		while self.arrived < self.taken {
			let Some(length) = length_of(&self.main.buffer, MAX_FRAME)? else {
				break;
			};
			self.main.buffer.drain(..length);
			self.arrived += 1;
		}
		if self.arrived == self.taken {
			if let Some((frame, length)) = Frame::decode_within(&self.main.buffer, most)? {
				self.main.buffer.drain(..length);
				self.arrived += 1;
				return Ok(Some(frame));
			}
		}
		let copy = self.spare.take(self.taken, most);
		if copy.is_some() {
			metrics().copies.inc();
		}
		Ok(copy)
	}

	/// Reads once, from whichever stream brings something. A stream never has more than one frame and one reading
	/// in memory.
	async fn fill(&mut self) -> Result<(), LinkError> {
		let next = self.taken;
		if self.lost.is_some() && !self.spare.may_bring(next) {
			return Err(self.lost.take().unwrap_or(LinkError::Closed));
		}
		let read = tokio::select! {
			read = self.main.fill(), if self.lost.is_none() => read,
			() = self.spare.fill(next) => Ok(()),
		};
		match read {
			Err(error) if self.spare.stands() => {
				self.lost = Some(error);
				Ok(())
			}
			read => read,
		}
	}
}

/// The error of a frame that may not come now.
pub fn out_of_turn(frame: &Frame) -> LinkError {
	LinkError::OutOfTurn(match frame {
		Frame::Open(_) => "an opening",
		Frame::Ready => "a readiness",
		Frame::Rows(_) => "rows",
		Frame::Close { .. } => "an end",
		Frame::Abort(reason) => return LinkError::Aborted(*reason),
		Frame::Ask(_) => "a question",
		Frame::Record(_) => "a record",
		Frame::Signed(_) => "a signature",
		Frame::Want { .. } => "a request",
		Frame::Have { .. } => "an offer",
		Frame::Chunk(_) => "a chunk",
		Frame::Ping { .. } => "a ping",
		Frame::Pull { .. } => "a request for bytes",
	})
}
