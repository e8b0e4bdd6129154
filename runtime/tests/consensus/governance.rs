//! What council and technical committee can do, together and alone: root, the treasury's money, calls at a
//! later block, the safe mode.

use crate::{
	chain::{By, Chain},
	chambers::{
		pass,
		Chamber::{Committee, Council},
	},
};
use codec::Encode;
use dllm_runtime::{
	configs::{
		governance::{
			CouncilSpending, PreimageBaseDeposit, PreimageByteDeposit, PreimageHold, Rank,
			SafeModeBlocks,
		},
		pipeline::treasury_account,
	},
	constants::money::DLLM,
	Balance, Balances, Hash, OriginCaller, Runtime, RuntimeCall, RuntimeEvent, Session, System,
};
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{fungible::InspectHold, PrivilegeCmp},
};
use pallet_staking::RewardDestination;
use sp_keyring::Sr25519Keyring::{self, Alice, Charlie, Eve, Ferdie};
use sp_runtime::{
	traits::{BlakeTwo256, Hash as _},
	DispatchError, Perbill,
};
use std::cmp::Ordering;

/// Validators that the preset asks for, and those that root asks for here.
const VALIDATORS: u32 = 4;
const FEWER: u32 = 3;

/// A call that only root may make.
fn fewer_validators() -> RuntimeCall {
	pallet_staking::Call::set_validator_count { new: FEWER }.into()
}

fn wanted_validators(chain: &mut Chain) -> u32 {
	chain.read(pallet_staking::ValidatorCount::<Runtime>::get)
}

fn hash_of(call: &RuntimeCall) -> Hash {
	BlakeTwo256::hash_of(call)
}

/// Stores a call under its hash, for a deposit.
fn note(call: &RuntimeCall) -> RuntimeCall {
	let bytes = call.encode();
	pallet_preimage::Call::note_preimage { bytes }.into()
}

fn whitelist(call: &RuntimeCall) -> RuntimeCall {
	let call_hash = hash_of(call);
	pallet_whitelist::Call::whitelist_call { call_hash }.into()
}

fn dispatch(call: &RuntimeCall) -> RuntimeCall {
	pallet_whitelist::Call::dispatch_whitelisted_call {
		call_hash: hash_of(call),
		call_encoded_len: call.encoded_size() as u32,
		call_weight_witness: call.get_dispatch_info().call_weight,
	}
	.into()
}

fn transfer(to: Sr25519Keyring, value: Balance) -> RuntimeCall {
	let dest = to.to_account_id().into();
	pallet_balances::Call::transfer_keep_alive { dest, value }.into()
}

fn free(chain: &mut Chain, who: Sr25519Keyring) -> Balance {
	chain.read(|| Balances::free_balance(who.to_account_id()))
}

/// What a single call of an account comes to.
fn attempt(chain: &mut Chain, who: Sr25519Keyring, call: RuntimeCall) -> Result<(), DispatchError> {
	let (results, _) = chain.block(vec![(By::Account(who), call)]);
	results[0]
}

#[test]
fn two_chambers_make_root() {
	let mut chain = Chain::new();
	let call = fewer_validators();
	chain.run([(By::Account(Eve), note(&call))]);
	assert_eq!(pass(&mut chain, Committee, 3, whitelist(&call)), Ok(()));
	assert_eq!(wanted_validators(&mut chain), VALIDATORS);
	assert_eq!(pass(&mut chain, Council, 3, dispatch(&call)), Ok(()));
	assert_eq!(wanted_validators(&mut chain), FEWER);

	let era = chain.era();
	chain.turn_to_era(era + 2);
	assert_eq!(chain.read(Session::validators).len(), FEWER as usize);
	// A hash is whitelisted for one dispatch.
	assert_eq!(pass(&mut chain, Council, 3, dispatch(&call)), Ok(()));
	let again = attempt(&mut chain, Eve, dispatch(&call));
	let gone = pallet_whitelist::Error::<Runtime>::CallIsNotWhitelisted;
	assert_eq!(again, Err(gone.into()));
}

