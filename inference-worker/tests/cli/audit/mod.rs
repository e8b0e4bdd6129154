//! The audit of a job: honest data pass every step, each damage is found by the step that names it, and
//! what cannot be audited is refused by name.

mod cases;
mod comparison;
mod damage;
mod events;
mod refusals;

use cases::*;
use dllm_primitives::{
	api::StageReceipt,
	dispute::{Outcome, Standing},
	hop::{Contradiction, End},
	job::{Assurance, JobState, OnFailure, Refund},
	model::{ModelConstants, Profile},
	stall::Tally,
	trace::{Layer, Shape},
	verdict::Verdict,
};
use dllm_worker::{
	chain::DLLM,
	cli::audit::{audit, evidence::Evidence, Found},
};

/// Names of the steps with something to check, which all hold.
#[track_caller]
fn held(evidence: &Evidence) -> Vec<&'static str> {
	let steps = audit(evidence);
	let failed = steps
		.iter()
		.filter(|step| step.found == Found::Failed)
		.map(|step| (step.name, &step.why))
		.collect::<Vec<_>>();
	assert!(failed.is_empty(), "{failed:?}");
	let checked = steps.iter().filter(|step| step.found == Found::Ok);
	checked.map(|step| step.name).collect()
}

/// Names of the steps that fail.
fn failing(evidence: &Evidence) -> Vec<&'static str> {
	let steps = audit(evidence);
	let failed = steps.iter().filter(|step| step.found == Found::Failed);
	failed.map(|step| step.name).collect()
}

/// What a step says of its data and why, as one text.
fn said(evidence: &Evidence, name: &str) -> String {
	let steps = audit(evidence);
	let step = steps.iter().find(|step| step.name == name).expect(name);
	format!("{}\n{}", step.data.join("\n"), step.why)
}

#[test]
fn a_settled_job_holds_in_every_step() {
	let steps = [
		"record",
		"plan",
		"order",
		"commitments",
		"shards",
		"agreement",
		"links",
		"reply",
		"verdicts",
		"outcome",
		"fee",
	];
	assert_eq!(held(&settled()), steps);
}

#[test]
fn a_sealed_job_has_no_reply_to_check() {
	let sealed = sealed();
	let checked = held(&sealed);
	assert!(!checked.contains(&"reply") && checked.contains(&"fee"));
	assert!(said(&sealed, "reply").contains("never left its machine"));
}

/// The signature itself is checked, with the key that the chain knows.
#[test]
fn a_receipt_that_convicts_is_checked_and_explained() {
	let convicted = contradicted();
	let checked = held(&convicted);
	assert!(checked.contains(&"slashes") && checked.contains(&"verdicts"));
	let why = said(&convicted, "verdicts");
	let told = "cheat – it signed for other rows of a hop than it told";
	assert!(why.contains(told), "{why}");
	assert!(why.contains("signed that it received"), "{why}");

	let damaged = |damage: fn(&mut Evidence)| {
		let mut evidence = contradicted();
		damage(&mut evidence);
		failing(&evidence)
	};
	fn proof(of: &mut Evidence) -> &mut Contradiction {
		of.receipt.stages[1].contradiction.as_mut().unwrap()
	}
	let spoilt: [fn(&mut Evidence); 4] = [
		|of| of.asked.digest = OTHER,
		|of| of.workers.iter_mut().for_each(|one| one.peer_id.clear()),
		|of| proof(of).rows += 1,
		|of| proof(of).end = End::Sender,
	];
	for spoil in spoilt {
		assert_eq!(damaged(spoil), ["verdicts"]);
	}
	// Without it nobody was to be convicted.
	let missing = damaged(|of| of.receipt.stages[1].contradiction = None);
	assert!(missing.contains(&"verdicts"), "{missing:?}");
}

