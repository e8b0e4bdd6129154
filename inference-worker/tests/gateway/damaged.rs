//! Damaged bodies never make the reader panic, and never get past it as something that cannot be run.

use dllm_fuzz::Campaign;
use dllm_worker::gateway::{embeddings::Inputs, request::Ask, ApiError};
use serde_json::json;

const WORDS: &[&str] = &[
	"null",
	"true",
	"1e999",
	"-1",
	"18446744073709551616",
	"\"stop\":[\"\"]",
	"\"n\":2",
	"\"stream_options\":{}",
	"\"content\":[{\"type\":\"text\"}]",
	"\"prompt\":[[0]]",
	"\"input\":[[0],\"a\"]",
	"\"logprobs\":5",
	"\"top_logprobs\":20",
	"\\u0000",
	"{",
	"}",
	"[",
	"]",
	",",
];

#[test]
fn bodies_of_requests() {
	let message = json!({ "role": "user", "content": [{ "type": "text", "text": "Hi" }] });
	let chat = json!({
		"model": "m", "messages": [message], "temperature": 0.5, "top_p": 0.5, "seed": 1,
		"stop": ["a"], "stream": true, "stream_options": { "include_usage": true }, "max_tokens": 3,
	});
	let completion = json!({ "model": "m", "prompt": [1, 2, 3], "stop": "b", "echo": false });
	let embedding = json!({ "model": "m", "input": ["a", [1, 2]], "encoding_format": "base64" });
	let campaign = Campaign {
		name: "request",
		seeds: vec![
			chat.to_string().into_bytes(),
			completion.to_string().into_bytes(),
			embedding.to_string().into_bytes(),
		],
		words: WORDS,
		front: None,
		inputs: 20_000,
	};
	let read = |read: fn(&[u8]) -> Result<Ask, ApiError>, input: &[u8]| match read(input) {
		Ok(ask) => {
			assert!(ask.limits(ask.max_tokens.unwrap_or(1)).unwrap().is_valid());
			"taken".to_string()
		}
		Err(error) => error.to_string(),
	};
	let summary = campaign.run(|input| {
		let inputs = match Inputs::read(input) {
			Ok(inputs) => {
				assert!(inputs
					.asks
					.iter()
					.all(|ask| ask.limits(1).unwrap().is_valid()));
				"taken".to_string()
			}
			Err(error) => error.to_string(),
		};
		format!(
			"{} {} {inputs}",
			read(Ask::chat, input),
			read(Ask::completion, input)
		)
	});
	assert!(summary.outcomes > 20, "{summary:?}");
}
