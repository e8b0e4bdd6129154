//! Frames: every message between workers, as bytes.
//!
//! A frame is a length (`u32`, little-endian, of what follows), a kind (`u8`) and fields of fixed order
//! and width. A decode step is one [`Rows`] frame of [`ROWS_HEADER`] bytes and one row, however long the
//! prompt was. A peer's bytes are never trusted: a length above [`MAX_FRAME`] ends the link before
//! anything is allocated for it, and a frame with a wrong field or a byte too many is an error.
//!
//! Which frames may follow which is left to the protocols.

use super::dtype::Dtype;
use codec::{Decode, Encode};
use dllm_primitives::{
	commitment::Opening,
	hop::{HopReceipt, Signature},
	ids::{Digest, JobId, StageIndex},
};
use libp2p::bytes::Bytes;
use std::fmt;

/// Bytes of rows, or of a shard, in one frame at most: 128 rows of 4096 single-precision values.
pub const MAX_PAYLOAD: usize = 2 << 20;
/// Rows in one frame at most: what an engine executes in one call.
pub const MAX_ROWS: usize = 128;
/// Bytes of the length before every frame.
pub const LENGTH_BYTES: usize = 4;
/// Bytes of a frame, its length not counted, at most: the longest header has fewer than 512.
pub const MAX_FRAME: usize = MAX_PAYLOAD + 512;
/// Bytes of the first frame of a stream at most: until it came, anybody may be at the other end.
pub const MAX_FIRST: usize = 512;
/// Bytes before the rows of a [`Rows`] frame, the length included.
pub const ROWS_HEADER: usize = LENGTH_BYTES + 1 + 8 + 4 + 1 + 2;
/// Version of the ring protocol; others are refused.
pub const VERSION: u8 = 3;

/// A message between workers.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
	/// Opens a link of a job's ring.
	Open(Open),
	/// The receiver of [`Frame::Open`] stands ready for rows.
	Ready,
	/// Rows of consecutive positions.
	Rows(Rows),
	/// No more rows come; all links of a ring close with the same number.
	Close {
		/// Rows that passed.
		rows: u32,
	},
	/// Signs for all rows that crossed the link: its sender before [`Frame::Close`], its receiver in answer. The user
	/// of a sealed job also before all [`Frame::Rows`], and then for these and those before.
	Signed(Box<Signature>),
	/// The sender gives up.
	Abort(Reason),
	/// Asks for what crossed a link of a stage.
	Ask(Ask),
	/// Answers [`Frame::Ask`]; the rows follow.
	Record(Box<Record>),
	/// Asks for a file from a byte on.
	Want {
		/// blake3 of the file.
		hash: Digest,
		/// First byte that is missing.
		offset: u64,
	},
	/// Answers [`Frame::Want`]; the bytes follow.
	Have {
		/// Bytes of the file.
		bytes: u64,
	},
	/// The next bytes of a file, or of an answer to [`Frame::Pull`].
	Chunk(Bytes),
	/// Comes back as it is.
	Ping {
		/// Drawn at random: who did not see the ping cannot answer it.
		number: u64,
	},
	/// Asks for so many bytes of no meaning, to time them.
	Pull {
		/// How many.
		bytes: u32,
		/// Drawn at random: what the bytes are made from.
		nonce: [u8; 32],
	},
}

/// What both ends of a link of the ring have to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
	/// The job; it also names the session.
	pub job: JobId,
	/// The link: boundary `b` leads from stage `b` to the next, the last one back to the entry.
	pub boundary: StageIndex,
	/// Key of the row digests, made by the entry.
	pub job_key: [u8; 32],
	/// Rows at most.
	pub rows_ceiling: u32,
	/// Values in a row.
	pub width: u32,
	/// How values travel.
	pub dtype: Dtype,
}

/// Rows of consecutive positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
	/// The session they belong to.
	pub session: JobId,
	/// Position of the first.
	pub position: u32,
	/// How values travel.
	pub dtype: Dtype,
	/// Number of rows, 1 to [`MAX_ROWS`].
	pub count: u16,
	/// Their values, row after row.
	pub payload: Bytes,
}

