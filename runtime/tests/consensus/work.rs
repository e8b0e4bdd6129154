//! Settled work reaches the weights, a conviction takes them, and the view tells both.

use crate::chain::{By, Chain};
use dllm_primitives::{
	flow::WorkLedger,
	poaw::{CreditView, PoawView, BASE_WEIGHT},
};
use dllm_runtime::{constants::money::DLLM, Poaw, Session};
use sp_keyring::Sr25519Keyring::{Alice, Charlie, Eve};

fn with_a_worker() -> Chain {
	let mut chain = Chain::new();
	let propose = pallet_poaw::Call::propose_link {
		validator: Alice.to_account_id(),
	};
	let accept = pallet_poaw::Call::accept_link {
		worker: Eve.to_account_id(),
	};
	chain.run([
		(By::Account(Eve), propose.into()),
		(By::Account(Alice), accept.into()),
	]);
	chain
}

fn credit_of_alice(view: &PoawView) -> CreditView {
	let mut ledger = view.ledger.iter();
	let line = ledger.find(|line| line.account == Alice.to_account_id());
	line.expect("Alice is a validator").clone()
}

#[test]
fn the_view_tells_weights_and_ledger() {
	let mut chain = with_a_worker();
	chain.read(|| Poaw::credit(500 * DLLM, &[(Eve.to_account_id(), 1)]));
	let early = chain.read(Poaw::view);
	assert_eq!(
		(early.ledger[0].credit, early.ledger[0].earned),
		(0, 500 * DLLM)
	);

	chain.turn();
	chain.turn();
	let view = chain.read(Poaw::view);
	assert_eq!(view.session, 2);
	assert_eq!(view.primary, (2, 5));
	assert_eq!(view.current.len(), 4);
	for author in &view.next {
		let doubled = author.account == Alice.to_account_id();
		let times = if doubled { 2 } else { 1 };
		assert_eq!(author.weight, times * BASE_WEIGHT);
	}
	let credit = credit_of_alice(&view);
	assert_eq!(credit.credit, 450 * DLLM);
	assert_eq!(credit.self_bond, 100_000 * DLLM);
	assert_eq!(credit.counted, 450 * DLLM);
	assert_eq!(
		credit,
		chain.read(|| Poaw::credit_view(Alice.to_account_id()))
	);
	assert!(view.target >= view.params.target);
}

#[test]
fn a_conviction_takes_the_weight_and_leaves_the_validator() {
	let mut chain = with_a_worker();
	chain.read(|| Poaw::credit(500 * DLLM, &[(Eve.to_account_id(), 1)]));
	chain.turn();
	chain.turn();
	chain.read(|| Poaw::convict(&Eve.to_account_id()));
	chain.turn();
	let view = chain.read(Poaw::view);
	assert!(view.next.iter().all(|author| author.weight == BASE_WEIGHT));
	chain.read(|| {
		assert!(Session::validators().contains(&Alice.to_account_id()));
		assert!(Session::disabled_validators().is_empty());
		assert!(Poaw::credit_view(Alice.to_account_id())
			.banned_until
			.is_some());
	});
}

#[test]
fn only_governance_sets_the_rules() {
	let mut chain = Chain::new();
	let rules = dllm_primitives::poaw::Params::default();
	let set = pallet_poaw::Call::set_rules { rules };
	let (results, _) = chain.block(vec![
		(By::Account(Charlie), set.clone().into()),
		(By::Root, set.into()),
	]);
	assert!(results[0].is_err());
	assert_eq!(results[1], Ok(()));
}
