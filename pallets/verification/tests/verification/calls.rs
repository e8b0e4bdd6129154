//! Every way in which a call is refused. A refused call changes nothing and is not free.

use crate::{
	mock::*,
	play::{all_honest, attest, but, commit, commits, expire, reveal, reveals, Behaviour},
};
use dllm_primitives::{
	commitment::{result_hash, Opening, Roots},
	ids::{Digest, JobId, StageIndex},
	verdict::{
		Part::{Lead, Replica},
		Phase,
	},
};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchResultWithPostInfo, Pays},
};
use pallet_verification::Error;
use sp_runtime::DispatchError;

const DIGEST: Digest = Digest::repeat_byte(9);

/// Sends a commitment as any account.
fn commit_as(who: u8, job: JobId, stage: StageIndex) -> DispatchResultWithPostInfo {
	Verification::commit(RuntimeOrigin::signed(acc(who)), job, stage, DIGEST)
}

fn reply_as(who: u8, tokens: u32, reply: &[u8]) -> DispatchResultWithPostInfo {
	let origin = RuntimeOrigin::signed(acc(who));
	Verification::commit_reply(origin, 0, DIGEST, tokens, bytes(reply))
}

fn reveal_as(who: u8, stage: StageIndex, opening: Opening) -> DispatchResultWithPostInfo {
	Verification::reveal(RuntimeOrigin::signed(acc(who)), 0, stage, opening)
}

fn attest_as(who: u8, stage: StageIndex) -> DispatchResultWithPostInfo {
	Verification::attest(RuntimeOrigin::signed(acc(who)), 0, stage, honest(stage))
}

/// A trial whose phase is Revealing.
fn revealing() {
	open(0);
	commits(0, Lead, &all_honest);
	commits(0, Replica, &all_honest);
	assert_eq!(phase(0), Phase::Revealing);
}

/// A trial whose phase is Tiebreak, about stage 1.
fn tied() {
	let altered = but(1, Replica, Behaviour::Altered);
	open(0);
	commits(0, Lead, &altered);
	commits(0, Replica, &altered);
	reveals(0, &altered);
	expire(0, Phase::Appointing);
	assert_eq!(phase(0), Phase::Tiebreak);
}

#[test]
fn calls_are_signed() {
	execute(|| {
		open(0);
		let none = RuntimeOrigin::none;
		let refused = DispatchError::BadOrigin;
		assert_noop!(Verification::commit(none(), 0, 1, DIGEST), refused);
		assert_noop!(
			Verification::commit_reply(none(), 0, DIGEST, 1, bytes(b"a")),
			refused
		);
		assert_noop!(
			Verification::reveal(none(), 0, 1, Opening::default()),
			refused
		);
		assert_noop!(
			Verification::attest(none(), 0, 1, Roots::default()),
			refused
		);
	});
}

#[test]
fn a_refused_call_is_paid_for() {
	execute(|| {
		let refused = commit_as(20, 0, 1).unwrap_err();
		assert_eq!(refused.post_info.pays_fee, Pays::Yes);
	});
}

#[test]
fn a_job_without_a_trial_takes_nothing() {
	execute(|| {
		assert_noop!(commit_as(20, 0, 1), Error::<Test>::NotFound);
		assert_noop!(reply_as(10, 1, b"a"), Error::<Test>::NotFound);
		assert_noop!(
			reveal_as(20, 1, Opening::default()),
			Error::<Test>::NotFound
		);
		assert_noop!(attest_as(90, 1), Error::<Test>::NotFound);
	});
}

#[test]
fn strangers_have_no_say() {
	execute(|| {
		open(0);
		let stranger = DispatchError::from(Error::<Test>::NotAParticipant);
		assert_noop!(commit_as(50, 0, 1), stranger);
		assert_noop!(commit_as(20, 0, 2), stranger);
		assert_noop!(commit_as(20, 0, 3), stranger);
		assert_noop!(reply_as(50, 1, b"a"), stranger);
		assert_noop!(reply_as(11, 1, b"a"), stranger);
	});
	execute(|| {
		revealing();
		let stranger = DispatchError::from(Error::<Test>::NotAParticipant);
		assert_noop!(reveal_as(50, 1, opening(&acc(20), honest(1))), stranger);
		assert_noop!(reveal_as(20, 2, opening(&acc(20), honest(2))), stranger);
		assert_noop!(reveal_as(20, 9, opening(&acc(20), honest(2))), stranger);
	});
	execute(|| {
		tied();
		let stranger = DispatchError::from(Error::<Test>::NotAParticipant);
		assert_noop!(attest_as(91, 1), stranger);
		assert_noop!(attest_as(20, 1), stranger);
		assert_noop!(attest_as(90, 2), stranger);
		assert_noop!(attest_as(90, 9), stranger);
	});
}

