//! A lead signed for the rows of a hop and tells the chain other ones: its own signature convicts it, in the whole
//! runtime, with the key that it registered.

use crate::{cast::*, chain::account, chain::Chain};
use dllm_primitives::{
	commitment::Roots,
	hop::{self, Contradiction, End, Hop, Shown},
	ids::{Digest, StageIndex},
	job::{JobState, Refund},
	verdict::Verdict,
};
use dllm_runtime::{views, Balances, Runtime, RuntimeCall};
use sp_core::{Pair, H512};

/// The link from the entry to the first segment.
const BOUNDARY: StageIndex = 0;

type Error = pallet_verification::Error<Runtime>;

/// What the lead of the first segment tells: it received other rows than the entry sent, and its checker.
fn denied() -> Roots {
	Roots {
		input: Digest::repeat_byte(0xEE),
		..roots(1)
	}
}

/// All have opened, and the lead of the first segment denies the rows for which it signed. Gives the name of the
/// run too, as workers read it from the chain while it ran.
fn with_a_denier() -> (Chain, Digest) {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	let route = chain.read(|| views::route(JOB).unwrap());
	let ring = route.members.into_iter().map(|member| {
		let named = member.worker.map(|worker| (worker, member.peer_id));
		(member.stage, member.layers, named)
	});
	let run = hop::run(route.asked, ring);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, denied()),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	checked(&mut chain, JOB);
	chain.block([
		reveal("Entry1", JOB, 0, roots(0)),
		reveal("Miner1", JOB, 1, denied()),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Entry2", JOB, 0, roots(0)),
		reveal("Miner2", JOB, 1, roots(1)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
	(chain, run)
}

/// The hop into the first segment, as its rows crossed it.
fn crossed(run: Digest) -> Hop {
	Hop {
		job: JOB,
		run,
		boundary: BOUNDARY,
		rows: ROWS,
		root: roots(0).output,
	}
}

fn signed(who: &str, end: End, hop: &Hop) -> Option<H512> {
	Some(H512::from(network_key(who).sign(&hop.message(end)).0))
}

fn shown(hop: &Hop, sender: Option<H512>, receiver: Option<H512>) -> RuntimeCall {
	let receipt = Shown {
		boundary: BOUNDARY,
		rows: hop.rows,
		root: hop.root,
		sender,
		receiver,
	};
	pallet_verification::Call::show_receipt { job: JOB, receipt }.into()
}

#[test]
fn who_denies_the_rows_for_which_it_signed_is_convicted_to_the_planck() {
	let (mut chain, run) = with_a_denier();
	let hop = crossed(run);
	let parties = [
		USER, "Miner1", "Miner2", "Miner3", "Miner4", "Entry1", "Entry2", VERIFIER,
	];
	let wealths = |chain: &mut Chain| parties.map(|who| wealth(chain, &account(who)));
	let unshown = wealths(&mut chain);
	let receiver = signed("Miner1", End::Receiver, &hop);
	chain.block([("Entry1", shown(&hop, None, receiver))]);
	assert_eq!(wealths(&mut chain), unshown, "a proof is free");
	let again = shown(&hop, None, receiver);
	assert_eq!(chain.refuse(USER, again), Error::AlreadyShown.into());
	let before = wealths(&mut chain);
	assert!(before[0] < unshown[0], "what tells nothing new is not");
	let issued = chain.read(Balances::total_issuance);
	let running = chain.read(|| views::job(JOB).unwrap().state);
	assert_eq!(running, JobState::Running { pipeline: PIPELINE });
	chain.skip(21);

	let job = chain.read(|| views::job(JOB).unwrap());
	assert_eq!(job.state, JobState::Refunded(Refund::Cheated));
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	assert_eq!(receipt.refunded, MAX_PRICE);
	let stage = &receipt.stages[1];
	let told = Contradiction {
		end: End::Receiver,
		rows: ROWS,
		root: hop.root,
		signature: receiver.unwrap(),
	};
	assert_eq!(stage.contradiction, Some(told));
	assert_eq!(stage.participants[0].verdict, Some(Verdict::Cheat));
	let others = receipt.stages.iter().flat_map(|stage| &stage.participants);
	let guilty = others.filter(|one| one.verdict == Some(Verdict::Cheat));
	assert_eq!(guilty.count(), 1);

	// A fifth to the user, and nobody convicted it but itself: the rest is burned.
	let after = wealths(&mut chain);
	assert_eq!(after[0], before[0] + SLASH / 5);
	assert_eq!(after[1], before[1] - SLASH);
	assert_eq!(after[2..], before[2..]);
	let left = chain.read(Balances::total_issuance);
	assert_eq!(left, issued - SLASH * 4 / 5);
	let miner = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!(
		(miner.cheats, miner.bond, miner.active),
		(1, BOND - SLASH, false)
	);
}

#[test]
fn a_receipt_that_proves_nothing_convicts_nobody() {
	let (mut chain, run) = with_a_denier();
	let hop = crossed(run);
	let others = [
		Hop { job: 1, ..hop },
		Hop {
			run: Digest::repeat_byte(1),
			..hop
		},
		Hop { boundary: 1, ..hop },
		Hop {
			rows: ROWS - 1,
			..hop
		},
		Hop {
			root: Digest::repeat_byte(2),
			..hop
		},
	];
	let mut tried = others
		.map(|other| (None, signed("Miner1", End::Receiver, &other)))
		.to_vec();
	tried.extend([
		// The one end in place of the other, somebody else's key, and who told what it signed for.
		(None, signed("Miner1", End::Sender, &hop)),
		(None, signed("Miner2", End::Receiver, &hop)),
		(signed("Entry1", End::Sender, &hop), None),
		(None, None),
	]);
	for (sender, receiver) in tried {
		let call = shown(&hop, sender, receiver);
		assert_eq!(chain.refuse("Entry1", call), Error::ProvesNothing.into());
	}
	// What it opened itself it may sign for.
	let own = Hop {
		root: denied().input,
		..hop
	};
	let call = shown(&own, None, signed("Miner1", End::Receiver, &own));
	assert_eq!(chain.refuse("Entry1", call), Error::ProvesNothing.into());
	let call = shown(&hop, None, signed("Miner1", End::Receiver, &hop));
	assert_eq!(chain.refuse("Bob", call), Error::NotAParticipant.into());

	// Without a proof nobody is convicted, and the user is refunded.
	chain.skip(21);
	drawn(&mut chain);
	chain.block([attest(VERIFIER, JOB, 1, roots(1))]);
	let state = chain.read(|| views::job(JOB).unwrap().state);
	assert!(matches!(state, JobState::Refunded(_)), "{state:?}");
	for who in ["Miner1", "Miner2", "Entry1"] {
		let worker = chain.read(|| views::worker(&account(who)).unwrap());
		assert_eq!((worker.cheats, worker.bond), (0, BOND), "{who}");
	}
}
