//! What a client is answered: whole and token by token, and what a hang-up leaves behind.

use crate::market::{error_of, json_of, text, Lab, ADAPTED, MODEL, PRICE, PROMPT_TOKENS, REPLY};
use axum::{body::Body, http::StatusCode};
use dllm_model::entry::Step;
use dllm_primitives::{
	api::{AccountId32, AdapterView, ModelView},
	ids::Digest,
	model::{ModelState, Profile, Shard},
};
use dllm_worker::gateway::{
	market::{channel, Event, Model},
	ApiError,
};
use futures::StreamExt;
use serde_json::{json, Value};
use std::{fs, sync::atomic::Ordering};

/// The data lines of a stream.
fn chunks(stream: &str) -> Vec<Value> {
	let lines = stream
		.lines()
		.filter_map(|line| line.strip_prefix("data: "));
	lines
		.filter(|line| *line != "[DONE]")
		.map(|line| serde_json::from_str(line).unwrap())
		.collect()
}

#[tokio::test]
async fn a_whole_reply_names_its_job() {
	let lab = Lab::new();
	let response = lab.chat(&lab.key, json!({})).await;
	assert_eq!(response.status(), StatusCode::OK);
	assert_eq!(response.headers()["x-dllm-job"], "1");
	let reply = json_of(response).await;
	assert_eq!(reply["object"], "chat.completion");
	assert_eq!(reply["model"], MODEL);
	let choice = &reply["choices"][0];
	assert_eq!(
		choice["message"],
		json!({ "role": "assistant", "content": REPLY.concat(), "refusal": null })
	);
	assert_eq!(choice["finish_reason"], "stop");
	let (prompt, said) = (PROMPT_TOKENS, REPLY.len());
	let usage = json!({ "prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said });
	assert_eq!(reply["usage"], usage);
	assert_eq!(reply["dllm"]["job"], 1);
	assert_eq!(reply["dllm"]["pipeline"], 9);
	assert_eq!(reply["dllm"]["receipt"], "/v1/receipts/1");
	assert_eq!(
		reply["dllm"]["maxPrice"],
		(PRICE * (prompt as u128 + 16)).to_string()
	);
}

#[tokio::test]
async fn a_reply_whose_workers_failed_is_told_once_as_others_gave_it() {
	let lab = Lab::new();
	lab.market.rerun.store(true, Ordering::SeqCst);
	lab.market.failing.store(2, Ordering::SeqCst);
	let reply = json_of(lab.chat(&lab.key, json!({ "logprobs": true })).await).await;
	let choice = &reply["choices"][0];
	assert_eq!(choice["message"]["content"], REPLY.concat());
	assert_eq!(choice["finish_reason"], "stop");
	let likelihoods = choice["logprobs"]["content"].as_array().unwrap().len();
	assert_eq!(likelihoods, REPLY.len() - 1);
	assert_eq!(reply["usage"]["completion_tokens"], REPLY.len());
	// The job that was paid is named, and nothing stays open.
	assert_eq!(reply["dllm"]["job"], 201);
	assert_eq!(lab.market.bought(), 1);
	lab.settled(1).await;
}

#[tokio::test]
async fn a_reply_that_nobody_ran_in_time_is_an_error_and_costs_nothing() {
	let lab = Lab::new();
	lab.market.rerun.store(true, Ordering::SeqCst);
	lab.market.refunds.store(true, Ordering::SeqCst);
	let response = lab.chat(&lab.key, json!({})).await;
	assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
	assert_eq!(json_of(response).await["error"]["code"], "reply_broke_off");
	// Without the choice the reply is told before the chain has judged it.
	lab.market.rerun.store(false, Ordering::SeqCst);
	assert_eq!(lab.chat(&lab.key, json!({})).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stream_is_told_at_once_and_never_again() {
	let lab = Lab::new();
	lab.market.rerun.store(true, Ordering::SeqCst);
	lab.market.failing.store(1, Ordering::SeqCst);
	let stream = text(lab.chat(&lab.key, json!({ "stream": true })).await).await;
	let said = chunks(&stream)
		.iter()
		.filter_map(|chunk| {
			chunk["choices"][0]["delta"]["content"]
				.as_str()
				.map(String::from)
		})
		.collect::<String>();
	assert_eq!(said, REPLY.concat());
	assert_eq!(lab.market.failing.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_completion_has_text_instead_of_a_message() {
	let lab = Lab::new();
	let body = json!({ "model": MODEL, "prompt": "Once", "max_tokens": 4 }).to_string();
	let reply = json_of(lab.send(lab.post("/v1/completions", &lab.key, body)).await).await;
	assert_eq!(reply["object"], "text_completion");
	assert_eq!(reply["choices"][0]["text"], REPLY.concat());
}

#[tokio::test]
async fn a_stream_gives_the_same_text_and_ends_with_done() {
	let lab = Lab::new();
	let options = json!({ "stream": true, "stream_options": { "include_usage": true } });
	let response = lab.chat(&lab.key, options).await;
	assert_eq!(response.headers()["content-type"], "text/event-stream");
	assert_eq!(response.headers()["x-dllm-job"], "1");
	let stream = text(response).await;
	assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
	let chunks = chunks(&stream);
	assert_eq!(
		chunks[0]["choices"][0]["delta"],
		json!({ "role": "assistant", "content": "" })
	);
	let said = chunks
		.iter()
		.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
	assert_eq!(said.collect::<String>(), REPLY.concat());

	let [.., last, usage] = chunks.as_slice() else {
		panic!("{stream}")
	};
	assert_eq!(last["choices"][0]["finish_reason"], "stop");
	assert_eq!(last["dllm"]["job"], 1);
	assert_eq!(usage["choices"], json!([]));
	assert_eq!(usage["usage"]["completion_tokens"], REPLY.len());
	assert!(chunks[..chunks.len() - 1]
		.iter()
		.all(|chunk| chunk["usage"].is_null()));
}

#[tokio::test]
async fn a_stream_without_the_option_says_nothing_of_usage() {
	let lab = Lab::new();
	let stream = text(lab.chat(&lab.key, json!({ "stream": true })).await).await;
	assert!(!stream.contains("usage"), "{stream}");
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_an_error_whole_or_in_the_stream() {
	let lab = Lab::new();
	let reason = "a worker is gone".to_string();
	*lab.market.breaks.lock().unwrap() = Some(ApiError::BrokeOff { reason });
	lab.market.tokens.forget_permits(usize::MAX);
	let response = lab.chat(&lab.key, json!({})).await;
	assert!(response.headers().contains_key("retry-after"));
	let error = error_of(response, StatusCode::SERVICE_UNAVAILABLE).await;
	assert_eq!(error["code"], "reply_broke_off");

	lab.market.tokens.add_permits(2);
	let stream = text(lab.chat(&lab.key, json!({ "stream": true })).await).await;
	assert!(!stream.contains("[DONE]"), "{stream}");
	let chunks = chunks(&stream);
	assert_eq!(chunks.last().unwrap()["error"]["code"], "reply_broke_off");
	let said = chunks
		.iter()
		.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
	assert_eq!(said.collect::<String>(), REPLY[..2].concat());
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_job_and_pays_for_what_ran() {
	let lab = Lab::new();
	lab.market.tokens.forget_permits(usize::MAX);
	lab.market.tokens.add_permits(1);
	let response = lab.chat(&lab.key, json!({ "stream": true })).await;
	let mut stream = response.into_body().into_data_stream();
	let mut heard = String::new();
	while !heard.contains(REPLY[0]) {
		heard += core::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap();
	}
	drop(stream);
	lab.market.tokens.add_permits(100);
	lab.settled(1).await;
	let said = lab.market.said.load(Ordering::SeqCst);
	assert_eq!(said, 2, "the token after the hang-up is the last");
	let key = &lab.gateway.keys.list()[0];
	assert_eq!(
		lab.gateway.spending.spent(&key.id),
		PRICE * (PROMPT_TOKENS as u128 + 2)
	);
	let figures = text(lab.get("/metrics").await).await;
	assert!(
		figures.contains("dllm_gateway_clients_left_total 1"),
		"{figures}"
	);
}

#[tokio::test]
async fn many_at_once_are_all_answered() {
	let lab = Lab::new();
	let ask = |at: usize| {
		let lab = &lab;
		async move {
			let asked = json!({ "stream": at.is_multiple_of(2) });
			text(lab.chat(&lab.key, asked).await).await
		}
	};
	let whole = futures::future::join_all((0..100).map(ask)).await;
	assert!(whole.iter().all(|reply| reply.contains("there")));
	assert_eq!(lab.market.bought(), 100);
	lab.settled(100).await;
	let key = &lab.gateway.keys.list()[0];
	let fee = PRICE * (PROMPT_TOKENS + REPLY.len()) as u128;
	assert_eq!(lab.gateway.spending.spent(&key.id), 100 * fee);
}

#[tokio::test]
async fn models_are_those_of_the_chain() {
	let lab = Lab::new();
	let list = json_of(lab.get("/v1/models").await).await;
	let names = list["data"]
		.as_array()
		.unwrap()
		.iter()
		.map(|model| model["id"].clone());
	let expected = [json!(MODEL), json!(ADAPTED), json!("other")];
	assert_eq!(names.collect::<Vec<_>>(), expected);
	let one = json_of(lab.get("/v1/models/other").await).await;
	assert_eq!(
		(&one["object"], &one["dllm"]["id"]),
		(&json!("model"), &json!(4))
	);
}

#[tokio::test]
async fn a_model_is_named_with_an_adapter_and_by_number_without() {
	let lab = Lab::new();
	let shown = |named: &'static str| {
		let lab = &lab;
		async move { json_of(lab.get(&format!("/v1/models/{named}")).await).await }
	};
	let adapted = shown(ADAPTED).await;
	assert_eq!(
		(&adapted["dllm"]["id"], &adapted["dllm"]["adapter"]),
		(&json!(3), &json!(9))
	);
	for plain in [MODEL, "3"] {
		let shown = shown(plain).await;
		assert_eq!(
			(&shown["id"], &shown["dllm"]["adapter"]),
			(&json!(MODEL), &json!(null))
		);
	}
}

#[test]
fn adapters_that_take_prompts_are_listed_with_their_model() {
	let adapter = |id, name: &str, retired| AdapterView {
		id,
		owner: AccountId32::new([8; 32]),
		retired,
		name: name.into(),
		licence: "MIT".into(),
		manifest_root: Digest::zero(),
		rank: 8,
		bytes: 1,
	};
	let adapters = vec![
		adapter(1, "pirate", false),
		adapter(2, "old", true),
		adapter(5, "poet", false),
	];
	let shard = Shard::default();
	let view = ModelView {
		id: 4,
		owner: AccountId32::new([1; 32]),
		state: ModelState::Active,
		name: "tiny".into(),
		licence: "MIT".into(),
		manifest_root: Digest::zero(),
		tokenizer_hash: Digest::zero(),
		profile: Profile::F32,
		hidden_size: 16,
		max_context: 100,
		embed: shard,
		layers: vec![shard],
		head: shard,
		constants: None,
		adapters,
	};
	let told = Model::adapted(&view)
		.into_iter()
		.map(|model| (model.id, model.adapter, model.name, model.owner));
	let expected = [(1, "tiny+pirate"), (5, "tiny+poet")].map(|(id, name)| {
		let owner = AccountId32::new([8; 32]);
		(4, Some(id), name.to_string(), owner)
	});
	assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_web_page_is_served_beside_the_api() {
	let folder = tempfile::tempdir().unwrap();
	let page = folder.path().join("page");
	fs::create_dir(&page).unwrap();
	fs::write(folder.path().join("secret.txt"), "the secret").unwrap();
	fs::write(page.join("index.html"), "the page").unwrap();
	fs::write(page.join("app.js"), "the script").unwrap();
	let web = Some(page);
	let lab = Lab::with(dllm_worker::gateway::Options {
		web,
		..Default::default()
	});
	assert_eq!(text(lab.get("/").await).await, "the page");
	let script = lab.get("/app.js").await;
	assert!(script.headers()["content-type"]
		.to_str()
		.unwrap()
		.contains("javascript"));
	assert_eq!(text(script).await, "the script");
	assert_eq!(
		text(lab.get("/stake").await).await,
		"the page",
		"a route of the page itself"
	);
	for outside in ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"] {
		assert!(
			!text(lab.get(outside).await).await.contains("secret"),
			"{outside}"
		);
	}
	error_of(lab.get("/v1/unheard").await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn other_origins_may_ask_where_they_are_named() {
	let allow_origin = vec!["https://chat.example".to_string()];
	let lab = Lab::with(dllm_worker::gateway::Options {
		allow_origin,
		..Default::default()
	});
	let preflight = |origin: &str| {
		axum::http::Request::options("/v1/chat/completions")
			.header("origin", origin)
			.header("access-control-request-method", "POST")
			.header(
				"access-control-request-headers",
				"authorization,x-stainless-lang",
			)
			.body(Body::empty())
			.unwrap()
	};
	let named = lab.send(preflight("https://chat.example")).await;
	assert_eq!(
		named.headers()["access-control-allow-origin"],
		"https://chat.example"
	);
	assert_eq!(
		named.headers()["access-control-allow-headers"],
		"authorization,x-stainless-lang"
	);
	let other = lab.send(preflight("https://evil.example")).await;
	assert!(!other.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_reply_that_begins_anew_is_not_told_twice() {
	let (mut client, mut events) = channel();
	let step = |token| Step {
		token,
		text: token.to_string(),
		finish: None,
		likelihood: None,
	};
	for tokens in [0..2, 0..3] {
		client.begin();
		for token in tokens {
			assert!(client.token(&step(token)).is_continue());
		}
	}
	drop(client);
	let mut told = Vec::new();
	while let Ok(Event::Token(step)) = events.next().await {
		told.push(step.token);
	}
	assert_eq!(told, [0, 1, 2]);

	let (mut client, events) = channel();
	assert!(client.token(&step(0)).is_continue());
	drop(events);
	client.begin();
	assert!(
		client.token(&step(0)).is_break(),
		"nobody hears it any more"
	);
}

#[tokio::test]
async fn logprobs_come_with_every_token_of_the_reply_but_the_one_that_ends_it() {
	let lab = Lab::new();
	let asked = json!({ "logprobs": true, "top_logprobs": 2 });
	let reply = json_of(lab.chat(&lab.key, asked.clone()).await).await;
	let told = &reply["choices"][0]["logprobs"];
	let content = told["content"].as_array().unwrap();
	assert_eq!(content.len(), REPLY.len() - 1);
	let first = json!({
		"token": "Hel", "logprob": -0.5, "bytes": [72, 101, 108],
		"top_logprobs": [
			{ "token": "other 0", "logprob": -0.0, "bytes": "other 0".as_bytes() },
			{ "token": "other 1", "logprob": -1.0, "bytes": "other 1".as_bytes() },
		],
	});
	assert_eq!(content[0], first);
	assert_eq!(told["refusal"], Value::Null);

	let mut streamed = asked;
	streamed["stream"] = true.into();
	let stream = text(lab.chat(&lab.key, streamed).await).await;
	let parts = chunks(&stream);
	let told = parts
		.iter()
		.filter_map(|chunk| chunk["choices"][0]["logprobs"]["content"].as_array());
	let told = told.flatten().cloned().collect::<Vec<_>>();
	assert_eq!(&told, content, "a token without text has a chunk too");

	let silent = json_of(lab.chat(&lab.key, json!({})).await).await;
	assert_eq!(silent["choices"][0]["logprobs"], Value::Null);
}

#[tokio::test]
async fn a_completion_has_logprobs_in_columns() {
	let lab = Lab::new();
	let ask = |stream: bool| {
		let body = json!({ "model": MODEL, "prompt": "Once", "logprobs": 1, "stream": stream });
		lab.send(lab.post("/v1/completions", &lab.key, body.to_string()))
	};
	let reply = json_of(ask(false).await).await;
	let told = &reply["choices"][0]["logprobs"];
	assert_eq!(told["tokens"], json!(REPLY[..3]));
	assert_eq!(told["text_offset"], json!([0, 3, 6]));
	assert_eq!(told["token_logprobs"], json!([-0.5, -0.5, -0.5]));
	assert_eq!(
		told["top_logprobs"][1],
		json!({ "other 0": -0.0, "lo ": -0.5 })
	);

	let parts = chunks(&text(ask(true).await).await);
	let offsets = parts
		.iter()
		.filter_map(|chunk| chunk["choices"][0]["logprobs"]["text_offset"].as_array());
	let offsets = offsets.flatten().cloned().collect::<Vec<_>>();
	assert_eq!(
		json!(offsets),
		told["text_offset"],
		"they go on from chunk to chunk"
	);
}
