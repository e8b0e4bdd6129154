//! Where the walk of a prompt meets proof of AI work: a settled fee becomes credit, a conviction takes it.
//! Settlement and slashing know nothing of it; these two stand between them and who called them.

use crate::{
	configs::pipeline::treasury_account, AccountId, Balance, Balances, BlockNumber, Miners, Poaw,
	Rewards, RuntimeHoldReason, Verification,
};
use alloc::vec::Vec;
use dllm_primitives::{
	draw::Trust,
	flow::{Bill, Payouts, WorkLedger, WorkerPool},
	ids::{Digest, JobId},
	miner::Worker,
	slash::{Conviction, Ground},
	verdict::Verdict,
};
use frame_support::traits::{
	fungible::{Inspect, Mutate},
	tokens::{Fortitude, Preservation},
};
use sp_runtime::{helpers_128bit::multiply_by_rational_with_rounding, DispatchResult, Rounding};

/// Pays bills and credits what is lost for good of what checked work was paid: the burned part and the treasury's, as
/// far as leads passed a check; of those that nobody checked nothing.
pub struct CreditedPayouts;

impl Payouts<AccountId, RuntimeHoldReason> for CreditedPayouts {
	fn pay(reason: &RuntimeHoldReason, bill: &Bill<AccountId>) -> DispatchResult {
		<Rewards as Payouts<_, _>>::pay(reason, bill)?;
		if let Some(paid) = Rewards::payment(bill.job).filter(|_| bill.checked) {
			let sum = |lines: &[(AccountId, Balance)]| {
				let pays = lines.iter().map(|(_, pay)| *pay);
				pays.fold(0, Balance::saturating_add)
			};
			let sunk = paid.burned.saturating_add(paid.treasury);
			let all = sum(&paid.miners);
			let passed = Verification::passed_leads(bill.job);
			let leads = paid.miners.into_iter().zip(passed);
			let checked = leads.filter(|(_, passed)| *passed).map(|(line, _)| line);
			let checked = checked.collect::<Vec<_>>();
			let sunk =
				multiply_by_rational_with_rounding(sunk, sum(&checked), all.max(1), Rounding::Down);
			let lines = checked.into_iter().chain(paid.verifiers);
			Poaw::credit(sunk.unwrap_or(0), &lines.collect::<Vec<_>>());
		}
		Ok(())
	}

	fn forget(job: JobId) {
		<Rewards as Payouts<_, RuntimeHoldReason>>::forget(job)
	}
}

/// The workers, whose convictions take the credit of their validators.
pub struct AccountableWorkers;

impl WorkerPool<AccountId, Balance, BlockNumber> for AccountableWorkers {
	fn worker(who: &AccountId) -> Option<Worker<AccountId, Balance, BlockNumber>> {
		Miners::worker(who)
	}

	fn draw_verifier(seed: Digest, excluded: &[AccountId], memory: u64) -> Option<AccountId> {
		Miners::draw_verifier(seed, excluded, memory)
	}

	fn is_late(who: &AccountId) -> bool {
		Miners::is_late(who)
	}

	fn trust(who: &AccountId) -> Trust {
		Miners::trust(who)
	}

	fn unverified(who: &AccountId, pay: Balance) {
		Miners::unverified(who, pay)
	}

	fn engage(who: &AccountId) {
		Miners::engage(who)
	}

	fn release(who: &AccountId, verdict: Verdict) {
		Miners::release(who, verdict)
	}

	fn withheld(who: &AccountId, pay: Balance, user: Option<&AccountId>) -> Balance {
		Miners::withheld(who, pay, user)
	}

	fn slash(who: &AccountId, conviction: &Conviction<AccountId>) -> Balance {
		Poaw::convict(who);
		Miners::slash(who, conviction)
	}

	/// The treasury makes good what was taken, as far as it has it. What was burned is not minted again, and
	/// credit that went with a conviction has to be earned again.
	fn acquit(who: &AccountId, amount: Balance, ground: Option<Ground>) -> Balance {
		let had = Balances::reducible_balance(
			&treasury_account(),
			Preservation::Preserve,
			Fortitude::Polite,
		);
		let (from, amount) = (treasury_account(), amount.min(had));
		let moved = Balances::transfer(&from, who, amount, Preservation::Preserve);
		Miners::acquit(who, moved.unwrap_or(0), ground)
	}
}
