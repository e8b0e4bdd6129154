//! Texts as vectors: what is asked, what is answered, and what it costs.

use crate::market::{error_of, json_of, Lab, MODEL, POOLED, PRICE, PROMPT_TOKENS};
use axum::{
	body::Body,
	http::{Response, StatusCode},
};
use dllm_worker::gateway::{
	embeddings::{Inputs, MAX_INPUTS},
	request::Prompt,
	ApiError, Options,
};
use serde_json::{json, Value};
use std::sync::atomic::Ordering;

async fn embed(lab: &Lab, key: &str, changes: Value) -> Response<Body> {
	let mut body = json!({ "model": MODEL, "input": "a text" });
	for (name, value) in changes.as_object().unwrap() {
		body[name] = value.clone();
	}
	lab.send(lab.post("/v1/embeddings", key, body.to_string()))
		.await
}

fn read(changes: Value) -> Result<Inputs, ApiError> {
	let mut body = json!({ "model": MODEL, "input": "a text" });
	for (name, value) in changes.as_object().unwrap() {
		body[name] = value.clone();
	}
	Inputs::read(body.to_string().as_bytes())
}

#[test]
fn an_input_is_a_text_its_tokens_or_a_list_of_these() {
	let prompts = |input: Value| {
		let inputs = read(json!({ "input": input })).unwrap();
		let prompts = inputs.asks.into_iter().map(|ask| ask.prompt);
		prompts.collect::<Vec<_>>()
	};
	let text = |text: &str| Prompt::Text(text.into());
	assert_eq!(prompts(json!("One")), [text("One")]);
	assert_eq!(prompts(json!(["One", "Two"])), [text("One"), text("Two")]);
	assert_eq!(prompts(json!([1, 2])), [Prompt::Tokens(vec![1, 2])]);
	let mixed = [Prompt::Tokens(vec![1]), text("Two")];
	assert_eq!(prompts(json!([[1], "Two"])), mixed);
}

#[test]
fn an_input_costs_one_token_of_reply_and_is_not_sampled() {
	let inputs = read(json!({ "input": ["a", "b"] })).unwrap();
	assert!(!inputs.base64);
	for ask in inputs.asks {
		assert_eq!((ask.max_tokens, ask.temperature_milli), (Some(1), 0));
		assert!(ask.wishes.pooled && !ask.stream);
	}
	assert!(read(json!({ "encoding_format": "base64" })).unwrap().base64);
	assert!(
		!read(json!({ "encoding_format": "float", "user": "u" }))
			.unwrap()
			.base64
	);
}

#[test]
fn what_cannot_be_obeyed_is_refused_by_name() {
	let refused = [
		("input", json!(null)),
		("input", json!("")),
		("input", json!([])),
		("input", json!(["a", ""])),
		("input", json!([1, "a"])),
		("input", json!([-1])),
		("input", json!({})),
		("input", json!(vec!["a"; MAX_INPUTS + 1])),
		("dimensions", json!(256)),
		("encoding_format", json!("int8")),
		("encoding_format", json!(1)),
		("model", json!(null)),
	];
	for (name, value) in refused {
		let error = read(json!({ name: value.clone() })).unwrap_err();
		let ApiError::Invalid { param, message } = &error else {
			panic!("{name}: {error:?}")
		};
		assert_eq!(*param, Some(name), "{value}: {message}");
	}
}

