//! A spare path: a second stream of a link, over a connection of its own, that brings copies of short frames.
//!
//! A packet that is lost holds up everything behind it on its connection until a timer has it sent again. Packets of
//! another connection do not wait for it, so that a frame sent over both comes in time unless both lose it. Which of
//! the two came first is of no account: a link takes its frames by their numbers, each once ([`super::link`]).
//!
//! A copy is the number of its frame (`u64`, little-endian, counted from the first frame of that direction) and the
//! frame as it is on the first stream. Nothing depends on copies: they may end, or leave frames out.

use super::{
	frame::{Frame, FrameError, LENGTH_BYTES},
	link::{LinkError, FAREWELL_TIMEOUT, SEND_TIMEOUT},
	stream::Stream,
};
use futures::{
	io::{ReadHalf, WriteHalf},
	AsyncRead, AsyncReadExt, AsyncWriteExt,
};
use std::future::pending;
use tokio::{
	sync::{mpsc, oneshot},
	time::timeout,
};

/// Frames as long as this may have copies at most: a row of 8,192 values, and a good deal of a prompt's rows.
pub const MAX_COPY: usize = 32 << 10;
/// Frames of this length have copies where nothing else is said: a row of 4,096 values of two bytes and more.
pub const DEFAULT_COPY: usize = 12 << 10;
/// Bytes of the number before a copy.
const NUMBER_BYTES: usize = 8;
/// Copies that wait for the path to take them; further frames have none.
const WAITING_COPIES: usize = 8;
/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// A stream to read from, and what was read and not yet taken.
#[derive(Debug)]
pub(super) struct Reader<S> {
	pub stream: S,
	pub buffer: Vec<u8>,
	/// Where reading left off; kept so that its memory is used again.
	scratch: Box<[u8]>,
}

impl<S: AsyncRead + Unpin> Reader<S> {
	pub fn new(stream: S) -> Self {
		Self {
			stream,
			buffer: Vec::new(),
			scratch: vec![0; READ_BYTES].into_boxed_slice(),
		}
	}

	/// Reads once. A call that is dropped loses nothing.
	pub async fn fill(&mut self) -> Result<(), LinkError> {
		let read = self.stream.read(&mut self.scratch).await?;
		if read == 0 {
			return Err(LinkError::Closed);
		}
		self.buffer.extend_from_slice(&self.scratch[..read]);
		Ok(())
	}
}

/// A stream that is to become the spare path of a link.
#[derive(Debug)]
pub struct Second(pub(super) Reader<Stream>);

impl Second {
	/// Nothing was read of it.
	pub fn new(stream: Stream) -> Self {
		Self(Reader::new(stream))
	}
}

/// The spare path of a link.
#[derive(Debug)]
pub(super) enum Spare {
	/// There is none, or no more.
	None,
	/// It may come.
	Awaited(oneshot::Receiver<Second>),
	/// It stands.
	Standing(Path),
}

#[derive(Debug)]
pub(super) struct Path {
	reader: Reader<ReadHalf<Stream>>,
	/// Into the task that writes.
	copies: mpsc::Sender<Vec<u8>>,
}

impl Spare {
	/// Whether it stands now.
	pub fn stands(&mut self) -> bool {
		self.look();
		matches!(self, Self::Standing(_))
	}

	/// Lets the path stand if its stream has come meanwhile.
	fn look(&mut self) {
		let Self::Awaited(coming) = self else { return };
		match coming.try_recv() {
			Ok(second) => *self = Self::standing(second),
			Err(oneshot::error::TryRecvError::Empty) => {}
			Err(oneshot::error::TryRecvError::Closed) => *self = Self::None,
		}
	}

	fn standing(Second(reader): Second) -> Self {
		let Reader {
			stream,
			buffer,
			scratch,
		} = reader;
		let (stream, half) = stream.split();
		let (copies, waiting) = mpsc::channel(WAITING_COPIES);
		tokio::spawn(carry(half, waiting));
		Self::Standing(Path {
			reader: Reader {
				stream,
				buffer,
				scratch,
			},
			copies,
		})
	}

