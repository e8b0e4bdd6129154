//! The promise of the profile: the same rows give the same bytes, however and wherever they run.

use crate::{
	bits,
	checkpoints::{make, Shape},
	rules, send, standard, Model,
};
use dllm_model::{
	engine::{Engine, OrtEngine, EXACT_CLASS, THREADS_VARIABLE},
	entry::Entry,
	manifest::digest_of,
	numerics::Numerics,
};
use dllm_primitives::model::Profile;
use std::{env, process::Command};
use tempfile::tempdir;

/// Longer than one chunk, with a remainder of one row.
const ROWS: u32 = 257;
/// Set in the processes that this test starts.
const CHILD: &str = "DLLM_TEST_EXACT_CHILD";

#[test]
fn decode_and_every_chunking_agree() {
	for name in ["fixture-untied", "tiny-chat-nano"] {
		let model = Model::named(name);
		let rows = model.rows(ROWS);
		let engine = model.whole();
		let whole = send(&engine, &rows, &[ROWS]);
		for pieces in [
			&[][..],
			&[1, 1, 1, 40],
			&[2, 3, 5, 7, 11],
			&[128, 1, 128],
			&[200],
		] {
			assert_eq!(send(&engine, &rows, pieces), whole, "{name}, {pieces:?}");
		}
	}
}

#[test]
fn own_and_standard_operators_agree() {
	for name in ["fixture-untied", "fixture-tied", "tiny-chat-nano"] {
		let model = Model::named(name);
		let rows = model.rows(ROWS);
		let own = send(&model.whole(), &rows, &[ROWS]);
		let plain = Numerics {
			optimise: false,
			..standard()
		};
		for numerics in [standard(), plain] {
			let engine = model.whole_as(&numerics);
			assert!(
				send(&engine, &rows, &[ROWS]) == own,
				"{name}, optimised {}",
				numerics.optimise
			);
			let rest = [100, 1, 1, 1, 150];
			assert!(send(&engine, &rows, &rest) == own, "{name} in pieces");
		}
		let plain = Numerics {
			optimise: false,
			..rules()
		};
		assert!(
			send(&model.whole_as(&plain), &rows, &[ROWS]) == own,
			"{name}, own, plain"
		);
	}
}

#[test]
fn shapes_of_every_kind_agree() {
	let plain = Shape {
		hidden: 48,
		intermediate: 80,
		layers: 2,
		heads: 6,
		kv_heads: 3,
		head_dim: 16,
		vocab: 4096,
	};
	let shapes = [
		plain,
		Shape {
			head_dim: 48,
			..plain
		},
		Shape {
			kv_heads: 6,
			..plain
		},
		Shape {
			kv_heads: 1,
			hidden: 320,
			..plain
		},
	];
	for shape in shapes {
		let folder = tempdir().unwrap();
		let model = Model::split(&make(shape, folder.path()), Profile::Exact);
		let rows = model.rows(70);
		let own = send(&model.whole(), &rows, &[70]);
		assert!(
			send(&model.whole(), &rows, &[3, 40]) == own,
			"{} wide",
			shape.hidden
		);
		let standard = send(&model.whole_as(&standard()), &rows, &[9, 30]);
		assert!(standard == own, "{} wide, standard", shape.hidden);
	}
}

/// Biases, norms of heads, windows and stretched angles.
#[test]
fn families_agree() {
	for family in ["llama3", "linear", "mistral", "qwen2", "qwen3"] {
		let model = Model::named(&format!("fixture-{family}"));
		let rows = model.rows(40);
		let own = send(&model.whole(), &rows, &[40]);
		assert!(send(&model.whole(), &rows, &[3, 20]) == own, "{family}");
		let standard = send(&model.whole_as(&standard()), &rows, &[9, 30]);
		assert!(standard == own, "{family}, standard");
	}
}

#[test]
fn one_fused_session_and_single_layers_agree() {
	let model = Model::named("tiny-chat-nano");
	let rows = model.rows(ROWS);
	let whole = send(&model.whole(), &rows, &[ROWS]);
	let mut single = rows;
	for layer in 0..model.layers() {
		let output = send(&model.engine(layer, layer + 1), &single, &[64, 1]);
		single = output.into_iter().map(f32::from_bits).collect();
	}
	assert_eq!(bits(&single), whole);
}

#[test]
fn rollback_leaves_no_trace() {
	let model = Model::named("tiny-chat-nano");
	let engine = model.whole();
	let width = engine.hidden();
	let rows = model.rows(60);
	let whole = send(&engine, &rows, &[60]);
	engine.open(0, 60).unwrap();
	engine.prefill(0, 0, &rows[..30 * width]).unwrap();
	let noise = rows.iter().map(|value| 0.5 - value).collect::<Vec<_>>();
	engine.prefill(0, 30, &noise[..30 * width]).unwrap();
	engine.rollback(0, 30).unwrap();
	let rest = engine.prefill(0, 30, &rows[30 * width..]).unwrap();
	assert_eq!(bits(&rest), whole[30 * width..]);
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
fn the_class_names_neither_library_nor_form() {
	let model = Model::named("fixture-tied");
	let own = model.whole().profile_id();
	assert_eq!(own.0, EXACT_CLASS, "it is the class of every machine");
	assert_eq!(model.whole_as(&standard()).profile_id(), own);
	let float = Model::split(&crate::checkpoints::model("fixture-tied"), Profile::F32);
	assert_ne!(float.whole().profile_id(), own);
}

/// The reply of the process that [`threads_and_vector_units_do_not_matter`] starts.
#[test]
fn child() {
	if env::var_os(CHILD).is_some() {
		println!("digest {}", digest(&Model::named("tiny-chat-nano")));
	}
}

#[test]
fn threads_do_not_matter() {
	let here = digest(&Model::named("tiny-chat-nano"));
	for threads in ["1", "2", "3"] {
		let output = Command::new(env::current_exe().unwrap())
			.args(["bytes::child", "--exact", "--nocapture"])
			.env(CHILD, "1")
			.env(THREADS_VARIABLE, threads)
			.output()
			.unwrap();
		let text = String::from_utf8(output.stdout).unwrap();
		assert!(
			text.contains(&format!("digest {here}")),
			"{threads} threads: {text}"
		);
	}
}

/// Class, rows and logits of a model in one digest.
fn digest(model: &Model) -> String {
	let engine: OrtEngine = model.whole();
	let output = send(&engine, &model.rows(ROWS), &[ROWS]);
	let rows = output
		.iter()
		.map(|bits| f32::from_bits(*bits))
		.collect::<Vec<_>>();
	let Entry { head, .. } = model.entry();
	let logits = head.logits(&rows[..9 * engine.hidden()]).unwrap();
	let logits = bits(&logits);
	let bytes = output.iter().chain(&logits);
	let bytes = bytes.flat_map(|bits| bits.to_le_bytes());
	format!(
		"{:?} {:?}",
		engine.profile_id(),
		digest_of(&bytes.collect::<Vec<_>>())
	)
}
