//! A proxy may do what its kind says, and nothing else.

use dllm_runtime::{configs::system::ProxyType, RuntimeCall};
use frame_support::traits::InstanceFilter;
use sp_keyring::Sr25519Keyring;

fn transfer() -> RuntimeCall {
	let dest = Sr25519Keyring::Bob.to_account_id().into();
	pallet_balances::Call::transfer_all {
		dest,
		keep_alive: false,
	}
	.into()
}

fn cancel() -> RuntimeCall {
	pallet_jobs::Call::cancel { job: 0 }.into()
}

fn unbond() -> RuntimeCall {
	pallet_miners::Call::unbond {}.into()
}

#[test]
fn a_workers_server_cannot_spend() {
	assert!(ProxyType::Worker.filter(&unbond()));
	assert!(!ProxyType::Worker.filter(&transfer()));
	assert!(!ProxyType::Worker.filter(&cancel()));
}

#[test]
fn who_may_prompt_may_do_nothing_else() {
	assert!(ProxyType::Prompts.filter(&cancel()));
	assert!(!ProxyType::Prompts.filter(&transfer()));
	assert!(!ProxyType::Prompts.filter(&unbond()));
}

#[test]
fn who_may_stake_may_do_nothing_else() {
	let claim = RuntimeCall::NominationPools(pallet_nomination_pools::Call::claim_payout {});
	assert!(ProxyType::Staking.filter(&pallet_staking::Call::chill {}.into()));
	assert!(ProxyType::Staking.filter(&claim));
	assert!(!ProxyType::Staking.filter(&transfer()));
	assert!(!ProxyType::Staking.filter(&cancel()));
	assert!(!ProxyType::Staking.filter(&unbond()));
}

#[test]
fn a_proxy_without_transfers_cannot_pay_by_another_way() {
	assert!(ProxyType::NonTransfer.filter(&unbond()));
	assert!(!ProxyType::NonTransfer.filter(&transfer()));
	assert!(!ProxyType::NonTransfer.filter(&cancel()));
}

#[test]
fn a_proxy_makes_no_proxy_that_may_do_more() {
	for kind in [
		ProxyType::NonTransfer,
		ProxyType::Worker,
		ProxyType::Prompts,
		ProxyType::Staking,
	] {
		assert!(ProxyType::Any.is_superset(&kind));
		assert!(!kind.is_superset(&ProxyType::Any));
	}
	assert!(!ProxyType::Worker.is_superset(&ProxyType::NonTransfer));
	assert!(!ProxyType::NonTransfer.is_superset(&ProxyType::Prompts));
}
