//! How likely the tokens of a reply were.

use crate::{checkpoints, Model};
use dllm_model::entry::{Entry, Generation, Likelihood, ReplyLimits, SamplingParams};
use serde_json::{json, Value};

const VOCAB: usize = 4096;

fn generation(entry: &Entry, likeliest: Option<usize>) -> Generation {
	let limits = ReplyLimits {
		max_tokens: 64,
		sampling: SamplingParams {
			temperature_milli: 300,
			top_p_milli: 500,
			seed: 1,
		},
		stop: Vec::new(),
		likeliest,
	};
	let prompt = entry.tokenizer.encode("Once upon a time").unwrap();
	Generation::new(entry.tokenizer.clone(), &prompt, limits).unwrap()
}

/// What is told of one token that is chosen by these logits.
fn told(entry: &Entry, likeliest: usize, logits: &[f32]) -> (u32, Likelihood) {
	let step = generation(entry, Some(likeliest)).next(logits).unwrap();
	(step.token, step.likelihood.unwrap())
}

#[test]
fn they_are_the_models_own_before_temperature_and_nucleus() {
	let model = Model::named("tiny-chat-nano");
	let entry = model.entry();
	let mut logits = vec![-30.0; VOCAB];
	(logits[100], logits[200], logits[300]) = (2.0, 1.0, 1.0);
	let (token, likelihood) = told(&entry, 4, &logits);
	// At this temperature and nucleus nothing else can be chosen, yet it had 58 % only.
	assert_eq!(token, 100);
	let whole = 1.0 + 2.0 * (-1f64).exp();
	assert!((likelihood.chosen.logprob + whole.ln()).abs() < 1e-9);
	let tokens = likelihood.likeliest.iter().map(|likely| likely.token);
	// The lower id first among equals.
	assert_eq!(tokens.collect::<Vec<_>>(), [100, 200, 300, 0]);
	assert_eq!(likelihood.likeliest[0], likelihood.chosen);
}

#[test]
fn the_probabilities_of_all_tokens_are_one() {
	let model = Model::named("tiny-chat-nano");
	let entry = model.entry();
	let rows = model.rows(1);
	let logits = entry.head.logits(&rows).unwrap();
	let (_, likelihood) = told(&entry, logits.len() + 1, &logits);
	assert_eq!(likelihood.likeliest.len(), logits.len());
	let sum = likelihood.likeliest.iter().map(|one| one.logprob.exp());
	assert!((sum.sum::<f64>() - 1.0).abs() < 1e-9);
	let falling = likelihood
		.likeliest
		.is_sorted_by(|a, b| a.logprob >= b.logprob);
	assert!(falling);
	assert!(told(&entry, 0, &logits).1.likeliest.is_empty());
}

/// The reply that says a text token by token, and what is told of its tokens.
fn saying(entry: &Entry, text: &str) -> (String, Vec<Likelihood>) {
	let tokens = entry.tokenizer.encode(text).unwrap();
	let mut generation = generation(entry, Some(1));
	let (mut said, mut told) = (String::new(), Vec::new());
	for token in tokens {
		let mut logits = vec![0.0; entry.head.vocab()];
		logits[token as usize] = 99.0;
		let step = generation.next(&logits).unwrap();
		said += &step.text;
		told.extend(step.likelihood);
	}
	(said, told)
}

/// Asserts that a model's tokens tell the bytes of what it says; gives how they read one by one.
fn check_bytes(entry: &Entry, text: &str) -> Vec<String> {
	let (said, told) = saying(entry, text);
	assert_eq!(said, text);
	let bytes = told.iter().flat_map(|one| one.chosen.bytes.clone());
	assert_eq!(bytes.collect::<Vec<_>>(), said.as_bytes(), "{text}");
	let known = |one: &Likelihood| !one.chosen.bytes.is_empty() && one.likeliest[0] == one.chosen;
	assert!(told.iter().all(known), "{told:?}");
	let texts = told.iter().map(|one| one.chosen.text().into_owned());
	texts.collect()
}

#[test]
fn the_bytes_of_the_tokens_make_the_reply() {
	let model = Model::named("tiny-chat-nano");
	let entry = model.entry();
	let text = " there was a fox, and it said: hello!";
	assert_eq!(check_bytes(&entry, text).concat(), text);
	for text in [
		" é",
		" a café",
		" 5 €",
		" 😀",
		" 😀é€!",
		"\u{7f}\u{a0}\u{ad}\n\t",
	] {
		check_bytes(&entry, text);
	}
	// No token of this model has more than a byte of it.
	assert_eq!(check_bytes(&entry, "😀"), ["\u{FFFD}"; 4]);
}

#[test]
fn so_they_do_where_a_vocabulary_falls_back_to_bytes() {
	let guard = tempfile::tempdir().unwrap();
	let folder = checkpoints::copy("fixture-linear", guard.path());
	let file = folder.join("tokenizer.json");
	let old: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
	let added = old["added_tokens"].as_array().unwrap();
	let added_ids = added.iter().map(|one| one["id"].as_u64().unwrap());
	let added_ids = added_ids.collect::<Vec<_>>();
	let mut spelled = (0..=255u8).map(|byte| format!("<0x{byte:02X}>"));
	let free = (0..272).filter(|id| !added_ids.contains(id));
	let mut vocab = free
		.map_while(|id| Some((spelled.next()?, json!(id))))
		.collect::<serde_json::Map<_, _>>();
	assert_eq!(vocab.len(), 256);
	for one in added {
		vocab.insert(one["content"].as_str().unwrap().into(), one["id"].clone());
	}
	// Two characters that have tokens of their own, as most have in such vocabularies.
	for (byte, text) in [("<0x41>", "\u{2581}"), ("<0x42>", "é")] {
		let id = vocab.remove(byte).unwrap();
		vocab.insert(text.into(), id);
	}
	let changes = json!({
		"normalizer": { "type": "Replace", "pattern": { "String": " " }, "content": "\u{2581}" },
		"pre_tokenizer": null,
		"post_processor": null,
		"decoder": { "type": "Sequence", "decoders": [
			{ "type": "Replace", "pattern": { "String": "\u{2581}" }, "content": " " },
			{ "type": "ByteFallback" },
			{ "type": "Fuse" },
		] },
		"model": { "type": "BPE", "byte_fallback": true, "vocab": vocab, "merges": [] },
	});
	checkpoints::edit_json(&file, changes);
	let entry = Model::split(&folder).entry();
	let texts = check_bytes(&entry, "é 😀€");
	assert_eq!(texts[..2], ["é", " "]);
	assert_eq!(texts[2..], ["\u{FFFD}"; 7]);
}

#[test]
fn nothing_is_told_where_nothing_is_asked() {
	let model = Model::named("tiny-chat-nano");
	let entry = model.entry();
	let step = generation(&entry, None).next(&vec![0.0; VOCAB]).unwrap();
	assert_eq!(step.likelihood, None);
}
