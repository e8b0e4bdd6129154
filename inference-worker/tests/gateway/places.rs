//! Rates of keys, and places for requests.

use dllm_worker::gateway::{
	admission::{Queue, Rates},
	keys::{Key, Keys},
	ApiError,
};
use std::time::{Duration, Instant};

fn key(rate: Option<u32>) -> Key {
	let folder = tempfile::tempdir().unwrap();
	let keys = Keys::open(folder.path().join("keys.json")).unwrap();
	let text = keys.add("k", None, rate).unwrap();
	keys.find(&text).unwrap()
}

#[test]
fn a_minutes_worth_may_come_at_once_and_then_evenly() {
	let (rates, key, start) = (Rates::default(), key(Some(30)), Instant::now());
	for _ in 0..30 {
		rates.take(&key, start).unwrap();
	}
	let refused = |wait| Err(ApiError::RateLimited { rate: 30, wait });
	assert_eq!(rates.take(&key, start), refused(2));
	assert_eq!(rates.take(&key, start + Duration::from_secs(1)), refused(1));
	rates.take(&key, start + Duration::from_secs(2)).unwrap();
	assert_eq!(rates.take(&key, start + Duration::from_secs(2)), refused(2));
}

#[test]
fn a_key_does_not_use_up_the_rate_of_another_one() {
	let (rates, now) = (Rates::default(), Instant::now());
	let (one, other) = (key(Some(1)), key(Some(1)));
	rates.take(&one, now).unwrap();
	assert!(rates.take(&one, now).is_err());
	rates.take(&other, now).unwrap();
	let endless = key(None);
	for _ in 0..1000 {
		rates.take(&endless, now).unwrap();
	}
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_free_place_takes_the_next() {
	let queue = std::sync::Arc::new(Queue::new(1, 1));
	let first = queue.enter().await.unwrap();
	assert_eq!(queue.load(), (1, 0));
	let waiting = tokio::spawn({
		let queue = queue.clone();
		async move { queue.enter().await }
	});
	while queue.load() != (1, 1) {
		tokio::task::yield_now().await;
	}
	assert_eq!(queue.enter().await.err(), Some(ApiError::QueueFull));
	drop(first);
	let second = waiting.await.unwrap().unwrap();
	assert_eq!(queue.load(), (1, 0));
	drop(second);
	queue.empty().await;
	assert_eq!(queue.load(), (0, 0));
}