#[test]
fn a_commitment_cannot_be_changed() {
	execute(|| {
		open(0);
		let committed = DispatchError::from(Error::<Test>::AlreadyCommitted);
		assert_ok!(commit_as(20, 0, 1));
		assert_noop!(commit_as(20, 0, 1), committed);
		assert_ok!(reply_as(10, 1, b"first"));
		assert_noop!(reply_as(10, 1, b"second"), committed);
		assert_eq!(Replies::get().len(), 1);
		assert_ok!(commit_as(30, 0, 2));
		expire(0, Phase::Drawing);
		assert_eq!(phase(0), Phase::Verifying);
		assert_noop!(commit_as(20, 0, 1), committed);
		assert_ok!(commit_as(21, 0, 1));
		assert_noop!(commit_as(21, 0, 1), committed);
	});
}

#[test]
fn a_commitment_is_not_zero() {
	execute(|| {
		open(0);
		let zero = DispatchError::from(Error::<Test>::ZeroCommitment);
		assert_noop!(commit(0, 0, Lead, Digest::zero()), zero);
		assert_noop!(commit(0, 1, Lead, Digest::zero()), zero);
	});
}

#[test]
fn everybody_commits_in_its_phase() {
	execute(|| {
		open(0);
		let wrong = DispatchError::from(Error::<Test>::WrongPhase);
		let not_drawn = DispatchError::from(Error::<Test>::NotAParticipant);
		assert_noop!(commit_as(11, 0, 0), not_drawn);
		assert_noop!(commit_as(21, 0, 1), not_drawn);
		commits(0, Lead, &all_honest);
		commits(0, Replica, &but(1, Replica, Behaviour::Silent));
		run_to(trial(0).until + 1);
		assert_eq!(phase(0), Phase::Revealing);
		assert_noop!(commit_as(21, 0, 1), wrong);
	});
}

#[test]
fn the_lead_of_the_entry_commits_with_its_reply() {
	execute(|| {
		open(0);
		assert_noop!(commit_as(10, 0, 0), Error::<Test>::ReplyMissing);
		assert_noop!(
			reply_as(10, CEILING + 1, b"a"),
			Error::<Test>::TokensAboveCeiling
		);
		assert_noop!(reply_as(10, 1, &[0xff, 0xfe]), Error::<Test>::NotText);
		assert!(Replies::get().is_empty());
		assert_ok!(reply_as(10, CEILING, "ein Ring ○".as_bytes()));
		assert_eq!(
			Replies::get(),
			vec![(0, CEILING, "ein Ring ○".as_bytes().to_vec())]
		);
	});
}

#[test]
fn a_sealed_job_takes_no_reply() {
	execute(|| {
		open_sealed(0);
		assert_noop!(reply_as(10, 1, b"a"), Error::<Test>::NoEntry);
		assert_noop!(reply_as(20, 1, b"a"), Error::<Test>::NoEntry);
		assert_noop!(commit_as(10, 0, 0), Error::<Test>::NotAParticipant);
	});
}

#[test]
fn an_opening_waits_until_everybody_is_committed() {
	execute(|| {
		open(0);
		commits(0, Lead, &all_honest);
		assert_noop!(reveal(0, 1, Lead, honest(1)), Error::<Test>::WrongPhase);
		commits(0, Replica, &all_honest);
		assert_ok!(reveal(0, 1, Lead, honest(1)));
	});
}

