//! Property tests of everything that a peer's bytes run through: frames, the codec of rows, and links.

mod copies;
mod damaged;
mod frames;
mod links;
mod rows;
mod slots;

use std::{future::Future, time::Duration};

/// Far more than any of these tests needs.
const PATIENCE: Duration = Duration::from_secs(30);

fn block_on<T>(work: impl Future<Output = T>) -> T {
	let mut runtime = tokio::runtime::Builder::new_current_thread();
	runtime.enable_all().build().unwrap().block_on(work)
}
