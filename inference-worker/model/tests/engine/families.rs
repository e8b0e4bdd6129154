//! Every family and variant against the reference framework's outputs, in all float profiles.

use crate::{checkpoints, distance, Model};
use dllm_model::{
	engine::Engine,
	entry::{sample, SamplingParams},
};
use dllm_primitives::model::Profile;
use serde::Deserialize;
use std::{collections::BTreeMap, fs};

/// Distance from the reference that is allowed.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Golden {
	prompts: Vec<Prompt>,
}

#[derive(Deserialize)]
struct Prompt {
	input_ids: Vec<u32>,
	greedy_ids: Vec<u32>,
	/// A layer's output at the last token of the prompt.
	hidden_last_prompt_token: BTreeMap<u16, Vec<f32>>,
	/// Logits at that token.
	logits: Vec<f32>,
}

fn prompts(name: &str) -> Vec<Prompt> {
	let bytes = fs::read(checkpoints::model(name).join("golden.json")).unwrap();
	let golden: Golden = serde_json::from_slice(&bytes).unwrap();
	assert!(golden.prompts.len() >= 3);
	golden.prompts
}

/// Output of the first layers at the last row of a prompt.
fn last_row(model: &Model, layers: u16, tokens: &[u32]) -> Vec<f32> {
	let engine = model.engine(0, layers);
	let rows = model.entry().embedder.embed(tokens).unwrap();
	engine.open(0, tokens.len() as u32).unwrap();
	let output = engine.prefill(0, 0, &rows).unwrap();
	output[output.len() - engine.hidden()..].to_vec()
}

fn check(name: &str) {
	let model = Model::named(name);
	let prompts = prompts(name);
	for prompt in &prompts {
		for (layer, expected) in &prompt.hidden_last_prompt_token {
			let found = last_row(&model, layer + 1, &prompt.input_ids);
			let distance = distance(&found, expected);
			assert!(distance < TOLERANCE, "{name}, layer {layer}: {distance:e}");
		}
		check_reply(name, &model, prompt);
	}
}

fn check_reply(name: &str, model: &Model, prompt: &Prompt) {
	let (entry, engine) = (model.entry(), model.whole());
	let mut position = prompt.input_ids.len() as u32;
	engine
		.open(0, position + prompt.greedy_ids.len() as u32)
		.unwrap();
	let rows = entry.embedder.embed(&prompt.input_ids).unwrap();
	let output = engine.prefill(0, 0, &rows).unwrap();
	let last = &output[output.len() - engine.hidden()..];
	let mut logits = entry.head.logits(last).unwrap();
	let distance = distance(&logits, &prompt.logits);
	assert!(distance < TOLERANCE, "{name}, logits: {distance:e}");
	let mut tokens = Vec::new();
	while tokens.len() < prompt.greedy_ids.len() {
		let token = sample(&logits, &SamplingParams::GREEDY, position).unwrap();
		tokens.push(token);
		let row = entry.embedder.embed(&[token]).unwrap();
		let output = engine.decode(0, position, &row).unwrap();
		logits = entry.head.logits(&output).unwrap();
		position += 1;
	}
	assert_eq!(tokens, prompt.greedy_ids, "{name}");
}

#[test]
fn llama_with_stretched_positions() {
	check("fixture-llama3");
	check("fixture-linear");
}

#[test]
fn mistral_with_a_window_shorter_than_the_prompt() {
	check("fixture-mistral");
	let prompt = &prompts("fixture-mistral")[2];
	let config = Model::named("fixture-mistral").manifest.config;
	assert!(config.window_of(0).unwrap() < prompt.input_ids.len() as u32 / 2);
}

#[test]
fn qwen2_with_biases() {
	check("fixture-qwen2");
}

#[test]
fn qwen3_with_normed_heads() {
	check("fixture-qwen3");
}

/// What each format costs in the logits of random weights, whose sums cancel less kindly than those of
/// trained ones; a wrong scale or a swapped nibble costs more than 1.
#[test]
fn formats_cost_what_they_should() {
	for (profile, most) in [
		(Profile::F16, 2e-3),
		(Profile::Int8, 0.06),
		(Profile::Int4, 0.6),
	] {
		for name in ["fixture-qwen2", "fixture-qwen3", "fixture-mistral"] {
			let model = Model::split_as(&checkpoints::model(name), profile);
			let prompt = &prompts(name)[1];
			let last = last_row(&model, model.layers(), &prompt.input_ids);
			let logits = model.entry().head.logits(&last).unwrap();
			let distance = distance(&logits, &prompt.logits);
			assert!(distance < most, "{profile:?} {name}: {distance:e}");
		}
	}
}