/// Where the rows are the same it does not matter in which class they were computed; of an exact model there is one
/// class, whatever a worker names.
#[test]
fn the_class_does_not_count_where_the_rows_are_the_same() {
	let of = |profile| {
		let mut evidence = settled();
		evidence.model.profile = profile;
		let lead = &mut evidence.receipt.stages[1].participants[0];
		lead.opening.as_mut().unwrap().roots.class = OTHER;
		commit(&mut evidence, 1, 0);
		assert_eq!(failing(&evidence), [""; 0]);
		said(&evidence, "agreement")
	};
	let apart = "stage 1: lead and replica told the same rows, computed in two numerics classes";
	assert!(!of(Profile::Exact).contains(apart));
	assert!(of(Profile::F32).contains(apart));
}

#[test]
fn a_conviction_is_explained() {
	let convicted = convicted();
	let checked = held(&convicted);
	assert!(checked.contains(&"slashes") && checked.contains(&"verdicts"));
	assert!(!checked.contains(&"fee"));
	assert!(said(&convicted, "agreement").contains("lead and replica differ in rows sent"));
	assert!(said(&convicted, "agreement").contains("the third worker agrees with the replica"));
	let why = "cheat – replica and tiebreak told other roots of the same rows";
	assert!(said(&convicted, "verdicts").contains(why));
	let lost = "was outvoted by two others and lost 100 DLLM: 0.0007077888 DLLM to the user, 0 DLLM to the 2 that convicted it, 99.9992922112 DLLM burned";
	assert!(said(&convicted, "slashes").contains(lost));
}

/// What a slash came to, shared out so; the rest is burned.
fn shared(mut evidence: Evidence, to_user: u128, to_convictors: u128) -> Evidence {
	let slashed = &mut evidence.events.slashed[0];
	slashed.to_user = to_user;
	slashed.to_convictors = to_convictors;
	slashed.burned = slashed.amount - to_user - to_convictors;
	evidence
}

/// Two workers can outvote a third that is right: they get nothing for it, and the user no more than the stage costs.
#[test]
fn votes_that_paid_somebody_are_found() {
	let failing_so = |to_user, to_convictors| failing(&shared(convicted(), to_user, to_convictors));
	// The user's account need not be able to receive its share.
	for to_user in [SEGMENT_PAY, 0] {
		assert_eq!(failing_so(to_user, 0), [""; 0]);
	}
	for to_user in [SEGMENT_PAY + 1, SEGMENT_PAY - 1, 20 * DLLM] {
		assert_eq!(failing_so(to_user, 0), ["slashes"], "{to_user}");
	}
	for to_convictors in [1, 15 * DLLM, 30 * DLLM] {
		assert_eq!(failing_so(SEGMENT_PAY, to_convictors), ["slashes"]);
	}
	assert!(said(&shared(convicted(), 20 * DLLM, 0), "slashes").contains("707788800 are due"));
}

#[test]
fn shares_of_a_proof_are_paid_whole_or_burned() {
	let failing_so = |to_user, to_convictors| failing(&shared(copied(), to_user, to_convictors));
	// Of the two that convicted it each has 15, as far as they can receive it.
	for to_user in [0, 20] {
		for to_convictors in [0, 15, 30] {
			let found = failing_so(to_user * DLLM, to_convictors * DLLM);
			assert_eq!(found, [""; 0], "{to_user}, {to_convictors}");
		}
	}
	for (to_user, to_convictors) in [(19, 30), (21, 30), (20, 10), (20, 29), (20, 45)] {
		let found = failing_so(to_user * DLLM, to_convictors * DLLM);
		assert_eq!(found, ["slashes"], "{to_user}, {to_convictors}");
	}
	// One that copied is proved wrong by that, not outvoted.
	assert!(said(&copied(), "slashes").contains("was proved wrong and lost 100 DLLM"));
	let alone = |to_convictors| failing(&shared(disputed(), 20 * DLLM, to_convictors * DLLM));
	assert_eq!(alone(15), ["slashes"]);
	assert_eq!(alone(30), [""; 0]);
}

