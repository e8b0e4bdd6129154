//! Rows that two workers of unlike numerics classes showed: what the audit says of them, and each rule about them
//! broken.

use super::{
	cases::{alike, announce, commit, not_alike, third, OTHER},
	failing, held, said,
};
use dllm_primitives::{
	api::{ComparisonView, ParticipantView},
	commitment::Roots,
	compare::{Likeness, MAX_TOLERANCE},
	model::Profile,
	verdict::Verdict,
};
use dllm_worker::cli::audit::evidence::{Compared, Evidence};

/// What was compared of the first segment.
fn view(evidence: &mut Evidence) -> &mut ComparisonView {
	let comparison = &mut evidence.receipt.stages[1].comparison;
	comparison.as_mut().expect("compared")
}

/// A worker of that stage: lead, replica, third one.
fn worker(evidence: &mut Evidence, at: usize) -> &mut ParticipantView {
	&mut evidence.receipt.stages[1].participants[at]
}

#[track_caller]
fn says(evidence: &Evidence, step: &str, words: &str) {
	let all = said(evidence, step);
	assert!(all.contains(words), "{words} is not in {all}");
}

#[test]
fn a_pass_that_rests_on_a_comparison_is_explained() {
	let alike = alike();
	let checked = held(&alike);
	assert!(checked.contains(&"agreement") && checked.contains(&"fee"));
	let agreement = |words| says(&alike, "agreement", words);
	agreement("stage 1: lead and replica differ in class, rows sent");
	agreement("show 14 of 14 rows that each sent: they differ by no more than the tolerance");
	agreement("(median 2e-5, max 5e-5, version 3, calibration 0xcaca");
	// What nobody can check again is said.
	agreement("the chain's word, as the receipt holds neither their seed nor them");
	for other in ["its checker", "the lead"] {
		let words = format!(
			"pass – its rows and those of {other}, of another numerics class, differ by no more than the tolerance: median 2e-5, max 5e-5, version 3, at 14 of 14 rows"
		);
		says(&alike, "verdicts", &words);
	}
}

#[test]
fn who_was_compared_in_vain_is_undecided_and_told_why() {
	let words = [
		(
			Likeness::Unlike,
			"they differ by more than the tolerance",
			"of another numerics class, differ by more than the tolerance: median 2e-5",
		),
		(
			Likeness::Unshown,
			"one of the two showed none in time",
			"one of the two that were to be compared showed no rows in time",
		),
	];
	for (likeness, told, why) in words {
		let mut evidence = not_alike(likeness);
		assert!(held(&evidence).contains(&"fee"));
		says(&evidence, "agreement", told);
		let undecided = "undecided – differs from lead and tiebreak";
		says(&evidence, "verdicts", undecided);
		says(&evidence, "verdicts", why);
		says(&evidence, "verdicts", "pass – told the same as tiebreak");
		// A tolerance convicts nobody, and lets nobody pass that is beyond it.
		for verdict in [Verdict::Cheat, Verdict::Pass] {
			worker(&mut evidence, 1).verdict = Some(verdict);
			announce(&mut evidence);
			let failing = failing(&evidence);
			assert!(failing.contains(&"verdicts"), "{verdict:?}: {failing:?}");
		}
	}
}

#[test]
fn a_pass_without_a_comparison_is_found() {
	let mut evidence = alike();
	evidence.receipt.stages[1].comparison = None;
	announce(&mut evidence);
	assert_eq!(failing(&evidence), ["agreement", "verdicts", "outcome"]);
}

/// Only who did the same work in two classes, and sent other rows, is compared.
#[test]
fn a_comparison_without_need_is_found() {
	const WITHOUT_NEED: &str = "stage 1 has a comparison without need";
	let damages: [fn(&mut Roots, &Roots); 6] = [
		|own, lead| own.class = lead.class,
		|own, lead| own.output = lead.output,
		|own, _| own.input = OTHER,
		|own, _| own.weights = OTHER,
		|own, _| own.result = OTHER,
		|own, _| own.rows += 1,
	];
	for damage in damages {
		let mut evidence = alike();
		let lead = worker(&mut evidence, 0).opening.expect("opened").roots;
		let own = worker(&mut evidence, 1).opening.as_mut().expect("opened");
		damage(&mut own.roots, &lead);
		commit(&mut evidence, 1, 1);
		says(&evidence, "verdicts", WITHOUT_NEED);
	}
	let mut closed = alike();
	worker(&mut closed, 1).opening = None;
	says(&closed, "verdicts", WITHOUT_NEED);
	let mut exact = alike();
	exact.model.profile = Profile::Exact;
	says(&exact, "verdicts", WITHOUT_NEED);
}

