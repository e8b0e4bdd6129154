//! A connection with an end to its patience: who takes nothing of what is written to it is cut off, so that
//! replies that nobody reads do not stay in memory.

use std::{
	future::Future,
	io::{self, IoSlice},
	pin::Pin,
	task::{Context, Poll},
	time::Duration,
};
use tokio::{
	io::{AsyncRead, AsyncWrite, ReadBuf},
	time::{sleep, Sleep},
};

/// A stream of bytes on which no write waits for ever.
pub struct Patient<S> {
	stream: S,
	patience: Duration,
	/// Runs while the other end takes nothing.
	stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
	/// Fails writes to `stream` with [`io::ErrorKind::TimedOut`] where nothing can be written for `patience`.
	pub fn new(stream: S, patience: Duration) -> Self {
		Self {
			stream,
			patience,
			stalled: None,
		}
	}

	/// What came of a write, or that it has waited for too long.
	fn judge<T>(
		&mut self,
		context: &mut Context<'_>,
		written: Poll<io::Result<T>>,
	) -> Poll<io::Result<T>> {
		if written.is_ready() {
			self.stalled = None;
			return written;
		}
		let patience = self.patience;
		let stalled = self
			.stalled
			.get_or_insert_with(|| Box::pin(sleep(patience)));
		let over = stalled.as_mut().poll(context);
		over.map(|()| Err(io::ErrorKind::TimedOut.into()))
	}
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
	fn poll_read(
		mut self: Pin<&mut Self>,
		context: &mut Context<'_>,
		into: &mut ReadBuf<'_>,
	) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_read(context, into)
	}
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
	fn poll_write(
		mut self: Pin<&mut Self>,
		context: &mut Context<'_>,
		bytes: &[u8],
	) -> Poll<io::Result<usize>> {
		let written = Pin::new(&mut self.stream).poll_write(context, bytes);
		self.judge(context, written)
	}

	fn poll_write_vectored(
		mut self: Pin<&mut Self>,
		context: &mut Context<'_>,
		parts: &[IoSlice<'_>],
	) -> Poll<io::Result<usize>> {
		let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
		self.judge(context, written)
	}

	fn is_write_vectored(&self) -> bool {
		self.stream.is_write_vectored()
	}

	fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_flush(context)
	}

	fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_shutdown(context)
	}
}
