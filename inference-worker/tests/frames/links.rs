//! Links cut a stream into frames, however its bytes arrive, and never wait for ever.

use super::{block_on, frames::any_frame, PATIENCE};
use dllm_worker::network::{
	frame::{Frame, FrameError, Reason, MAX_FIRST},
	link::{Link, LinkError},
	Stream,
};
use futures::AsyncWriteExt;
use proptest::{collection::vec, prelude::*};
use std::time::Duration;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn frames_come_out_whole_however_they_were_cut(
		frames in vec(any_frame(), 1..8),
		cuts in vec(1..3000usize, 1..20),
	) {
		let frames = frames.into_iter().filter(|frame| !matches!(frame, Frame::Abort(_))).collect::<Vec<_>>();
		let bytes = frames.iter().flat_map(Frame::encode).collect::<Vec<_>>();
		let received = block_on(async {
			let (mut raw, stream) = Stream::pair();
			let mut link = Link::new(stream);
			let writing = async {
				let mut left = &bytes[..];
				for cut in cuts.iter().cycle() {
					let (now, later) = left.split_at((*cut).min(left.len()));
					raw.write_all(now).await.unwrap();
					raw.flush().await.unwrap();
					tokio::task::yield_now().await;
					left = later;
					if left.is_empty() {
						break;
					}
				}
			};
			let reading = async {
				let mut received = Vec::new();
				for _ in &frames {
					received.push(link.receive(PATIENCE).await.unwrap());
				}
				received
			};
			tokio::join!(writing, reading).1
		});
		prop_assert_eq!(received, frames);
	}

	#[test]
	fn garbage_ends_a_link_and_nothing_else(bytes in vec(any::<u8>(), 5..4000)) {
		let end = block_on(async {
			let (mut raw, stream) = Stream::pair();
			let mut link = Link::new(stream);
			raw.write_all(&bytes).await.unwrap();
			raw.close().await.unwrap();
			loop {
				if let Err(error) = link.receive(PATIENCE).await {
					return error;
				}
			}
		});
		let expected = matches!(
			end,
			LinkError::Malformed(_) | LinkError::Closed | LinkError::Aborted(_)
		);
		prop_assert!(expected, "{end:?}");
	}
}

#[test]
fn silence_ends_a_wait() {
	block_on(async {
		let (_raw, stream) = Stream::pair();
		let within = Duration::from_millis(20);
		let error = Link::new(stream).receive(within).await.unwrap_err();
		assert!(
			matches!(error, LinkError::Silent(waited) if waited == within),
			"{error}"
		);
	});
}

#[test]
fn an_abort_tells_its_reason() {
	block_on(async {
		let (near, far) = Stream::pair();
		Link::new(near).abort(Reason::Busy).await;
		let error = Link::new(far).receive(PATIENCE).await.unwrap_err();
		assert!(matches!(error, LinkError::Aborted(Reason::Busy)), "{error}");
	});
}

#[test]
fn a_peer_that_goes_is_noticed() {
	block_on(async {
		let (near, far) = Stream::pair();
		drop(near);
		let error = Link::new(far).receive(PATIENCE).await.unwrap_err();
		assert!(matches!(error, LinkError::Closed), "{error}");
	});
}

#[test]
fn a_length_without_end_is_refused_at_once() {
	block_on(async {
		let (mut raw, stream) = Stream::pair();
		raw.write_all(&u32::MAX.to_le_bytes()).await.unwrap();
		let error = Link::new(stream).receive(PATIENCE).await.unwrap_err();
		assert!(
			matches!(error, LinkError::Malformed(FrameError::TooLong(_))),
			"{error}"
		);
	});
}

#[test]
fn a_wait_that_is_dropped_loses_nothing() {
	block_on(async {
		let (mut raw, stream) = Stream::pair();
		let mut link = Link::new(stream);
		let bytes = Frame::Close { rows: 9 }.encode();
		let (first, second) = bytes.split_at(3);
		raw.write_all(first).await.unwrap();
		assert!(link.receive(Duration::from_millis(20)).await.is_err());
		raw.write_all(second).await.unwrap();
		assert_eq!(
			link.receive(PATIENCE).await.unwrap(),
			Frame::Close { rows: 9 }
		);
	});
}

#[test]
fn reading_ahead_keeps_frames_in_order() {
	block_on(async {
		let (near, far) = Stream::pair();
		let (mut sender, mut link) = (Link::new(near), Link::new(far));
		for rows in 0..3 {
			sender.send(&Frame::Close { rows }).await.unwrap();
		}
		sender.finish().await.unwrap();
		// Ends with the stream; the frames before it still count.
		assert!(link.read_ahead().await.is_err());
		for rows in 0..3 {
			assert_eq!(link.receive(PATIENCE).await.unwrap(), Frame::Close { rows });
		}
		assert!(matches!(
			link.receive(PATIENCE).await,
			Err(LinkError::Closed)
		));
	});
}

#[test]
fn a_stranger_cannot_begin_with_a_long_frame() {
	block_on(async {
		let (near, far) = Stream::pair();
		let (mut stranger, mut link) = (Link::new(near), Link::new(far));
		let long = Frame::Chunk(vec![0; MAX_FIRST].into());
		stranger.send(&long).await.unwrap();
		let error = link.receive_first(PATIENCE).await.unwrap_err();
		let refused = matches!(error, LinkError::Malformed(FrameError::TooLong(_)));
		assert!(refused, "{error}");
	});
}
