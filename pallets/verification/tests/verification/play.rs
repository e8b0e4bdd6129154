//! Plays a whole trial: every worker acts at once and as its behaviour says, and deadlines pass where
//! somebody does not act.

use crate::mock::*;
use dllm_primitives::{
	api::Duty,
	commitment::Roots,
	ids::{Digest, JobId, StageIndex, ENTRY_STAGE},
	stall::Tally,
	summons::{self, Proof},
	verdict::{Part, Phase},
};
use frame_support::{assert_ok, dispatch::Pays};
use sp_core::crypto::VrfSecret;
use sp_runtime::DispatchError;

/// How a worker acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Behaviour {
	/// Executes and tells what it found.
	Honest,
	/// Executes honestly what its upstream sent, which is not what its upstream committed to.
	Misled,
	/// Executes honestly in another numerics class.
	OtherClass,
	/// Never commits, nor attests.
	Silent,
	/// As a lead, keeps the rows that it got, and tells so; else silent.
	Kept,
	/// Commits and does not open.
	Unrevealed,
	/// As a replica, says that it got no rows; else honest.
	Starved,
	/// Alters one activation.
	Altered,
	/// Skips a layer.
	Skipped,
	/// Executes a cheaper model.
	Cheaper,
	/// Commits what another worker committed: a replica its lead's, a lead its neighbour's.
	Copied,
}

impl Behaviour {
	/// Whether the worker means to deceive.
	pub fn cheats(self) -> bool {
		matches!(
			self,
			Self::Altered | Self::Skipped | Self::Cheaper | Self::Copied
		)
	}

	/// What a worker that behaves so tells of a stage.
	pub fn roots(self, stage: StageIndex) -> Roots {
		let other = |byte| Digest::repeat_byte(byte);
		let roots = honest(stage);
		match self {
			Self::Misled => Roots {
				input: other(200),
				output: other(201),
				..roots
			},
			Self::OtherClass => Roots {
				class: other(202),
				output: other(203),
				..roots
			},
			Self::Altered => Roots {
				output: other(204),
				..roots
			},
			Self::Skipped => Roots {
				output: other(205),
				..roots
			},
			Self::Cheaper => Roots {
				weights: other(206),
				output: other(207),
				..roots
			},
			Self::Honest
			| Self::Silent
			| Self::Kept
			| Self::Unrevealed
			| Self::Starved
			| Self::Copied => roots,
		}
	}
}

/// What a worker tells of a stage whose lead received what the lead before it sent, honest or not.
fn told(behave: &impl Fn(StageIndex, Part) -> Behaviour, stage: StageIndex, part: Part) -> Roots {
	let roots = behave(stage, part).roots(stage);
	let before = (stage + 2) % 3;
	let sent = behave(before, Part::Lead).roots(before).output;
	let received = roots.input == honest(stage).input;
	Roots {
		input: if received { sent } else { roots.input },
		..roots
	}
}

/// Everybody behaves honestly.
pub fn all_honest(_: StageIndex, _: Part) -> Behaviour {
	Behaviour::Honest
}

/// Everybody is honest but one.
pub fn but(
	stage: StageIndex,
	part: Part,
	behaviour: Behaviour,
) -> impl Fn(StageIndex, Part) -> Behaviour {
	move |s, p| {
		if (s, p) == (stage, part) {
			behaviour
		} else {
			Behaviour::Honest
		}
	}
}

/// Plays an open trial to its end.
pub fn play(job: JobId, behave: impl Fn(StageIndex, Part) -> Behaviour) {
	play_out(job, behave);
	assert_eq!(phase(job), Phase::Closed);
}

/// Plays an open trial until everything is shown.
pub fn play_out(job: JobId, behave: impl Fn(StageIndex, Part) -> Behaviour) {
	commits(job, Part::Lead, &behave);
	expire(job, Phase::Running);
	tallies(job, &behave);
	expire(job, Phase::Tallying);
	draws(job);
	// The second time for checkers that are drawn in the place of others.
	for _ in 0..2 {
		let drawn_again = is_drawn_again(job);
		commits(job, Part::Replica, &behave);
		if is_drawn_again(job) == drawn_again {
			expire(job, Phase::Verifying);
		}
	}
	reveals(job, &behave);
	expire(job, Phase::Revealing);
	expire(job, Phase::Reconciling);
	expire(job, Phase::Appointing);
	attests(job, &behave);
	expire(job, Phase::Tiebreak);
}

