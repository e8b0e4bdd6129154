//! Disputes: who is wrong loses, who is silent loses, and nobody else is asked.

use crate::{
	dice::Dice,
	mock::*,
	play::{commit, expire, reveal, stages},
	traces::{bound, case_of, compute, elements, Case, Owner},
};
use dllm_primitives::{
	api::Duty,
	commitment::Roots,
	dispute::{
		players::{defend, Challenger},
		Game, Move, Outcome, Record, Side, Standing, Subject, MAX_OPERATIONS,
	},
	flow::{Conclusion, Trials as _},
	ids::{Digest, StageIndex, ENTRY_STAGE},
	job::Refund,
	model::ModelConstants,
	slash::Ground,
	verdict::{
		Part::{self, Lead, Replica, Tiebreak},
		Phase,
		Verdict::{Cheat, Indeterminate, Pass},
	},
};
use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use pallet_verification::{Disputes, Error, Event};

const JOB: u64 = 0;
/// Block in which the dispute opens: everything is revealed in that of the draw, and what was received of whom is
/// left unreconciled, as the traces of two stages are not of one ring.
const OPENED: u32 = 1 + DRAW + 1 + REVEAL + 1;
/// The stage that is argued about.
const STAGE: StageIndex = 2;

/// The trace of a stage's lead, over two layers; the seed of all random values is the stage's.
fn truth(stage: StageIndex) -> Case {
	let owner = Owner {
		job: JOB,
		stage,
		worker: Subject::worker(&acc(10 * (stage + 1))),
	};
	case_of(owner, ROWS, &[u32::MAX, 3], stage.into())
}

/// The same with one value that is wrong, and with all that follows from it.
fn lie(truth: &Case, seed: u64) -> Case {
	let owner = Owner {
		job: truth.subject.job,
		stage: truth.subject.stage,
		worker: truth.subject.worker,
	};
	let mut dice = Dice::new(seed);
	let all = elements(&truth.trace.layout);
	loop {
		let mut trace = truth.trace.clone();
		let at = dice.pick(&all);
		compute(
			&mut trace,
			&truth.subject.layers,
			Some((at, dice.below(2) as i64)),
		);
		let lie = bound(owner, trace, truth.subject.layers.clone());
		if lie.subject.output != truth.subject.output {
			return lie;
		}
	}
}

/// The exact model, whose constants are those of both segments.
fn exact_model(segments: [&Case; 2]) {
	let shape = segments[0].subject.shape;
	let layers = segments.iter().flat_map(|case| &case.subject.layers);
	let layers = layers.copied().collect::<Vec<_>>().try_into().unwrap();
	Constants::set(Some(ModelConstants { shape, layers }));
}

/// What a worker with this trace tells of its segment.
fn told(case: &Case) -> Roots {
	Roots {
		input: case.subject.input,
		output: case.subject.output,
		..honest(case.subject.stage)
	}
}

/// Everybody commits and reveals; only the workers of the argued stages do not agree.
fn reveal_all(parties: &[(&Case, &Case)]) {
	let roots = |stage: StageIndex, part: Part| {
		let argued = parties.iter().find(|(lead, _)| lead.subject.stage == stage);
		match argued {
			Some((lead, _)) if part == Lead => told(lead),
			Some((_, replica)) => told(replica),
			None => honest(stage),
		}
	};
	for part in [Lead, Replica] {
		expire(JOB, Phase::Drawing);
		for stage in stages(JOB) {
			let who = worker(JOB, stage, part);
			let digest = digest(JOB, stage, &who, roots(stage, part));
			assert_ok!(commit(JOB, stage, part, digest));
		}
	}
	for stage in stages(JOB) {
		for part in [Lead, Replica] {
			assert_ok!(reveal(JOB, stage, part, roots(stage, part)));
		}
	}
	expire(JOB, Phase::Reconciling);
}

fn record(stage: StageIndex) -> Record {
	Disputes::<Test>::get(JOB, stage).unwrap()
}

fn standing(stage: StageIndex) -> Option<Standing> {
	trial(JOB).stage(stage).unwrap().dispute
}

fn dispute(who: u8, stage: StageIndex, made: Move) -> Result<(), sp_runtime::DispatchError> {
	let made = Verification::dispute(RuntimeOrigin::signed(acc(who)), JOB, stage, made);
	made.map(|post| assert_eq!(post.pays_fee, Pays::No))
		.map_err(|refused| refused.error)
}

