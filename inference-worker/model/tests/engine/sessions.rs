//! Opening, filling and refusing sessions.

use crate::{bits, Model};
use dllm_model::{
	engine::{Engine, EngineError, OrtEngine},
	manifest::ManifestError,
};
use dllm_primitives::model::LayerRange;
use std::fs;

#[test]
fn memory_is_counted_and_freed() {
	let model = Model::named("fixture-tied");
	let range = LayerRange { start: 1, end: 3 };
	let weights = model.manifest.layers[1..3]
		.iter()
		.map(|file| file.bytes)
		.sum::<u64>();
	// Two layers, keys and values of 2 heads of 16 f32 values; one padding row.
	let session = 2 * 2 * 2 * 16 * 4 * 101;
	let memory = weights + 2 * session + 7;
	let engine = OrtEngine::load(&model.manifest, &model.folder, range, memory).unwrap();
	assert_eq!(engine.range(), range);
	assert_eq!(engine.session_bytes(100), session);
	assert_eq!(engine.memory_left(), 2 * session + 7);
	engine.open(1, 100).unwrap();
	engine.open(2, 100).unwrap();
	assert_eq!(engine.memory_left(), 7);
	match engine.open(3, 100).unwrap_err() {
		error @ EngineError::TooLittleMemory { need, have, .. } => {
			assert_eq!((need, have), (session, 7));
			assert!(error.is_retryable() && !error.is_fatal());
			assert!(error
				.to_string()
				.contains(&format!("needs {session} bytes, 7 are left")));
		}
		error => panic!("{error}"),
	}
	assert!(engine.close(1));
	assert!(!engine.close(1));
	engine.open(3, 100).unwrap();
	assert_eq!(engine.memory_left(), 7);
}

#[test]
fn weights_must_fit() {
	let model = Model::named("fixture-tied");
	let range = LayerRange { start: 0, end: 4 };
	let weights = model
		.manifest
		.layers
		.iter()
		.map(|file| file.bytes)
		.sum::<u64>();
	let load = |memory| OrtEngine::load(&model.manifest, &model.folder, range, memory);
	match load(weights - 1).err() {
		Some(EngineError::TooLittleMemory { need, have, .. }) => {
			assert_eq!((need, have), (weights, weights - 1))
		}
		other => panic!("{other:?}"),
	}
	load(weights).unwrap();
}

#[test]
fn ranges_outside_the_model() {
	let model = Model::named("fixture-untied");
	for (start, end) in [(0, 4), (3, 3), (2, 1), (7, 9)] {
		let range = LayerRange { start, end };
		let error = OrtEngine::load(&model.manifest, &model.folder, range, u64::MAX).err();
		assert!(
			matches!(error, Some(EngineError::RangeOutside { .. })),
			"{error:?}"
		);
	}
}

#[test]
fn corrupt_and_missing_shards() {
	let model = Model::named("fixture-untied");
	let load = |start, end| {
		OrtEngine::load(
			&model.manifest,
			&model.folder,
			LayerRange { start, end },
			u64::MAX,
		)
	};
	let path = model.folder.join("layer-001.onnx");
	let sound = fs::read(&path).unwrap();
	for at in [0, sound.len() / 3, sound.len() - 1] {
		let mut bytes = sound.clone();
		bytes[at] ^= 0x80;
		fs::write(&path, bytes).unwrap();
		let error = load(0, 2).err().unwrap();
		assert!(matches!(
			error,
			EngineError::Manifest(ManifestError::HashMismatch { .. })
		));
		assert!(error.to_string().contains("layer-001.onnx"), "{error}");
		assert!(error.is_retryable());
	}
	fs::remove_file(&path).unwrap();
	let error = load(0, 3).err().unwrap();
	assert!(
		matches!(
			error,
			EngineError::Manifest(ManifestError::MissingFile { .. })
		),
		"{error}"
	);
	// The other layers are still good.
	load(2, 3).unwrap();
	fs::write(&path, sound).unwrap();
	load(0, 3).unwrap();
}

#[test]
fn a_shard_of_another_place_is_refused() {
	let model = Model::named("fixture-untied");
	// A manifest whose owner put the head where a layer should be: its digest is right.
	let mut manifest = model.manifest.clone();
	manifest.layers[1] = manifest.head.clone();
	let range = LayerRange { start: 0, end: 3 };
	assert!(OrtEngine::load(&manifest, &model.folder, range, u64::MAX).is_err());
}

#[test]
fn wrong_calls_are_refused_and_change_nothing() {
	let model = Model::named("fixture-tied");
	let engine = model.whole();
	let width = engine.hidden();
	let rows = model.rows(20);
	let row = &rows[..width];

	assert!(matches!(
		engine.open(1, 0),
		Err(EngineError::ContextTooLong { .. })
	));
	assert!(matches!(
		engine.open(1, 1025),
		Err(EngineError::ContextTooLong { max: 1024, .. })
	));
	assert!(matches!(
		engine.decode(1, 0, row),
		Err(EngineError::UnknownSession(1))
	));
	assert!(matches!(
		engine.rollback(1, 0),
		Err(EngineError::UnknownSession(1))
	));
	engine.open(1, 10).unwrap();
	assert!(matches!(
		engine.open(1, 10),
		Err(EngineError::SessionExists(1))
	));

	engine.prefill(1, 0, &rows[..4 * width]).unwrap();
	for position in [0, 3, 5] {
		let error = engine.decode(1, position, row).unwrap_err();
		assert!(
			matches!(error, EngineError::WrongPosition { expected: 4, .. }),
			"{error}"
		);
	}
	assert!(matches!(
		engine.rollback(1, 5),
		Err(EngineError::WrongPosition { .. })
	));
	for values in [0, width - 1, width + 1] {
		let error = engine.prefill(1, 4, &rows[..values]).unwrap_err();
		assert!(matches!(error, EngineError::WrongWidth { .. }), "{error}");
	}
	assert!(matches!(
		engine.decode(1, 4, &rows[..2 * width]),
		Err(EngineError::WrongWidth { .. })
	));
	let error = engine.prefill(1, 4, &rows[..7 * width]).unwrap_err();
	assert!(
		matches!(
			error,
			EngineError::SessionFull {
				rows: 11,
				max_rows: 10,
				..
			}
		),
		"{error}"
	);
	for bad in [f32::NAN, f32::INFINITY] {
		let mut values = rows[..3 * width].to_vec();
		values[2 * width + 5] = bad;
		let error = engine.prefill(1, 4, &values).unwrap_err();
		assert!(
			matches!(error, EngineError::NotFinite { row: 2 }),
			"{error}"
		);
	}

	let rest = engine.prefill(1, 4, &rows[4 * width..10 * width]).unwrap();
	engine.open(2, 10).unwrap();
	let whole = engine.prefill(2, 0, &rows[..10 * width]).unwrap();
	assert_eq!(bits(&rest), bits(&whole[4 * width..]));
}

#[test]
fn a_session_can_be_filled_to_the_last_row_of_the_context() {
	let model = Model::named("fixture-tied");
	let engine = model.whole();
	let width = engine.hidden();
	let rows = model.rows(1024);
	engine.open(1, 1024).unwrap();
	let whole = engine.prefill(1, 0, &rows).unwrap();
	engine.rollback(1, 1023).unwrap();
	let last = engine.decode(1, 1023, &rows[1023 * width..]).unwrap();
	assert_eq!(bits(&last), bits(&whole[1023 * width..]));
	assert!(last.iter().all(|value| value.is_finite()));
	assert!(matches!(
		engine.decode(1, 1024, &last),
		Err(EngineError::SessionFull { .. })
	));
}
