//! What a client still sends once it has its answer: read and thrown away for a while. A connection that is closed
//! with bytes unread is reset, and the answer is lost on its way to a client that writes all before it reads (source:
//! RFC 9112, section 9.6).

use axum::{
	body::{Body, BodyDataStream, HttpBody},
	extract::Request,
	middleware::Next,
	response::Response,
};
use futures::{stream, Stream, StreamExt};
use std::{
	pin::Pin,
	sync::{Arc, Mutex, PoisonError},
	task::{Context, Poll},
	time::Duration,
};
use tokio::time::timeout;

/// Bytes that are thrown away at most: who still sends then loses its connection.
pub const MOST: usize = 8 << 20;
/// Longest time for that.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers a request, and hears it out where its body was not read to the end.
pub async fn heard_out(request: Request, next: Next) -> Response {
	let (parts, body) = request.into_parts();
	if body.is_end_stream() {
		return next.run(Request::from_parts(parts, body)).await;
	}
	let body = Shared(Arc::new(Mutex::new(body.into_data_stream())));
	let request = Request::from_parts(parts, Body::from_stream(body.clone()));
	let response = next.run(request).await;
	tokio::spawn(timeout(PATIENCE, discard(body)));
	response
}

/// Reads what is left of a body, up to [`MOST`] bytes.
async fn discard(body: Shared) {
	let mut left = MOST;
	let mut pieces = stream::poll_fn(|context| body.poll(context));
	while let Some(Ok(piece)) = pieces.next().await {
		match left.checked_sub(piece.len()) {
			Some(rest) => left = rest,
			None => return,
		}
	}
}

/// A body that can be read on where its first reader has stopped.
#[derive(Clone)]
struct Shared(Arc<Mutex<BodyDataStream>>);

impl Shared {
	fn poll(&self, context: &mut Context<'_>) -> Poll<Option<<Self as Stream>::Item>> {
		let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
		body.poll_next_unpin(context)
	}
}

impl Stream for Shared {
	type Item = <BodyDataStream as Stream>::Item;

	fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
		self.poll(context)
	}
}
