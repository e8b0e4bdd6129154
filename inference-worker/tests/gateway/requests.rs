//! What is read of a body.

use dllm_model::entry::Message;
use dllm_worker::gateway::{
	request::{Ask, Prompt},
	ApiError,
};
use serde_json::{json, Value};

fn chat(changes: Value) -> Result<Ask, ApiError> {
	let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] });
	merge(&mut body, changes);
	Ask::chat(body.to_string().as_bytes())
}

fn completion(changes: Value) -> Result<Ask, ApiError> {
	let mut body = json!({ "model": "m", "prompt": "Once" });
	merge(&mut body, changes);
	Ask::completion(body.to_string().as_bytes())
}

fn merge(body: &mut Value, changes: Value) {
	for (name, value) in changes.as_object().unwrap() {
		body[name] = value.clone();
	}
}

#[test]
fn defaults_are_openais() {
	let ask = chat(json!({})).unwrap();
	assert_eq!((ask.temperature_milli, ask.top_p_milli), (1000, 1000));
	assert_eq!(ask.max_tokens, None);
	assert!(!ask.stream && !ask.include_usage && ask.stop.is_empty());
	assert_eq!(completion(json!({})).unwrap().max_tokens, Some(16));
}

#[test]
fn a_seed_that_is_not_named_is_drawn() {
	assert_ne!(chat(json!({})).unwrap().seed, chat(json!({})).unwrap().seed);
	assert_eq!(chat(json!({ "seed": 7 })).unwrap().seed, 7);
	assert_eq!(chat(json!({ "seed": -1 })).unwrap().seed, u64::MAX);
}

#[test]
fn numbers_reach_the_sampler_in_its_units() {
	let ask = chat(json!({ "temperature": 0.25, "top_p": 0.9, "max_tokens": 7 })).unwrap();
	assert_eq!((ask.temperature_milli, ask.top_p_milli), (250, 900));
	assert_eq!(ask.max_tokens, Some(7));
	// A nucleus of nothing still holds the likeliest token.
	assert_eq!(chat(json!({ "top_p": 0 })).unwrap().top_p_milli, 1);
	let newer = chat(json!({ "max_tokens": 7, "max_completion_tokens": 9 })).unwrap();
	assert_eq!(newer.max_tokens, Some(9));
}

#[test]
fn content_is_a_text_or_a_list_of_parts_of_text() {
	let parts = json!([{ "type": "text", "text": "Good " }, { "type": "text", "text": "day" }]);
	let messages = json!([
		{ "role": "developer", "content": "Be brief." },
		{ "role": "user", "content": parts, "name": "ignored" },
	]);
	let said = |role: &str, content: &str| Message {
		role: role.into(),
		content: content.into(),
	};
	let expected = vec![said("system", "Be brief."), said("user", "Good day")];
	let ask = chat(json!({ "messages": messages })).unwrap();
	assert_eq!(ask.prompt, Prompt::Chat(expected));
}

#[test]
fn stop_is_a_text_or_a_list() {
	assert_eq!(chat(json!({ "stop": "\n" })).unwrap().stop, ["\n"]);
	assert_eq!(
		chat(json!({ "stop": ["a", "b"] })).unwrap().stop,
		["a", "b"]
	);
	assert!(chat(json!({ "stop": null })).unwrap().stop.is_empty());
}

#[test]
fn a_prompt_is_a_text_its_tokens_or_a_list_of_one() {
	let prompt = |value: Value| completion(json!({ "prompt": value })).map(|ask| ask.prompt);
	assert_eq!(prompt(json!("One")), Ok(Prompt::Text("One".into())));
	assert_eq!(prompt(json!(["One"])), Ok(Prompt::Text("One".into())));
	assert_eq!(prompt(json!([1, 2])), Ok(Prompt::Tokens(vec![1, 2])));
	assert_eq!(prompt(json!([[1, 2]])), Ok(Prompt::Tokens(vec![1, 2])));
	for wrong in [
		json!([]),
		json!(["a", "b"]),
		json!([1, "b"]),
		json!({}),
		json!([-1]),
	] {
		assert!(prompt(wrong.clone()).is_err(), "{wrong}");
	}
}

