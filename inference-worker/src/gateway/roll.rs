//! Who of the workers answers now: what the map of the web page asks every few seconds.
//!
//! Anybody may ask, and a call goes out to every worker. So one roll at a time is called, and its answer stands for
//! a while: workers hear the same from one visitor and from a thousand.

use super::{market::Market, ApiError};
use crate::chain::{address, AccountId32};
use serde_json::{json, Value};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A roll stands for that long. Who does not answer is known after eight seconds, so within ten.
const FRESH: Duration = Duration::from_secs(2);

/// Who was called, and who of them did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roll {
	/// Members of standing pipelines that say on chain where they are.
	pub called: Vec<AccountId32>,
	/// Those that did not answer, in no order; none where nobody at all did.
	pub absent: Option<Vec<AccountId32>>,
}

/// The latest roll.
#[derive(Default)]
pub struct Rolls(Mutex<Option<(Instant, Roll)>>);

impl Rolls {
	/// The roll as it was answered at most two seconds before `now`, or is then. Who asks meanwhile waits for the
	/// same one.
	pub async fn latest(&self, market: &dyn Market, now: Instant) -> Result<Roll, ApiError> {
		let mut latest = self.0.lock().await;
		let fresh = |at: &Instant| now.saturating_duration_since(*at) < FRESH;
		if let Some((_, roll)) = latest.as_ref().filter(|(at, _)| fresh(at)) {
			return Ok(roll.clone());
		}
		let began = Instant::now();
		let roll = market.roll().await?;
		*latest = Some((now + began.elapsed(), roll.clone()));
		Ok(roll)
	}
}

/// A roll as clients read it: addresses.
pub fn shown(roll: &Roll) -> Value {
	let addresses = |accounts: &[AccountId32]| accounts.iter().map(address).collect::<Vec<_>>();
	json!({
		"object": "dllm.roll",
		"called": addresses(&roll.called),
		"absent": roll.absent.as_deref().map(addresses),
	})
}