/// The council may come first: then anybody makes the call once the committee agrees.
#[test]
fn the_order_of_the_chambers_does_not_matter() {
	let mut chain = Chain::new();
	let call = fewer_validators();
	chain.run([(By::Account(Eve), note(&call))]);
	assert_eq!(pass(&mut chain, Council, 3, dispatch(&call)), Ok(()));
	assert_eq!(pass(&mut chain, Committee, 3, whitelist(&call)), Ok(()));
	assert_eq!(wanted_validators(&mut chain), VALIDATORS);
	chain.run([(By::Account(Ferdie), dispatch(&call))]);
	assert_eq!(wanted_validators(&mut chain), FEWER);
}

#[test]
fn neither_chamber_is_root_alone() {
	let mut chain = Chain::new();
	let call = fewer_validators();
	chain.run([(By::Account(Eve), note(&call))]);
	// All of the council: its wish is noted, and waits for the committee.
	assert_eq!(pass(&mut chain, Council, 4, dispatch(&call)), Ok(()));
	let refused = Err(DispatchError::BadOrigin);
	assert_eq!(pass(&mut chain, Council, 4, whitelist(&call)), refused);
	assert_eq!(pass(&mut chain, Council, 4, call.clone()), refused);
	let alone = attempt(&mut chain, Eve, dispatch(&call));
	let missing = pallet_whitelist::Error::<Runtime>::CallIsNotWhitelisted;
	assert_eq!(alone, Err(missing.into()));

	let mut chain = Chain::new();
	chain.run([(By::Account(Eve), note(&call))]);
	// Half of the committee is too little, and all of it cannot dispatch.
	assert_eq!(pass(&mut chain, Committee, 2, whitelist(&call)), refused);
	assert_eq!(pass(&mut chain, Committee, 4, whitelist(&call)), Ok(()));
	assert_eq!(pass(&mut chain, Committee, 4, dispatch(&call)), refused);
	assert_eq!(pass(&mut chain, Committee, 4, call.clone()), refused);
	assert_eq!(pass(&mut chain, Council, 2, dispatch(&call)), refused);
	let alone = attempt(&mut chain, Eve, dispatch(&call));
	let missing = pallet_whitelist::Error::<Runtime>::DeferredDispatchNotFound;
	assert_eq!(alone, Err(missing.into()));
	assert_eq!(wanted_validators(&mut chain), VALIDATORS);
}

#[test]
fn the_deposit_for_a_stored_call_comes_back_when_it_has_run() {
	let mut chain = Chain::new();
	let call = fewer_validators();
	let held = |chain: &mut Chain| {
		chain.read(|| Balances::balance_on_hold(&PreimageHold::get(), &Eve.to_account_id()))
	};
	let before = free(&mut chain, Eve);
	chain.run([(By::Account(Eve), note(&call))]);
	let bytes = call.encoded_size() as Balance;
	let deposit = PreimageBaseDeposit::get() + bytes * PreimageByteDeposit::get();
	assert_eq!(held(&mut chain), deposit);
	assert_eq!(free(&mut chain, Eve), before - deposit);

	assert_eq!(pass(&mut chain, Committee, 3, whitelist(&call)), Ok(()));
	assert_eq!(pass(&mut chain, Council, 3, dispatch(&call)), Ok(()));
	let hash = hash_of(&call);
	let unnote = pallet_preimage::Call::unnote_preimage { hash };
	let stranger = attempt(&mut chain, Ferdie, unnote.clone().into());
	let not_hers = pallet_preimage::Error::<Runtime>::NotAuthorized;
	assert_eq!(stranger, Err(not_hers.into()));
	chain.run([(By::Account(Eve), unnote.into())]);
	assert_eq!((held(&mut chain), free(&mut chain, Eve)), (0, before));
}