/// Asks for the rows of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
	/// The job.
	pub job: JobId,
	/// The stage that was led by the peer.
	pub stage: StageIndex,
	/// Which of its rows.
	pub side: Side,
}

/// One side of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
	/// Rows that it received.
	Input,
	/// Rows that it sent.
	Output,
}

/// What a checker has to know to read the rows that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
	/// Key of the row digests.
	pub job_key: [u8; 32],
	/// Rows that follow.
	pub rows: u32,
	/// Values in a row.
	pub width: u32,
	/// How values travel.
	pub dtype: Dtype,
	/// What the peer committed to; only with the rows that it sent.
	pub opening: Option<Opening>,
	/// What both ends of the hop signed; only with the rows that it received.
	pub receipt: Option<HopReceipt>,
}

/// Why a peer gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
	/// The receiver has no business here.
	Refused,
	/// The job is not expected (yet, or any more).
	NotExpected,
	/// Too much is asked at once.
	Busy,
	/// The next or the previous worker was lost.
	PeerLost,
	/// Something took too long.
	Late,
	/// The model could not be executed.
	Engine,
	/// The receiver broke the protocol.
	Protocol,
	/// There is no such thing.
	NotFound,
	/// The work was called off.
	CalledOff,
}

/// Why bytes are no frame.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
	/// The frame is too long to be taken in.
	#[error("a frame of {0} bytes is longer than any that may come here")]
	TooLong(usize),
	/// The frame ends before its last field.
	#[error("a frame ends too early")]
	TooShort,
	/// Bytes follow the last field.
	#[error("{0} bytes too many in a frame")]
	Trailing(usize),
	/// A field has a value that it cannot have.
	#[error("field {0} of a frame is wrong")]
	WrongField(&'static str),
}

impl fmt::Display for Reason {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Refused => "it refused us",
			Self::NotExpected => "it does not expect this job",
			Self::Busy => "it is busy",
			Self::PeerLost => "it lost its neighbour in the ring",
			Self::Late => "it waited too long",
			Self::Engine => "it could not execute the model",
			Self::Protocol => "it found our messages wrong",
			Self::NotFound => "it does not have this",
			Self::CalledOff => "it was told to stop",
		})
	}
}

mod kind {
	pub const OPEN: u8 = 1;
	pub const READY: u8 = 2;
	pub const ROWS: u8 = 3;
	pub const CLOSE: u8 = 4;
	pub const ABORT: u8 = 5;
	pub const ASK: u8 = 6;
	pub const RECORD: u8 = 7;
	pub const WANT: u8 = 8;
	pub const HAVE: u8 = 9;
	pub const CHUNK: u8 = 10;
	pub const PING: u8 = 11;
	pub const PULL: u8 = 12;
	pub const SIGNED: u8 = 13;
}

const REASONS: [Reason; 9] = [
	Reason::Refused,
	Reason::NotExpected,
	Reason::Busy,
	Reason::PeerLost,
	Reason::Late,
	Reason::Engine,
	Reason::Protocol,
	Reason::NotFound,
	Reason::CalledOff,
];

