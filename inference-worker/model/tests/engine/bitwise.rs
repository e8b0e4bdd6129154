//! The promise of the engine: the same rows give the same bytes however they arrive.

use crate::{bits, checkpoints, Model};
use dllm_model::{
	engine::{profile_id, Engine, OrtEngine},
	numerics::{Numerics, CHUNK_ROWS},
};
use dllm_primitives::model::{LayerRange, Profile};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

/// Longer than one chunk, with a remainder of one row.
const ROWS: u32 = 2 * CHUNK_ROWS as u32 + 1;

/// Sends rows in pieces of the given sizes, then the rest one by one.
fn send(engine: &OrtEngine, session: u64, rows: &[f32], pieces: &[u32]) -> Vec<f32> {
	let width = engine.hidden();
	let total = (rows.len() / width) as u32;
	engine.open(session, total).unwrap();
	let (mut position, mut output) = (0, Vec::new());
	let sizes = pieces.iter().copied().chain(std::iter::repeat(1));
	for size in sizes {
		let end = (position + size).min(total);
		if position == end {
			break;
		}
		let part = &rows[position as usize * width..end as usize * width];
		output.extend(match size {
			1 => engine.decode(session, position, part).unwrap(),
			_ => engine.prefill(session, position, part).unwrap(),
		});
		position = end;
	}
	assert!(engine.close(session));
	output
}

fn check_chunkings(name: &str, profile: Profile) {
	let model = Model::split_as(&checkpoints::model(name), profile);
	let rows = model.rows(ROWS);
	let engine = model.whole();
	let whole = bits(&send(&engine, 0, &rows, &[ROWS]));
	for pieces in [
		&[][..],
		&[1, 1, 1, 40],
		&[2, 3, 5, 7, 11],
		&[128, 1, 128],
		&[129],
		&[200],
	] {
		assert_eq!(
			bits(&send(&engine, 1, &rows, pieces)),
			whole,
			"{name}, {profile:?}, {pieces:?}"
		);
	}
	let mut runner = TestRunner::new(ProptestConfig::with_cases(12));
	runner
		.run(&vec(1..60u32, 1..12), |pieces| {
			prop_assert_eq!(bits(&send(&engine, 2, &rows, &pieces)), whole.clone());
			Ok(())
		})
		.unwrap();
}

#[test]
fn decode_and_every_chunking_agree() {
	check_chunkings("fixture-untied", Profile::F32);
	check_chunkings("tiny-chat-nano", Profile::F32);
}

#[test]
fn every_variant_of_attention_agrees_with_itself() {
	check_chunkings("fixture-mistral", Profile::F32);
	check_chunkings("fixture-qwen3", Profile::F32);
	check_chunkings("fixture-qwen2", Profile::Int8);
}

#[test]
fn every_profile_agrees_with_itself() {
	for profile in [Profile::F16, Profile::Int8, Profile::Int4] {
		check_chunkings("tiny-chat-nano", profile);
	}
}

/// The rule of two rows is no superstition: without it, decode and prefill differ. Should this fail
/// after a change of the library, the rule can go.
#[test]
fn single_rows_would_have_other_bits() {
	let model = Model::named("tiny-chat-nano");
	let lone = Numerics {
		least_rows: 1,
		..*Numerics::of(Profile::F32)
	};
	let range = LayerRange {
		start: 0,
		end: model.layers(),
	};
	let engine = OrtEngine::load_as(&model.manifest, &model.folder, range, 1 << 32, &lone).unwrap();
	let rows = model.rows(ROWS);
	let whole = send(&engine, 0, &rows, &[ROWS]);
	assert_ne!(bits(&send(&engine, 1, &rows, &[])), bits(&whole));
}

#[test]
fn profiles_are_classes_of_their_own() {
	let ids = [Profile::F32, Profile::F16, Profile::Int8, Profile::Int4]
		.map(|profile| profile_id(profile).unwrap());
	for (at, id) in ids.iter().enumerate() {
		assert!(!ids[at + 1..].contains(id));
	}
}

#[test]
fn one_fused_session_and_single_layers_agree() {
	for name in ["fixture-tied", "tiny-chat-nano"] {
		let model = Model::named(name);
		let rows = model.rows(ROWS);
		let whole = bits(&send(&model.whole(), 0, &rows, &[ROWS]));
		let single = (0..model.layers()).fold(rows.clone(), |rows, layer| {
			send(&model.engine(layer, layer + 1), 0, &rows, &[64, 1])
		});
		assert_eq!(bits(&single), whole, "{name} in single layers");
		for cut in 1..model.layers() {
			let first = send(&model.engine(0, cut), 0, &rows, &[ROWS]);
			let second = send(&model.engine(cut, model.layers()), 0, &first, &[3]);
			assert_eq!(bits(&second), whole, "{name} cut at {cut}");
		}
	}
}

#[test]
fn rollback_leaves_no_trace() {
	let model = Model::named("tiny-chat-nano");
	let engine = model.whole();
	let width = engine.hidden();
	let rows = model.rows(ROWS);
	let whole = send(&engine, 0, &rows, &[ROWS]);

	engine.open(1, ROWS).unwrap();
	let other = rows
		.iter()
		.map(|value| value * -1.5 + 0.25)
		.collect::<Vec<_>>();
	engine.prefill(1, 0, &rows[..90 * width]).unwrap();
	engine.prefill(1, 90, &other[..60 * width]).unwrap();
	for position in 150..170 {
		engine.decode(1, position, &other[..width]).unwrap();
	}
	engine.rollback(1, 90).unwrap();
	let mut output = engine
		.prefill(1, 90, &rows[90 * width..120 * width])
		.unwrap();
	engine.rollback(1, 118).unwrap();
	output.truncate(28 * width);
	for position in 118..ROWS as usize {
		let row = &rows[position * width..(position + 1) * width];
		output.extend(engine.decode(1, position as u32, row).unwrap());
	}
	assert_eq!(bits(&output), bits(&whole[90 * width..]));

	engine.rollback(1, 0).unwrap();
	assert_eq!(bits(&engine.prefill(1, 0, &rows).unwrap()), bits(&whole));
}

#[test]
fn sessions_do_not_touch_each_other() {
	let model = Model::named("fixture-tied");
	let engine = model.whole();
	let width = engine.hidden();
	let rows = model.rows(40);
	let alone = send(&engine, 0, &rows, &[40]);
	engine.open(1, 40).unwrap();
	engine.open(2, 300).unwrap();
	let mut output = Vec::new();
	for (position, row) in (0..).zip(rows.chunks(width)) {
		output.extend(engine.decode(1, position, row).unwrap());
		let noise = row.iter().map(|value| 3.0 - value).collect::<Vec<_>>();
		engine.decode(2, position, &noise).unwrap();
	}
	assert_eq!(bits(&output), bits(&alone));
}

#[test]
fn logits_do_not_depend_on_company() {
	let model = Model::named("fixture-untied");
	let head = model.entry().head;
	let rows = model.rows(ROWS);
	let width = model.manifest.config.hidden as usize;
	let together = head.logits(&rows).unwrap();
	for (row, expected) in rows.chunks(width).zip(together.chunks(head.vocab())) {
		assert_eq!(bits(&head.logits(row).unwrap()), bits(expected));
	}
}

#[test]
fn engines_of_one_process_are_of_one_class() {
	let model = Model::named("fixture-tied");
	let other = Model::named("tiny-chat-nano");
	let id = model.engine(0, 1).profile_id();
	assert!(!id.is_zero());
	assert_eq!(id, other.whole().profile_id());
}
