//! A stream to a worker: over the network, or within this process where one worker holds two places of
//! a ring (libp2p does not dial itself).

use crate::metrics::{metrics, Direction};
use futures::io::{AsyncRead, AsyncWrite};
use libp2p::swarm::ConnectionId;
use std::{
	io,
	pin::Pin,
	task::{Context, Poll},
};
use tokio::io::{AsyncRead as _, AsyncWrite as _, DuplexStream, ReadBuf};

/// Bytes that a stream within the process holds: the initial window of a network stream.
const LOCAL_WINDOW: usize = 256 << 10;

/// A stream of bytes in both directions.
#[derive(Debug)]
pub enum Stream {
	/// To another worker, over a connection.
	Remote(libp2p::Stream, ConnectionId),
	/// To this worker.
	Local(DuplexStream),
}

impl Stream {
	/// Both ends of a stream within this process.
	pub fn pair() -> (Self, Self) {
		let (one, other) = tokio::io::duplex(LOCAL_WINDOW);
		(Self::Local(one), Self::Local(other))
	}

	/// The connection that it goes over; none within this process.
	pub(super) fn connection(&self) -> Option<ConnectionId> {
		match self {
			Self::Remote(_, connection) => Some(*connection),
			Self::Local(_) => None,
		}
	}
}

impl AsyncRead for Stream {
	fn poll_read(
		self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		out: &mut [u8],
	) -> Poll<io::Result<usize>> {
		match self.get_mut() {
			Self::Remote(stream, _) => {
				let read = Pin::new(stream).poll_read(cx, out);
				counted(read, Direction::Received)
			}
			Self::Local(stream) => {
				let mut out = ReadBuf::new(out);
				let read = Pin::new(stream).poll_read(cx, &mut out);
				read.map_ok(|()| out.filled().len())
			}
		}
	}
}

impl AsyncWrite for Stream {
	fn poll_write(
		self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		bytes: &[u8],
	) -> Poll<io::Result<usize>> {
		match self.get_mut() {
			Self::Remote(stream, _) => {
				let written = Pin::new(stream).poll_write(cx, bytes);
				counted(written, Direction::Sent)
			}
			Self::Local(stream) => Pin::new(stream).poll_write(cx, bytes),
		}
	}

	fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		match self.get_mut() {
			Self::Remote(stream, _) => Pin::new(stream).poll_flush(cx),
			Self::Local(stream) => Pin::new(stream).poll_flush(cx),
		}
	}

	fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		match self.get_mut() {
			Self::Remote(stream, _) => Pin::new(stream).poll_close(cx),
			Self::Local(stream) => Pin::new(stream).poll_shutdown(cx),
		}
	}
}

/// Counts what went over the network.
fn counted(moved: Poll<io::Result<usize>>, direction: Direction) -> Poll<io::Result<usize>> {
	if let Poll::Ready(Ok(bytes)) = moved {
		metrics().moved(direction, bytes);
	}
	moved
}