#[test]
fn an_opening_matches_its_own_commitment() {
	execute(|| {
		revealing();
		let wrong = DispatchError::from(Error::<Test>::WrongOpening);
		let other_salt = Opening {
			salt: DIGEST,
			roots: honest(1),
		};
		assert_noop!(reveal_as(20, 1, other_salt), wrong);
		let other_roots = Roots {
			output: DIGEST,
			..honest(1)
		};
		assert_noop!(reveal(0, 1, Lead, other_roots), wrong);
		// The opening of another worker, or of the same worker elsewhere, is of no use.
		assert_noop!(reveal_as(21, 1, opening(&acc(20), honest(1))), wrong);
		assert_noop!(reveal_as(30, 2, opening(&acc(20), honest(1))), wrong);
	});
}

#[test]
fn an_opening_comes_once_and_from_who_committed() {
	execute(|| {
		open(0);
		commits(0, Lead, &all_honest);
		commits(0, Replica, &but(1, Replica, Behaviour::Silent));
		run_to(trial(0).until + 1);
		assert_noop!(
			reveal(0, 1, Replica, honest(1)),
			Error::<Test>::NotCommitted
		);
		assert_ok!(reveal(0, 1, Lead, honest(1)));
		assert_noop!(
			reveal(0, 1, Lead, honest(1)),
			Error::<Test>::AlreadyRevealed
		);
		reveals(0, &|stage, part| match (stage, part) {
			(1, _) => Behaviour::Silent,
			_ => Behaviour::Honest,
		});
		expire(0, Phase::Appointing);
		assert_eq!(phase(0), Phase::Tiebreak);
		assert_noop!(reveal(0, 1, Replica, honest(1)), Error::<Test>::WrongPhase);
	});
}

#[test]
fn roots_claim_no_more_rows_than_were_paid_for() {
	let many = |stage| Roots {
		rows: CEILING + 1,
		..honest(stage)
	};
	execute(|| {
		open(0);
		commits(0, Lead, &but(1, Lead, Behaviour::Silent));
		assert_ok!(commit(0, 1, Lead, digest(0, 1, &acc(20), many(1))));
		commits(0, Replica, &all_honest);
		assert_noop!(reveal(0, 1, Lead, many(1)), Error::<Test>::RowsAboveCeiling);
	});
	execute(|| {
		tied();
		assert_noop!(attest(0, 1, many(1)), Error::<Test>::RowsAboveCeiling);
	});
}

#[test]
fn a_third_worker_tells_its_roots_once_and_in_time() {
	execute(|| {
		let altered = |stage, part| match (stage, part) {
			(1 | 2, Replica) => Behaviour::Altered,
			_ => Behaviour::Honest,
		};
		open(0);
		commits(0, Lead, &altered);
		commits(0, Replica, &altered);
		reveals(0, &altered);
		expire(0, Phase::Appointing);
		assert_ok!(attest(0, 1, honest(1)));
		assert_noop!(attest(0, 1, honest(1)), Error::<Test>::AlreadyRevealed);
		run_to(trial(0).until + 1);
		assert_eq!(phase(0), Phase::Closed);
		assert_noop!(attest(0, 2, honest(2)), Error::<Test>::WrongPhase);
	});
}

#[test]
fn a_call_weighs_what_the_ring_weighs() {
	use pallet_verification::WeightInfo;
	execute(|| {
		open(0);
		let post = commit_as(20, 0, 1).unwrap();
		assert_eq!(post.actual_weight, Some(<() as WeightInfo>::commit(3)));
		let (three, all) = (
			<() as WeightInfo>::reveal(3),
			<() as WeightInfo>::reveal(17),
		);
		assert!(three.ref_time() < all.ref_time());
	});
}

#[test]
fn an_entry_opens_no_other_reply_than_it_posted() {
	execute(|| {
		open(0);
		let other = Roots {
			result: result_hash(TOKENS, b"A chain."),
			..honest(0)
		};
		assert_ok!(commit(0, 0, Lead, digest(0, 0, &acc(10), other)));
		assert_ok!(commit(0, 1, Lead, digest(0, 1, &acc(20), honest(1))));
		assert_ok!(commit(0, 2, Lead, digest(0, 2, &acc(30), honest(2))));
		commits(0, Replica, &all_honest);
		assert_noop!(reveal(0, 0, Lead, other), Error::<Test>::WrongResult);
		assert_ok!(reveal(0, 0, Replica, honest(0)));
	});
}