#[tokio::test]
async fn every_input_is_a_job_and_a_vector() {
	let lab = Lab::new();
	let response = embed(&lab, &lab.key, json!({ "input": ["a", "b", [1]] })).await;
	assert_eq!(response.status(), StatusCode::OK);
	let header = response.headers()["x-dllm-job"]
		.to_str()
		.unwrap()
		.to_string();
	let reply = json_of(response).await;
	assert_eq!(
		(&reply["object"], &reply["model"]),
		(&json!("list"), &json!(MODEL))
	);
	let data = reply["data"].as_array().unwrap();
	let mut jobs = Vec::new();
	for (index, one) in data.iter().enumerate() {
		assert_eq!(
			(&one["object"], &one["index"]),
			(&json!("embedding"), &json!(index))
		);
		let vector = one["embedding"].as_array().unwrap();
		let vector = vector.iter().map(|value| value.as_f64().unwrap() as f32);
		assert_eq!(vector.collect::<Vec<_>>(), POOLED);
		let ceiling = PRICE * (PROMPT_TOKENS as u128 + 1);
		assert_eq!(one["dllm"]["maxPrice"], ceiling.to_string());
		jobs.push(one["dllm"]["job"].as_u64().unwrap());
	}
	let named = jobs
		.iter()
		.map(u64::to_string)
		.collect::<Vec<_>>()
		.join(", ");
	assert_eq!(header, named);
	jobs.sort_unstable();
	assert_eq!(jobs, [1, 2, 3]);
	let tokens = 3 * PROMPT_TOKENS;
	let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
	assert_eq!(reply["usage"], usage);
	lab.settled(3).await;
	let key = &lab.gateway.keys.list()[0];
	assert_eq!(lab.gateway.spending.spent(&key.id), PRICE * tokens as u128);
}

#[tokio::test]
async fn base64_holds_the_same_numbers() {
	let lab = Lab::new();
	let reply = json_of(embed(&lab, &lab.key, json!({ "encoding_format": "base64" })).await).await;
	// 0.6 and −0.8 as little-endian f32: 9a 99 19 3f, cd cc 4c bf.
	assert_eq!(reply["data"][0]["embedding"], "mpkZP83MTL8=");
}

#[tokio::test]
async fn a_budget_that_does_not_cover_all_inputs_buys_none() {
	let lab = Lab::new();
	let price = PRICE * (PROMPT_TOKENS as u128 + 1);
	let poor = lab.gateway.keys.add("poor", Some(2 * price), None).unwrap();
	let three = embed(&lab, &poor, json!({ "input": ["a", "b", "c"] })).await;
	error_of(three, StatusCode::PAYMENT_REQUIRED).await;
	assert_eq!(lab.market.bought(), 0);
	let two = embed(&lab, &poor, json!({ "input": ["a", "b"] })).await;
	assert_eq!(
		two.status(),
		StatusCode::OK,
		"nothing was counted for the three"
	);
}

#[tokio::test]
async fn an_input_whose_ring_broke_is_bought_once_more() {
	let lab = Lab::new();
	lab.market.breaking.store(1, Ordering::SeqCst);
	let reply = embed(&lab, &lab.key, json!({ "input": ["a", "b", "c"] })).await;
	assert_eq!(reply.status(), StatusCode::OK);
	let reply = json_of(reply).await;
	assert_eq!(reply["data"].as_array().unwrap().len(), 3);
	assert_eq!(reply["usage"]["prompt_tokens"], 3 * PROMPT_TOKENS);
	assert_eq!(lab.market.bought(), 4);
	lab.settled(4).await;
	// What was bought is charged, the job that broke off with it.
	let key = &lab.gateway.keys.list()[0];
	let spent = PRICE * 4 * PROMPT_TOKENS as u128;
	assert_eq!(lab.gateway.spending.spent(&key.id), spent);
}

#[tokio::test]
async fn an_input_is_not_bought_a_third_time_nor_beyond_the_budget() {
	let lab = Lab::new();
	lab.market.breaking.store(2, Ordering::SeqCst);
	let twice = embed(&lab, &lab.key, json!({})).await;
	let error = error_of(twice, StatusCode::SERVICE_UNAVAILABLE).await;
	assert_eq!(error["code"], "reply_broke_off");
	assert_eq!(lab.market.bought(), 2);

	let price = PRICE * (PROMPT_TOKENS as u128 + 1);
	let poor = lab.gateway.keys.add("poor", Some(price), None).unwrap();
	lab.market.breaking.store(1, Ordering::SeqCst);
	let poorly = embed(&lab, &poor, json!({})).await;
	let error = error_of(poorly, StatusCode::SERVICE_UNAVAILABLE).await;
	assert_eq!(error["code"], "reply_broke_off");
	assert_eq!(lab.market.bought(), 3);
}

