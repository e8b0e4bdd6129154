//! Receipts of hops: where two workers tell other rows of one hop, who signed for other rows than it opened is
//! convicted, and nobody else.

use crate::{
	mock::*,
	play::{all_honest, attest, check_free, commits, expire, reveals, stages, Behaviour},
};
use dllm_primitives::{
	api::Duty,
	breaker::Scope,
	commitment::Roots,
	flow::{Conclusion, Trials as _},
	hop::{run, Contradiction, End, Hop, Shown},
	ids::{Digest, JobId, StageIndex},
	job::Refund,
	judge::EXACT_CLASS,
	model::{LayerRange, ModelConstants},
	slash::Ground,
	trace::{Layer, Shape},
	verdict::{
		Part::{self, Lead, Replica, Tiebreak},
		Phase,
		Verdict::{Cheat, Indeterminate, Pass},
	},
};
use frame_support::{assert_noop, assert_ok};
use pallet_verification::{Error, Event, Trials, Windows};
use sp_core::{Pair, H512};
use sp_runtime::DispatchError;

/// The job of most tests.
const JOB: JobId = 0;
/// The rows that crossed the hop, where somebody lied about them.
const SENT: Digest = Digest::repeat_byte(200);

/// What an honest worker and a misled one tell of the rows that the first segment sends to the second.
fn truth() -> Digest {
	honest(1).output
}

/// A hop of the run of [`JOB`].
fn hop(boundary: StageIndex, root: Digest) -> Hop {
	Hop {
		job: JOB,
		run: trial(JOB).run(Digest::from_low_u64_be(JOB), peer),
		boundary,
		rows: ROWS,
		root,
	}
}

/// What an account signs as an end of a hop.
fn signed(who: &AccountId, end: End, hop: &Hop) -> Option<H512> {
	Some(H512::from(key(who).sign(&hop.message(end)).0))
}

/// The receipt of a hop with the signatures of these ends.
fn receipt(boundary: StageIndex, root: Digest, ends: &[End]) -> Shown {
	let hop = hop(boundary, root);
	let trial = trial(JOB);
	let by = |end| {
		let stage = trial.stage_at(boundary, end)?;
		let wanted = ends.contains(&end);
		wanted.then(|| signed(&stage.lead.worker, end, &hop))?
	};
	Shown {
		boundary,
		rows: ROWS,
		root,
		sender: by(End::Sender),
		receiver: by(End::Receiver),
	}
}

const BOTH: [End; 2] = [End::Sender, End::Receiver];

fn show(who: &AccountId, shown: Shown) -> Result<(), DispatchError> {
	let origin = RuntimeOrigin::signed(who.clone());
	check_free(Verification::show_receipt(origin, JOB, shown))
}

/// Plays a job until everything is revealed.
fn reveal_as(behave: impl Fn(StageIndex, Part) -> Behaviour) {
	open(JOB);
	commits(JOB, Lead, &behave);
	commits(JOB, Replica, &behave);
	reveals(JOB, &behave);
}

/// The second segment received other rows than the first one committed to, and executed those.
fn misled() {
	reveal_as(|stage, part| match (stage, part) {
		(2, Lead) => Behaviour::Misled,
		_ => Behaviour::Honest,
	});
	assert_eq!(phase(JOB), Phase::Reconciling);
}

/// Lets the phase pass, and third workers tell the truth.
fn end() {
	expire(JOB, Phase::Reconciling);
	expire(JOB, Phase::Appointing);
	for stage in stages(JOB) {
		let asked = trial(JOB).stage(stage).unwrap().tiebreak.is_some();
		if asked && phase(JOB) == Phase::Tiebreak {
			assert_ok!(attest(JOB, stage, honest(stage)));
		}
	}
	assert_eq!(phase(JOB), Phase::Closed);
}

fn conclusion() -> Conclusion<AccountId> {
	let all = Concluded::get();
	assert_eq!(all.len(), 1);
	all[0].2.clone()
}

fn convicted() -> Vec<AccountId> {
	Slashes::get().into_iter().map(|slash| slash.who).collect()
}

#[test]
fn where_everybody_tells_the_same_rows_no_block_is_lost() {
	execute(|| {
		reveal_as(all_honest);
		assert_eq!(phase(JOB), Phase::Closed);
		assert!(matches!(conclusion(), Conclusion::Served { .. }));
	});
}

