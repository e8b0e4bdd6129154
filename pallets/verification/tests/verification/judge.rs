//! The pure judgement, over everything that three workers can show.

use crate::mock::honest;
use dllm_primitives::{
	commitment::Roots,
	compare::Likeness,
	dispute::{self, Standing},
	ids::Digest,
	job::Refund,
	stall::{Tally, Word},
	verdict::Verdict::{self, Cheat, Indeterminate, Pass, Unchecked, VerifierFault, WorkerFault},
};
use pallet_verification::judge::{
	is_comparable, is_disputable, judge_stage, judge_unserved, needs_tiebreak, outcome, showing,
	Due, Exhibit, LeadFinding, Outcome,
	Showing::{self, Contradicted, Copied, Foreign, Opened, Silent, Starved},
	StageShowings, StageVerdicts,
};

fn right() -> Roots {
	honest(1)
}

fn wrong() -> Roots {
	Roots {
		output: Digest::repeat_byte(200),
		..right()
	}
}

fn wrong_otherwise() -> Roots {
	Roots {
		weights: Digest::repeat_byte(201),
		output: Digest::repeat_byte(202),
		..right()
	}
}

fn other_input() -> Roots {
	Roots {
		input: Digest::repeat_byte(203),
		output: Digest::repeat_byte(204),
		..right()
	}
}

fn fewer_rows() -> Roots {
	Roots { rows: 1, ..right() }
}

fn other_class() -> Roots {
	Roots {
		class: Digest::repeat_byte(205),
		output: Digest::repeat_byte(206),
		..right()
	}
}

/// The right rows, of another class by their worker's word.
fn named_otherwise() -> Roots {
	Roots {
		class: Digest::repeat_byte(208),
		..right()
	}
}

fn other_class_wrong() -> Roots {
	Roots {
		output: Digest::repeat_byte(207),
		..other_class()
	}
}

/// What has to be executed, in a model that is not exact.
fn due(entry: bool) -> Due {
	Due {
		shards: right().weights,
		entry,
		exact: false,
	}
}

/// What an exhibit amounts to in a stage whose shards are the right ones.
fn shown(exhibit: &Exhibit<i32>, all: &[Exhibit<i32>]) -> Showing {
	showing(exhibit, all, due(false))
}

/// Everything that a worker can show.
fn all_showings() -> Vec<Showing> {
	let told = [
		right(),
		wrong(),
		wrong_otherwise(),
		other_input(),
		fewer_rows(),
		other_class(),
		other_class_wrong(),
		named_otherwise(),
	];
	[Silent, Copied, Foreign, Contradicted]
		.into_iter()
		.chain(told.map(Opened))
		.collect()
}