#[tokio::test]
async fn inputs_without_places_are_refused_before_one_is_bought() {
	let lab = Lab::with(Options {
		running: 2,
		waiting: 0,
		..Default::default()
	});
	let three = embed(&lab, &lab.key, json!({ "input": ["a", "b", "c"] })).await;
	let error = error_of(three, StatusCode::PAYLOAD_TOO_LARGE).await;
	assert_eq!(
		(&error["code"], &error["param"]),
		(&json!("request_too_large"), &json!("input"))
	);
	let says = error["message"].as_str().unwrap();
	assert!(says.contains("takes 2 at most"), "{says}");
	assert_eq!(lab.market.bought(), 0);

	lab.market.tokens.forget_permits(usize::MAX);
	let running = lab.chat(&lab.key, json!({ "stream": true })).await;
	let two = json!({ "input": ["a", "b"] });
	let full = embed(&lab, &lab.key, two.clone()).await;
	let error = error_of(full, StatusCode::TOO_MANY_REQUESTS).await;
	assert_eq!(error["code"], "queue_full");
	assert_eq!(lab.market.bought(), 1, "the chat");
	drop(running);
	lab.market.tokens.add_permits(100);
	lab.settled(1).await;
	assert_eq!(embed(&lab, &lab.key, two).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_input_counts_for_the_rate_of_the_key() {
	let lab = Lab::new();
	let slow = lab.gateway.keys.add("slow", None, Some(4)).unwrap();
	let three = json!({ "input": ["a", "b", "c"] });
	let first = embed(&lab, &slow, three.clone()).await;
	assert_eq!(first.status(), StatusCode::OK);
	let second = embed(&lab, &slow, three).await;
	let error = error_of(second, StatusCode::TOO_MANY_REQUESTS).await;
	assert_eq!(error["code"], "rate_limit_exceeded");
	assert_eq!(lab.market.bought(), 3);
	let one = embed(&lab, &slow, json!({})).await;
	assert_eq!(one.status(), StatusCode::OK, "one was left");
	let five = embed(
		&lab,
		&lab.gateway.keys.add("five", None, Some(4)).unwrap(),
		json!({ "input": vec!["a"; 5] }),
	)
	.await;
	error_of(five, StatusCode::PAYLOAD_TOO_LARGE).await;
}

#[tokio::test]
async fn an_input_that_fills_the_context_is_named_as_input() {
	let lab = Lab::new();
	*lab.market.unpriced.lock().unwrap() = Some(ApiError::ContextTooLong {
		param: "prompt",
		tokens: 600,
		max: 512,
	});
	let long = embed(&lab, &lab.key, json!({})).await;
	let error = error_of(long, StatusCode::BAD_REQUEST).await;
	assert_eq!(
		(&error["code"], &error["param"]),
		(&json!("context_length_exceeded"), &json!("input"))
	);
	let long = lab
		.send(lab.post(
			"/v1/completions",
			&lab.key,
			json!({ "model": MODEL, "prompt": "a" }).to_string(),
		))
		.await;
	assert_eq!(
		error_of(long, StatusCode::BAD_REQUEST).await["param"],
		"prompt"
	);
}

#[tokio::test]
async fn errors_are_those_of_the_other_routes() {
	let lab = Lab::new();
	let unknown = embed(&lab, &lab.key, json!({ "model": "gpt-4o" })).await;
	error_of(unknown, StatusCode::NOT_FOUND).await;
	error_of(
		embed(&lab, "sk-dllm-wrong", json!({})).await,
		StatusCode::UNAUTHORIZED,
	)
	.await;
	let error = error_of(
		embed(&lab, &lab.key, json!({ "dimensions": 8 })).await,
		StatusCode::BAD_REQUEST,
	)
	.await;
	assert_eq!(error["param"], "dimensions");
	let reason = "a worker is gone".to_string();
	*lab.market.breaks.lock().unwrap() = Some(ApiError::BrokeOff { reason });
	let error = error_of(
		embed(&lab, &lab.key, json!({ "input": ["a", "b"] })).await,
		StatusCode::SERVICE_UNAVAILABLE,
	)
	.await;
	assert_eq!(error["code"], "reply_broke_off");
}