#[test]
fn unknown_fields_and_fields_that_mean_nothing_are_ignored() {
	chat(json!({ "unheard_of": { "a": 1 }, "user": "u", "n": 1, "tools": [], "logprobs": false }))
		.unwrap();
	chat(json!({ "presence_penalty": 0, "logit_bias": {}, "response_format": { "type": "text" } }))
		.unwrap();
	chat(json!({ "temperature": null, "max_tokens": null, "stream": null })).unwrap();
	completion(json!({ "best_of": 1, "echo": false, "suffix": "" })).unwrap();
}

#[test]
fn what_cannot_be_obeyed_is_refused_by_name() {
	let refused = [
		("n", json!(2)),
		("temperature", json!(2.5)),
		("temperature", json!("hot")),
		("top_p", json!(-0.1)),
		("max_tokens", json!(0)),
		("max_tokens", json!(2049)),
		("max_completion_tokens", json!(1.5)),
		("seed", json!("seven")),
		("stop", json!("")),
		("stop", json!(["a", "b", "c", "d", "e"])),
		("stop", json!("a text of more than thirty-two bytes")),
		("stop", json!({})),
		("stream", json!("yes")),
		("stream_options", json!({ "include_usage": true })),
		("tools", json!([{ "type": "function" }])),
		("response_format", json!({ "type": "json_object" })),
		("logit_bias", json!({ "50256": -100 })),
		("presence_penalty", json!(0.5)),
		("logprobs", json!("yes")),
		("top_logprobs", json!(21)),
		("top_logprobs", json!(3)),
		("model", json!("")),
		("model", json!(3)),
		("messages", json!([])),
		("messages", json!("Hi")),
		("messages", json!([{ "role": "tool", "content": "x" }])),
		("messages", json!([{ "role": "user" }])),
		(
			"messages",
			json!([{ "role": "user", "content": [{ "type": "image_url" }] }]),
		),
	];
	for (name, value) in refused {
		let error = chat(json!({ name: value })).unwrap_err();
		let ApiError::Invalid { param, message } = &error else {
			panic!("{name}: {error:?}")
		};
		assert_eq!(*param, Some(name), "{message}");
		assert!(message.contains(name), "{message}");
	}
}

#[test]
fn bodies_that_are_no_object_are_refused() {
	let deep = "[".repeat(100_000);
	for body in [
		"",
		"{",
		"[]",
		"null",
		"\u{feff}{}",
		"{\"model\":\"\\ud800\"}",
		&deep,
	] {
		let error = Ask::chat(body.as_bytes()).unwrap_err();
		assert!(
			matches!(error, ApiError::Invalid { param: None, .. }),
			"{error:?}"
		);
	}
	assert!(Ask::chat(b"{\"model\": \"\xff\"}").is_err());
	assert!(Ask::chat(b"{\"temperature\": 1e999}").is_err());
}

#[test]
fn logprobs_are_asked_for_as_at_openai() {
	let asked = |ask: Result<Ask, ApiError>| ask.unwrap().wishes.likeliest;
	assert_eq!(asked(chat(json!({}))), None);
	assert_eq!(
		asked(chat(json!({ "logprobs": false, "top_logprobs": 0 }))),
		None
	);
	assert_eq!(asked(chat(json!({ "logprobs": true }))), Some(0));
	assert_eq!(
		asked(chat(json!({ "logprobs": true, "top_logprobs": 20 }))),
		Some(20)
	);
	assert_eq!(asked(completion(json!({ "logprobs": null }))), None);
	assert_eq!(asked(completion(json!({ "logprobs": 5 }))), Some(5));
	for wrong in [json!(6), json!(true), json!(-1)] {
		let error = completion(json!({ "logprobs": wrong })).unwrap_err();
		let ApiError::Invalid { param, .. } = error else {
			panic!("{error:?}")
		};
		assert_eq!(param, Some("logprobs"));
	}
}