#[test]
fn the_council_spends_of_the_treasury_up_to_its_limit() {
	let mut chain = Chain::new();
	let limit = CouncilSpending::get();
	let treasury = treasury_account();
	let fill = pallet_balances::Call::transfer_keep_alive {
		dest: treasury.clone().into(),
		value: 2 * limit,
	};
	chain.run([(By::Account(Charlie), fill.into())]);
	let spend = |amount: Balance| {
		let beneficiary = Box::new(Eve.to_account_id());
		RuntimeCall::from(pallet_treasury::Call::spend {
			asset_kind: Box::new(()),
			amount,
			beneficiary,
			valid_from: None,
		})
	};
	let above = pallet_treasury::Error::<Runtime>::InsufficientPermission;
	assert_eq!(
		pass(&mut chain, Council, 4, spend(limit + 1)),
		Err(above.into())
	);
	let refused = Err(DispatchError::BadOrigin);
	assert_eq!(pass(&mut chain, Council, 2, spend(limit)), refused);
	assert_eq!(pass(&mut chain, Committee, 4, spend(limit)), refused);
	assert_eq!(pass(&mut chain, Council, 3, spend(limit)), Ok(()));

	let money = |chain: &mut Chain| chain.read(|| Balances::free_balance(&treasury));
	let before = (free(&mut chain, Eve), money(&mut chain));
	let payout: RuntimeCall = pallet_treasury::Call::payout { index: 0 }.into();
	chain.run([(By::Account(Ferdie), payout.clone())]);
	let after = (free(&mut chain, Eve), money(&mut chain));
	assert_eq!(after, (before.0 + limit, before.1 - limit));
	let paid = pallet_treasury::Error::<Runtime>::AlreadyAttempted;
	assert_eq!(attempt(&mut chain, Ferdie, payout), Err(paid.into()));
}

/// A call that two thirds of the council may make: nobody validates for less than a twentieth.
fn least_commission() -> RuntimeCall {
	let new = Perbill::from_percent(5);
	pallet_staking::Call::set_min_commission { new }.into()
}

fn commission(chain: &mut Chain) -> Perbill {
	chain.read(pallet_staking::MinCommission::<Runtime>::get)
}

/// Blocks from now in which a scheduled call runs.
const LATER: u32 = 5;

/// So many of the council schedule a call; answers its block.
fn schedule(chain: &mut Chain, ayes: usize) -> u32 {
	let when = chain.read(System::block_number) + LATER;
	let schedule = pallet_scheduler::Call::schedule {
		when,
		maybe_periodic: None,
		priority: 0,
		call: Box::new(least_commission()),
	};
	assert_eq!(pass(chain, Council, ayes, schedule.into()), Ok(()));
	when
}

fn cancel(when: u32) -> RuntimeCall {
	pallet_scheduler::Call::cancel { when, index: 0 }.into()
}

#[test]
fn a_scheduled_call_runs_at_its_block() {
	let mut chain = Chain::new();
	let when = schedule(&mut chain, 3);
	while chain.read(System::block_number) < when - 1 {
		chain.run([]);
	}
	assert_eq!(commission(&mut chain), Perbill::zero());
	let events = chain.run([]);
	assert_eq!(commission(&mut chain), Perbill::from_percent(5));
	assert!(events.iter().any(|event| matches!(
		event,
		RuntimeEvent::Scheduler(pallet_scheduler::Event::Dispatched {
			task: (at, 0),
			result: Ok(()),
			..
		}) if *at == when
	)));
}

#[test]
fn a_majority_no_smaller_cancels_what_another_scheduled() {
	for (by, cancelled_by, cancelled) in [
		(3, 4, Ok(())),
		(3, 3, Ok(())),
		(4, 3, Err(DispatchError::BadOrigin)),
	] {
		let mut chain = Chain::new();
		let when = schedule(&mut chain, by);
		let result = pass(&mut chain, Council, cancelled_by, cancel(when));
		assert_eq!(result, cancelled, "{cancelled_by} after {by}");
		(0..LATER).for_each(|_| drop(chain.run([])));
		let ran = commission(&mut chain) != Perbill::zero();
		assert_eq!(ran, cancelled.is_err(), "{cancelled_by} after {by}");
	}
}

#[test]
fn root_cancels_what_the_council_scheduled_and_the_committee_does_not() {
	let mut chain = Chain::new();
	let when = schedule(&mut chain, 4);
	let refused = Err(DispatchError::BadOrigin);
	assert_eq!(pass(&mut chain, Committee, 4, cancel(when)), refused);
	chain.run([(By::Root, cancel(when))]);
	(0..LATER).for_each(|_| drop(chain.run([])));
	assert_eq!(commission(&mut chain), Perbill::zero());
}

