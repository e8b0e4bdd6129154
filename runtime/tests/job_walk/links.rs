//! Workers report their links free of charge, and the map shows the worse of both ends with its age.

use crate::{
	cast::*,
	chain::{account, Chain},
};
use dllm_primitives::{
	api::LinkView,
	links::{Probed, Reading},
};
use dllm_runtime::{views, Balances, Runtime, RuntimeCall};
use frame_support::traits::Get;

fn report(peer: &str, rtt_us: u32, bytes_per_second: u64) -> RuntimeCall {
	let reading = Reading {
		rtt_us,
		jitter_us: 9,
		loss_ppm: 0,
		bytes_per_second,
	};
	let peer = account(peer);
	let links = vec![Probed { peer, reading }].try_into().unwrap();
	pallet_miners::Call::report_links { links }.into()
}

#[test]
fn are_reported_merged_and_forgotten() {
	let mut chain = Chain::new();
	chain.block([register("Miner1"), register("Miner2")]);
	let free = |chain: &mut Chain| chain.read(|| Balances::free_balance(account("Miner1")));
	let before = free(&mut chain);
	chain.block([("Miner1", report("Miner2", 800, 5_000))]);
	assert_eq!(free(&mut chain), before);
	chain.block([("Miner2", report("Miner1", 900, 7_000))]);
	chain.skip(3);

	let map = chain.read(views::links);
	let mut ends = [account("Miner1"), account("Miner2")];
	let mut ages = [Some(4), Some(3)];
	if ends[0] > ends[1] {
		ends.reverse();
		ages.reverse();
	}
	let link = LinkView {
		ends,
		rtt_us: 900,
		jitter_us: 9,
		loss_ppm: 0,
		bytes_per_second: 5_000,
		ages,
	};
	assert_eq!((map.links, map.silent), (vec![link], vec![]));

	let early = chain.refuse("Miner1", report("Miner2", 1, 1_000_000));
	assert_eq!(early, pallet_miners::Error::<Runtime>::TooEarly.into());
	assert!(free(&mut chain) < before, "who is refused pays");

	let lifetime: u32 = <Runtime as pallet_miners::Config>::LinkReportLifetime::get();
	chain.skip(lifetime);
	let map = chain.read(views::links);
	assert_eq!((map.links.len(), map.silent.len()), (0, 2));
}
