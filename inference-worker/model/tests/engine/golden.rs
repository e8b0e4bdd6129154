//! The repository's models against the outputs of their authors' framework, in `golden.json`.

use crate::{checkpoints, distance, Model};
use dllm_model::{
	engine::Engine,
	entry::{sample, Message, SamplingParams},
};
use serde::Deserialize;
use std::{collections::BTreeMap, fs};

/// Distance from the reference that is allowed.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Golden {
	prompts: Vec<Prompt>,
}

#[derive(Deserialize)]
pub struct Prompt {
	pub messages: Vec<Message>,
	text: String,
	pub input_ids: Vec<u32>,
	pub greedy_ids: Vec<u32>,
	greedy_text: String,
	pub reply: String,
	pub reply_ended: bool,
	top5: Top,
	/// First values of a layer's output at the last token of the prompt.
	pub hidden_last_prompt_token: BTreeMap<u16, Vec<f32>>,
}

#[derive(Deserialize)]
struct Top {
	ids: Vec<usize>,
	values: Vec<f32>,
}

/// The reference outputs of a model.
pub fn prompts(name: &str) -> Vec<Prompt> {
	let bytes = fs::read(checkpoints::model(name).join("golden.json")).unwrap();
	let golden: Golden = serde_json::from_slice(&bytes).unwrap();
	assert!(golden.prompts.len() >= 12);
	golden.prompts
}

#[test]
fn tied_fixture() {
	check("fixture-tied");
}

#[test]
fn untied_fixture() {
	check("fixture-untied");
}

#[test]
fn trained_model() {
	check("tiny-chat-nano");
}

fn check(name: &str) {
	let model = Model::named(name);
	let prompts = prompts(name);
	check_tokens(&model, &prompts);
	check_hidden_rows(&model, &prompts);
	check_replies(&model, &prompts);
}

fn check_tokens(model: &Model, prompts: &[Prompt]) {
	let tokenizer = model.entry().tokenizer;
	for prompt in prompts {
		assert_eq!(tokenizer.render(&prompt.messages).unwrap(), prompt.text);
		assert_eq!(
			tokenizer.prompt(&prompt.messages).unwrap(),
			prompt.input_ids
		);
		assert_eq!(
			tokenizer.decode(&prompt.greedy_ids).unwrap(),
			prompt.greedy_text
		);
	}
}

fn check_hidden_rows(model: &Model, prompts: &[Prompt]) {
	let entry = model.entry();
	let layers = prompts[0].hidden_last_prompt_token.keys();
	for layer in layers {
		let engine = model.engine(0, layer + 1);
		for (session, prompt) in (0..).zip(prompts) {
			let count = prompt.input_ids.len() as u32;
			engine.open(session, count).unwrap();
			let rows = entry.embedder.embed(&prompt.input_ids).unwrap();
			let output = engine.prefill(session, 0, &rows).unwrap();
			let last = output.chunks(engine.hidden()).next_back().unwrap();
			let expected = &prompt.hidden_last_prompt_token[layer];
			let distance = distance(&last[..expected.len()], expected);
			assert!(
				distance < TOLERANCE,
				"layer {layer}, {:?}: {distance:e}",
				prompt.text
			);
			assert!(engine.close(session));
		}
	}
}

fn check_replies(model: &Model, prompts: &[Prompt]) {
	let entry = model.entry();
	let engine = model.whole();
	for (session, prompt) in (0..).zip(prompts) {
		let mut position = prompt.input_ids.len() as u32;
		engine
			.open(session, position + prompt.greedy_ids.len() as u32)
			.unwrap();
		let rows = entry.embedder.embed(&prompt.input_ids).unwrap();
		let output = engine.prefill(session, 0, &rows).unwrap();
		let mut logits = entry
			.head
			.logits(output.chunks(engine.hidden()).next_back().unwrap())
			.unwrap();
		let top = prompt
			.top5
			.ids
			.iter()
			.map(|id| logits[*id])
			.collect::<Vec<_>>();
		let distance = distance(&top, &prompt.top5.values);
		assert!(distance < TOLERANCE, "{:?}: {distance:e}", prompt.text);

		let mut tokens = Vec::new();
		while tokens.len() < prompt.greedy_ids.len() {
			let token = sample(&logits, &SamplingParams::GREEDY, position).unwrap();
			tokens.push(token);
			let row = entry.embedder.embed(&[token]).unwrap();
			logits = entry
				.head
				.logits(&engine.decode(session, position, &row).unwrap())
				.unwrap();
			position += 1;
		}
		assert_eq!(tokens, prompt.greedy_ids, "{:?}", prompt.text);
		assert!(engine.close(session));
	}
}
