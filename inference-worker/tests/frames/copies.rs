//! A link takes every frame once, from whichever of its two streams brings it first, and needs only one of them.

use super::{block_on, PATIENCE};
use dllm_worker::network::{
	frame::{Frame, Reason},
	link::{Link, LinkError},
	spare::{Second, MAX_COPY},
	Stream,
};
use futures::{AsyncReadExt, AsyncWriteExt};
use proptest::{collection::vec, prelude::*};
use std::time::Duration;
use tokio::sync::oneshot;

/// Nothing comes: what is there already is found at once.
const AT_ONCE: Duration = Duration::from_millis(50);

/// A link, and the far ends of its two streams.
struct Rig {
	link: Link,
	main: Stream,
	spare: Stream,
}

impl Rig {
	fn new(copied: usize) -> Self {
		let ((main, near), (spare, second)) = (Stream::pair(), Stream::pair());
		let mut link = Link::new(near);
		let (coming, awaited) = oneshot::channel();
		link.expect_spare(awaited, copied);
		coming.send(Second::new(second)).unwrap();
		Self { link, main, spare }
	}

	async fn say(&mut self, frame: &Frame) {
		self.main.write_all(&frame.encode()).await.unwrap();
	}

	async fn say_copy(&mut self, number: u64, frame: &Frame) {
		self.spare.write_all(&copy(number, frame)).await.unwrap();
	}

	async fn hears(&mut self, frame: Frame) {
		assert_eq!(self.link.receive(PATIENCE).await.unwrap(), frame);
	}

	async fn hears_nothing(&mut self) {
		let heard = self.link.receive(AT_ONCE).await;
		assert!(matches!(heard, Err(LinkError::Silent(_))), "{heard:?}");
	}

	async fn ends(&mut self) {
		let heard = self.link.receive(PATIENCE).await;
		assert!(matches!(heard, Err(LinkError::Closed)), "{heard:?}");
	}
}

/// The frames of these tests are told apart by what they say.
fn frame(number: u64) -> Frame {
	Frame::Close {
		rows: number as u32,
	}
}

fn copy(number: u64, frame: &Frame) -> Vec<u8> {
	[&number.to_le_bytes()[..], &frame.encode()].concat()
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	/// Some frames have copies; bytes of both streams come in pieces of any length, in any turn.
	#[test]
	fn every_frame_comes_once_and_in_order(
		copied in vec(any::<bool>(), 1..24),
		pieces in vec((any::<bool>(), 1..60usize), 1..40),
	) {
		let count = copied.len() as u64;
		let main = (0..count).flat_map(|number| frame(number).encode()).collect::<Vec<_>>();
		let copies = (0..count).zip(&copied).filter(|(_, copied)| **copied);
		let spare = copies.flat_map(|(number, _)| copy(number, &frame(number))).collect::<Vec<_>>();
		block_on(async {
			let Rig { mut link, main: mut first, spare: mut second } = Rig::new(MAX_COPY);
			let writing = async {
				let (mut main, mut spare) = (&main[..], &spare[..]);
				for (is_copy, piece) in pieces.iter().cycle() {
					let (stream, left) = match *is_copy || main.is_empty() {
						true => (&mut second, &mut spare),
						false => (&mut first, &mut main),
					};
					let (now, later) = left.split_at((*piece).min(left.len()));
					stream.write_all(now).await.unwrap();
					*left = later;
					tokio::task::yield_now().await;
					// A draw without one of the streams would never end.
					if main.is_empty() || (spare.is_empty() && pieces.iter().all(|(is_copy, _)| *is_copy)) {
						break;
					}
				}
				first.write_all(main).await.unwrap();
				second.write_all(spare).await.unwrap();
			};
			let reading = async {
				for number in 0..count {
					assert_eq!(link.receive(PATIENCE).await.unwrap(), frame(number));
				}
				assert!(matches!(link.receive(Duration::from_millis(5)).await, Err(LinkError::Silent(_))));
			};
			tokio::join!(writing, reading);
		});
	}
}

#[test]
fn either_stream_alone_is_enough() {
	block_on(async {
		let mut rig = Rig::new(MAX_COPY);
		for number in 0..3 {
			rig.say(&frame(number)).await;
			rig.hears(frame(number)).await;
		}
		for number in 3..6 {
			rig.say_copy(number, &frame(number)).await;
			rig.hears(frame(number)).await;
		}
		for number in 6..9 {
			rig.say_copy(number, &frame(number)).await;
		}
		// The other stream catches up: nothing of it is new.
		for number in 3..6 {
			rig.say(&frame(number)).await;
		}
		for number in 6..9 {
			rig.hears(frame(number)).await;
		}
		rig.hears_nothing().await;
	});
}

#[test]
fn what_comes_second_is_dropped_whatever_it_says() {
	block_on(async {
		let mut rig = Rig::new(MAX_COPY);
		rig.say(&frame(0)).await;
		rig.hears(frame(0)).await;
		rig.say_copy(0, &frame(70)).await;
		rig.hears_nothing().await;
		rig.say_copy(1, &frame(1)).await;
		rig.hears(frame(1)).await;
		rig.say(&frame(71)).await;
		// Not even an end, or one that is too long for a copy.
		rig.say_copy(1, &Frame::Abort(Reason::Busy)).await;
		rig.hears_nothing().await;
		rig.say(&frame(2)).await;
		rig.hears(frame(2)).await;
	});
}

