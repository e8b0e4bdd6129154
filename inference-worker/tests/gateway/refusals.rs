//! What is refused, with which status and in which shape; and what the gateway says of itself.

use crate::market::{error_of, json_of, text, Lab, MODEL, PRICE, PROMPT_TOKENS};
use axum::{
	body::Body,
	http::{Method, Request, StatusCode},
};
use dllm_worker::gateway::{answer::MAX_BODY, ApiError, Options};
use serde_json::{json, Value};

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_nobody_asks() {
	let lab = Lab::new();
	let bare = Request::post("/v1/chat/completions")
		.body(Body::empty())
		.unwrap();
	let error = error_of(lab.send(bare).await, StatusCode::UNAUTHORIZED).await;
	assert_eq!(error["code"], "invalid_api_key");
	let wrong = format!("{}0", &lab.key[..lab.key.len() - 1]);
	let wrong = match wrong == lab.key {
		true => format!("{}1", &lab.key[..lab.key.len() - 1]),
		false => wrong,
	};
	error_of(lab.chat(&wrong, json!({})).await, StatusCode::UNAUTHORIZED).await;
	lab.gateway.keys.remove("tester").unwrap();
	error_of(
		lab.chat(&lab.key, json!({})).await,
		StatusCode::UNAUTHORIZED,
	)
	.await;
	assert_eq!(lab.market.bought(), 0);
}