impl Frame {
	/// The frame as bytes, its length first.
	pub fn encode(&self) -> Vec<u8> {
		let payload = match self {
			Self::Rows(rows) => rows.payload.len(),
			Self::Chunk(bytes) => bytes.len(),
			_ => 0,
		};
		let mut out = Vec::with_capacity(ROWS_HEADER + payload);
		out.extend_from_slice(&[0; LENGTH_BYTES]);
		self.write(&mut out);
		let length = (out.len() - LENGTH_BYTES) as u32;
		out[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
		out
	}

	/// Takes one frame from the front of `bytes`: the frame and the bytes that it took, or `None` while
	/// it is incomplete.
	pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, FrameError> {
		Self::decode_within(bytes, MAX_FRAME)
	}

	/// The same where fewer bytes than [`MAX_FRAME`] are allowed.
	pub fn decode_within(bytes: &[u8], most: usize) -> Result<Option<(Self, usize)>, FrameError> {
		let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
			return Ok(None);
		};
		let length = u32::from_le_bytes(*length) as usize;
		if length > most {
			return Err(FrameError::TooLong(length));
		}
		let Some(body) = rest.get(..length) else {
			return Ok(None);
		};
		let mut fields = Fields(body);
		let frame = Self::read(&mut fields)?;
		match fields.0.len() {
			0 => Ok(Some((frame, LENGTH_BYTES + length))),
			left => Err(FrameError::Trailing(left)),
		}
	}

	fn write(&self, out: &mut Vec<u8>) {
		match self {
			Self::Open(open) => {
				out.extend_from_slice(&[kind::OPEN, VERSION]);
				out.extend_from_slice(&open.job.to_le_bytes());
				out.push(open.boundary);
				out.extend_from_slice(&open.job_key);
				out.extend_from_slice(&open.rows_ceiling.to_le_bytes());
				out.extend_from_slice(&open.width.to_le_bytes());
				out.push(open.dtype.code());
			}
			Self::Ready => out.push(kind::READY),
			Self::Rows(rows) => {
				out.push(kind::ROWS);
				out.extend_from_slice(&rows.session.to_le_bytes());
				out.extend_from_slice(&rows.position.to_le_bytes());
				out.push(rows.dtype.code());
				out.extend_from_slice(&rows.count.to_le_bytes());
				out.extend_from_slice(&rows.payload);
			}
			Self::Close { rows } => {
				out.push(kind::CLOSE);
				out.extend_from_slice(&rows.to_le_bytes());
			}
			Self::Signed(signature) => {
				out.push(kind::SIGNED);
				out.extend_from_slice(&signature[..]);
			}
			Self::Abort(reason) => out.extend_from_slice(&[kind::ABORT, reason.code()]),
			Self::Ask(ask) => {
				out.push(kind::ASK);
				out.extend_from_slice(&ask.job.to_le_bytes());
				out.extend_from_slice(&[ask.stage, u8::from(ask.side == Side::Output)]);
			}
			Self::Record(record) => {
				out.push(kind::RECORD);
				out.extend_from_slice(&record.job_key);
				out.extend_from_slice(&record.rows.to_le_bytes());
				out.extend_from_slice(&record.width.to_le_bytes());
				out.push(record.dtype.code());
				record.opening.encode_to(out);
				record.receipt.encode_to(out);
			}
			Self::Want { hash, offset } => {
				out.push(kind::WANT);
				out.extend_from_slice(hash.as_bytes());
				out.extend_from_slice(&offset.to_le_bytes());
			}
			Self::Have { bytes } => {
				out.push(kind::HAVE);
				out.extend_from_slice(&bytes.to_le_bytes());
			}
			Self::Chunk(bytes) => {
				out.push(kind::CHUNK);
				out.extend_from_slice(bytes);
			}
			Self::Ping { number } => {
				out.push(kind::PING);
				out.extend_from_slice(&number.to_le_bytes());
			}
			Self::Pull { bytes, nonce } => {
				out.push(kind::PULL);
				out.extend_from_slice(&bytes.to_le_bytes());
				out.extend_from_slice(nonce);
			}
		}
	}