	/// Sends copies without waiting; whether the path takes them.
	pub fn send(&mut self, copies: &[u8]) -> bool {
		self.look();
		match self {
			Self::Standing(path) => path.copies.try_send(copies.to_vec()).is_ok(),
			_ => false,
		}
	}

	/// Sends copies of frames that go no other way, and waits until the path takes them; whether it does.
	pub async fn send_alone(&mut self, copies: &[u8]) -> bool {
		match self {
			Self::Standing(path) => path.copies.send(copies.to_vec()).await.is_ok(),
			_ => false,
		}
	}

	/// The copy of frame `number`, if it came; copies of earlier frames are dropped. A path that brings something
	/// else than copies is given up.
	pub fn take(&mut self, number: u64, most: usize) -> Option<Frame> {
		let Self::Standing(path) = self else {
			return None;
		};
		match path.take(number, most.min(MAX_COPY)) {
			Ok(frame) => frame,
			Err(error) => {
				tracing::debug!(%error, "a spare path is given up");
				*self = Self::None;
				None
			}
		}
	}

	/// Whether frame `number` may come over it: the next copy is not of a later one.
	pub fn may_bring(&self, number: u64) -> bool {
		match self {
			Self::Standing(path) => path.next().is_none_or(|next| next <= number),
			_ => false,
		}
	}

	/// Reads once, or waits for the stream; never returns where nothing of use can be read: there is no path, or
	/// frame `number` comes first. A call that is dropped loses nothing.
	pub async fn fill(&mut self, number: u64) {
		let may_bring = self.may_bring(number);
		match self {
			Self::None => pending().await,
			Self::Awaited(coming) => {
				*self = match coming.await {
					Ok(second) => Self::standing(second),
					Err(_) => Self::None,
				}
			}
			// What was read is enough until the other stream has caught up.
			Self::Standing(_) if !may_bring => pending().await,
			Self::Standing(path) => {
				if path.reader.fill().await.is_err() {
					*self = Self::None;
				}
			}
		}
	}
}

impl Path {
	/// Number of the copy that was read first.
	fn next(&self) -> Option<u64> {
		let number = self.reader.buffer.first_chunk::<NUMBER_BYTES>();
		number.map(|number| u64::from_le_bytes(*number))
	}

	fn take(&mut self, number: u64, most: usize) -> Result<Option<Frame>, FrameError> {
		while let Some(next) = self.next().filter(|next| *next <= number) {
			let bytes = &self.reader.buffer[NUMBER_BYTES..];
			let most = if next == number { most } else { MAX_COPY };
			let Some((frame, taken)) = Frame::decode_within(bytes, most)? else {
				break;
			};
			self.reader.buffer.drain(..NUMBER_BYTES + taken);
			if next == number {
				return Ok(Some(frame));
			}
		}
		Ok(None)
	}
}

/// A frame as a copy.
pub(super) fn copy(number: u64, frame: &[u8]) -> Vec<u8> {
	[&number.to_le_bytes(), frame].concat()
}

/// Bytes of the frame that `bytes` begin with, its length included; none while it is incomplete.
pub(super) fn length_of(bytes: &[u8], most: usize) -> Result<Option<usize>, FrameError> {
	let Some(length) = bytes.first_chunk::<LENGTH_BYTES>() else {
		return Ok(None);
	};
	let length = u32::from_le_bytes(*length) as usize;
	if length > most {
		return Err(FrameError::TooLong(length));
	}
	let whole = LENGTH_BYTES + length;
	Ok((bytes.len() >= whole).then_some(whole))
}

/// Writes copies until the link ends, or the path does.
async fn carry(mut half: WriteHalf<Stream>, mut copies: mpsc::Receiver<Vec<u8>>) {
	while let Some(copy) = copies.recv().await {
		let sent = async {
			half.write_all(&copy).await?;
			half.flush().await
		};
		if !matches!(timeout(SEND_TIMEOUT, sent).await, Ok(Ok(()))) {
			return;
		}
	}
	// The peer may be gone already: then there is nobody to tell.
	let _ = timeout(FAREWELL_TIMEOUT, half.close()).await;
}
