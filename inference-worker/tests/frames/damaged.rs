//! Damaged frames: a campaign of the fuzzer, which `make fuzz` lets run longer.

use dllm_fuzz::Campaign;
use dllm_primitives::{
	commitment::{Opening, Roots},
	hop::{Hop, HopReceipt},
	ids::Digest,
};
use dllm_worker::network::{
	dtype::Dtype,
	frame::{Ask, Frame, Open, Reason, Record, Rows, Side, MAX_FIRST},
};
use std::{collections::HashSet, mem::discriminant};

#[test]
fn damaged_frames_never_panic() {
	let campaign = Campaign {
		name: "frame",
		seeds: sound_frames().iter().map(Frame::encode).collect(),
		words: &[],
		front: Some(100),
		inputs: 100_000,
	};
	let summary = campaign.run(|input| {
		let short = Frame::decode_within(input, MAX_FIRST).map(|_| ());
		match Frame::decode(input) {
			Ok(Some((frame, taken))) => {
				// One frame has one form, so that what is hashed is what was sent.
				assert_eq!(frame.encode(), input[..taken], "{frame:?}");
				format!("{:?} {short:?}", discriminant(&frame))
			}
			Ok(None) => "incomplete".into(),
			Err(error) => error.to_string(),
		}
	});
	// More than the kinds of sound frames: damage is noticed in several ways.
	let kinds = sound_frames()
		.iter()
		.map(discriminant)
		.collect::<HashSet<_>>();
	assert!(summary.outcomes > kinds.len(), "{summary:?}");
}

/// One frame of every kind.
fn sound_frames() -> Vec<Frame> {
	let digest = Digest::from([7; 32]);
	let roots = Roots {
		class: digest,
		weights: digest,
		input: digest,
		output: digest,
		result: digest,
		rows: 9,
	};
	let receipt = HopReceipt {
		hop: Hop {
			job: 5,
			run: digest,
			boundary: 1,
			rows: 9,
			root: digest,
		},
		sender: Some([3; 64]),
		receiver: None,
	};
	let record = |opening, receipt| {
		Frame::Record(Box::new(Record {
			job_key: [1; 32],
			rows: 9,
			width: 64,
			dtype: Dtype::F32,
			opening,
			receipt,
		}))
	};
	vec![
		Frame::Open(Open {
			job: 5,
			boundary: 1,
			job_key: [2; 32],
			rows_ceiling: 100,
			width: 64,
			dtype: Dtype::F16,
		}),
		Frame::Ready,
		Frame::Rows(Rows {
			session: 5,
			position: 0,
			dtype: Dtype::F32,
			count: 2,
			payload: vec![3; 64].into(),
		}),
		Frame::Close { rows: 9 },
		Frame::Signed(Box::new([6; 64])),
		Frame::Abort(Reason::Busy),
		Frame::Ask(Ask {
			job: 5,
			stage: 1,
			side: Side::Output,
		}),
		record(None, Some(receipt)),
		record(
			Some(Opening {
				salt: digest,
				roots,
			}),
			None,
		),
		Frame::Want {
			hash: digest,
			offset: 4096,
		},
		Frame::Have { bytes: 1 << 20 },
		Frame::Chunk(vec![4; 50].into()),
		Frame::Ping { number: 3 },
		Frame::Pull {
			bytes: 1 << 18,
			nonce: [5; 32],
		},
	]
}