/// `evidence`, where so much of a bond of 1 DLLM was taken, and nobody could receive a share of it.
fn taken(mut evidence: Evidence, earlier: u32, amount: u128) -> Evidence {
	let cheat = evidence.events.slashed[0].worker.clone();
	let known = evidence.workers.iter_mut();
	for worker in known.filter(|worker| worker.account == cheat) {
		(worker.bond, worker.cheats) = (DLLM, earlier);
	}
	evidence.events.slashed[0].amount = amount;
	shared(evidence, 0, 0)
}

#[test]
fn more_or_less_than_the_rule_takes_is_found() {
	const TENTH: u128 = DLLM / 10;
	const STAGE: u128 = 300 * SEGMENT_PAY;
	let float = || {
		let mut evidence = convicted();
		evidence.model.profile = Profile::F32;
		evidence
	};
	let due: [(fn() -> Evidence, u32, u128); 6] = [
		(convicted, 0, STAGE),
		(convicted, 1, STAGE),
		(float, 0, TENTH),
		(float, 1, TENTH),
		(disputed, 0, STAGE),
		(disputed, 1, DLLM),
	];
	for (evidence, earlier, due) in due {
		for amount in [TENTH, STAGE, DLLM] {
			let found = failing(&taken(evidence(), earlier, amount));
			let expected: &[&str] = if amount == due { &[] } else { &["slashes"] };
			assert_eq!(found, expected, "{amount} of {due}, {earlier} before");
		}
	}
}

/// Of what else the block did to the bond nobody knows whether it came before.
#[test]
fn how_much_was_taken_is_left_open_where_more_changed_the_bond() {
	let mut changed = taken(convicted(), 0, DLLM);
	assert_eq!(failing(&changed), ["slashes"]);
	let cheat = changed.events.slashed[0].worker.clone();
	changed.events.bonds_changed.push(cheat);
	assert_eq!(failing(&changed), [""; 0]);

	let twice = convicted_twice();
	let proved = said(&twice, "slashes");
	assert_eq!(proved.matches("was proved wrong").count(), 2);
	assert!(!failing(&twice).contains(&"slashes"));
	let mut greedy = twice;
	greedy.events.slashed[1].to_user += DLLM;
	greedy.events.slashed[1].burned -= DLLM;
	assert!(failing(&greedy).contains(&"slashes"));
}

/// The second proof in one job finds the bond that the first has left, and takes it whole.
#[test]
fn a_second_slash_is_reckoned_from_what_the_first_left() {
	let after = |amount: u128| {
		let mut evidence = convicted_twice();
		let second = &mut evidence.events.slashed[1];
		(second.amount, second.burned) = (amount, amount);
		(second.to_user, second.to_convictors) = (0, 0);
		failing(&evidence).contains(&"slashes")
	};
	assert!(!after(900 * DLLM));
	for amount in [90 * DLLM, 100 * DLLM, 1_000 * DLLM] {
		assert!(after(amount), "{amount}");
	}
}

#[test]
fn a_pardon_is_explained_and_one_of_who_copied_is_found() {
	let pardoned = pardoned();
	let checked = held(&pardoned);
	assert!(checked.contains(&"verdicts") && checked.contains(&"outcome"));
	assert!(!checked.contains(&"slashes"));
	assert!(said(&pardoned, "verdicts").contains("pardoned, as governance found"));

	let mut slashed = pardoned;
	slashed.events.slashed = convicted().events.slashed;
	assert_eq!(failing(&slashed), ["slashes"]);

	let mut copied = copied();
	let copy = &mut copied.receipt.stages[2].participants[1];
	copy.verdict = Some(Verdict::Pardoned);
	copied.events.slashed.clear();
	announce(&mut copied);
	assert_eq!(failing(&copied), ["verdicts"]);
}