/// The sender told its checker the right rows and the receiver others: its signature is in the receiver's hands.
#[test]
fn a_sender_that_committed_to_other_rows_than_it_signed_for_is_convicted() {
	execute(|| {
		misled();
		let (liar, victim) = (worker(JOB, 1, Lead), worker(JOB, 2, Lead));
		assert_ok!(show(&victim, receipt(1, SENT, &BOTH)));
		System::assert_last_event(
			Event::<Test>::Contradicted {
				job: JOB,
				stage: 1,
				worker: liar.clone(),
				end: End::Sender,
				shown_by: victim,
			}
			.into(),
		);
		end();
		assert_eq!(verdict(JOB, 1, Lead), Some(Cheat));
		assert_eq!(
			verdict(JOB, 2, Lead),
			Some(Indeterminate),
			"it is not blamed"
		);
		assert_eq!(verdict(JOB, 0, Lead), Some(Pass));
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Cheated));
		let pay = trial(JOB).stage(1).unwrap().pay;
		let slash = Slash {
			who: liar,
			pay,
			ground: Ground::Proof,
			exact: trial(JOB).exact,
			user: acc(CLIENT),
			convicted_by: vec![],
		};
		assert_eq!(Slashes::get(), vec![slash]);
	});
}

/// The way out that a cheat had: it tells the rows that its upstream committed to, and hands its checker others,
/// which a friend upstream signs with it. Both signed for other rows than they told.
#[test]
fn a_lead_that_hands_its_checker_other_rows_than_it_told_is_convicted_with_its_friend() {
	execute(|| {
		reveal_as(|stage, part| match (stage, part) {
			(2, Lead) => Behaviour::Altered,
			(2, Replica) => Behaviour::Misled,
			_ => Behaviour::Honest,
		});
		assert_eq!(phase(JOB), Phase::Reconciling);
		let checker = worker(JOB, 2, Replica);
		assert_ok!(show(&checker, receipt(1, SENT, &BOTH)));
		end();
		assert_eq!(verdict(JOB, 1, Lead), Some(Cheat));
		assert_eq!(verdict(JOB, 2, Lead), Some(Cheat));
		assert_eq!(verdict(JOB, 2, Replica), Some(Indeterminate));
		assert_eq!(convicted(), [worker(JOB, 1, Lead), worker(JOB, 2, Lead)]);
	});
	// Without the receipt nothing can be proved.
	execute(|| {
		misled();
		end();
		assert_eq!(verdict(JOB, 2, Lead), Some(Indeterminate));
		assert!(Slashes::get().is_empty());
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Indeterminate));
	});
}

#[test]
fn a_receiver_that_tells_other_rows_than_it_signed_for_is_convicted() {
	execute(|| {
		misled();
		let (victim, liar) = (worker(JOB, 1, Lead), worker(JOB, 2, Lead));
		assert_ok!(show(&victim, receipt(1, truth(), &BOTH)));
		end();
		assert_eq!(verdict(JOB, 2, Lead), Some(Cheat));
		assert_eq!(convicted(), [liar]);
		let noted = trial(JOB).stage(2).unwrap().contradiction.unwrap();
		assert_eq!(noted.end, End::Receiver);
		assert_eq!(trial(JOB).stage(1).unwrap().contradiction, None);
	});
}

/// The last boundary leads back to the entry.
#[test]
fn the_hop_back_to_the_entry_is_no_exception() {
	execute(|| {
		reveal_as(|stage, part| match (stage, part) {
			(0, Lead) => Behaviour::Misled,
			_ => Behaviour::Honest,
		});
		assert_eq!(phase(JOB), Phase::Reconciling);
		let sender = worker(JOB, 2, Lead);
		assert_ok!(show(
			&sender,
			receipt(2, honest(2).output, &[End::Receiver])
		));
		end();
		assert_eq!(convicted(), [worker(JOB, 0, Lead)]);
	});
}