/// The next move of an honest worker, that knows nothing but the record and its own trace.
fn honest_move(record: &Record, own: &mut Case) -> Option<Move> {
	let Record {
		subject,
		game,
		shown,
	} = record;
	if game.turn() == Some(Side::Defender) {
		return defend(subject, game, &own.rows, &mut own.trace);
	}
	let mut challenger = Challenger::new(subject, &own.rows, &mut own.trace)?;
	let mut answer = None;
	for (before, made) in shown {
		let mut after = Game {
			state: *before,
			..*game
		};
		after.play(subject, made).unwrap();
		answer = challenger.answer(before, &after, made);
	}
	answer
}

/// Both sides of a dispute play on until it is over, a block a move; answers how many moves that took.
fn argue(stage: StageIndex, lead: &mut Case, replica: &mut Case) -> usize {
	let (first, second) = (10 * (stage + 1), 10 * (stage + 1) + 1);
	let mut moves = 0;
	while Disputes::<Test>::contains_key(JOB, stage) {
		let record = record(stage);
		let (who, own) = match record.game.turn() {
			Some(Side::Defender) => (first, &mut *lead),
			_ => (second, &mut *replica),
		};
		let made = honest_move(&record, own).expect("a move");
		assert_ok!(dispute(who, stage, made));
		run_to(System::block_number() + 1);
		moves += 1;
	}
	moves
}

/// Runs a test in which lead and replica of the last segment argue.
fn arguing(lead: &Case, replica: &Case, test: impl FnOnce()) {
	execute(|| {
		exact_model([&truth(1), lead]);
		open(JOB);
		reveal_all(&[(lead, replica)]);
		assert_eq!(phase(JOB), Phase::Disputing);
		test();
	});
}

#[test]
fn a_lead_that_lied_is_convicted_by_one_value() {
	let mut truth = truth(STAGE);
	for seed in 0..8 {
		let mut liar = lie(&truth, seed);
		arguing(&liar.clone(), &truth.clone(), || {
			let moves = argue(STAGE, &mut liar, &mut truth);
			assert!(moves <= 6, "{moves}");
			assert_eq!(standing(STAGE), Some(Standing::Over(Outcome::Convicted)));
			assert_eq!(verdict(JOB, STAGE, Lead), Some(Cheat));
			assert_eq!(verdict(JOB, STAGE, Replica), Some(Pass));
			let slash = Slash {
				who: acc(30),
				pay: trial(JOB).stage(STAGE).unwrap().pay,
				ground: Ground::Proof,
				exact: true,
				user: acc(CLIENT),
				convicted_by: vec![acc(31)],
			};
			assert_eq!(Slashes::get(), vec![slash]);
			let ended = Concluded::get().pop().unwrap().2;
			assert_eq!(ended, Conclusion::Failed(Refund::Cheated));
			assert!(Draws::get().is_empty(), "nobody else is asked");
		});
	}
}

#[test]
fn a_lead_that_committed_to_other_rows_than_its_trace_gives_is_convicted() {
	let mut truth = truth(STAGE);
	let mut altered = truth.clone();
	altered.rows.output[3] = Digest::repeat_byte(77);
	altered.subject.output = dllm_primitives::commitment::merkle_root(&altered.rows.output);
	arguing(&altered.clone(), &truth.clone(), || {
		assert_eq!(argue(STAGE, &mut altered, &mut truth), 4);
		assert_eq!(verdict(JOB, STAGE, Lead), Some(Cheat));
	});
}

/// The accuser computed what it says: it looks for the first difference and finds that it is its own.
#[test]
fn who_accuses_an_honest_lead_is_convicted_and_the_user_served() {
	let mut truth = truth(STAGE);
	for seed in 0..8 {
		let mut accuser = lie(&truth, seed);
		execute(|| {
			let before = self::truth(1);
			exact_model([&before, &truth]);
			open(JOB);
			reveal_all(&[(&truth, &accuser)]);
			argue(STAGE, &mut truth, &mut accuser);
			assert_eq!(standing(STAGE), Some(Standing::Over(Outcome::Dismissed)));
			assert_eq!(verdict(JOB, STAGE, Lead), Some(Pass));
			assert_eq!(verdict(JOB, STAGE, Replica), Some(Cheat));
			assert_eq!(Slashes::get()[0].convicted_by, vec![acc(30)]);
		});
	}
}

