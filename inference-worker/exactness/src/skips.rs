//! What a worker would send that saves itself a layer: the plainest cheat against which a tolerance has to hold.

use anyhow::Result;
use dllm_model::engine::{Engine, OrtEngine};

const SESSION: u64 = 1;

/// Rows of one prefill through all layers but one, once for each layer.
pub fn skips(layers: &[OrtEngine], input: &[f32]) -> Result<Vec<Vec<f32>>> {
	let mut before = input.to_vec();
	let mut skipped = Vec::new();
	for (at, layer) in layers.iter().enumerate() {
		let mut rows = before.clone();
		for next in &layers[at + 1..] {
			rows = pass(next, &rows)?;
		}
		skipped.push(rows);
		before = pass(layer, &before)?;
	}
	Ok(skipped)
}

/// Rows that leave a layer.
fn pass(layer: &OrtEngine, rows: &[f32]) -> Result<Vec<f32>> {
	layer.open(SESSION, (rows.len() / layer.hidden()) as u32)?;
	let output = layer.prefill(SESSION, 0, rows)?;
	layer.close(SESSION);
	Ok(output)
}
