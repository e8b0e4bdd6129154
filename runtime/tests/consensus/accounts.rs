//! What belongs to accounts: names that a registrar vouches for, and money that is freed over time.

use crate::{
	chain::{By, Chain},
	chambers::{pass, Chamber::Council},
};
use codec::Encode;
use dllm_runtime::{
	configs::accounts::{IdentityByteDeposit, IdentityDeposit},
	constants::money::DLLM,
	Balance, Balances, Runtime, RuntimeCall, Staking, System,
};
use pallet_identity::{legacy::IdentityInfo, Data, Judgement};
use pallet_staking::RewardDestination;
use pallet_vesting::VestingInfo;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Eve, Ferdie, One};
use sp_runtime::{
	traits::{BlakeTwo256, Hash as _},
	DispatchError, TokenError,
};
use sp_staking::StakingInterface;

/// What a registrar asks for a judgement.
const FEE: Balance = DLLM;

#[test]
fn a_registrar_vouches_for_a_name() {
	let mut chain = Chain::new();
	let registrar = || {
		let account = Bob.to_account_id().into();
		RuntimeCall::from(pallet_identity::Call::add_registrar { account })
	};
	let half = pass(&mut chain, Council, 2, registrar());
	assert_eq!(half, Err(DispatchError::BadOrigin));
	assert_eq!(pass(&mut chain, Council, 3, registrar()), Ok(()));

	let info: <Runtime as pallet_identity::Config>::IdentityInformation = IdentityInfo {
		display: Data::Raw(b"Eve".to_vec().try_into().unwrap()),
		..Default::default()
	};
	let identity = BlakeTwo256::hash_of(&info);
	let bytes = info.encoded_size() as Balance;
	let deposit = IdentityDeposit::get() + bytes * IdentityByteDeposit::get();
	let fee = pallet_identity::Call::set_fee { index: 0, fee: FEE };
	let set = pallet_identity::Call::set_identity {
		info: Box::new(info),
	};
	let request = pallet_identity::Call::request_judgement {
		reg_index: 0,
		max_fee: FEE,
	};
	chain.run([
		(By::Account(Bob), fee.into()),
		(By::Account(Eve), set.into()),
		(By::Account(Eve), request.into()),
	]);
	let reserved =
		|chain: &mut Chain| chain.read(|| Balances::reserved_balance(Eve.to_account_id()));
	assert_eq!(reserved(&mut chain), deposit + FEE);

	let judge = pallet_identity::Call::provide_judgement {
		reg_index: 0,
		target: Eve.to_account_id().into(),
		judgement: Judgement::KnownGood,
		identity,
	};
	let bobs = |chain: &mut Chain| chain.read(|| Balances::free_balance(Bob.to_account_id()));
	let before = bobs(&mut chain);
	let (results, _) = chain.block(vec![
		(By::Account(Ferdie), judge.clone().into()),
		(By::Account(Bob), judge.into()),
	]);
	let not_one = pallet_identity::Error::<Runtime>::InvalidIndex;
	assert_eq!(results, [Err(not_one.into()), Ok(())]);
	assert_eq!(bobs(&mut chain), before + FEE);
	assert_eq!(reserved(&mut chain), deposit);
	let eve = Eve.to_account_id();
	let registration = chain.read(|| pallet_identity::IdentityOf::<Runtime>::get(&eve));
	let judgements = registration.expect("she has a name").judgements;
	assert_eq!(judgements.into_inner(), [(0, Judgement::KnownGood)]);

	let clear = pallet_identity::Call::clear_identity {};
	chain.run([(By::Account(Eve), clear.into())]);
	assert_eq!(reserved(&mut chain), 0);
}

/// Money that vests, and what is freed a block.
const PROMISED: Balance = 1_000 * DLLM;
const A_BLOCK: Balance = 100 * DLLM;

#[test]
fn money_that_vests_may_be_staked_but_not_sent() {
	let mut chain = Chain::new();
	let first = chain.read(System::block_number) + 5;
	let promise = pallet_vesting::Call::vested_transfer {
		target: One.to_account_id().into(),
		schedule: VestingInfo::new(PROMISED, A_BLOCK, first),
	};
	chain.run([(By::Account(Alice), promise.into())]);
	let send = || {
		let dest = Ferdie.to_account_id().into();
		let value = 50 * DLLM;
		RuntimeCall::from(pallet_balances::Call::transfer_keep_alive { dest, value })
	};
	let frozen = Err(TokenError::Frozen.into());
	let attempt = |chain: &mut Chain| chain.block(vec![(By::Account(One), send())]).0;
	assert_eq!(attempt(&mut chain), [frozen]);

	let bond = pallet_staking::Call::bond {
		value: 900 * DLLM,
		payee: RewardDestination::Stash,
	};
	chain.run([(By::Account(One), bond.into())]);
	let one = One.to_account_id();
	let staked = |chain: &mut Chain| chain.read(|| Staking::active_stake(&one));
	assert_eq!(staked(&mut chain), Ok(900 * DLLM));
	assert_eq!(attempt(&mut chain), [frozen], "what is left vests too");

	while chain.read(System::block_number) < first + (PROMISED / A_BLOCK) as u32 {
		chain.run([]);
	}
	let vest = pallet_vesting::Call::vest {};
	chain.run([(By::Account(One), vest.into()), (By::Account(One), send())]);
	assert_eq!(staked(&mut chain), Ok(900 * DLLM));
}