#[test]
fn positions_that_no_seed_can_draw_are_found() {
	let damages: [fn(&mut Vec<u32>); 6] = [
		|all| {
			all.pop();
		},
		|all| all.clear(),
		|all| all.swap(3, 4),
		|all| all[4] = 3,
		|all| all[13] = 14,
		|all| all.push(14),
	];
	for damage in damages {
		let mut evidence = alike();
		damage(&mut view(&mut evidence).positions);
		assert_eq!(failing(&evidence), ["verdicts"]);
		says(&evidence, "verdicts", "stage 1 can be no draw of its rows");
	}
}

/// Of long rows so many are shown as fit into a call.
#[test]
fn as_many_rows_are_compared_as_fit() {
	let of = |profile, hidden_size, positions: &[u32]| {
		let mut evidence = alike();
		evidence.model.profile = profile;
		evidence.model.hidden_size = hidden_size;
		view(&mut evidence).positions = positions.to_vec();
		failing(&evidence)
	};
	// 65,536 values are 256 KiB of single floats, or half of that of half ones.
	let cases = [
		(Profile::F32, 65_536, 1),
		(Profile::F16, 65_536, 2),
		(Profile::Int8, 65_536, 2),
		(Profile::F32, 32_768, 2),
	];
	for (profile, hidden_size, fit) in cases {
		let drawn = |count| of(profile, hidden_size, &[2, 9, 13][..count]);
		assert_eq!(drawn(fit), [""; 0], "{profile:?}, {hidden_size}");
		assert_eq!(drawn(fit + 1), ["verdicts"], "{profile:?}, {hidden_size}");
	}
}

#[test]
fn a_comparison_of_no_rows_is_found() {
	const WITHOUT_ROWS: &str = "stage 1 was compared without rows";
	let long = |hidden_size| {
		let mut evidence = alike();
		evidence.model.hidden_size = hidden_size;
		view(&mut evidence).positions.truncate(1);
		evidence
	};
	assert_eq!(failing(&long(65_536)), [""; 0]);
	let mut longer = long(65_537);
	says(&longer, "verdicts", WITHOUT_ROWS);
	view(&mut longer).positions.clear();
	assert_eq!(failing(&longer), ["verdicts"]);
	let all = said(&longer, "verdicts");
	assert!(!all.contains("can be no draw"), "{all}");
	let mut empty = alike();
	for at in [0, 1] {
		let opened = worker(&mut empty, at).opening.as_mut();
		opened.expect("opened").roots.rows = 0;
		commit(&mut empty, 1, at);
	}
	view(&mut empty).positions.clear();
	says(&empty, "verdicts", WITHOUT_ROWS);
}

/// Rows that are compared stand on chain for everybody.
#[test]
fn a_comparison_of_a_sealed_job_is_found() {
	let mut evidence = alike();
	evidence.record.own_entry = true;
	says(&evidence, "verdicts", "though the job is sealed");
}

#[test]
fn a_comparison_that_is_not_over_is_found() {
	let mut evidence = alike();
	view(&mut evidence).likeness = None;
	announce(&mut evidence);
	says(
		&evidence,
		"verdicts",
		"the comparison about stage 1 is not over",
	);
}

#[test]
fn a_tolerance_that_the_chain_would_not_take_is_found() {
	let damages: [fn(&mut ComparisonView); 3] = [
		|view| view.tolerance.median = 0,
		|view| view.tolerance.median = view.tolerance.max + 1,
		|view| view.tolerance.max = MAX_TOLERANCE + 1,
	];
	for damage in damages {
		let mut evidence = alike();
		damage(view(&mut evidence));
		assert_eq!(failing(&evidence), ["verdicts"]);
		says(
			&evidence,
			"verdicts",
			"takes no tolerance like that of stage 1",
		);
	}
}

#[test]
fn who_is_alike_needs_no_third_worker() {
	let mut evidence = alike();
	let lead = worker(&mut evidence, 0).opening.expect("opened");
	evidence.receipt.stages[1].participants.push(third(lead));
	says(
		&evidence,
		"verdicts",
		"stage 1 has a third worker without need",
	);
}

#[test]
fn another_end_than_was_announced_is_found() {
	let damages: [fn(&mut Vec<Compared>); 4] = [
		|all| all[0].likeness = Likeness::Unshown,
		|all| all[0].stage = 2,
		|all| all[0].stage = 200,
		|all| all.push(all[0].clone()),
	];
	for damage in damages {
		let mut evidence = alike();
		damage(&mut evidence.events.compared);
		assert_eq!(failing(&evidence), ["verdicts"]);
	}
	// It may have been announced before the block that ended the job.
	let mut earlier = alike();
	earlier.events.compared.clear();
	assert_eq!(failing(&earlier), [""; 0]);
}