#[test]
fn a_copy_that_comes_too_early_waits_for_those_before() {
	block_on(async {
		let mut rig = Rig::new(MAX_COPY);
		for number in [2, 1, 0] {
			rig.say_copy(number, &frame(number)).await;
		}
		rig.hears_nothing().await;
		rig.say(&frame(0)).await;
		rig.hears(frame(0)).await;
		rig.hears_nothing().await;
		rig.say(&frame(1)).await;
		rig.hears(frame(1)).await;
		// Its own copy was first in the queue; the others are late.
		rig.hears(frame(2)).await;
		rig.hears_nothing().await;
	});
}

#[test]
fn nonsense_among_copies_costs_no_more_than_the_copies() {
	let long = Frame::Chunk(vec![0; MAX_COPY].into());
	let wrong = [5u64.to_le_bytes().to_vec(), vec![1, 0, 0, 0, 200]].concat();
	for nonsense in [copy(5, &long), wrong] {
		block_on(async {
			let mut rig = Rig::new(MAX_COPY);
			rig.say_copy(0, &frame(0)).await;
			rig.hears(frame(0)).await;
			rig.spare.write_all(&nonsense).await.unwrap();
			rig.say_copy(6, &frame(6)).await;
			for number in 0..9 {
				rig.say(&frame(number)).await;
			}
			for number in 1..9 {
				rig.hears(frame(number)).await;
			}
		});
	}
}

#[test]
fn a_link_goes_on_while_one_stream_stands() {
	block_on(async {
		let mut rig = Rig::new(MAX_COPY);
		rig.say(&frame(0)).await;
		rig.main.close().await.unwrap();
		rig.say_copy(1, &frame(1)).await;
		for number in 0..2 {
			rig.hears(frame(number)).await;
		}
		rig.hears_nothing().await;
		rig.say_copy(2, &frame(2)).await;
		rig.hears(frame(2)).await;
		rig.spare.close().await.unwrap();
		rig.ends().await;

		let mut rig = Rig::new(MAX_COPY);
		rig.spare.close().await.unwrap();
		rig.say(&frame(0)).await;
		rig.hears(frame(0)).await;
		rig.main.close().await.unwrap();
		rig.ends().await;
	});
}

#[test]
fn a_frame_that_was_lost_without_a_copy_ends_the_link() {
	block_on(async {
		let mut rig = Rig::new(MAX_COPY);
		rig.say(&frame(0)).await;
		rig.main.close().await.unwrap();
		rig.say_copy(2, &frame(2)).await;
		rig.hears(frame(0)).await;
		rig.ends().await;
	});
}

#[test]
fn short_frames_are_sent_twice_and_long_ones_once() {
	let long = Frame::Chunk(vec![1; 200].into());
	block_on(async {
		let mut rig = Rig::new(100);
		rig.link.send(&frame(0)).await.unwrap();
		rig.link.send(&long).await.unwrap();
		rig.link.send_both(&frame(2), &frame(3)).await.unwrap();
		rig.link.abort(Reason::Busy).await;
		let last = Frame::Abort(Reason::Busy);
		let (mut main, mut copies) = (Vec::new(), Vec::new());
		rig.main.read_to_end(&mut main).await.unwrap();
		rig.spare.read_to_end(&mut copies).await.unwrap();
		let sent = [&frame(0), &long, &frame(2), &frame(3), &last];
		assert_eq!(main, sent.map(Frame::encode).concat());
		let copied = [(0, &frame(0)), (2, &frame(2)), (3, &frame(3)), (4, &last)];
		let copied = copied.map(|(number, frame)| copy(number, frame));
		assert_eq!(copies, copied.concat());
	});
}

#[test]
fn a_spare_path_that_takes_nothing_holds_nothing_up() {
	block_on(async {
		let mut rig = Rig::new(MAX_COPY);
		let frame = Frame::Chunk(vec![1; 10 << 10].into());
		let mut far = Link::new(rig.main);
		// Several times what the other stream and its queue hold.
		for _ in 0..200 {
			rig.link.send(&frame).await.unwrap();
			assert_eq!(far.receive(PATIENCE).await.unwrap(), frame);
		}
	});
}

#[test]
fn frames_go_on_over_the_spare_path_once_the_first_stream_takes_none() {
	block_on(async {
		let mut rig = Rig::new(100);
		rig.link.send(&frame(0)).await.unwrap();
		drop(rig.main);
		for number in 1..20 {
			rig.link.send(&frame(number)).await.unwrap();
			tokio::task::yield_now().await;
		}
		let long = Frame::Chunk(vec![1; 200].into());
		assert!(rig.link.send(&long).await.is_err());
		rig.link.finish().await.unwrap();
		let mut copies = Vec::new();
		rig.spare.read_to_end(&mut copies).await.unwrap();
		let sent = (0..20).flat_map(|number| copy(number, &frame(number)));
		assert_eq!(copies, sent.collect::<Vec<_>>());
	});
}