#[test]
fn a_dispute_is_explained() {
	let disputed = disputed();
	let checked = held(&disputed);
	assert!(checked.contains(&"slashes") && checked.contains(&"agreement"));
	let said_of = |text| assert!(said(&disputed, "verdicts").contains(text), "{text}");
	said_of("stage 1: a dispute about one value, in which its lead was wrong, or did not answer");
	said_of("cheat – lost the dispute with the replica");
	said_of("pass – won the dispute with the lead");

	let dismissed = dismissed();
	assert!(held(&dismissed).contains(&"fee"));
	assert!(said(&dismissed, "verdicts").contains("nothing was shown against its lead"));
	assert!(said(&dismissed, "verdicts").contains("cheat – lost the dispute with the lead"));
	assert!(said(&dismissed, "slashes").contains("to the 1 that convicted it"));
}

#[test]
fn a_dispute_without_need_and_one_that_is_missing_are_found() {
	// Lead and replica agree: there is nothing to dispute.
	let mut evidence = settled();
	evidence.receipt.stages[1].dispute = Some(Standing::Over(Outcome::Dismissed));
	assert!(said(&evidence, "verdicts").contains("stage 1 has a dispute without need"));
	let mut evidence = disputed();
	evidence.receipt.stages[1].dispute = Some(Standing::Moved);
	assert!(said(&evidence, "verdicts").contains("the dispute about stage 1 is not over"));

	let mut evidence = convicted();
	evidence.model.constants = Some(ModelConstants {
		shape: SHAPE,
		layers: vec![Layer::default(); evidence.model.layers.len()]
			.try_into()
			.expect("few"),
	});
	assert!(said(&evidence, "verdicts").contains("stage 1 has no dispute though"));
	let constants = evidence.model.constants;
	evidence = disputed();
	evidence.model.constants = constants;
	held(&evidence);
}

/// Any shape about which a dispute is possible.
const SHAPE: Shape = Shape {
	hidden: 64,
	heads: 4,
	kv_heads: 2,
	head_dim: 16,
	inner: 96,
	bias: false,
	head_norm: false,
	epsilon: 0,
	factor: 0,
};

#[test]
fn a_copied_commitment_is_explained() {
	let copied = copied();
	let checked = held(&copied);
	assert!(checked.contains(&"slashes") && checked.contains(&"fee"));
	assert!(said(&copied, "verdicts").contains("its commitment is another worker's, who opened it"));
}

#[test]
fn silence_is_no_cheat() {
	let silent = silent();
	let checked = held(&silent);
	assert!(checked.contains(&"outcome") && !checked.contains(&"slashes"));
	let why = "late or silent – it had not committed by its deadline, and told nothing";
	assert!(said(&silent, "verdicts").contains(why));
}

/// Who stopped a ring follows from what the leads told: each rule names its own, in words.
#[test]
fn who_stopped_a_ring_is_explained() {
	let unjoined = Some(Tally::default());
	let loses = |tally: Option<Tally>| {
		tally.map(|tally| Tally {
			lost_next: true,
			..tally
		})
	};
	let cases: [([Option<Tally>; 3], &[usize], &[&str]); 7] = [
		(
			[told(4, 4), None, told(3, 3)],
			&[1],
			&["told nothing of how far it came"],
		),
		(
			[told(3, 4), told(4, 4), told(3, 3)],
			&[1, 2],
			&[
				"its hop to the next stage lost rows",
				"its hop from the stage before lost rows",
			],
		),
		(
			[told(3, 4), told(4, 3), told(3, 3)],
			&[1],
			&["by its own word it did not send what it had received"],
		),
		(
			[told(0, 1), unjoined, unjoined],
			&[0, 1],
			&[
				"its hop to the next stage never stood",
				"its hop from the stage before never stood",
			],
		),
		(
			[loses(told(3, 4)), loses(told(4, 4)), told(3, 3)],
			&[1, 2],
			&[
				"it lost the next stage, which had not lost its own",
				"the stage before lost it",
			],
		),
		(
			[loses(told(3, 4)), loses(told(4, 4)), loses(told(4, 4))],
			&[],
			&["the fault is elsewhere"],
		),
		(
			[told(4, 4); 3],
			&[0],
			&["all rows came round to it, and it sent no more"],
		),
	];
	for (told, blamed, words) in cases {
		let stopped = stopped(told, blamed);
		assert!(held(&stopped).contains(&"outcome"), "{told:?}");
		let why = said(&stopped, "verdicts");
		for words in words {
			assert!(why.contains(words), "{told:?}: {why}");
		}
		assert_eq!(why.matches("late or silent").count(), blamed.len());
	}
}

