//! Every invariant notices when it is broken.

use crate::mock::*;
use frame_support::{
	traits::{fungible::MutateHold, tokens::Precision},
	WeakBoundedVec,
};
use pallet_poaw::{HoldReason, Rules, Snapshot};

fn complaint(spoil: impl FnOnce()) -> String {
	let mut said = String::new();
	execute(|| {
		turns(2);
		link(WORKER, 1);
		Poaw::do_try_state().unwrap();
		frame_support::storage::with_transaction(|| {
			spoil();
			said = format!("{:?}", Poaw::do_try_state().unwrap_err());
			sp_runtime::TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(()))
		})
		.unwrap();
	});
	said
}

#[test]
fn a_weight_of_zero() {
	let said = complaint(|| {
		let mut weights = next();
		weights[0].1 = 0;
		pallet_babe::NextAuthorities::<Test>::put(WeakBoundedVec::force_from(weights, None));
	});
	assert!(said.contains("announced weight"), "{said}");
}

#[test]
fn a_weight_beyond_the_highest_multiplier() {
	let said = complaint(|| {
		let weights = vec![(1, 4 * BASE_WEIGHT + 1)];
		Snapshot::<Test>::put(WeakBoundedVec::force_from(weights, None));
	});
	assert!(said.contains("snapshot"), "{said}");
}

#[test]
fn an_authority_too_many() {
	let said = complaint(|| {
		let mut weights = current();
		weights.push((key(9), 1));
		pallet_babe::Authorities::<Test>::put(WeakBoundedVec::force_from(weights, None));
	});
	assert!(said.contains("as many authorities"), "{said}");
}

#[test]
fn authorities_in_another_order_than_the_validators() {
	let said = complaint(|| {
		let mut weights = next();
		weights.swap(0, 1);
		pallet_babe::NextAuthorities::<Test>::put(WeakBoundedVec::force_from(weights, None));
	});
	assert!(said.contains("order"), "{said}");
}

#[test]
fn a_weight_that_was_not_announced() {
	let said = complaint(|| {
		let mut weights = current();
		weights[0].1 += 1;
		pallet_babe::Authorities::<Test>::put(WeakBoundedVec::force_from(weights, None));
	});
	assert!(said.contains("not those that were announced"), "{said}");
}

#[test]
fn a_deposit_that_is_not_on_hold() {
	let said = complaint(|| {
		let reason = HoldReason::LinkDeposit.into();
		Balances::release(&reason, &WORKER, 1, Precision::Exact).unwrap();
	});
	assert!(said.contains("deposit"), "{said}");
}

#[test]
fn rules_out_of_bounds() {
	let said = complaint(|| {
		Rules::<Test>::put(Params {
			kappa_milli: 9_000,
			..rules()
		})
	});
	assert!(said.contains("rules"), "{said}");
}
