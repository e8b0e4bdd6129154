//! Who may ask now: requests a minute of every key, and places for those that run and wait.

use super::{keys::Key, ApiError};
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, PoisonError},
	time::{Duration, Instant},
};
use tokio::{
	sync::{OwnedSemaphorePermit, Semaphore},
	time::timeout,
};

/// The rates are requests in this time.
const MINUTE: f64 = 60.0;
/// Longest wait for a place to run: below the time at which clients and proxies give up.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Requests of every key, counted with leaking buckets: a minute's worth at once, then evenly.
#[derive(Default)]
pub struct Rates {
	buckets: Mutex<HashMap<String, Bucket>>,
}

/// What a key may still ask at once, at a time.
struct Bucket {
	left: f64,
	at: Instant,
}

impl Rates {
	/// Counts a request of a key at `now`, unless its rate is used up.
	pub fn take(&self, key: &Key, now: Instant) -> Result<(), ApiError> {
		self.exchange(key, 0, 1, now)
	}

	/// Counts a request that was counted as one as `units`; not at all where the key does not have them left.
	pub fn recount(&self, key: &Key, units: u32, now: Instant) -> Result<(), ApiError> {
		self.exchange(key, 1, units, now)
	}

	/// Gives units back and takes others, if there are as many then.
	fn exchange(&self, key: &Key, back: u32, units: u32, now: Instant) -> Result<(), ApiError> {
		let Some(rate) = key.rate else { return Ok(()) };
		if units > rate {
			let (inputs, most) = (units as usize, rate as usize);
			return Err(ApiError::TooManyInputs { inputs, most });
		}
		let (back, units) = (f64::from(back), f64::from(units));
		let (most, a_second) = (f64::from(rate), f64::from(rate) / MINUTE);
		let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
		let full = Bucket {
			left: most,
			at: now,
		};
		let bucket = buckets.entry(key.id.clone()).or_insert(full);
		let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
		bucket.left = (bucket.left + back + passed * a_second).min(most);
		bucket.at = now;
		if bucket.left < units {
			let wait = ((units - bucket.left) / a_second).ceil().max(1.0) as u64;
			return Err(ApiError::RateLimited { rate, wait });
		}
		bucket.left -= units;
		Ok(())
	}
}

/// Places for requests.
pub struct Queue {
	/// For those that run or wait.
	places: Arc<Semaphore>,
	/// For those that run.
	desks: Arc<Semaphore>,
	running: usize,
	all: usize,
}

/// The places of a request that runs; free again once all clones of this are dropped.
#[derive(Clone)]
pub struct Place {
	_permits: Arc<[OwnedSemaphorePermit; 2]>,
}

impl Queue {
	/// Places for `running` requests, and for `waiting` more that wait; at least one runs.
	pub fn new(running: usize, waiting: usize) -> Self {
		let running = running.clamp(1, u32::MAX as usize / 4);
		let all = running.saturating_add(waiting).min(u32::MAX as usize / 2);
		Self {
			places: Arc::new(Semaphore::new(all)),
			desks: Arc::new(Semaphore::new(running)),
			running,
			all,
		}
	}

	/// Waits for so many places to run, first come first served, and takes all of them or none; fails at once
	/// where too many wait already, or where there never are as many.
	pub async fn enter(&self, count: usize) -> Result<Place, ApiError> {
		if count > self.running {
			let (inputs, most) = (count, self.running);
			return Err(ApiError::TooManyInputs { inputs, most });
		}
		let count = count as u32;
		let places = self.places.clone().try_acquire_many_owned(count);
		let places = places.map_err(|_| ApiError::QueueFull)?;
		match timeout(LONGEST_WAIT, self.desks.clone().acquire_many_owned(count)).await {
			Ok(Ok(desks)) => Ok(Place {
				_permits: Arc::new([places, desks]),
			}),
			_ => Err(ApiError::QueueFull),
		}
	}

	/// Waits until nobody runs or waits any more.
	pub async fn empty(&self) {
		// The semaphore is never closed, so this fails only where nobody can be inside.
		let _ = self.places.acquire_many(self.all as u32).await;
	}

	/// Requests that run now, and those that wait.
	pub fn load(&self) -> (usize, usize) {
		let running = self.running - self.desks.available_permits();
		let inside = self.all - self.places.available_permits();
		(running, inside.saturating_sub(running))
	}
}