#[test]
fn what_a_lead_told_is_shown_and_a_verdict_that_does_not_follow_is_found() {
	let told_so = [told(3, 4), told(4, 4), told(3, 3)];
	let stopped_by = |blamed: &[usize]| stopped(told_so, blamed);
	let why = said(&stopped_by(&[1, 2]), "verdicts");
	let shown = "3 rows came, 4 sent to the next stage";
	assert!(why.contains(shown), "{why}");
	// Blame for all, as where nobody told anything, or for the wrong ones.
	for blamed in [&[0, 1, 2][..], &[1], &[], &[0, 1]] {
		assert_eq!(failing(&stopped_by(blamed)), ["verdicts"], "{blamed:?}");
	}
	let told_too_much = stopped([told(999, 999); 3], &[0]);
	assert_eq!(failing(&told_too_much), ["verdicts"]);
	// Who was in time is not asked.
	let mut in_time = silent();
	in_time.receipt.stages[2].tally = told(4, 4);
	assert_eq!(failing(&in_time), ["verdicts"]);
}

/// Nobody commits without the word of the stage before that this was all; who alone commits may have.
#[test]
fn who_did_not_close_a_hop_is_explained() {
	let with_commitments = |of: &[usize], blamed: &[usize]| {
		let mut evidence = silent();
		for (at, stage) in evidence.receipt.stages.iter_mut().enumerate() {
			let lead = &mut stage.participants[0];
			if !of.contains(&at) {
				lead.commitment = None;
				stage.tally = told(4, 4);
			}
			lead.verdict = Some(match blamed.contains(&at) {
				true => Verdict::WorkerFault,
				false => Verdict::Indeterminate,
			});
		}
		announce(&mut evidence);
		evidence
	};
	let said_of = |evidence: &Evidence| {
		held(evidence);
		said(evidence, "verdicts")
	};
	let alone = said_of(&with_commitments(&[2], &[2, 0]));
	let ends = "its hop to the next stage lost rows";
	assert!(alone.contains(ends), "{alone}");
	let segment = said_of(&with_commitments(&[0, 2], &[1]));
	assert!(segment.contains("the next stage committed"), "{segment}");
	let last = said_of(&closed_alone());
	assert!(last.contains("and the next stage alone did"), "{last}");
	assert!(last.contains("it alone committed"), "{last}");
}

/// Nobody need hold the adapter that a job names; where rows went round, somebody did.
#[test]
fn a_job_whose_adapter_nobody_holds_is_nobodys_fault() {
	let nobody = without_adapter();
	assert!(held(&nobody).contains(&"outcome"));
	assert!(said(&nobody, "verdicts").contains("nobody holds the adapter that it named"));
	let mut plain = nobody.clone();
	plain.asked.adapter = None;
	plain.receipt.job.adapter = None;
	assert_eq!(failing(&plain), ["verdicts"]);
	let mut other = nobody.clone();
	other.receipt.job.adapter = Some(4);
	assert_eq!(failing(&other), ["record"]);
	let mut ran = nobody;
	ran.receipt.stages[0].tally = told(1, 2);
	assert_eq!(failing(&ran), ["verdicts"]);
}

#[test]
fn a_forfeit_is_explained_and_one_of_nobody_is_found() {
	let withheld = withheld();
	assert!(held(&withheld).contains(&"slashes"));
	let lost =
		"forfeited 0.028311552 DLLM: 0.0056623104 DLLM to the user, 0.0226492416 DLLM burned";
	assert!(said(&withheld, "slashes").contains(lost));
	let mut spared = withheld.clone();
	spared.events.forfeited.clear();
	assert_eq!(failing(&spared), ["slashes"]);
	let mut innocent = settled();
	innocent.events.forfeited = withheld.events.forfeited;
	assert_eq!(failing(&innocent), ["slashes"]);
}

