//! Frames survive the wire; bytes that are none never do harm.

use dllm_primitives::{
	commitment::{Opening, Roots},
	hop::{Hop, HopReceipt},
	ids::Digest,
};
use dllm_worker::network::{
	dtype::Dtype,
	frame::{
		Ask, Frame, FrameError, Open, Reason, Record, Rows, Side, LENGTH_BYTES, MAX_FRAME,
		MAX_PAYLOAD, MAX_ROWS, ROWS_HEADER,
	},
};
use libp2p::bytes::Bytes;
use proptest::{collection::vec, prelude::*};

pub fn any_frame() -> impl Strategy<Value = Frame> {
	prop_oneof![
		any_open().prop_map(Frame::Open),
		Just(Frame::Ready),
		any_rows().prop_map(Frame::Rows),
		any::<u32>().prop_map(|rows| Frame::Close { rows }),
		any_signature().prop_map(|signed| Frame::Signed(Box::new(signed))),
		any_reason().prop_map(Frame::Abort),
		any_ask().prop_map(Frame::Ask),
		any_record().prop_map(|record| Frame::Record(Box::new(record))),
		(any_digest(), any::<u64>()).prop_map(|(hash, offset)| Frame::Want { hash, offset }),
		any::<u64>().prop_map(|bytes| Frame::Have { bytes }),
		vec(any::<u8>(), 0..2000).prop_map(|bytes| Frame::Chunk(Bytes::from(bytes))),
		any::<u64>().prop_map(|number| Frame::Ping { number }),
		(any::<u32>(), any::<[u8; 32]>()).prop_map(|(bytes, nonce)| Frame::Pull { bytes, nonce }),
	]
}

fn any_signature() -> impl Strategy<Value = [u8; 64]> {
	(any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(one, other)| {
		let mut signature = [0; 64];
		signature[..32].copy_from_slice(&one);
		signature[32..].copy_from_slice(&other);
		signature
	})
}

fn any_receipt() -> impl Strategy<Value = HopReceipt> {
	let hop = (
		any::<u64>(),
		any_digest(),
		any::<u8>(),
		any::<u32>(),
		any_digest(),
	);
	let signatures = (
		proptest::option::of(any_signature()),
		proptest::option::of(any_signature()),
	);
	(hop, signatures).prop_map(|(hop, (sender, receiver))| {
		let (job, run, boundary, rows, root) = hop;
		let hop = Hop {
			job,
			run,
			boundary,
			rows,
			root,
		};
		HopReceipt {
			hop,
			sender,
			receiver,
		}
	})
}

fn any_digest() -> impl Strategy<Value = Digest> {
	any::<[u8; 32]>().prop_map(Digest::from)
}

fn any_dtype() -> impl Strategy<Value = Dtype> {
	prop_oneof![Just(Dtype::F32), Just(Dtype::F16)]
}

fn any_open() -> impl Strategy<Value = Open> {
	let numbers = (any::<u64>(), any::<u8>(), any::<u32>(), any::<u32>());
	(numbers, any::<[u8; 32]>(), any_dtype()).prop_map(|(numbers, job_key, dtype)| {
		let (job, boundary, rows_ceiling, width) = numbers;
		Open {
			job,
			boundary,
			job_key,
			rows_ceiling,
			width,
			dtype,
		}
	})
}

fn any_rows() -> impl Strategy<Value = Rows> {
	let shape = (1..=MAX_ROWS as u16, 1..9usize, any_dtype());
	(any::<u64>(), any::<u32>(), shape, any::<u8>()).prop_map(
		|(session, position, (count, width, dtype), fill)| {
			let payload = vec![fill; usize::from(count) * width * dtype.bytes()].into();
			Rows {
				session,
				position,
				dtype,
				count,
				payload,
			}
		},
	)
}

fn any_reason() -> impl Strategy<Value = Reason> {
	prop_oneof![
		Just(Reason::Refused),
		Just(Reason::NotExpected),
		Just(Reason::Busy),
		Just(Reason::PeerLost),
		Just(Reason::Late),
		Just(Reason::Engine),
		Just(Reason::Protocol),
		Just(Reason::NotFound),
		Just(Reason::CalledOff),
	]
}

fn any_ask() -> impl Strategy<Value = Ask> {
	let side = prop_oneof![Just(Side::Input), Just(Side::Output)];
	(any::<u64>(), any::<u8>(), side).prop_map(|(job, stage, side)| Ask { job, stage, side })
}

fn any_record() -> impl Strategy<Value = Record> {
	let opening = (any::<[[u8; 32]; 6]>(), any::<u32>()).prop_map(|(digests, rows)| {
		let [salt, class, weights, input, output, result] = digests.map(Digest::from);
		Opening {
			salt,
			roots: Roots {
				class,
				weights,
				input,
				output,
				result,
				rows,
			},
		}
	});
	let numbers = (any::<u32>(), any::<u32>());
	(
		any::<[u8; 32]>(),
		numbers,
		any_dtype(),
		proptest::option::of(opening),
		proptest::option::of(any_receipt()),
	)
		.prop_map(|(job_key, (rows, width), dtype, opening, receipt)| Record {
			job_key,
			rows,
			width,
			dtype,
			opening,
			receipt,
		})
}