fn judge(lead: Showing, replica: Showing, tiebreak: Option<Showing>) -> [Option<Verdict>; 3] {
	let showings = StageShowings {
		lead,
		replica: Some(replica),
		tiebreak,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	let StageVerdicts {
		lead,
		replica,
		tiebreak,
	} = judge_stage(&showings);
	[Some(lead), replica, tiebreak]
}

#[test]
fn who_was_handed_other_rows_is_not_convicted() {
	let (truth, misled) = (Opened(right()), Opened(other_input()));
	let verdicts = [
		judge(misled, truth, Some(truth))[0],
		judge(truth, misled, Some(truth))[1],
		judge(truth, truth, Some(misled))[2],
	];
	assert_eq!(verdicts, [Some(Indeterminate); 3]);
	let liar = judge(truth, Opened(wrong()), Some(truth))[1];
	assert_eq!(liar, Some(Cheat), "the same rows are no excuse");
}

/// The rule as one would say it, without looking at how the judgement is coded: `at` is the place of
/// the worker, 0 for the lead.
fn expected(at: usize, shown: &[Showing]) -> Verdict {
	let told = match shown[at] {
		Copied | Foreign | Contradicted => return Cheat,
		Silent => return if at == 0 { WorkerFault } else { VerifierFault },
		Starved => return Indeterminate,
		Opened(told) => told,
	};
	let others = (0..shown.len())
		.filter(|other| *other != at)
		.map(|other| shown[other]);
	let others = others.collect::<Vec<_>>();
	let classless = |roots: Roots| Roots {
		class: Digest::zero(),
		..roots
	};
	let same = |one: Roots, two: Roots| classless(one) == classless(two);
	let agrees = |other: &Showing| matches!(other, Opened(other) if same(*other, told));
	if others.iter().any(agrees) {
		return Pass;
	}
	match others[..] {
		[Opened(one), Opened(two)] if same(one, two) => {
			let in_its_class = [one, two].iter().all(|other| other.class == told.class);
			if in_its_class && one.input == told.input {
				Cheat
			} else {
				Indeterminate
			}
		}
		_ => Indeterminate,
	}
}

#[test]
fn every_combination_is_judged_by_the_rule() {
	let mut seen = 0;
	for lead in all_showings() {
		for replica in all_showings() {
			let third = all_showings().into_iter().map(Some);
			for tiebreak in third.chain([None]) {
				let shown = [Some(lead), Some(replica), tiebreak];
				let shown = shown.into_iter().flatten().collect::<Vec<_>>();
				let verdicts = judge(lead, replica, tiebreak);
				for (at, verdict) in verdicts.iter().enumerate().take(shown.len()) {
					let context = format!("worker {at} of {shown:?}");
					assert_eq!(*verdict, Some(expected(at, &shown)), "{context}");
				}
				assert_eq!(verdicts[2].is_some(), tiebreak.is_some());
				seen += 1;
			}
		}
	}
	assert_eq!(seen, 12 * 12 * 13);
}

#[test]
fn who_tells_the_truth_is_never_convicted_by_one_liar() {
	let truth = Opened(right());
	for liar in all_showings() {
		for third in [Some(truth), Some(Silent), None] {
			assert_ne!(judge(truth, liar, third)[0], Some(Cheat));
			assert_ne!(judge(liar, truth, third)[1], Some(Cheat));
		}
		for (lead, replica) in [
			(truth, liar),
			(liar, truth),
			(truth, Silent),
			(liar, Silent),
		] {
			assert_ne!(judge(lead, replica, Some(truth))[2], Some(Cheat));
			assert_ne!(judge(truth, Silent, Some(liar))[0], Some(Cheat));
		}
	}
}

#[test]
fn the_cases_that_people_ask_about() {
	let (right, wrong) = (Opened(right()), Opened(wrong()));
	let (class, input) = (Opened(other_class()), Opened(other_input()));
	// A third worker repeats what the one told, and names the class of the other.
	let repeated = Opened(Roots {
		output: self::right().output,
		..other_class()
	});
	let cases = [
		// Lead, replica, third; the verdicts on them.
		((right, right, None), [Some(Pass), Some(Pass), None]),
		(
			(right, class, Some(repeated)),
			[Some(Pass), Some(Indeterminate), Some(Pass)],
		),
		(
			(wrong, right, Some(right)),
			[Some(Cheat), Some(Pass), Some(Pass)],
		),
		(
			(right, wrong, Some(right)),
			[Some(Pass), Some(Cheat), Some(Pass)],
		),
		(
			(right, wrong, Some(Silent)),
			[
				Some(Indeterminate),
				Some(Indeterminate),
				Some(VerifierFault),
			],
		),
		(
			(right, wrong, None),
			[Some(Indeterminate), Some(Indeterminate), None],
		),
		(
			(right, Silent, Some(right)),
			[Some(Pass), Some(VerifierFault), Some(Pass)],
		),
		(
			(right, Copied, Some(right)),
			[Some(Pass), Some(Cheat), Some(Pass)],
		),
		(
			(Copied, right, None),
			[Some(Cheat), Some(Indeterminate), None],
		),
		(
			(Silent, right, None),
			[Some(WorkerFault), Some(Indeterminate), None],
		),
		(
			(Silent, Silent, None),
			[Some(WorkerFault), Some(VerifierFault), None],
		),
		(
			(class, right, Some(right)),
			[Some(Indeterminate), Some(Pass), Some(Pass)],
		),
		(
			(right, class, Some(right)),
			[Some(Pass), Some(Indeterminate), Some(Pass)],
		),
		((wrong, right, Some(class)), [Some(Indeterminate); 3]),
		(
			(input, right, Some(right)),
			[Some(Indeterminate), Some(Pass), Some(Pass)],
		),
		(
			(right, input, Some(right)),
			[Some(Pass), Some(Indeterminate), Some(Pass)],
		),
	];
	for ((lead, replica, third), verdicts) in cases {
		assert_eq!(
			judge(lead, replica, third),
			verdicts,
			"{lead:?} {replica:?} {third:?}"
		);
	}
}

#[test]
fn a_third_worker_is_needed_where_an_opened_lead_is_not_confirmed() {
	for lead in all_showings() {
		for replica in all_showings() {
			let confirmed = match (lead, replica) {
				(Opened(lead), Opened(replica)) => {
					let class = lead.class;
					lead == Roots { class, ..replica }
				}
				_ => false,
			};
			let needed = matches!(lead, Opened(_)) && !confirmed;
			let stage = StageShowings {
				lead,
				replica: Some(replica),
				tiebreak: None,
				unchecked: false,
				dispute: None,
				comparison: None,
			};
			let decided = StageShowings {
				dispute: Some(Standing::Over(dispute::Outcome::Dismissed)),
				..stage
			};
			assert!(!needs_tiebreak(&decided));
			assert_eq!(needs_tiebreak(&stage), needed, "{lead:?} {replica:?}");
		}
	}
}

#[test]
fn the_author_of_a_commitment_is_who_opened_it() {
	let digest = |byte| Some(Digest::repeat_byte(byte));
	let author = Exhibit {
		worker: &1,
		commitment: digest(1),
		roots: Some(right()),
		contradicted: false,
	};
	let copier = Exhibit {
		worker: &2,
		commitment: digest(1),
		roots: None,
		contradicted: false,
	};
	let silent = Exhibit {
		worker: &3,
		commitment: digest(3),
		roots: None,
		contradicted: false,
	};
	let absent = Exhibit {
		worker: &4,
		commitment: None,
		roots: None,
		contradicted: false,
	};
	let twice = Exhibit {
		worker: &1,
		commitment: digest(1),
		roots: None,
		contradicted: false,
	};
	let third = Exhibit {
		worker: &5,
		commitment: None,
		roots: Some(right()),
		contradicted: false,
	};

	for all in [
		[author, copier, silent, absent, twice, third],
		[third, twice, absent, silent, copier, author],
	] {
		assert_eq!(shown(&author, &all), Opened(right()));
		assert_eq!(shown(&copier, &all), Copied);
		assert_eq!(shown(&silent, &all), Silent);
		assert_eq!(shown(&absent, &all), Silent);
		assert_eq!(shown(&third, &all), Opened(right()));
		// A worker that repeats itself in another stage has a bug, and robs nobody.
		assert_eq!(shown(&twice, &all), Silent);
	}
	// Where nobody opens, nobody is known to be the author.
	let unopened = Exhibit {
		roots: None,
		..author
	};
	assert_eq!(shown(&copier, &[unopened, copier]), Silent);
}

#[test]
fn before_every_lead_committed_only_who_stopped_the_ring_is_blamed() {
	let told = |received, sent| {
		Word::Told(Tally {
			received: Some(received),
			sent: Some(sent),
			lost_next: false,
		})
	};
	let silent = [Word::Committed, Word::Silent, Word::Committed];
	let kept = [told(3, 5), told(5, 3), told(3, 3)];
	let lied = [told(3, 5), told(5, 5), told(3, 3)];
	// An excuse is good only where nothing ran.
	for (own_entry, excused) in [(false, false), (false, true), (true, true)] {
		let judged = |words: &[Word]| judge_unserved(words, own_entry, excused);
		assert_eq!(judged(&silent), [Indeterminate, WorkerFault, Indeterminate]);
		assert_eq!(judged(&kept), [Indeterminate, WorkerFault, Indeterminate]);
		assert_eq!(judged(&lied), [Indeterminate, WorkerFault, WorkerFault]);
	}
}

#[test]
fn where_nothing_ran_an_excuse_is_good_for_all_leads() {
	let never = Word::Told(Tally::default());
	for words in [[Word::Silent; 3], [never, never, Word::Silent]] {
		assert!(judge_unserved(&words, false, false).contains(&WorkerFault));
		for own_entry in [false, true] {
			assert_eq!(judge_unserved(&words, own_entry, true), [Indeterminate; 3]);
		}
	}
}

fn ring() -> Vec<LeadFinding> {
	(0..3)
		.map(|stage| LeadFinding {
			verdict: Pass,
			roots: Some(honest(stage)),
		})
		.collect()
}

/// The outcome of a public job whose ring was changed.
fn public(change: impl FnOnce(&mut Vec<LeadFinding>)) -> Outcome {
	let mut leads = ring();
	change(&mut leads);
	outcome(&leads, false, 64)
}

fn roots(lead: &mut LeadFinding) -> &mut Roots {
	lead.roots.as_mut().unwrap()
}

const UNPROVED: Outcome = Outcome::Failed(Refund::Indeterminate);

#[test]
fn a_closed_ring_of_passed_leads_is_served() {
	let result = honest(0).result;
	assert_eq!(public(|_| ()), Outcome::Served { rows: 20, result });
}

#[test]
fn every_broken_link_fails_the_job() {
	let other = Digest::repeat_byte(250);
	for stage in 0..3 {
		assert_eq!(
			public(|leads| roots(&mut leads[stage]).input = other),
			UNPROVED
		);
		assert_eq!(
			public(|leads| roots(&mut leads[stage]).output = other),
			UNPROVED
		);
		assert_eq!(public(|leads| roots(&mut leads[stage]).rows = 19), UNPROVED);
	}
}

#[test]
fn rows_are_above_zero_and_not_above_the_ceiling() {
	let of = |rows| public(|leads| leads.iter_mut().for_each(|lead| roots(lead).rows = rows));
	assert_eq!(of(0), UNPROVED);
	assert!(matches!(of(1), Outcome::Served { rows: 1, .. }));
	assert!(matches!(of(64), Outcome::Served { rows: 64, .. }));
	assert_eq!(of(65), UNPROVED);
	assert_eq!(outcome(&[], false, 64), UNPROVED);
}

#[test]
fn the_links_to_a_user_are_not_on_trial() {
	let mut leads = ring().split_off(1);
	roots(&mut leads[0]).input = Digest::repeat_byte(250);
	roots(&mut leads[1]).output = Digest::repeat_byte(251);
	let served = Outcome::Served {
		rows: 20,
		result: Digest::zero(),
	};
	assert_eq!(outcome(&leads, true, 64), served);
	roots(&mut leads[1]).input = Digest::repeat_byte(252);
	assert_eq!(outcome(&leads, true, 64), UNPROVED);
}

#[test]
fn a_conviction_outweighs_a_fault_and_a_fault_what_is_unproved() {
	let with = |verdicts: [Verdict; 3]| {
		public(|leads| {
			for (lead, verdict) in leads.iter_mut().zip(verdicts) {
				lead.verdict = verdict;
			}
		})
	};
	assert_eq!(with([Pass, Indeterminate, Pass]), UNPROVED);
	let unserved = Outcome::Failed(Refund::Unserved);
	assert_eq!(with([WorkerFault, Indeterminate, Pass]), unserved);
	let cheated = Outcome::Failed(Refund::Cheated);
	assert_eq!(with([WorkerFault, Indeterminate, Cheat]), cheated);
	assert_eq!(with([Cheat, WorkerFault, Pass]), cheated);
}

/// A dispute is about rows sent after the same work; whatever else differs is for a third worker.
#[test]
fn a_dispute_needs_the_same_work_on_the_same_rows() {
	for lead in all_showings() {
		for replica in all_showings() {
			let stage = StageShowings {
				lead,
				replica: Some(replica),
				tiebreak: None,
				unchecked: false,
				dispute: None,
				comparison: None,
			};
			let only_output_differs = match (lead, replica) {
				(Opened(lead), Opened(replica)) => {
					let without = |roots: Roots| Roots {
						output: Digest::zero(),
						..roots
					};
					lead != replica && without(lead) == without(replica)
				}
				_ => false,
			};
			assert_eq!(
				is_disputable(&stage),
				only_output_differs,
				"{lead:?} {replica:?}"
			);
		}
	}
}

#[test]
fn a_dispute_decides_between_the_two() {
	let judged = |outcome| {
		let stage = StageShowings {
			lead: Opened(right()),
			replica: Some(Opened(wrong())),
			tiebreak: None,
			unchecked: false,
			dispute: Some(Standing::Over(outcome)),
			comparison: None,
		};
		let verdicts = judge_stage(&stage);
		(verdicts.lead, verdicts.replica)
	};
	assert_eq!(judged(dispute::Outcome::Convicted), (Cheat, Some(Pass)));
	assert_eq!(judged(dispute::Outcome::Dismissed), (Pass, Some(Cheat)));
}

/// The draw left it alone: what it shows is taken, and nobody else is asked.
#[test]
fn an_unchecked_lead_is_judged_by_what_it_shows() {
	let of = |lead| {
		let stage = StageShowings {
			lead,
			replica: None,
			tiebreak: None,
			unchecked: true,
			dispute: None,
			comparison: None,
		};
		assert!(!needs_tiebreak(&stage));
		judge_stage(&stage)
	};
	assert_eq!(of(Opened(wrong())).lead, Unchecked);
	assert_eq!(of(Opened(wrong())).replica, None);
	assert_eq!(of(Silent).lead, WorkerFault);
	assert_eq!(of(Copied).lead, Cheat);
}

/// Where a check was drawn and nobody could do it, nothing is proved.
#[test]
fn a_check_that_nobody_did_proves_nothing() {
	let stage = StageShowings {
		lead: Opened(right()),
		replica: None,
		tiebreak: None,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	assert!(needs_tiebreak(&stage));
	assert_eq!(judge_stage(&stage).lead, Indeterminate);
}

/// Its own word says so: no majority is asked.
#[test]
fn who_tells_other_shards_or_a_reply_of_a_segment_is_convicted_by_its_own_word() {
	let told = |roots| Exhibit {
		worker: &1,
		commitment: Some(Digest::repeat_byte(1)),
		roots: Some(roots),
		contradicted: false,
	};
	let reply = Roots {
		result: Digest::repeat_byte(7),
		..right()
	};
	for roots in [wrong_otherwise(), reply] {
		assert_eq!(shown(&told(roots), &[]), Foreign, "{roots:?}");
	}
	assert_eq!(showing(&told(reply), &[], due(true)), Opened(reply));
	let two_of_them = judge(Foreign, Foreign, Some(Opened(right())));
	assert_eq!(two_of_them, [Some(Cheat), Some(Cheat), Some(Indeterminate)]);
}

/// Two checkers say so, one after the other.
#[test]
fn a_lead_whose_checkers_got_no_rows_is_to_blame() {
	let of = |lead| StageShowings {
		lead,
		replica: Some(Starved),
		tiebreak: None,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	for told in [right(), wrong(), other_input()] {
		let stage = of(Opened(told));
		assert!(!needs_tiebreak(&stage), "nobody is asked a third time");
		assert!(!is_disputable(&stage));
		let verdicts = judge_stage(&stage);
		assert_eq!(verdicts.lead, WorkerFault);
		assert_eq!(verdicts.replica, Some(Indeterminate));
	}
	assert_eq!(judge_stage(&of(Silent)).lead, WorkerFault);
	for guilty in [Copied, Foreign] {
		assert_eq!(judge_stage(&of(guilty)).lead, Cheat);
	}
}

/// Its own signature is enough, whoever agrees with it, and a dispute that it won does not help.
#[test]
fn who_signed_for_other_rows_than_it_told_is_convicted_by_its_own_word() {
	let told = Exhibit {
		worker: &1,
		commitment: Some(Digest::repeat_byte(1)),
		roots: Some(right()),
		contradicted: true,
	};
	assert_eq!(shown(&told, &[told]), Contradicted);
	let of = |dispute| StageShowings {
		lead: Contradicted,
		replica: Some(Opened(right())),
		tiebreak: None,
		unchecked: false,
		dispute,
		comparison: None,
	};
	let alone = of(None);
	assert!(!needs_tiebreak(&alone), "there is nothing to confirm");
	assert!(!is_disputable(&alone));
	let verdicts = judge_stage(&alone);
	assert_eq!(
		(verdicts.lead, verdicts.replica),
		(Cheat, Some(Indeterminate))
	);
	for (outcome, replica) in [
		(dispute::Outcome::Dismissed, Cheat),
		(dispute::Outcome::Convicted, Pass),
	] {
		let verdicts = judge_stage(&of(Some(Standing::Over(outcome))));
		assert_eq!((verdicts.lead, verdicts.replica), (Cheat, Some(replica)));
	}
	let unchecked = StageShowings {
		replica: None,
		unchecked: true,
		..alone
	};
	assert_eq!(judge_stage(&unchecked).lead, Cheat);
}

/// There is one class of exact models, so a false one makes nothing undecided.
#[test]
fn an_exact_model_knows_no_other_class() {
	let told = |roots| Exhibit {
		worker: &1,
		commitment: Some(Digest::repeat_byte(1)),
		roots: Some(roots),
		contradicted: false,
	};
	let lie = Roots {
		class: Digest::repeat_byte(77),
		..wrong()
	};
	let of = |exact| {
		let due = Due {
			exact,
			..due(false)
		};
		let showing = |roots| showing(&told(roots), &[], due);
		StageShowings {
			lead: showing(lie),
			replica: Some(showing(right())),
			tiebreak: Some(showing(right())),
			unchecked: false,
			dispute: None,
			comparison: None,
		}
	};
	assert!(is_disputable(&of(true)));
	assert_eq!(judge_stage(&of(true)).lead, Cheat);
	assert!(!is_disputable(&of(false)));
	assert_eq!(judge_stage(&of(false)).lead, Indeterminate);
	let honest = |exact| {
		let mut stage = of(exact);
		let other = Roots {
			class: Digest::repeat_byte(77),
			..right()
		};
		let due = Due {
			exact,
			..due(false)
		};
		stage.lead = showing(&told(other), &[], due);
		judge_stage(&stage).lead
	};
	assert_eq!(honest(true), Pass, "the same rows are the same rows");
	assert_eq!(honest(false), Pass, "in whatever class");
}

/// Alike or not, neither is convicted for it who would not be without.
#[test]
fn a_comparison_acquits_two_and_convicts_neither() {
	let mut comparable = 0;
	for lead in all_showings() {
		for replica in all_showings() {
			for tiebreak in all_showings().into_iter().map(Some).chain([None]) {
				let of = |comparison| StageShowings {
					lead,
					replica: Some(replica),
					tiebreak,
					unchecked: false,
					dispute: None,
					comparison,
				};
				if !is_comparable(&of(None)) {
					continue;
				}
				comparable += 1;
				let without = judge_stage(&of(None));
				for likeness in [Likeness::Unlike, Likeness::Unshown] {
					assert_eq!(judge_stage(&of(Some(likeness))), without);
					assert!(needs_tiebreak(&of(Some(likeness))));
					assert!(!is_comparable(&of(Some(likeness))), "it is done once");
				}
				let alike = of(Some(Likeness::Alike));
				let both = judge_stage(&alike);
				assert_eq!((both.lead, both.replica), (Pass, Some(Pass)));
				assert!(!needs_tiebreak(&alike));
			}
		}
	}
	assert!(comparable > 0);
	let differs = |change: fn(Roots) -> Roots| {
		let stage = StageShowings {
			lead: Opened(right()),
			replica: Some(Opened(change(other_class()))),
			tiebreak: None,
			unchecked: false,
			dispute: None,
			comparison: None,
		};
		is_comparable(&stage)
	};
	assert!(differs(|roots| roots));
	let class = |roots| Roots {
		class: right().class,
		..roots
	};
	let output = |roots| Roots {
		output: right().output,
		..roots
	};
	let rows = |roots| Roots { rows: 1, ..roots };
	let input = |roots| Roots {
		input: Digest::zero(),
		..roots
	};
	let weights = |roots| Roots {
		weights: Digest::zero(),
		..roots
	};
	let result = |roots| Roots {
		result: Digest::repeat_byte(1),
		..roots
	};
	for change in [class, output, rows, input, weights, result] {
		assert!(!differs(change));
	}
}
