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

/// What `make` makes with those who answer, or with all where there is no plan without the absent; and with whom.
pub fn plan<T>(
	workers: Vec<WorkerView>,
	absent: &[AccountId32],
	make: impl Fn(&[WorkerView]) -> Result<T, CliError>,
) -> Result<(T, Vec<WorkerView>), CliError> {
	let is_here = |worker: &&WorkerView| !absent.contains(&worker.account);
	let here = workers.iter().filter(is_here).cloned().collect::<Vec<_>>();
	match make(&here) {
		Err(CliError::NoPlan { .. }) if !absent.is_empty() => {
			eprintln!("without them there is no plan: it is made as if they answered");
			Ok((make(&workers)?, workers))
		}
		made => Ok((made?, here)),
	}
}
