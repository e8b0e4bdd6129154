//! A breaker that has tripped: money and bonds stay where they are until governance rules.

use crate::{
	cast::*,
	chain::{account, Chain},
	cheating::{altered, disputed},
};
use dllm_primitives::{
	breaker::{Scope, Taken, Window},
	job::{JobState, Refund},
	verdict::{Phase, Verdict},
};
use dllm_runtime::{
	configs::pipeline::treasury_account, constants::money::DLLM, views, Address, Balance, Balances,
	Runtime, RuntimeCall, Verification,
};

const SCOPE: Scope = Scope::Model(MODEL);

/// Two jobs of a moment ago blamed other operators; the third one blames Miner1.
fn tripped() -> Chain {
	let mut chain = with_pipeline();
	chain.read(|| {
		let rules = <Runtime as pallet_verification::Config>::Breaker::get();
		let mut window = Window::default();
		for job in [90, 91] {
			window.count(&rules, 1, job, MODEL, &[account(&format!("Other{job}"))]);
		}
		pallet_verification::Windows::<Runtime>::insert(SCOPE, window);
	});
	disputed(&mut chain, JOB, altered(1));
	drawn(&mut chain);
	chain.block([attest(VERIFIER, JOB, 1, roots(1))]);
	chain
}

/// A call of governance.
fn rule(chain: &mut Chain, call: pallet_verification::Call<Runtime>) {
	let call = Box::new(RuntimeCall::from(call));
	chain.block([("Alice", pallet_sudo::Call::sudo { call }.into())]);
}

fn pardon() -> pallet_verification::Call<Runtime> {
	pallet_verification::Call::pardon {
		scope: SCOPE,
		but: Default::default(),
	}
}

fn bond(chain: &mut Chain, who: &str) -> Balance {
	chain.read(|| {
		pallet_miners::Workers::<Runtime>::get(account(who))
			.unwrap()
			.bond
	})
}

fn state(chain: &mut Chain, job: u64) -> JobState {
	chain.read(|| views::job(job).unwrap().state)
}

#[test]
fn escrow_and_bonds_wait() {
	let mut chain = tripped();
	assert_eq!(chain.read(|| Verification::phase(JOB)), Some(Phase::Held));
	assert!(matches!(state(&mut chain, JOB), JobState::Running { .. }));
	assert_eq!(bond(&mut chain, "Miner1"), BOND);
	let leave = pallet_miners::Call::unbond {};
	let refused = chain.refuse("Miner1", leave.into());
	assert_eq!(refused, pallet_miners::Error::<Runtime>::Engaged.into());

	// A new job finds no pipeline meanwhile, and is refunded as any other.
	chain.block([submit_public()]);
	chain.skip(DEADLINE + 20);
	let refunded = JobState::Refunded(Refund::NotAwarded);
	assert_eq!(state(&mut chain, JOB + 1), refunded);
	assert_eq!(chain.read(|| Verification::phase(JOB)), Some(Phase::Held));
}

#[test]
fn what_is_upheld_is_slashed_to_the_planck() {
	let mut chain = tripped();
	let parties = ["User", "Miner1", "Miner2", VERIFIER].map(account);
	let before = parties.clone().map(|who| wealth(&mut chain, &who));
	rule(
		&mut chain,
		pallet_verification::Call::uphold { scope: SCOPE },
	);
	chain.block([]);
	let after = parties.map(|who| wealth(&mut chain, &who));
	assert_eq!(state(&mut chain, JOB), JobState::Refunded(Refund::Cheated));
	assert_eq!(after[0], before[0] + MOST_PAY);
	assert_eq!(after[1], before[1] - OUTVOTED);
	assert_eq!(after[2..], before[2..]);
}

#[test]
fn a_pardon_costs_nobody_anything_and_work_goes_on() {
	let mut chain = tripped();
	let parties = ["User", "Miner1", "Miner2", VERIFIER].map(account);
	let before = parties.clone().map(|who| wealth(&mut chain, &who));
	rule(&mut chain, pardon());
	chain.block([]);
	let after = parties.map(|who| wealth(&mut chain, &who));
	assert_eq!(after, before);
	let refunded = JobState::Refunded(Refund::Indeterminate);
	assert_eq!(state(&mut chain, JOB), refunded);
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	let lead = &receipt.stages[1].participants[0];
	assert_eq!(lead.verdict, Some(Verdict::Pardoned));
	let miner = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!((miner.cheats, miner.active), (0, true));
	chain.block([submit_public()]);
	chain.block([]);
	assert!(matches!(
		state(&mut chain, JOB + 1),
		JobState::Running { .. }
	));
}

#[test]
fn the_treasury_makes_good_what_was_taken_before() {
	let mut chain = tripped();
	let lost = 5 * DLLM;
	chain.block([(
		"Alice",
		pallet_balances::Call::transfer_keep_alive {
			dest: Address::Id(treasury_account()),
			value: 2 * lost,
		}
		.into(),
	)]);
	let taken = |amount| Taken {
		at: 1,
		worker: account(VERIFIER),
		amount,
		ground: None,
		model: MODEL,
		class: None,
	};
	chain.read(|| {
		let all = vec![taken(lost), taken(Balance::MAX)];
		pallet_verification::TakenLately::<Runtime>::put(frame_support::BoundedVec::truncate_from(
			all,
		));
	});
	rule(&mut chain, pardon());
	// All of the first, and of the second as much as the treasury has.
	let gained = bond(&mut chain, VERIFIER) - BOND;
	let left = chain.read(|| Balances::free_balance(treasury_account()));
	assert!(gained > lost && left < lost, "{gained} {left}");
}
