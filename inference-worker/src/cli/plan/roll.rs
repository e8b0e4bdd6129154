//! Who of the registered workers answers now: reports on chain are minutes old, and a plan is for those that live.

use crate::{
	chain::{address, AccountId32},
	cli::CliError,
	network::roll,
};
use dllm_primitives::api::WorkerView;

/// The active workers that do not answer, which are named. Who has no address cannot be called, and is not
/// among them; where nobody at all answers, that says something of this machine, and nothing of the workers.
pub async fn absent(workers: &[WorkerView]) -> Result<Vec<AccountId32>, CliError> {
	let called = workers
		.iter()
		.filter_map(roll::callable)
		.collect::<Vec<_>>();
	let count = called.len();
	let Some(absent) = roll::call(called).await? else {
		eprintln!(
			"none of {count} workers answers this machine: which of them live is not known here"
		);
		return Ok(Vec::new());
	};
	if !absent.is_empty() {
		let names = absent.iter().map(address).collect::<Vec<_>>();
		eprintln!(
			"{} of {count} workers do not answer now: they are left out ({})",
			names.len(),
			names.join(", ")
		);
	}
	Ok(absent)
}

/// The workers that are not absent.
pub fn without(workers: &[WorkerView], absent: &[AccountId32]) -> Vec<WorkerView> {
	let here = workers
		.iter()
		.filter(|worker| !absent.contains(&worker.account));
	here.cloned().collect()
}

/// Says that the absent are planned with all the same.
pub fn say_needed() {
	eprintln!("without them there is no plan: it is made as if they answered");
}
