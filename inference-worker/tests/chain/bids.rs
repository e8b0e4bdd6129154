//! What a configuration says of bids: the ask, and figures that a machine can have.

use dllm_planning::topology::DEFAULT_WORKER;
use dllm_worker::{
	bidding::{BadOption, Options, Rules},
	chain::Amount,
	config::Config,
};

/// Configurations that differ from the defaults in their bids.
fn rules(change: impl FnOnce(&mut Config)) -> Result<Rules, BadOption> {
	let mut config = Config::default();
	change(&mut config);
	Rules::of(&config)
}

#[test]
fn posted_price_is_the_ask_unless_there_is_one() {
	let plain = rules(|_| {}).expect("the defaults are sound");
	assert_eq!(u128::from(plain.ask), Config::default().price.0);
	assert_eq!(plain.device, DEFAULT_WORKER);
	let own = rules(|config| config.bidding.ask = Some(Amount(7)));
	assert_eq!(own.expect("sound").ask, 7);
}

#[test]
fn ask_that_no_bid_can_say_is_refused() {
	let too_much = u128::from(u64::MAX) + 1;
	let rules = rules(|config| config.price = Amount(too_much));
	assert_eq!(rules, Err(BadOption::Ask(too_much)));
}

#[test]
fn figures_that_no_machine_has_are_refused_by_their_key() {
	let key = |change: fn(&mut Options)| match rules(|config| change(&mut config.bidding)) {
		Err(BadOption::Implausible { key, .. }) => key,
		other => panic!("{other:?}"),
	};
	assert_eq!(key(|options| options.gflops = 50e9), "gflops");
	assert_eq!(key(|options| options.gflops = f64::NAN), "gflops");
	assert_eq!(
		key(|options| options.memory_gbyte_per_second = 0.0),
		"memory_gbyte_per_second"
	);
	assert_eq!(
		key(|options| options.download_mbit_per_second = -1.0),
		"download_mbit_per_second"
	);
	for failure in [-0.1, 1.0, f64::NAN] {
		let rules = rules(|config| config.bidding.failure = failure);
		assert!(
			matches!(rules, Err(BadOption::Implausible { key: "failure", .. })),
			"{rules:?}"
		);
	}
}
