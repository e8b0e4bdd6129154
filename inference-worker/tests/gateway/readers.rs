//! Who does not take what is answered, or sends on all the same.

use crate::market::{error_of, text, Lab, SOON};
use axum::{body::Body, http::StatusCode, routing::get, Router};
use dllm_worker::gateway::{
	answer::MAX_BODY, patience::Patient, server::converse, unread::MOST, Options,
};
use futures::stream;
use serde_json::json;
use std::{convert::Infallible, time::Duration};
use tokio::{
	io::{duplex, AsyncReadExt, AsyncWriteExt, DuplexStream},
	sync::watch,
	task::JoinHandle,
	time::{sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(1);
const PIECE: usize = 1024;

/// A client that has asked for an answer without an end, and the connection on the gateway's side.
async fn endless() -> (DuplexStream, JoinHandle<()>, watch::Sender<bool>) {
	let pieces = || stream::repeat_with(|| Ok::<_, Infallible>(vec![b'x'; PIECE]));
	let router = Router::new().route("/", get(move || async move { Body::from_stream(pieces()) }));
	let (mut client, server) = duplex(PIECE);
	let (close, closing) = watch::channel(false);
	let connection = tokio::spawn(converse(Patient::new(server, PATIENCE), router, closing));
	let request = b"GET / HTTP/1.1\r\nhost: gateway\r\n\r\n";
	client.write_all(request).await.unwrap();
	(client, connection, close)
}

#[tokio::test]
async fn who_takes_nothing_is_cut_off() {
	let (client, connection, _close) = endless().await;
	timeout(SOON, connection).await.unwrap().unwrap();
	drop(client);
}

#[tokio::test]
async fn who_reads_slowly_is_waited_for() {
	let (mut client, connection, _close) = endless().await;
	let mut taken = [0; PIECE];
	// More than twice the patience in all, an eighth of it between two reads.
	for _ in 0..20 {
		sleep(PATIENCE / 8).await;
		assert!(client.read(&mut taken).await.unwrap() > 0);
	}
	assert!(!connection.is_finished());
	connection.abort();
}

#[tokio::test]
async fn a_reply_keeps_its_place_until_it_is_taken() {
	let lab = Lab::with(Options {
		running: 1,
		waiting: 0,
		..Default::default()
	});
	let untaken = lab.chat(&lab.key, json!({ "stream": true })).await;
	// Nothing runs any more, but what was said waits in memory.
	lab.settled(1).await;
	let refused = lab.chat(&lab.key, json!({ "stream": true })).await;
	let error = error_of(refused, StatusCode::TOO_MANY_REQUESTS).await;
	assert_eq!(error["code"], "queue_full");
	assert!(text(untaken).await.contains("[DONE]"));
	let next = lab.chat(&lab.key, json!({ "stream": true })).await;
	assert_eq!(next.status(), StatusCode::OK);
	// Who hangs up gives the place back too.
	drop(next);
	lab.settled(1).await;
	assert_eq!(lab.chat(&lab.key, json!({})).await.status(), StatusCode::OK);
}

/// A client that sends all of a body of `bytes` before it reads, and what it hears then.
async fn hears_after_sending(bytes: usize) -> std::io::Result<String> {
	let lab = Lab::new();
	let (mut client, server) = duplex(1 << 16);
	let (_close, closing) = watch::channel(false);
	tokio::spawn(converse(server, lab.router.clone(), closing));
	let key = &lab.key;
	let head = format!(
		"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n\
		 connection: close\r\ncontent-length: {bytes}\r\n\r\n"
	);
	client.write_all(head.as_bytes()).await?;
	client.write_all(&vec![b' '; bytes]).await?;
	let mut heard = String::new();
	client.read_to_string(&mut heard).await?;
	Ok(heard)
}

#[tokio::test]
async fn who_sends_too_much_hears_so_after_it_has_sent_all() {
	let heard = timeout(SOON, hears_after_sending(2 * MAX_BODY))
		.await
		.unwrap();
	assert!(heard.unwrap().starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn who_sends_without_an_end_is_cut_off() {
	let cut_off = timeout(SOON, hears_after_sending(MOST + 2 * MAX_BODY));
	cut_off.await.unwrap().unwrap_err();
}
