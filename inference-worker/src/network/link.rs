//! Frames over a stream, with a limit on every wait and on what is held in memory.

use super::{
	frame::{Frame, FrameError, Reason, LENGTH_BYTES, MAX_FIRST, MAX_FRAME},
	stream::Stream,
};
use futures::{AsyncReadExt, AsyncWriteExt};
use std::{io, time::Duration};
use tokio::time::timeout;

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;
/// Longest wait for a peer to take in one frame of 2 MiB: it covers 1 Mbit/s.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait to say good-bye.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// One end of a stream of frames.
#[derive(Debug)]
pub struct Link {
	stream: Stream,
	/// Bytes that were read and not yet taken as frames.
	buffer: Vec<u8>,
	/// Where reading left off; kept so that its memory is used again.
	scratch: Box<[u8]>,
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
		let scratch = vec![0; READ_BYTES].into_boxed_slice();
		Self {
			stream,
			buffer: Vec::new(),
			scratch,
		}
	}

	/// Sends a frame; returns once the transport has it.
	pub async fn send(&mut self, frame: &Frame) -> Result<(), LinkError> {
		self.send_within(frame, SEND_TIMEOUT).await
	}

	/// Sends a frame to a peer that may take that long to take it in.
	pub async fn send_within(&mut self, frame: &Frame, within: Duration) -> Result<(), LinkError> {
		self.write(&frame.encode(), within).await
	}

	/// Sends two frames as one piece.
	pub async fn send_both(&mut self, first: &Frame, second: &Frame) -> Result<(), LinkError> {
		let bytes = [first.encode(), second.encode()].concat();
		self.write(&bytes, SEND_TIMEOUT).await
	}

	async fn write(&mut self, bytes: &[u8], within: Duration) -> Result<(), LinkError> {
		let sent = async {
			self.stream.write_all(bytes).await?;
			self.stream.flush().await
		};
		match timeout(within, sent).await {
			Ok(sent) => Ok(sent?),
			Err(_) => Err(LinkError::Silent(within)),
		}
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
		while self.buffer.len() < LENGTH_BYTES + MAX_FRAME {
			self.fill().await?;
		}
		Ok(())
	}

	/// Tells the peer why this side gives up, and closes.
	pub async fn abort(&mut self, reason: Reason) {
		let bytes = Frame::Abort(reason).encode();
		let farewell = async {
			self.stream.write_all(&bytes).await?;
			self.stream.close().await
		};
		// The peer may be gone already: then there is nobody to tell.
		let _ = timeout(FAREWELL_TIMEOUT, farewell).await;
	}

	/// Closes this side after the last frame.
	pub async fn finish(mut self) -> Result<(), LinkError> {
		match timeout(FAREWELL_TIMEOUT, self.stream.close()).await {
			Ok(closed) => Ok(closed?),
			Err(_) => Err(LinkError::Silent(FAREWELL_TIMEOUT)),
		}
	}

	async fn next(&mut self, most: usize) -> Result<Frame, LinkError> {
		loop {
			if let Some((frame, taken)) = Frame::decode_within(&self.buffer, most)? {
				self.buffer.drain(..taken);
				return match frame {
					Frame::Abort(reason) => Err(LinkError::Aborted(reason)),
					frame => Ok(frame),
				};
			}
			self.fill().await?;
		}
	}

	/// Reads once. The buffer never holds more than one frame and one reading.
	async fn fill(&mut self) -> Result<(), LinkError> {
		let read = self.stream.read(&mut self.scratch).await?;
		if read == 0 {
			return Err(LinkError::Closed);
		}
		self.buffer.extend_from_slice(&self.scratch[..read]);
		Ok(())
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