#[tokio::test]
async fn an_open_gateway_answers_everybody() {
	let lab = Lab::with(Options {
		open: true,
		..Default::default()
	});
	let response = lab.chat("whatever", json!({})).await;
	assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_spent_budget_is_402_before_anything_is_bought() {
	let lab = Lab::new();
	let price = PRICE * (PROMPT_TOKENS as u128 + 8);
	let poor = lab.gateway.keys.add("poor", Some(price), None).unwrap();
	let error = error_of(
		lab.chat(&poor, json!({ "max_tokens": 9 })).await,
		StatusCode::PAYMENT_REQUIRED,
	)
	.await;
	assert_eq!(
		(&error["code"], &error["type"]),
		(&json!("insufficient_quota"), &json!("insufficient_quota"))
	);
	assert_eq!(lab.market.bought(), 0);
	assert_eq!(
		lab.chat(&poor, json!({ "max_tokens": 8 })).await.status(),
		StatusCode::OK
	);
}

#[tokio::test]
async fn an_empty_account_is_402_and_counts_nothing() {
	let lab = Lab::new();
	*lab.market.refuses.lock().unwrap() = Some(ApiError::NoFunds { price: 1 });
	error_of(
		lab.chat(&lab.key, json!({})).await,
		StatusCode::PAYMENT_REQUIRED,
	)
	.await;
	let price = PRICE * (PROMPT_TOKENS as u128 + 16);
	let tight = lab.gateway.keys.add("tight", Some(price), None).unwrap();
	error_of(
		lab.chat(&tight, json!({})).await,
		StatusCode::PAYMENT_REQUIRED,
	)
	.await;
	*lab.market.refuses.lock().unwrap() = None;
	assert_eq!(
		lab.chat(&tight, json!({})).await.status(),
		StatusCode::OK,
		"its budget is whole"
	);
}

#[tokio::test]
async fn no_pipeline_is_503_with_a_time_to_come_back() {
	let lab = Lab::new();
	let model = MODEL.to_string();
	*lab.market.refuses.lock().unwrap() = Some(ApiError::NoPipeline { model });
	let response = lab.chat(&lab.key, json!({ "stream": true })).await;
	assert!(response.headers().contains_key("retry-after"));
	let error = error_of(response, StatusCode::SERVICE_UNAVAILABLE).await;
	assert_eq!(
		(&error["code"], &error["type"]),
		(&json!("no_pipeline"), &json!("server_error"))
	);
}

#[tokio::test]
async fn unknown_models_jobs_and_routes_are_404() {
	let lab = Lab::new();
	let unknown = lab.chat(&lab.key, json!({ "model": "gpt-4o" })).await;
	let error = error_of(unknown, StatusCode::NOT_FOUND).await;
	assert_eq!(
		(&error["code"], &error["param"]),
		(&json!("model_not_found"), &json!("model"))
	);
	error_of(lab.get("/v1/models/gpt-4o").await, StatusCode::NOT_FOUND).await;
	for job in ["2", "minus", "99999999999999999999999"] {
		let error = error_of(
			lab.get(&format!("/v1/receipts/{job}")).await,
			StatusCode::NOT_FOUND,
		)
		.await;
		assert_eq!(error["code"], "job_not_found");
	}
	assert_eq!(
		json_of(lab.get("/v1/receipts/1").await).await["object"],
		"dllm.receipt"
	);
	error_of(lab.get("/v1/audio/speech").await, StatusCode::NOT_FOUND).await;
	error_of(lab.get("/").await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn other_methods_are_405() {
	let lab = Lab::new();
	error_of(
		lab.get("/v1/chat/completions").await,
		StatusCode::METHOD_NOT_ALLOWED,
	)
	.await;
	let post = lab.post("/v1/models", &lab.key, "{}");
	error_of(lab.send(post).await, StatusCode::METHOD_NOT_ALLOWED).await;
}

#[tokio::test]
async fn bodies_over_the_limit_are_413_however_they_come() {
	let lab = Lab::new();
	let long = lab.post("/v1/chat/completions", &lab.key, vec![b' '; MAX_BODY + 1]);
	error_of(lab.send(long).await, StatusCode::PAYLOAD_TOO_LARGE).await;
	let pieces = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 16]));
	let endless = lab.post("/v1/chat/completions", &lab.key, Body::from_stream(pieces));
	error_of(lab.send(endless).await, StatusCode::PAYLOAD_TOO_LARGE).await;
	let damaged = lab.post("/v1/chat/completions", &lab.key, "{\"model\":");
	error_of(lab.send(damaged).await, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn a_key_beyond_its_rate_is_429() {
	let lab = Lab::new();
	let slow = lab.gateway.keys.add("slow", None, Some(1)).unwrap();
	assert_eq!(lab.chat(&slow, json!({})).await.status(), StatusCode::OK);
	let response = lab.chat(&slow, json!({})).await;
	let wait = response.headers()["retry-after"]
		.to_str()
		.unwrap()
		.parse::<u64>()
		.unwrap();
	assert!((1..=60).contains(&wait), "{wait}");
	let error = error_of(response, StatusCode::TOO_MANY_REQUESTS).await;
	assert_eq!(
		(&error["code"], &error["type"]),
		(&json!("rate_limit_exceeded"), &json!("rate_limit_error"))
	);
	assert_eq!(lab.chat(&lab.key, json!({})).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_full_queue_is_429() {
	let lab = Lab::with(Options {
		running: 1,
		waiting: 0,
		..Default::default()
	});
	lab.market.tokens.forget_permits(usize::MAX);
	let running = lab.chat(&lab.key, json!({ "stream": true })).await;
	let response = lab.chat(&lab.key, json!({})).await;
	assert!(response.headers().contains_key("retry-after"));
	let error = error_of(response, StatusCode::TOO_MANY_REQUESTS).await;
	assert_eq!(error["code"], "queue_full");
	lab.market.tokens.add_permits(100);
	assert!(text(running).await.contains("[DONE]"));
}

#[tokio::test]
async fn a_gateway_that_drains_refuses_and_finishes() {
	let lab = Lab::new();
	lab.market.tokens.forget_permits(usize::MAX);
	let running = lab.chat(&lab.key, json!({ "stream": true })).await;
	let drained = tokio::spawn({
		let gateway = lab.gateway.clone();
		async move { gateway.drain().await }
	});
	while lab.get("/readyz").await.status() == StatusCode::OK {
		tokio::task::yield_now().await;
	}
	let error = error_of(
		lab.chat(&lab.key, json!({})).await,
		StatusCode::SERVICE_UNAVAILABLE,
	)
	.await;
	assert_eq!(error["code"], "draining");
	assert_eq!(lab.get("/healthz").await.status(), StatusCode::OK);
	assert!(!drained.is_finished());
	lab.market.tokens.add_permits(100);
	assert!(text(running).await.contains("[DONE]"));
	drained.await.unwrap();
}

#[tokio::test]
async fn jobs_of_a_gateway_that_died_are_counted_by_the_next() {
	let lab = Lab::new();
	let key = lab.gateway.keys.list()[0].clone();
	for job in [50, 500] {
		let mut hold = lab.gateway.spending.hold(&key, 1000).unwrap();
		hold.keep(job).await.unwrap();
	}
	lab.gateway.resume();
	lab.settled(2).await;
	// The chain knows job 50 and what it cost; 500 it never had.
	assert_eq!(lab.gateway.spending.spent(&key.id), 77);
}

#[tokio::test]
async fn requests_have_ids_and_metrics_count_them() {
	let lab = Lab::new();
	let request = Request::get("/v1/unheard")
		.header("x-request-id", "mine-1")
		.body(Body::empty());
	assert_eq!(
		lab.send(request.unwrap()).await.headers()["x-request-id"],
		"mine-1"
	);
	let forged = Request::get("/healthz")
		.header("x-request-id", "a b\"")
		.body(Body::empty());
	let given = lab.send(forged.unwrap()).await.headers()["x-request-id"].clone();
	assert!(given.to_str().unwrap().starts_with("req-"), "{given:?}");
	text(lab.chat(&lab.key, json!({})).await).await;
	lab.settled(1).await;
	let figures = text(lab.get("/metrics").await).await;
	for line in [
		"dllm_gateway_requests_total{route=\"other\",status=\"404\"} 1",
		"dllm_gateway_requests_total{route=\"/v1/chat/completions\",status=\"200\"} 1",
		"dllm_gateway_tokens_total{direction=\"in\"} 5",
		"dllm_gateway_tokens_total{direction=\"out\"} 4",
		"dllm_gateway_first_token_seconds_count 1",
		"dllm_gateway_jobs_total{end=\"settled\"} 1",
	] {
		assert!(figures.contains(line), "{line}\n{figures}");
	}
}

#[tokio::test]
async fn the_openapi_document_names_every_route_and_no_other() {
	let lab = Lab::new();
	let document = json_of(lab.get("/openapi.json").await).await;
	let paths = document["paths"].as_object().unwrap();
	for (path, methods) in paths {
		let real = path.replace("{model}", MODEL).replace("{job}", "1");
		for method in [Method::GET, Method::POST, Method::PUT] {
			let name = method.as_str().to_lowercase();
			let request = Request::builder().method(method).uri(&real);
			let request = request.header("authorization", format!("Bearer {}", lab.key));
			let status = lab
				.send(request.body(Body::empty()).unwrap())
				.await
				.status();
			assert_ne!(status, StatusCode::NOT_FOUND, "{path} is not there");
			let refused = status == StatusCode::METHOD_NOT_ALLOWED;
			assert_eq!(
				methods.get(&name).is_none(),
				refused,
				"{name} {path}: {status}"
			);
			let documented = methods[&name]["responses"][status.as_str()].is_object();
			assert!(
				refused || documented,
				"{name} {path} answers {status}, which is not documented"
			);
		}
	}
	let routes = dllm_worker::gateway::routes::PATHS
		.map(|path| path.replace(":model", "{model}").replace(":job", "{job}"));
	let mut documented = paths.keys().cloned().collect::<Vec<_>>();
	let mut routes = routes.to_vec();
	documented.sort();
	routes.sort();
	assert_eq!(documented, routes);
	expect_references(&document, &document);
}

/// Asserts that every reference of the document leads somewhere in it.
fn expect_references(document: &Value, part: &Value) {
	if let Some(reference) = part.get("$ref").and_then(Value::as_str) {
		let path = reference.strip_prefix('#').unwrap();
		assert!(document.pointer(path).is_some(), "{reference}");
	}
	let parts: Vec<&Value> = match part {
		Value::Array(list) => list.iter().collect(),
		Value::Object(fields) => fields.values().collect(),
		_ => Vec::new(),
	};
	parts
		.into_iter()
		.for_each(|part| expect_references(document, part));
}