#[test]
fn majorities_are_compared_as_parts_of_all_members() {
	use pallet_collective::RawOrigin::Members;
	let council = |yes, of| OriginCaller::Council(Members(yes, of));
	for ((yes, of), (other_yes, other_of), order) in [
		((2, 3), (4, 6), Ordering::Equal),
		((7, 9), (3, 4), Ordering::Greater),
		((5, 7), (3, 4), Ordering::Less),
		((u32::MAX, u32::MAX), (1, 1), Ordering::Equal),
	] {
		let compared = Rank::cmp_privilege(&council(yes, of), &council(other_yes, other_of));
		assert_eq!(compared, Some(order), "{yes}/{of} {other_yes}/{other_of}");
	}
	let committee = OriginCaller::TechnicalCommittee(Members(4, 4));
	assert_eq!(Rank::cmp_privilege(&committee, &council(3, 4)), None);
	let root = OriginCaller::system(frame_system::RawOrigin::Root);
	let over = Rank::cmp_privilege(&root, &council(4, 4));
	assert_eq!(over, Some(Ordering::Greater));
	assert_eq!(Rank::cmp_privilege(&council(4, 4), &root), None);
}

fn enter() -> RuntimeCall {
	pallet_safe_mode::Call::force_enter {}.into()
}

fn safe_until(chain: &mut Chain) -> Option<u32> {
	chain.read(pallet_safe_mode::EnteredUntil::<Runtime>::get)
}

#[test]
fn the_safe_mode_stops_money_and_not_the_chain() {
	let mut chain = Chain::new();
	let refused = Err(DispatchError::BadOrigin);
	assert_eq!(pass(&mut chain, Committee, 2, enter()), refused);
	assert_eq!(pass(&mut chain, Council, 4, enter()), refused);
	let buy = pallet_safe_mode::Call::enter {};
	let not_for_sale = pallet_safe_mode::Error::<Runtime>::NotConfigured;
	let bought = attempt(&mut chain, Eve, buy.into());
	assert_eq!(bought, Err(not_for_sale.into()));
	assert_eq!(pass(&mut chain, Committee, 3, enter()), Ok(()));
	let until = chain.read(System::block_number) + SafeModeBlocks::get();
	assert_eq!(safe_until(&mut chain), Some(until));

	let bond = pallet_staking::Call::bond {
		value: 100 * DLLM,
		payee: RewardDestination::Stash,
	};
	let filtered = Err(frame_system::Error::<Runtime>::CallFiltered.into());
	for call in [transfer(Ferdie, DLLM), bond.into()] {
		assert_eq!(attempt(&mut chain, Eve, call), filtered);
	}
	let (session, era) = (chain.session(), chain.era());
	chain.turn_to_era(era + 2);
	assert!(chain.session() >= session + 2);

	let exit = pallet_safe_mode::Call::force_exit {};
	assert_eq!(pass(&mut chain, Council, 3, exit.into()), Ok(()));
	chain.run([(By::Account(Eve), transfer(Ferdie, DLLM))]);
}

#[test]
fn the_safe_mode_ends_by_itself() {
	let mut chain = Chain::new();
	assert_eq!(pass(&mut chain, Committee, 3, enter()), Ok(()));
	// It lasts a day of blocks, which is long for a test: its end is brought near.
	let last = chain.read(|| {
		let last = System::block_number() + 2;
		pallet_safe_mode::EnteredUntil::<Runtime>::put(last);
		last
	});
	let filtered = Err(frame_system::Error::<Runtime>::CallFiltered.into());
	while chain.read(System::block_number) < last {
		let sent = attempt(&mut chain, Alice, transfer(Ferdie, DLLM));
		assert_eq!(sent, filtered);
	}
	chain.run([(By::Account(Alice), transfer(Ferdie, DLLM))]);
	assert_eq!(safe_until(&mut chain), None);
}