	fn read(fields: &mut Fields<'_>) -> Result<Self, FrameError> {
		Ok(match fields.byte()? {
			kind::OPEN => Self::Open(Open::read(fields)?),
			kind::READY => Self::Ready,
			kind::ROWS => Self::Rows(Rows::read(fields)?),
			kind::CLOSE => Self::Close {
				rows: fields.u32()?,
			},
			kind::SIGNED => Self::Signed(Box::new(fields.array()?)),
			kind::ABORT => Self::Abort(Reason::from_code(fields.byte()?)?),
			kind::ASK => Self::Ask(Ask {
				job: fields.u64()?,
				stage: fields.byte()?,
				side: match fields.byte()? {
					0 => Side::Input,
					1 => Side::Output,
					_ => return Err(FrameError::WrongField("side")),
				},
			}),
			kind::RECORD => Self::Record(Box::new(Record {
				job_key: fields.array()?,
				rows: fields.u32()?,
				width: fields.u32()?,
				dtype: fields.dtype()?,
				opening: Option::<Opening>::decode(&mut fields.0)
					.map_err(|_| FrameError::WrongField("opening"))?,
				receipt: Option::<HopReceipt>::decode(&mut fields.0)
					.map_err(|_| FrameError::WrongField("receipt"))?,
			})),
			kind::WANT => Self::Want {
				hash: Digest::from(fields.array()?),
				offset: fields.u64()?,
			},
			kind::HAVE => Self::Have {
				bytes: fields.u64()?,
			},
			kind::CHUNK => Self::Chunk(fields.payload()?),
			kind::PING => Self::Ping {
				number: fields.u64()?,
			},
			kind::PULL => Self::Pull {
				bytes: fields.u32()?,
				nonce: fields.array()?,
			},
			_ => return Err(FrameError::WrongField("kind")),
		})
	}
}

impl Open {
	fn read(fields: &mut Fields<'_>) -> Result<Self, FrameError> {
		if fields.byte()? != VERSION {
			return Err(FrameError::WrongField("version"));
		}
		Ok(Self {
			job: fields.u64()?,
			boundary: fields.byte()?,
			job_key: fields.array()?,
			rows_ceiling: fields.u32()?,
			width: fields.u32()?,
			dtype: fields.dtype()?,
		})
	}
}

impl Rows {
	/// Reads a frame of rows; its payload is a whole number of values for every row.
	fn read(fields: &mut Fields<'_>) -> Result<Self, FrameError> {
		let rows = Self {
			session: fields.u64()?,
			position: fields.u32()?,
			dtype: fields.dtype()?,
			count: u16::from_le_bytes(fields.array()?),
			payload: fields.payload()?,
		};
		let count = usize::from(rows.count);
		if count == 0 || count > MAX_ROWS {
			return Err(FrameError::WrongField("count"));
		}
		let column = count * rows.dtype.bytes();
		if rows.payload.is_empty() || !rows.payload.len().is_multiple_of(column) {
			return Err(FrameError::WrongField("payload"));
		}
		Ok(rows)
	}
}

impl Reason {
	fn code(self) -> u8 {
		REASONS
			.iter()
			.position(|reason| *reason == self)
			.unwrap_or(0) as u8
	}

	fn from_code(code: u8) -> Result<Self, FrameError> {
		REASONS
			.get(usize::from(code))
			.copied()
			.ok_or(FrameError::WrongField("reason"))
	}
}

/// The fields of a frame that have not been read.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
	fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
		let (field, rest) = self
			.0
			.split_first_chunk::<N>()
			.ok_or(FrameError::TooShort)?;
		self.0 = rest;
		Ok(*field)
	}

	fn byte(&mut self) -> Result<u8, FrameError> {
		Ok(self.array::<1>()?[0])
	}

	fn u32(&mut self) -> Result<u32, FrameError> {
		Ok(u32::from_le_bytes(self.array()?))
	}

	fn u64(&mut self) -> Result<u64, FrameError> {
		Ok(u64::from_le_bytes(self.array()?))
	}

	fn dtype(&mut self) -> Result<Dtype, FrameError> {
		Dtype::from_code(self.byte()?).ok_or(FrameError::WrongField("dtype"))
	}

	/// All that is left.
	fn payload(&mut self) -> Result<Bytes, FrameError> {
		if self.0.len() > MAX_PAYLOAD {
			return Err(FrameError::TooLong(self.0.len()));
		}
		Ok(Bytes::copy_from_slice(std::mem::take(&mut self.0)))
	}
}