/// Every reason why a signature might be another one.
#[test]
fn nothing_but_the_signature_of_a_lead_for_other_rows_of_this_hop_proves_anything() {
	execute(|| {
		misled();
		let (sender, receiver) = (worker(JOB, 1, Lead), worker(JOB, 2, Lead));
		let whole = receipt(1, SENT, &BOTH);
		let of_sender = |hop: &Hop| Shown {
			boundary: 1,
			rows: ROWS,
			root: SENT,
			sender: signed(&sender, End::Sender, hop),
			receiver: None,
		};
		let right = hop(1, SENT);
		let others = [
			(
				"of the rows that it told",
				receipt(1, truth(), &[End::Sender]),
			),
			(
				"of the receiver, who told them",
				receipt(1, SENT, &[End::Receiver]),
			),
			("none", receipt(1, SENT, &[])),
			(
				"for more rows",
				Shown {
					rows: ROWS + 1,
					..whole
				},
			),
			(
				"for another root",
				Shown {
					root: Digest::repeat_byte(3),
					..whole
				},
			),
			(
				"at another boundary",
				Shown {
					boundary: 0,
					..whole
				},
			),
			(
				"at no boundary",
				Shown {
					boundary: 3,
					..whole
				},
			),
			(
				"at a boundary far away",
				Shown {
					boundary: u8::MAX,
					..whole
				},
			),
			("of another job", of_sender(&Hop { job: 1, ..right })),
			(
				"of another run",
				of_sender(&Hop {
					run: Digest::zero(),
					..right
				}),
			),
			(
				"as the other end",
				Shown {
					sender: signed(&sender, End::Receiver, &right),
					..of_sender(&right)
				},
			),
			(
				"by somebody else",
				Shown {
					sender: signed(&receiver, End::Sender, &right),
					..of_sender(&right)
				},
			),
		];
		for (what, shown) in others {
			let refused = show(&receiver, shown);
			assert_eq!(refused, Err(Error::<Test>::ProvesNothing.into()), "{what}");
		}
		assert_ok!(show(&receiver, of_sender(&right)));
		assert_noop!(show(&receiver, whole), Error::<Test>::AlreadyShown);
		end();
		assert_eq!(convicted(), [sender]);
	});
}

/// A fork may give the job to other workers: a signature for its run there says nothing here.
#[test]
fn a_run_is_of_one_ring() {
	let member = |n: u8| {
		let layers = LayerRange { start: 0, end: 2 };
		(n, layers, Some((acc(n), peer(&acc(n)))))
	};
	let own = run(SENT, [member(0), member(1)]);
	assert_eq!(own, run(SENT, [member(0), member(1)]));
	let user = (0, LayerRange::default(), None);
	let longer = (1, LayerRange { start: 0, end: 3 }, member(1).2);
	let other_peer = (1, member(1).1, Some((acc(1), peer(&acc(2)))));
	for other in [
		run(truth(), [member(0), member(1)]),
		run(SENT, [member(1), member(0)]),
		run(SENT, [member(0)]),
		run(SENT, [member(0), longer]),
		run(SENT, [member(0), other_peer]),
		run(SENT, [user, member(1)]),
	] {
		assert_ne!(own, other);
	}
}

#[test]
fn only_who_has_a_part_in_the_job_shows_and_only_in_time() {
	execute(|| {
		let victim = acc(30);
		reveal_as(|stage, part| match (stage, part) {
			(2, Lead) => Behaviour::Misled,
			(2, Replica) => Behaviour::Unrevealed,
			_ => Behaviour::Honest,
		});
		assert_eq!(phase(JOB), Phase::Revealing);
		let whole = receipt(1, SENT, &BOTH);
		assert_eq!(worker(JOB, 2, Lead), victim);
		assert_noop!(show(&victim, whole), Error::<Test>::WrongPhase);
		expire(JOB, Phase::Revealing);
		assert_eq!(phase(JOB), Phase::Reconciling);
		assert_noop!(show(&acc(99), whole), Error::<Test>::NotAParticipant);
		let origin = RuntimeOrigin::signed(victim);
		let missing = Verification::show_receipt(origin, 7, whole);
		assert_eq!(missing.unwrap_err().error, Error::<Test>::NotFound.into());
		assert_ok!(show(&acc(CLIENT), whole));
		end();
		assert_noop!(show(&acc(CLIENT), whole), Error::<Test>::WrongPhase);
		assert_eq!(convicted(), [worker(JOB, 1, Lead)]);
	});
}

/// A third worker gets its rows when the phase is over.
#[test]
fn a_third_worker_shows_what_it_got() {
	execute(|| {
		misled();
		expire(JOB, Phase::Reconciling);
		expire(JOB, Phase::Appointing);
		assert_eq!(phase(JOB), Phase::Tiebreak);
		let third = worker(JOB, 2, Tiebreak);
		assert_ok!(show(&third, receipt(1, truth(), &[End::Receiver])));
		assert_ok!(attest(JOB, 2, honest(2)));
		assert_eq!(verdict(JOB, 2, Lead), Some(Cheat));
		assert_eq!(verdict(JOB, 2, Replica), Some(Pass));
		assert_eq!(verdict(JOB, 2, Tiebreak), Some(Pass));
	});
}