proptest! {
	#[test]
	fn a_frame_survives_the_wire(frame in any_frame(), rest in vec(any::<u8>(), 0..40)) {
		let mut bytes = frame.encode();
		let length = bytes.len();
		bytes.extend(rest);
		prop_assert_eq!(Frame::decode(&bytes), Ok(Some((frame, length))));
	}

	#[test]
	fn a_frame_that_is_cut_is_waited_for(frame in any_frame(), cut in any::<prop::sample::Index>()) {
		let bytes = frame.encode();
		let part = &bytes[..cut.index(bytes.len())];
		prop_assert_eq!(Frame::decode(part), Ok(None));
	}

	#[test]
	fn any_bytes_are_harmless(bytes in vec(any::<u8>(), 0..600)) {
		if let Ok(Some((frame, taken))) = Frame::decode(&bytes) {
			prop_assert!(taken <= bytes.len());
			// What was understood is what would have been sent.
			prop_assert_eq!(frame.encode(), &bytes[..taken]);
		}
	}

	#[test]
	fn any_body_is_harmless(body in vec(any::<u8>(), 0..600)) {
		let mut bytes = (body.len() as u32).to_le_bytes().to_vec();
		bytes.extend(&body);
		match Frame::decode(&bytes) {
			Ok(Some((frame, taken))) => {
				prop_assert_eq!(taken, bytes.len());
				prop_assert_eq!(frame.encode(), bytes);
			}
			Ok(None) => prop_assert!(false, "a whole frame was not decided"),
			Err(_) => {}
		}
	}

	#[test]
	fn a_flipped_bit_is_seen_or_means_something(
		frame in any_frame(),
		at in any::<prop::sample::Index>(),
		bit in 0..8u8,
	) {
		let mut bytes = frame.encode();
		let at = at.index(bytes.len());
		bytes[at] ^= 1 << bit;
		if let Ok(Some((other, _))) = Frame::decode(&bytes) {
			prop_assert_ne!(other, frame);
		}
	}

	#[test]
	fn a_byte_too_many_is_refused(frame in any_frame(), extra in 1..20usize) {
		// The payload of these takes all that is there.
		prop_assume!(!matches!(frame, Frame::Rows(_) | Frame::Chunk(_)));
		let mut bytes = frame.encode();
		bytes.extend(vec![0; extra]);
		let length = (bytes.len() - LENGTH_BYTES) as u32;
		bytes[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
		prop_assert_eq!(Frame::decode(&bytes), Err(FrameError::Trailing(extra)));
	}

	#[test]
	fn a_step_costs_one_row_however_long_the_prompt_was(position in any::<u32>(), width in 1..5000usize) {
		let payload = Bytes::from(vec![0; width * 4]);
		let rows = Rows { session: 7, position, dtype: Dtype::F32, count: 1, payload };
		prop_assert_eq!(Frame::Rows(rows).encode().len(), ROWS_HEADER + width * 4);
	}
}

#[test]
fn a_long_frame_is_refused_before_it_is_held() {
	for length in [MAX_FRAME as u32 + 1, u32::MAX] {
		let bytes = length.to_le_bytes();
		assert_eq!(
			Frame::decode(&bytes),
			Err(FrameError::TooLong(length as usize))
		);
	}
	assert_eq!(Frame::decode(&(MAX_FRAME as u32).to_le_bytes()), Ok(None));
}

#[test]
fn a_payload_above_the_limit_is_refused() {
	let frame = Frame::Chunk(Bytes::from(vec![0; MAX_PAYLOAD + 1]));
	assert_eq!(
		Frame::decode(&frame.encode()),
		Err(FrameError::TooLong(MAX_PAYLOAD + 1))
	);
	let frame = Frame::Chunk(Bytes::from(vec![0; MAX_PAYLOAD]));
	assert!(matches!(Frame::decode(&frame.encode()), Ok(Some(_))));
}

#[test]
fn rows_must_be_some_and_whole() {
	let rows = |count, bytes: usize| {
		let payload = Bytes::from(vec![0; bytes]);
		let rows = Rows {
			session: 1,
			position: 0,
			dtype: Dtype::F32,
			count,
			payload,
		};
		Frame::decode(&Frame::Rows(rows).encode()).map(|frame| frame.is_some())
	};
	assert_eq!(rows(2, 16), Ok(true));
	assert_eq!(rows(0, 16), Err(FrameError::WrongField("count")));
	assert_eq!(
		rows(MAX_ROWS as u16 + 1, 4 * (MAX_ROWS + 1)),
		Err(FrameError::WrongField("count"))
	);
	assert_eq!(rows(2, 0), Err(FrameError::WrongField("payload")));
	assert_eq!(rows(2, 12), Err(FrameError::WrongField("payload")));
}

#[test]
fn another_version_is_refused() {
	let open = Open {
		job: 1,
		boundary: 0,
		job_key: [0; 32],
		rows_ceiling: 1,
		width: 1,
		dtype: Dtype::F32,
	};
	let mut bytes = Frame::Open(open).encode();
	bytes[LENGTH_BYTES + 1] += 1;
	assert_eq!(
		Frame::decode(&bytes),
		Err(FrameError::WrongField("version"))
	);
}
