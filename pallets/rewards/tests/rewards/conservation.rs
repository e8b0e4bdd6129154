//! Any bill: exactly its fee leaves the hold, and all of it arrives or burns.

use crate::mock::*;
use dllm_primitives::flow::Payouts;
use proptest::{collection::vec, prelude::*};

/// Workers with an account, without one, the client itself and the treasury.
fn payee() -> impl Strategy<Value = AccountId> {
	prop_oneof![
		prop::sample::select(MINERS.to_vec()),
		prop::sample::select(VERIFIERS.to_vec()),
		90..STRANGER,
		Just(CLIENT),
		Just(treasury()),
	]
}

fn lines(len: usize) -> impl Strategy<Value = Vec<(AccountId, u128)>> {
	let amount = prop_oneof![0..200u128, 0..ESCROW, any::<u128>()];
	vec((payee(), amount), 0..=len)
}

fn money() -> u128 {
	frame_system::Account::<Test>::iter_values()
		.map(|a| a.data.free + a.data.reserved)
		.sum()
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	#[test]
	fn moves_exactly_the_fee(
		fee in prop_oneof![0..2_000u128, 0..=ESCROW],
		miners in lines(17),
		verifiers in lines(34),
		treasury_exists: bool,
	) {
		let mut accounts = [MINERS.as_slice(), &VERIFIERS].concat();
		accounts.extend(treasury_exists.then(treasury));
		execute_with_accounts(&accounts, || {
			let before = money();
			let bill = bill(fee, &miners, &verifiers);
			Rewards::pay(&Reason::Escrow, &bill).unwrap();
			let record = Rewards::payment(7).unwrap();
			assert_eq!(ESCROW - escrow(), fee);
			assert_eq!(before - money(), record.burned);
			assert!(record.burned >= fee / 10);
			let mined: u128 = record.miners.iter().map(|(_, part)| part).sum();
			assert!(mined <= fee / 100 * 75 + fee % 100 * 75 / 100);
		});
	}

	#[test]
	fn pays_every_account_what_the_record_says(
		fee in 0..=ESCROW,
		miners in lines(17),
		verifiers in lines(34),
	) {
		execute(|| {
			let bill = bill(fee, &miners, &verifiers);
			Rewards::pay(&Reason::Escrow, &bill).unwrap();
			let record = Rewards::payment(7).unwrap();
			for who in MINERS.into_iter().chain(VERIFIERS).chain(90..STRANGER) {
				let lines = record.miners.iter().chain(record.verifiers.iter());
				let got: u128 = lines.filter(|(to, _)| *to == who).map(|(_, part)| part).sum();
				let had = if who >= 90 { 0 } else { SMALL };
				assert_eq!(free(who), had + got);
			}
		});
	}
}
