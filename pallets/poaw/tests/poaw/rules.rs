//! Governance sets the rules inside hard bounds.

use crate::mock::*;
use frame_support::{assert_noop, assert_ok};
use pallet_poaw::Rules;
use sp_runtime::{DispatchError, Permill};

fn set(rules: Params) -> sp_runtime::DispatchResult {
	Poaw::set_rules(RuntimeOrigin::root(), rules)
}

#[test]
fn governance_sets_them_and_nobody_else() {
	execute(|| {
		let wanted = Params {
			kappa_milli: 4_000,
			..rules()
		};
		assert_noop!(
			Poaw::set_rules(RuntimeOrigin::signed(1), wanted),
			DispatchError::BadOrigin
		);
		assert_ok!(set(wanted));
		assert_eq!(Rules::<Test>::get(), wanted);
		assert!(events().contains(&Event::RulesSet { rules: wanted }));
	});
}

#[test]
fn every_bound_is_hard() {
	let wrong: [fn(&mut Params); 8] = [
		|rules| rules.kappa_milli = 999,
		|rules| rules.kappa_milli = 4_001,
		|rules| rules.decay = Permill::from_parts(499_999),
		|rules| rules.decay = Permill::from_parts(990_001),
		|rules| rules.decay = Permill::one(),
		|rules| rules.rebate = Permill::from_parts(500_001),
		|rules| rules.target = 0,
		|rules| rules.min_validators = 0,
	];
	execute(|| {
		for spoil in wrong {
			let mut wanted = rules();
			spoil(&mut wanted);
			assert_noop!(set(wanted), Error::OutOfBounds);
		}
	});
}

#[test]
fn the_defaults_are_sound() {
	assert!(Params::default().is_sound());
}

#[test]
#[should_panic(expected = "out of their bounds")]
fn a_genesis_out_of_bounds_does_not_start() {
	let wrong = Params {
		target: 0,
		..rules()
	};
	execute_with(wrong, vec![], || ());
}