#[test]
fn the_user_of_an_accused_honest_ring_is_served() {
	let truth = truth(STAGE);
	let accuser = lie(&truth, 1);
	execute(|| {
		exact_model([&self::truth(1), &truth]);
		open(JOB);
		let ring = |stage, part| {
			let roots = if (stage, part) == (STAGE, Replica) {
				told(&accuser)
			} else if stage == STAGE {
				told(&truth)
			} else {
				honest(stage)
			};
			// The rows of a link are the same at both ends.
			match stage {
				ENTRY_STAGE => Roots {
					input: truth.subject.output,
					..roots
				},
				1 => Roots {
					output: truth.subject.input,
					..roots
				},
				_ => roots,
			}
		};
		for part in [Lead, Replica] {
			expire(JOB, Phase::Drawing);
			for stage in stages(JOB) {
				let who = worker(JOB, stage, part);
				assert_ok!(commit(
					JOB,
					stage,
					part,
					digest(JOB, stage, &who, ring(stage, part))
				));
			}
		}
		for stage in stages(JOB) {
			for part in [Lead, Replica] {
				assert_ok!(reveal(JOB, stage, part, ring(stage, part)));
			}
		}
		let mut lead = truth.clone();
		let made = honest_move(&record(STAGE), &mut lead).unwrap();
		assert_ok!(dispute(30, STAGE, made));
		expire(JOB, Phase::Disputing);
		let ended = Concluded::get().pop().unwrap().2;
		assert!(
			matches!(ended, Conclusion::Served { rows: ROWS, .. }),
			"{ended:?}"
		);
	});
}

#[test]
fn who_is_silent_loses_the_dispute() {
	let truth = truth(STAGE);
	let accuser = lie(&truth, 2);
	arguing(&accuser, &truth, || {
		run_to(OPENED + DISPUTE);
		assert_eq!(
			phase(JOB),
			Phase::Disputing,
			"the last block belongs to the round"
		);
		run_to(OPENED + DISPUTE + 1);
		assert_eq!(verdict(JOB, STAGE, Lead), Some(Cheat));
		let told = System::events().into_iter().any(|record| {
			record.event
				== RuntimeEvent::Verification(Event::DisputeEnded {
					job: JOB,
					stage: STAGE,
					outcome: Outcome::Convicted,
					silent: Some(Side::Defender),
				})
		});
		assert!(told);
	});
	arguing(&truth, &accuser, || {
		let made = honest_move(&record(STAGE), &mut truth.clone()).unwrap();
		assert_ok!(dispute(30, STAGE, made));
		run_to(OPENED + DISPUTE + 1);
		assert_eq!(verdict(JOB, STAGE, Lead), Some(Pass));
		assert_eq!(verdict(JOB, STAGE, Replica), Some(Cheat));
	});
}

#[test]
fn disputes_of_a_job_keep_step() {
	let (first, second) = (truth(1), truth(2));
	let (liar, accuser) = (lie(&first, 3), lie(&second, 4));
	execute(|| {
		exact_model([&first, &second]);
		open(JOB);
		reveal_all(&[(&liar, &first), (&second, &accuser)]);
		let until = trial(JOB).until;
		run_to(OPENED + 2);
		let mut own = liar.clone();
		assert_ok!(dispute(20, 1, honest_move(&record(1), &mut own).unwrap()));
		assert_eq!(standing(1), Some(Standing::Moved));
		assert_eq!(standing(2), Some(Standing::Awaiting));
		assert_eq!(
			trial(JOB).until,
			until,
			"the round waits for the other dispute"
		);
		let again = honest_move(&record(2), &mut second.clone()).unwrap();
		assert_noop!(dispute(20, 1, again.clone()), Error::<Test>::AlreadyMoved);
		assert_ok!(dispute(30, 2, again));
		assert_eq!(
			trial(JOB).until,
			OPENED + 2 + DISPUTE,
			"a new round has a new deadline"
		);
		assert_eq!(standing(1), Some(Standing::Awaiting));

		// One is given up, the other one goes on.
		let answer = honest_move(&record(1), &mut first.clone()).unwrap();
		assert_ok!(dispute(21, 1, answer));
		run_to(OPENED + 2 + DISPUTE + 1);
		assert_eq!(standing(2), Some(Standing::Over(Outcome::Dismissed)));
		assert_eq!(standing(1), Some(Standing::Awaiting));
		assert_eq!(phase(JOB), Phase::Disputing);
		argue(1, &mut liar.clone(), &mut first.clone());
		assert_eq!(verdict(JOB, 1, Lead), Some(Cheat));
		assert_eq!(verdict(JOB, 2, Replica), Some(Cheat));
	});
}

