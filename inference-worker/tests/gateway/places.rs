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
fn a_request_of_several_units_takes_them_all_or_none() {
	let (rates, key, start) = (Rates::default(), key(Some(30)), Instant::now());
	rates.take(&key, start).unwrap();
	rates.recount(&key, 16, start).unwrap();
	let refused = |wait| Err(ApiError::RateLimited { rate: 30, wait });
	rates.take(&key, start).unwrap();
	// 13 are left once the one that was counted is given back, and 16 wanted.
	rates.take(&key, start).unwrap();
	assert_eq!(rates.recount(&key, 16, start), refused(6));
	for _ in 0..13 {
		rates.take(&key, start).unwrap();
	}
	assert_eq!(rates.take(&key, start), refused(2));

	let minute = start + Duration::from_secs(60);
	rates.take(&key, minute).unwrap();
	rates.recount(&key, 30, minute).unwrap();
	let never = ApiError::TooManyInputs {
		inputs: 31,
		most: 30,
	};
	assert_eq!(rates.recount(&key, 31, minute), Err(never));
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
	let first = queue.enter(1).await.unwrap();
	assert_eq!(queue.load(), (1, 0));
	let waiting = tokio::spawn({
		let queue = queue.clone();
		async move { queue.enter(1).await }
	});
	while queue.load() != (1, 1) {
		tokio::task::yield_now().await;
	}
	assert_eq!(queue.enter(1).await.err(), Some(ApiError::QueueFull));
	drop(first);
	let second = waiting.await.unwrap().unwrap();
	assert_eq!(queue.load(), (1, 0));
	drop(second);
	queue.empty().await;
	assert_eq!(queue.load(), (0, 0));
}

#[tokio::test]
async fn several_places_are_taken_together_or_not_at_all() {
	let queue = Queue::new(3, 1);
	let most = ApiError::TooManyInputs { inputs: 4, most: 3 };
	assert_eq!(queue.enter(4).await.err(), Some(most));
	let two = queue.enter(2).await.unwrap();
	let shared = two.clone();
	assert_eq!(queue.enter(3).await.err(), Some(ApiError::QueueFull));
	assert_eq!(queue.load(), (2, 0), "who was refused holds nothing");
	drop(two);
	assert_eq!(queue.load(), (2, 0), "a clone holds them still");
	drop(shared);
	drop(queue.enter(3).await.unwrap());
	queue.empty().await;
}