/// Whether other checkers were drawn in the place of those that got no rows.
fn is_drawn_again(job: JobId) -> bool {
	let trial = trial(job);
	trial.stages.iter().any(|stage| stage.refused.is_some())
}

/// Lets the blocks until the draw pass, and every holder show its lot that won.
pub fn draws(job: JobId) {
	expire(job, Phase::Drawing);
	for stage in stages(job) {
		for holder in trial(job).stage(stage).unwrap().holders.clone() {
			if lot(job, stage, number(&holder)) {
				let _ = summon(job, stage, number(&holder));
			}
		}
	}
	expire(job, Phase::Summoning);
}

/// The lot of account number `who` over a stage.
pub fn proof(job: JobId, stage: StageIndex, who: u8) -> Proof {
	let seed = trial(job).drawn.unwrap().seed;
	let input = summons::transcript(seed, job, stage).into_sign_data();
	Proof::from(&pair(who).vrf_sign(&input))
}

/// Whether that lot wins.
pub fn lot(job: JobId, stage: StageIndex, who: u8) -> bool {
	let due = Verification::duties(&acc(who))
		.into_iter()
		.find_map(|duty| match duty {
			Duty::Summon {
				job: of,
				stage: its,
				seed,
				threshold,
				..
			} if (of, its) == (job, stage) => Some((seed, threshold)),
			_ => None,
		});
	due.is_some_and(|(seed, threshold)| {
		let account = acc(who);
		let lot = summons::lot(
			seed,
			(job, stage),
			account.as_ref(),
			&proof(job, stage, who),
		);
		lot.unwrap() < threshold
	})
}

/// Shows it.
pub fn summon(job: JobId, stage: StageIndex, who: u8) -> Result<(), DispatchError> {
	let proof = proof(job, stage, who);
	let origin = RuntimeOrigin::signed(acc(who));
	check_free(Verification::summon(origin, job, stage, proof))
}

/// Lets the deadline of a phase pass, if the trial is still in it.
pub fn expire(job: JobId, in_phase: Phase) {
	if phase(job) == in_phase {
		run_to(trial(job).until + 1);
	}
}

/// Commits all leads, and lets the blocks until the draw pass; or all replicas. Who copies waits for what
/// it copies.
pub fn commits(job: JobId, part: Part, behave: &impl Fn(StageIndex, Part) -> Behaviour) {
	draws(job);
	let expected = if part == Part::Lead {
		Phase::Running
	} else {
		Phase::Verifying
	};
	if phase(job) != expected {
		return;
	}
	let stages = stages(job);
	for &stage in &stages {
		let behaviour = behave(stage, part);
		let silent = matches!(
			behaviour,
			Behaviour::Silent | Behaviour::Kept | Behaviour::Copied
		);
		let absent = silent || !has(job, stage, part) || has_spoken(job, stage, part);
		if absent {
			continue;
		}
		let who = worker(job, stage, part);
		if behaviour == Behaviour::Starved && part == Part::Replica {
			let origin = RuntimeOrigin::signed(who);
			assert_ok!(check_free(Verification::report_withheld(
				origin, job, stage
			)));
		} else {
			let digest = digest(job, stage, &who, told(behave, stage, part));
			assert_ok!(commit(job, stage, part, digest));
		}
	}
	for &stage in stages
		.iter()
		.filter(|stage| behave(**stage, part) == Behaviour::Copied && has(job, **stage, part))
		.filter(|stage| !has_spoken(job, **stage, part))
	{
		if let Some(digest) = copied(job, stage, part) {
			assert_ok!(commit(job, stage, part, digest));
		}
	}
	draws(job);
}

/// The commitment that a copying worker takes; none where there is none to take.
fn copied(job: JobId, stage: StageIndex, part: Part) -> Option<Digest> {
	let stages = stages(job);
	let from = match part {
		Part::Lead => {
			let at = stages.iter().position(|s| *s == stage).unwrap();
			stages[(at + 1) % stages.len()]
		}
		_ => stage,
	};
	trial(job)
		.stage(from)
		.unwrap()
		.lead
		.commitment
		.map(|(digest, _)| digest)
}

