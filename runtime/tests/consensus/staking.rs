//! What a wallet does: bond, validate, nominate, join a pool, be paid, leave.

use crate::chain::{By, Chain};
use dllm_runtime::{
	configs::staking::{
		ElectionLimits, MAX_ELECTABLE_TARGETS, MAX_ELECTING_VOTERS, MAX_NOMINATIONS,
	},
	constants::{block, money::DLLM},
	AccountId, Balance, Balances, Runtime, RuntimeCall, RuntimeEvent, Session, Staking,
};
use frame_election_provider_support::WeightInfo;
use frame_support::traits::fungible::Inspect;
use pallet_staking::{RewardDestination, ValidatorPrefs};
use sp_keyring::Sr25519Keyring::{self, Alice, Eve, Ferdie};
use sp_staking::StakingInterface;

fn bond(value: Balance) -> RuntimeCall {
	let payee = RewardDestination::Stash;
	pallet_staking::Call::bond { value, payee }.into()
}

fn total(who: Sr25519Keyring) -> Balance {
	Balances::total_balance(&who.to_account_id())
}

/// Makes Eve a validator of the next elected set, and answers the first era in which she is one.
fn with_eve() -> (Chain, u32) {
	let mut chain = Chain::new();
	let validate = pallet_staking::Call::validate {
		prefs: ValidatorPrefs::default(),
	};
	let more = pallet_staking::Call::set_validator_count { new: 5 };
	let keys = chain.rotate(Eve);
	chain.run([
		(By::Account(Eve), bond(150_000 * DLLM)),
		(By::Account(Eve), validate.into()),
		(By::Account(Eve), keys),
		(By::Root, more.into()),
	]);
	let eve = Eve.to_account_id();
	while !chain.read(|| Session::validators().contains(&eve)) {
		assert!(chain.session() < 10, "Eve was never elected");
		chain.turn();
	}
	let era = chain.era();
	(chain, era)
}

#[test]
fn who_bonds_and_validates_is_elected_and_paid() {
	let (mut chain, era) = with_eve();
	let events = chain.turn_to_era(era + 1);
	let paid_out = events.iter().find_map(|event| match event {
		RuntimeEvent::Staking(pallet_staking::Event::EraPaid {
			era_index,
			validator_payout,
			..
		}) if *era_index == era => Some(*validator_payout),
		_ => None,
	});
	assert!(paid_out.expect("the era was paid") > 0);

	let before = chain.read(|| total(Eve));
	let payout = pallet_staking::Call::payout_stakers_by_page {
		validator_stash: Eve.to_account_id(),
		era,
		page: 0,
	};
	chain.run([(By::Account(Alice), payout.clone().into())]);
	assert!(chain.read(|| total(Eve)) > before);
	let (again, _) = chain.block(vec![(By::Account(Alice), payout.into())]);
	let claimed = pallet_staking::Error::<Runtime>::AlreadyClaimed;
	assert_eq!(again[0], Err(claimed.into()));
}

#[test]
fn a_nominator_shares_the_reward() {
	let (mut chain, era) = with_eve();
	let nominate = pallet_staking::Call::nominate {
		targets: vec![Eve.to_account_id().into()],
	};
	chain.run([
		(By::Account(Ferdie), bond(300_000 * DLLM)),
		(By::Account(Ferdie), nominate.into()),
	]);
	chain.turn_to_era(era + 3);
	let before = chain.read(|| (total(Eve), total(Ferdie)));
	let payout = pallet_staking::Call::payout_stakers {
		validator_stash: Eve.to_account_id(),
		era: era + 2,
	};
	chain.run([(By::Account(Alice), payout.into())]);
	let after = chain.read(|| (total(Eve), total(Ferdie)));
	let (eves, ferdies) = (after.0 - before.0, after.1 - before.1);
	// Ferdie has twice Eve's stake and she asks for no commission.
	assert!(eves > 0);
	assert!(ferdies.abs_diff(2 * eves) <= eves / 100, "{eves} {ferdies}");
}

#[test]
fn a_pool_is_opened_joined_and_paid() {
	let (mut chain, era) = with_eve();
	let account = |who: Sr25519Keyring| -> AccountId { who.to_account_id() };
	let create = pallet_nomination_pools::Call::create {
		amount: 50_000 * DLLM,
		root: account(Alice).into(),
		nominator: account(Alice).into(),
		bouncer: account(Alice).into(),
	};
	// Alice validates, so she cannot be a member herself: Ferdie opens the pool.
	let nominate = pallet_nomination_pools::Call::nominate {
		pool_id: 1,
		validators: vec![account(Eve)],
	};
	let join = pallet_nomination_pools::Call::join {
		amount: 20_000 * DLLM,
		pool_id: 1,
	};
	chain.run([
		(By::Account(Ferdie), create.into()),
		(By::Account(Alice), nominate.into()),
	]);
	let member = Sr25519Keyring::One;
	let funds = pallet_balances::Call::transfer_keep_alive {
		dest: account(member).into(),
		value: 30_000 * DLLM,
	};
	chain.run([
		(By::Account(Ferdie), funds.into()),
		(By::Account(member), join.into()),
	]);
	chain.turn_to_era(era + 3);
	let payout = pallet_staking::Call::payout_stakers {
		validator_stash: account(Eve),
		era: era + 2,
	};
	let before = chain.read(|| total(member));
	let claim = pallet_nomination_pools::Call::claim_payout {};
	chain.run([
		(By::Account(Alice), payout.into()),
		(By::Account(member), claim.into()),
	]);
	assert!(chain.read(|| total(member)) > before);
}

#[test]
fn stake_comes_back_when_the_bonding_time_is_over() {
	let mut chain = Chain::new();
	let era = chain.era();
	let unbond = pallet_staking::Call::unbond { value: 400 * DLLM };
	let withdraw: RuntimeCall = pallet_staking::Call::withdraw_unbonded {
		num_slashing_spans: 0,
	}
	.into();
	chain.run([
		(By::Account(Ferdie), bond(1_000 * DLLM)),
		(By::Account(Ferdie), unbond.into()),
	]);
	let ferdie = Ferdie.to_account_id();
	let staked = |chain: &mut Chain| chain.read(|| Staking::stake(&ferdie).unwrap().total);
	chain.turn_to_era(era + 1);
	chain.run([(By::Account(Ferdie), withdraw.clone())]);
	assert_eq!(staked(&mut chain), 1_000 * DLLM, "too early");
	chain.turn_to_era(era + 3);
	chain.run([(By::Account(Ferdie), withdraw)]);
	assert_eq!(staked(&mut chain), 600 * DLLM);
}

/// By the weights that the SDK measured, the largest election fits into the block that holds it.
#[test]
fn the_largest_election_fits_into_a_block() {
	let limits = ElectionLimits::get();
	assert_eq!(limits.voters.count, Some(MAX_ELECTING_VOTERS.into()));
	assert_eq!(limits.targets.count, Some(MAX_ELECTABLE_TARGETS.into()));
	let weight = frame_election_provider_support::weights::SubstrateWeight::<Runtime>::phragmen(
		MAX_ELECTING_VOTERS,
		MAX_ELECTABLE_TARGETS,
		MAX_NOMINATIONS,
	);
	assert!(weight.ref_time() < block::MAX_WEIGHT.ref_time() / 2);
}