#[test]
fn another_forfeit_than_the_rule_takes_is_found() {
	for amount in [39 * SEGMENT_PAY, 41 * SEGMENT_PAY] {
		let mut evidence = withheld();
		let lost = &mut evidence.events.forfeited[0];
		(lost.amount, lost.burned) = (amount, amount - lost.to_user);
		let worker = lost.worker.clone();
		assert_eq!(failing(&evidence), ["slashes"], "{amount}");
		evidence.events.bonds_changed.push(worker);
		assert_eq!(failing(&evidence), [""; 0], "{amount}");
	}
}

#[test]
fn rows_that_two_checkers_did_not_get_are_explained() {
	let starved = starved();
	assert!(held(&starved).contains(&"slashes"));
	let why = "two checkers, one drawn after the other, got no rows";
	assert!(said(&starved, "verdicts").contains(why));
	let lost = "forfeited 0.028311552 DLLM: 0 DLLM to the user, 0.028311552 DLLM burned";
	assert!(said(&starved, "slashes").contains(lost));
	// One word is not enough.
	let mut alone = starved.clone();
	alone.receipt.stages[1].refused.truncate(1);
	assert_eq!(failing(&alone), ["verdicts", "outcome", "slashes"]);
}

#[test]
fn only_a_second_checker_comes_from_outside_while_others_hold_the_stage() {
	let mut outside = starved_outside();
	assert!(held(&outside).contains(&"plan"));
	outside.receipt.stages[1].refused.remove(0);
	assert!(failing(&outside).contains(&"plan"));
}

#[test]
fn an_unchecked_job_is_explained() {
	let unchecked = unchecked();
	assert!(held(&unchecked).contains(&"fee"));
	assert!(said(&unchecked, "plan").contains("nobody was summoned to check the job"));
	assert!(said(&unchecked, "verdicts").contains("nobody was summoned to check it"));
	// Whose user asked for a check has one.
	let mut demanded = unchecked.clone();
	demanded.asked.assurance = Assurance::Full;
	demanded.receipt.job.assurance = Assurance::Full;
	assert_eq!(failing(&demanded), ["plan"]);
	let mut foreign = unchecked;
	let lead = &mut foreign.receipt.stages[1].participants[0];
	lead.opening.as_mut().expect("opened").roots.weights = OTHER;
	commit(&mut foreign, 1, 0);
	assert!(failing(&foreign).contains(&"shards"));
}

/// The lots are drawn again, with the keys of their accounts.
#[test]
fn a_summons_is_checked() {
	let summoned = summoned();
	assert!(held(&summoned).contains(&"summons"));
	let damaged = |damage: &dyn Fn(&mut StageReceipt)| {
		let mut damaged = summoned.clone();
		damage(&mut damaged.receipt.stages[1]);
		failing(&damaged)
	};
	assert_eq!(
		damaged(&|stage| stage.summons[0].threshold = 0),
		["summons"]
	);
	assert_eq!(damaged(&|stage| stage.summons[0].seed = OTHER), ["summons"]);
	assert_eq!(
		damaged(&|stage| stage.summons[0].proof.proof.0[3] ^= 1),
		["summons"]
	);
	assert_eq!(damaged(&|stage| stage.summons.clear()), ["summons"]);
	let lead = summoned.receipt.stages[1].participants[0].worker.clone();
	assert_eq!(
		damaged(&|stage| stage.summons[0].worker = lead.clone()),
		["summons"]
	);
	assert_eq!(damaged(&|stage| stage.chance = 0), ["summons"]);
}

#[test]
fn a_user_who_never_came_is_nobodys_fault() {
	assert!(held(&no_show()).contains(&"outcome"));
	assert_eq!(no_show().record.state, JobState::Refunded(Refund::NoShow));
	// Rows that came to a segment came from the user.
	let mut came = no_show();
	came.receipt.stages[0].tally = told(1, 1);
	assert_eq!(failing(&came), ["verdicts", "outcome"]);
}