#[test]
fn a_move_is_made_by_whose_turn_it_is_and_fits() {
	let truth = truth(STAGE);
	let liar = lie(&truth, 5);
	arguing(&liar, &truth, || {
		let made = honest_move(&record(STAGE), &mut liar.clone()).unwrap();
		let refused = |who, stage, made: &Move| dispute(who, stage, made.clone());
		assert_noop!(refused(31, STAGE, &made), Error::<Test>::OtherSide);
		assert_noop!(refused(32, STAGE, &made), Error::<Test>::NotAParticipant);
		assert_noop!(refused(30, 1, &made), Error::<Test>::NotAParticipant);
		assert_noop!(refused(20, 1, &made), Error::<Test>::NoDispute);
		assert_noop!(refused(30, 9, &made), Error::<Test>::NotAParticipant);
		let other = Move::Nodes(vec![Digest::zero(); 2]);
		assert_noop!(refused(30, STAGE, &other), Error::<Test>::RefusedMove);
		let call = Verification::dispute(RuntimeOrigin::signed(acc(30)), 5, STAGE, made.clone());
		assert_eq!(call.unwrap_err().error, Error::<Test>::NotFound.into());
		assert_ok!(dispute(30, STAGE, made.clone()));
		assert_noop!(refused(30, STAGE, &made), Error::<Test>::OtherSide);
	});
	execute(|| {
		open(JOB);
		let made = Move::Nodes(Vec::new());
		assert_noop!(dispute(30, STAGE, made), Error::<Test>::WrongPhase);
	});
}

/// Only who did the same work on the same rows can settle by one value who is wrong.
#[test]
fn other_disagreements_go_to_a_third_worker() {
	let truth = truth(STAGE);
	let liar = lie(&truth, 6);
	let goes_to_third = |lead: &Case, told_by_lead: Roots, exact: bool| {
		execute(|| {
			if exact {
				exact_model([&self::truth(1), lead]);
			}
			open(JOB);
			let roots = |stage, part| match (stage, part) {
				(STAGE, Lead) => told_by_lead,
				(STAGE, _) => told(&truth),
				_ => honest(stage),
			};
			for part in [Lead, Replica] {
				expire(JOB, Phase::Drawing);
				for stage in stages(JOB) {
					let who = worker(JOB, stage, part);
					let digest = digest(JOB, stage, &who, roots(stage, part));
					assert_ok!(commit(JOB, stage, part, digest));
				}
			}
			for stage in stages(JOB) {
				for part in [Lead, Replica] {
					assert_ok!(reveal(JOB, stage, part, roots(stage, part)));
				}
			}
			expire(JOB, Phase::Reconciling);
			expire(JOB, Phase::Appointing);
			assert_eq!(phase(JOB), Phase::Tiebreak);
			assert_eq!(worker(JOB, STAGE, Tiebreak), acc(90));
		});
	};
	let wrong = told(&liar);
	goes_to_third(&truth, wrong, false);
	let other = Digest::repeat_byte(200);
	goes_to_third(
		&truth,
		Roots {
			input: other,
			..wrong
		},
		true,
	);
	goes_to_third(
		&truth,
		Roots {
			rows: ROWS - 1,
			..wrong
		},
		true,
	);
}

/// A third worker decides the one stage, a value the other.
#[test]
fn ties_wait_until_the_disputes_are_over() {
	let truth = truth(STAGE);
	let liar = lie(&truth, 7);
	execute(|| {
		exact_model([&self::truth(1), &truth]);
		open(JOB);
		let roots = |stage, part| match (stage, part) {
			(STAGE, Lead) => told(&liar),
			(STAGE, _) => told(&truth),
			(1, Lead) => Roots {
				input: Digest::repeat_byte(9),
				..honest(1)
			},
			_ => honest(stage),
		};
		for part in [Lead, Replica] {
			expire(JOB, Phase::Drawing);
			for stage in stages(JOB) {
				let who = worker(JOB, stage, part);
				let digest = digest(JOB, stage, &who, roots(stage, part));
				assert_ok!(commit(JOB, stage, part, digest));
			}
		}
		for stage in stages(JOB) {
			for part in [Lead, Replica] {
				assert_ok!(reveal(JOB, stage, part, roots(stage, part)));
			}
		}
		expire(JOB, Phase::Reconciling);
		assert!(Draws::get().is_empty());
		argue(STAGE, &mut liar.clone(), &mut truth.clone());
		expire(JOB, Phase::Appointing);
		assert_eq!(phase(JOB), Phase::Tiebreak);
		assert_eq!(Draws::get().len(), 1);
		expire(JOB, Phase::Tiebreak);
		assert_eq!(verdict(JOB, STAGE, Lead), Some(Cheat));
		assert_eq!(verdict(JOB, 1, Lead), Some(Indeterminate));
	});
}

