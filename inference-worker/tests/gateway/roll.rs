//! Who answers, as the gateway tells it: addresses, and one call for all who ask.

use crate::market::{json_of, worker, Lab};
use axum::http::StatusCode;
use dllm_worker::{
	chain::address,
	gateway::roll::{Roll, Rolls},
};
use futures::future::join_all;
use serde_json::json;
use std::{
	sync::atomic::Ordering,
	time::{Duration, Instant},
};

#[tokio::test]
async fn the_absent_are_named_without_a_key() {
	let lab = Lab::new();
	*lab.market.absent.lock().unwrap() = Some(vec![worker(2)]);
	let response = lab.get("/v1/roll").await;
	assert_eq!(response.status(), StatusCode::OK);
	let roll = json!({
		"object": "dllm.roll",
		"called": [address(&worker(1)), address(&worker(2))],
		"absent": [address(&worker(2))],
	});
	assert_eq!(json_of(response).await, roll);
}

#[tokio::test]
async fn where_nobody_answers_nobody_is_called_absent() {
	let lab = Lab::new();
	*lab.market.absent.lock().unwrap() = None;
	let roll = json_of(lab.get("/v1/roll").await).await;
	assert_eq!(roll["absent"], json!(null));
}

#[tokio::test]
async fn a_crowd_has_one_roll_called_and_the_next_comes_two_seconds_later() {
	let (lab, rolls, start) = (Lab::new(), Rolls::default(), Instant::now());
	let at = |millis| {
		rolls.latest(
			lab.gateway.market.as_ref(),
			start + Duration::from_millis(millis),
		)
	};
	for answer in join_all((0..50).map(|_| at(0))).await {
		assert_eq!(answer.unwrap().absent, Some(Vec::new()));
	}
	let called = || lab.market.rolls.load(Ordering::Relaxed);
	assert_eq!(called(), 1);

	*lab.market.absent.lock().unwrap() = Some(vec![worker(1)]);
	assert_eq!(at(1_900).await.unwrap().absent, Some(Vec::new()));
	let now = Roll {
		called: vec![worker(1), worker(2)],
		absent: Some(vec![worker(1)]),
	};
	// The first one took a moment, and is fresh from its end.
	assert_eq!(at(60_000).await.unwrap(), now);
	assert_eq!(called(), 2);
}
