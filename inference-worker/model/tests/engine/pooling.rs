//! A prompt as one vector.

use crate::{distance, Model};
use dllm_model::{
	engine::{Engine, EngineError},
	entry::{Entry, EntryError},
};
use dllm_primitives::model::Profile;

/// Products with the rows of the output projection, which a tied model shares with its embedding: all of
/// what the head does after the norm.
fn projected(entry: &Entry, vector: &[f32]) -> Vec<f32> {
	let vocab = entry.head.vocab() as u32;
	let table = entry.embedder.embed(&(0..vocab).collect::<Vec<_>>());
	let product = |row: &[f32]| row.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>();
	unit(table.unwrap().chunks(vector.len()).map(product).collect())
}

fn unit(mut values: Vec<f32>) -> Vec<f32> {
	let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
	values.iter_mut().for_each(|value| *value /= length);
	values
}

fn check(profile: Profile, tolerance: f64) {
	let source = crate::checkpoints::model("fixture-tied");
	let model = Model::split_as(&source, profile);
	let (entry, engine) = (model.entry(), model.whole());
	engine.open(0, 16).unwrap();
	let rows = engine.prefill(0, 0, &model.rows(9)).unwrap();
	let hidden = engine.hidden();

	// The norm is that of the head: of one row, both lead to the same logits but for their length.
	let mut pool = entry.head.norm().pool();
	pool.push(&rows[..hidden]).unwrap();
	let vector = pool.finish();
	assert_eq!(vector.len(), hidden);
	let logits = unit(entry.head.logits(&rows[..hidden]).unwrap());
	let apart = distance(&projected(&entry, &vector), &logits);
	assert!(apart < tolerance, "{profile:?}: {apart}");

	// The mean does not depend on how rows arrive, and has the length 1.
	let [mut at_once, mut one_by_one] = [(); 2].map(|()| entry.head.norm().pool());
	at_once.push(&rows).unwrap();
	rows.chunks(hidden)
		.for_each(|row| one_by_one.push(row).unwrap());
	let (at_once, one_by_one) = (at_once.finish(), one_by_one.finish());
	assert_eq!(at_once, one_by_one);
	let length = at_once
		.iter()
		.map(|value| value * value)
		.sum::<f32>()
		.sqrt();
	assert!((length - 1.0).abs() < 1e-5, "{length}");
	assert!(
		distance(&at_once, &vector) > 0.01,
		"the other rows count too"
	);
}

#[test]
fn rows_pass_the_final_norm_and_become_their_mean() {
	check(Profile::F32, 1e-4);
}

#[test]
fn so_they_do_where_the_head_holds_codes() {
	check(Profile::Int8, 0.1);
	check(Profile::Exact, 0.1);
}

#[test]
fn rows_of_another_width_and_broken_ones_are_refused() {
	let entry = Model::named("fixture-tied").entry();
	let mut pool = entry.head.norm().pool();
	assert!(matches!(pool.push(&[0.0; 3]), Err(EntryError::Engine(_))));
	let hidden = entry.head.norm().pool().finish().len();
	pool.push(&vec![0.0; 3 * hidden]).unwrap();
	let mut broken = vec![0.0; 2 * hidden];
	*broken.last_mut().unwrap() = f32::NAN;
	// The second row of this frame is the fifth of the prompt.
	assert!(matches!(
		pool.push(&broken),
		Err(EntryError::Engine(EngineError::NotFinite { row: 4 }))
	));
	let none = entry.head.norm().pool().finish();
	assert!(none.iter().all(|value| *value == 0.0));
}