/// Who may have the receipt is asked for it, and only while it is worth something.
#[test]
fn the_ends_of_the_hop_and_its_checker_are_asked() {
	execute(|| {
		misled();
		let asked = |who: &AccountId| {
			let duties = Verification::duties(who).into_iter();
			let asked = duties.filter_map(|duty| match duty {
				Duty::Reconcile {
					route,
					boundary,
					until,
				} => {
					assert_eq!(route.job, JOB);
					assert_eq!(until, trial(JOB).until);
					Some(boundary)
				}
				_ => None,
			});
			asked.collect::<Vec<_>>()
		};
		assert_eq!(asked(&worker(JOB, 1, Lead)), [1]);
		assert_eq!(asked(&worker(JOB, 2, Lead)), [1]);
		assert_eq!(asked(&worker(JOB, 2, Replica)), [1]);
		assert_eq!(asked(&worker(JOB, 0, Lead)), [0u8; 0]);
		assert_eq!(asked(&worker(JOB, 1, Replica)), [0u8; 0]);
		let checker = worker(JOB, 1, Replica);
		end();
		assert_eq!(asked(&checker), [0u8; 0]);
	});
}

/// Nobody ends it early: a cheat's friend could show one of two proofs to keep the other one out.
#[test]
fn the_phase_has_its_whole_time_and_the_job_ends_in_its_own() {
	execute(|| {
		misled();
		let until = trial(JOB).until;
		assert_eq!(until, System::block_number() + REVEAL);
		assert_ok!(show(&worker(JOB, 2, Lead), receipt(1, SENT, &BOTH)));
		assert_eq!(phase(JOB), Phase::Reconciling);
		run_to(until);
		assert_eq!(phase(JOB), Phase::Reconciling);
		end();
		assert!(System::block_number() <= RUN_UNTIL + Verification::verdict_blocks());
	});
}

#[test]
fn a_signature_that_contradicts_nothing_breaks_the_state() {
	execute(|| {
		misled();
		let good = trial(JOB);
		let mut bad = good.clone();
		bad.stages[1].contradiction = Some(Contradiction {
			end: End::Sender,
			rows: ROWS,
			root: truth(),
			signature: H512::zero(),
		});
		Trials::<Test>::insert(JOB, bad);
		assert!(Verification::do_try_state().is_err());
		Trials::<Test>::insert(JOB, good);
	});
}

/// A model whose profile is exact.
fn exact() {
	let layers = vec![Layer::default(); 4].try_into().unwrap();
	let shape = Shape {
		hidden: 8,
		heads: 1,
		kv_heads: 1,
		head_dim: 8,
		inner: 8,
		bias: false,
		head_norm: false,
		epsilon: 0,
		factor: 0,
	};
	Constants::set(Some(ModelConstants { shape, layers }));
}

/// There is one class of exact models: another name makes nothing undecided, and is not counted.
#[test]
fn a_false_class_of_an_exact_model_changes_nothing() {
	let other = |stage, lie| Roots {
		class: Digest::repeat_byte(77),
		output: match lie {
			true => Digest::repeat_byte(78),
			false => honest(stage).output,
		},
		..honest(stage)
	};
	let play = |lie| {
		open(JOB);
		let roots = |stage, part| match (stage, part) {
			(2, Lead) => other(stage, lie),
			// It received what the segment sent.
			(0, _) if lie => Roots {
				input: other(2, true).output,
				..honest(0)
			},
			_ => honest(stage),
		};
		for part in [Lead, Replica] {
			expire(JOB, Phase::Drawing);
			for stage in stages(JOB) {
				let digest = digest(JOB, stage, &worker(JOB, stage, part), roots(stage, part));
				assert_ok!(crate::play::commit(JOB, stage, part, digest));
			}
		}
		for stage in stages(JOB) {
			for part in [Lead, Replica] {
				assert_ok!(crate::play::reveal(JOB, stage, part, roots(stage, part)));
			}
		}
	};
	execute(|| {
		exact();
		play(true);
		assert_eq!(phase(JOB), Phase::Disputing);
		expire(JOB, Phase::Disputing);
		assert_eq!(
			verdict(JOB, 2, Lead),
			Some(Cheat),
			"it says nothing for itself"
		);
		assert!(Windows::<Test>::contains_key(Scope::Class(EXACT_CLASS)));
		let named = Scope::Class(Digest::repeat_byte(77));
		assert!(!Windows::<Test>::contains_key(named));
	});
	execute(|| {
		exact();
		play(false);
		assert!(matches!(conclusion(), Conclusion::Served { .. }));
	});
	// Of a float model it is still another class.
	execute(|| {
		play(true);
		expire(JOB, Phase::Reconciling);
		expire(JOB, Phase::Appointing);
		assert_ok!(attest(JOB, 2, honest(2)));
		assert_eq!(verdict(JOB, 2, Lead), Some(Indeterminate));
	});
}