#[test]
fn a_duty_tells_whose_turn_it_is_and_all_that_was_shown() {
	let truth = truth(STAGE);
	let liar = lie(&truth, 8);
	arguing(&liar, &truth, || {
		let duty = |who| {
			let duties = Verification::duties(&acc(who)).into_iter();
			duties
				.filter_map(|duty| match duty {
					Duty::Dispute {
						stage,
						side,
						record,
						commitments,
						until,
						..
					} => Some((stage, side, record, commitments.len(), until)),
					_ => None,
				})
				.next()
		};
		let (stage, side, record, commitments, until) = duty(30).unwrap();
		assert_eq!((stage, side, commitments), (STAGE, Side::Defender, 3));
		assert_eq!(until, OPENED + DISPUTE);
		assert_eq!(duty(31), None);
		let made = honest_move(&record, &mut liar.clone()).unwrap();
		assert_ok!(dispute(30, STAGE, made.clone()));
		assert_eq!(duty(30), None);
		let (_, side, record, ..) = duty(31).unwrap();
		assert_eq!(side, Side::Challenger);
		assert_eq!(
			record
				.shown
				.iter()
				.map(|(_, made)| made)
				.collect::<Vec<_>>(),
			[&made]
		);
		let receipt = Verification::stage_receipts(JOB);
		assert_eq!(receipt[2].dispute, Some(Standing::Awaiting));
		assert_eq!(receipt[1].dispute, None);
	});
}

/// However many rounds there are, the job ends in time.
#[test]
fn the_longest_dispute_ends_in_time() {
	let truth = truth(STAGE);
	let mut liar = lie(&truth, 9);
	arguing(&liar.clone(), &truth, || {
		let mut replica = truth.clone();
		while phase(JOB) == Phase::Disputing {
			run_to(trial(JOB).until);
			let record = record(STAGE);
			let (who, own) = match record.game.turn() {
				Some(Side::Defender) => (30, &mut liar),
				_ => (31, &mut replica),
			};
			let made = honest_move(&record, own).unwrap();
			assert_ok!(dispute(who, STAGE, made));
		}
		assert_eq!(phase(JOB), Phase::Closed);
		assert!(System::block_number() <= 1 + Verification::verdict_blocks());
	});
}

#[test]
fn a_record_belongs_to_a_dispute_under_way() {
	let truth = truth(STAGE);
	let liar = lie(&truth, 10);
	arguing(&liar, &truth, || {
		let kept = record(STAGE);
		Disputes::<Test>::remove(JOB, STAGE);
		assert!(Verification::do_try_state().is_err());
		Disputes::<Test>::insert(JOB, STAGE, &kept);
		Disputes::<Test>::insert(JOB, 1, &kept);
		assert!(Verification::do_try_state().is_err());
		Disputes::<Test>::remove(JOB, 1);
	});
	execute(|| {
		open(JOB);
		let sound = trial(JOB);
		let mut early = sound.clone();
		early.stages[2].dispute = Some(Standing::Over(Outcome::Convicted));
		pallet_verification::Trials::<Test>::insert(JOB, early);
		assert!(Verification::do_try_state().is_err());
		pallet_verification::Trials::<Test>::insert(JOB, sound);
	});
}

/// Both sides have to trace the segment in the time of a move, so what takes longer is for a third worker.
#[test]
fn a_segment_too_large_to_be_traced_in_time_has_no_dispute() {
	let truth = truth(STAGE);
	execute(|| {
		exact_model([&self::truth(1), &truth]);
		open(JOB);
		let mut stage = trial(JOB).stage(STAGE).unwrap().clone();
		stage.lead.opening = Some(opening(&acc(30), told(&truth)));
		let model = <Catalogue as dllm_primitives::flow::ModelCatalog<_>>::model(0).unwrap();
		let record = |flops| {
			let mut spec = model.spec.clone();
			spec.layers
				.iter_mut()
				.for_each(|layer| layer.flops_per_token = flops);
			Record::open(JOB, &stage, &spec)
		};
		// Two layers and twenty rows.
		let most = MAX_OPERATIONS / 40;
		assert!(record(most).is_some());
		assert_eq!(record(most + 1), None);
	});
}