/// Sends the commitment of a lead or replica; the entry's lead sends its reply with it.
pub fn commit(
	job: JobId,
	stage: StageIndex,
	part: Part,
	digest: Digest,
) -> Result<(), DispatchError> {
	let origin = RuntimeOrigin::signed(worker(job, stage, part));
	let result = if stage == ENTRY_STAGE && part == Part::Lead {
		Verification::commit_reply(origin, job, digest, TOKENS, bytes(REPLY))
	} else {
		Verification::commit(origin, job, stage, digest)
	};
	check_free(result)
}

/// Lets every lead that kept the rows of its stage tell so.
fn tallies(job: JobId, behave: &impl Fn(StageIndex, Part) -> Behaviour) {
	let kept = Tally {
		received: Some(ROWS),
		sent: Some(0),
		lost_next: false,
	};
	for stage in stages(job) {
		let tells = behave(stage, Part::Lead) == Behaviour::Kept;
		if phase(job) == Phase::Tallying && tells {
			assert_ok!(tell(job, stage, kept));
		}
	}
}

/// Tells how far a stage came, as its lead.
pub fn tell(job: JobId, stage: StageIndex, tally: Tally) -> Result<(), DispatchError> {
	let origin = RuntimeOrigin::signed(worker(job, stage, Part::Lead));
	check_free(Verification::report_tally(origin, job, stage, tally))
}

/// A call that succeeds is free.
pub fn check_free(
	result: frame_support::dispatch::DispatchResultWithPostInfo,
) -> Result<(), DispatchError> {
	match result {
		Ok(post) => {
			assert_eq!(post.pays_fee, Pays::No);
			Ok(())
		}
		Err(refused) => Err(refused.error),
	}
}

/// Opens every commitment whose author can and wants to.
pub fn reveals(job: JobId, behave: &impl Fn(StageIndex, Part) -> Behaviour) {
	for stage in stages(job) {
		for part in [Part::Lead, Part::Replica] {
			let behaviour = behave(stage, part);
			let silent = matches!(
				behaviour,
				Behaviour::Silent | Behaviour::Kept | Behaviour::Copied | Behaviour::Unrevealed
			);
			let committed = !(silent || behaviour == Behaviour::Starved && part == Part::Replica);
			if phase(job) == Phase::Revealing && committed && has(job, stage, part) {
				assert_ok!(reveal(job, stage, part, told(behave, stage, part)));
			}
		}
	}
}

/// Whether somebody has a part in a stage: replicas are drawn.
fn has(job: JobId, stage: StageIndex, part: Part) -> bool {
	let trial = trial(job);
	let mut parts = trial.stage(stage).unwrap().participants();
	parts.any(|(its, _)| its == part)
}

/// Whether it has committed, or said that it got no rows.
fn has_spoken(job: JobId, stage: StageIndex, part: Part) -> bool {
	let trial = trial(job);
	let mut parts = trial.stage(stage).unwrap().participants();
	parts.any(|(its, one)| its == part && (one.commitment.is_some() || one.starved))
}

/// Opens the commitment of a lead or replica to `roots`.
pub fn reveal(
	job: JobId,
	stage: StageIndex,
	part: Part,
	roots: Roots,
) -> Result<(), DispatchError> {
	let who = worker(job, stage, part);
	let opening = opening(&who, roots);
	check_free(Verification::reveal(
		RuntimeOrigin::signed(who),
		job,
		stage,
		opening,
	))
}

/// Lets every third worker tell its roots.
pub fn attests(job: JobId, behave: &impl Fn(StageIndex, Part) -> Behaviour) {
	for stage in stages(job) {
		let behaviour = behave(stage, Part::Tiebreak);
		let drawn = trial(job).stage(stage).unwrap().tiebreak.is_some();
		let silent = matches!(
			behaviour,
			Behaviour::Silent | Behaviour::Kept | Behaviour::Unrevealed
		);
		if phase(job) == Phase::Tiebreak && drawn && !silent {
			assert_ok!(attest(job, stage, told(behave, stage, Part::Tiebreak)));
		}
	}
}

/// Sends the roots of the third worker of a stage.
pub fn attest(job: JobId, stage: StageIndex, roots: Roots) -> Result<(), DispatchError> {
	let who = worker(job, stage, Part::Tiebreak);
	check_free(Verification::attest(
		RuntimeOrigin::signed(who),
		job,
		stage,
		roots,
	))
}

/// The stages on trial.
pub fn stages(job: JobId) -> Vec<StageIndex> {
	trial(job).stages.iter().map(|stage| stage.stage).collect()
}