#[test]
fn a_cancelled_job_has_no_trial() {
	assert_eq!(held(&cancelled()), ["record"]);
}

#[test]
fn a_job_that_is_run_again_keeps_its_hold_and_names_the_next() {
	let rerun = rerun();
	assert!(held(&rerun).contains(&"slashes"));
	assert!(said(&rerun, "outcome").contains("runs it again"));
	assert!(said(&rerun, "fee").contains("on hold now"));
	// Its client did not choose that, or got the money as well.
	let mut unasked = rerun.clone();
	unasked.asked.on_failure = OnFailure::Refund;
	unasked.receipt.job.on_failure = OnFailure::Refund;
	assert_eq!(failing(&unasked), ["record"]);
	let mut refunded = rerun.clone();
	refunded.receipt.refunded = refunded.record.max_price;
	assert_eq!(failing(&refunded), ["record"]);
	let mut silent = rerun;
	silent.events.rerun = None;
	assert_eq!(failing(&silent), ["record"]);
}

#[test]
fn a_job_that_runs_another_again_goes_to_a_pipeline_that_did_not_fail_it() {
	let next = successor();
	assert!(held(&next).contains(&"fee"));
	assert!(said(&next, "record").contains("again, which pipelines [90, 91] failed"));
	let mut same = next.clone();
	let lineage = same.record.lineage.as_mut().expect("it is a rerun");
	lineage
		.failed
		.push(same.record.pipeline.expect("it was awarded"));
	assert_eq!(failing(&same), ["record"]);
	let mut other = next;
	other.receipt.job.rerun_of = None;
	assert_eq!(failing(&other), ["record"]);
}

#[test]
fn a_surplus_is_burned() {
	// 14 of 60 rows carry 140 of 600 planck.
	assert!(held(&dear(600, 140)).contains(&"fee"));
	assert_eq!(failing(&dear(600, 139)), ["fee"]);
}

#[test]
fn who_cannot_receive_leaves_its_share_to_the_treasury() {
	let poor = |to_treasury: bool| {
		let mut evidence = settled();
		let share = evidence.receipt.miners[0].amount;
		evidence.receipt.miners[0].amount = 0;
		match to_treasury {
			true => evidence.receipt.treasury += share,
			false => evidence.receipt.burned += share,
		}
		announce(&mut evidence);
		evidence
	};
	assert!(held(&poor(true)).contains(&"fee"));
	assert_eq!(failing(&poor(false)), ["fee"]);
}

#[test]
fn an_innocent_worker_that_was_convicted_is_found() {
	let mut evidence = convicted();
	let stage = &mut evidence.receipt.stages[1];
	let honest = stage.participants[1].opening.expect("opened").roots;
	stage.participants[0]
		.opening
		.as_mut()
		.expect("opened")
		.roots = honest;
	commit(&mut evidence, 1, 0);
	let failing = failing(&evidence);
	assert!(failing.contains(&"verdicts") && failing.contains(&"outcome"));
}

#[test]
fn a_cheat_that_passed_is_found() {
	let mut evidence = settled();
	let lead = &mut evidence.receipt.stages[1].participants[0];
	lead.opening.as_mut().expect("opened").roots.output = OTHER;
	commit(&mut evidence, 1, 0);
	let failing = failing(&evidence);
	for step in ["agreement", "links", "verdicts", "outcome"] {
		assert!(failing.contains(&step), "{failing:?}");
	}
	assert!(!failing.contains(&"commitments"));
}

#[test]
fn two_workers_that_share_an_operator_are_found() {
	let mut evidence = settled();
	evidence.workers[1].operator = evidence.workers[0].operator.clone();
	assert_eq!(failing(&evidence), ["plan"]);
}

#[test]
fn a_slash_of_nobody_who_was_convicted_is_found() {
	let mut evidence = settled();
	evidence.events.slashed = convicted().events.slashed;
	assert_eq!(failing(&evidence), ["slashes"]);
}
