//! What workers and receipts are told, phase by phase.

use crate::{
	mock::*,
	play::{all_honest, attest, but, commits, play, reveals, Behaviour},
};
use dllm_primitives::{
	api::{Duty, RingMember},
	ids::{JobId, StageIndex},
	verdict::{
		Part::{self, Lead, Replica, Tiebreak},
		Phase, Verdict,
	},
};
use frame_support::assert_ok;

fn duties(who: u8) -> Vec<Duty> {
	Verification::duties(&acc(who))
}

/// Duties in short: what, and about which stage.
fn short(who: u8) -> Vec<(&'static str, StageIndex)> {
	let name = |duty: &Duty| match duty {
		Duty::Host { stage, .. } => ("host", *stage),
		Duty::Run {
			stage,
			committed: false,
			..
		} => ("run", *stage),
		Duty::Run {
			stage,
			committed: true,
			..
		} => ("ran", *stage),
		Duty::Tally { stage, .. } => ("tell", *stage),
		Duty::Check {
			stage,
			part: Replica,
			..
		} => ("check", *stage),
		Duty::Check { stage, .. } => ("decide", *stage),
		Duty::Summon { stage, .. } => ("summon", *stage),
		Duty::Reveal { stage, .. } => ("reveal", *stage),
		Duty::Compare { stage, .. } => ("compare", *stage),
		Duty::Dispute { stage, .. } => ("dispute", *stage),
		Duty::Reconcile { boundary, .. } => ("reconcile", *boundary),
		Duty::Serve { stage, .. } => ("serve", *stage),
	};
	duties(who).iter().map(name).collect()
}

/// Who may ask a lead for the rows that it sent, and for those that it received, by account number.
fn askers(lead: u8) -> (Vec<u8>, Vec<u8>) {
	let served = duties(lead).into_iter().find_map(|duty| match duty {
		Duty::Serve {
			output_to,
			input_to,
			..
		} => Some((output_to, input_to)),
		_ => None,
	});
	let number = |of: &Vec<u8>| (0..100).find(|n| peer(&acc(*n)) == *of).unwrap();
	let numbers = |peers: Vec<Vec<u8>>| peers.iter().map(number).collect();
	let (output_to, input_to) = served.unwrap();
	(numbers(output_to), numbers(input_to))
}

fn prompt_text(duty: &Duty) -> Option<Vec<u8>> {
	match duty {
		Duty::Run { prompt, .. } | Duty::Check { prompt, .. } => {
			prompt.as_ref().map(|prompt| prompt.text.clone())
		}
		_ => None,
	}
}

#[test]
fn duties_follow_the_phases() {
	execute(|| {
		let altered = but(1, Replica, Behaviour::Altered);
		open(0);
		assert_eq!(short(20), vec![("run", 1)]);
		assert!(short(21).is_empty() && short(90).is_empty());

		commits(0, Lead, &but(2, Lead, Behaviour::Silent));
		assert_eq!(short(20), vec![("ran", 1), ("serve", 1)]);
		assert_eq!(short(30), vec![("run", 2)]);
		run_to(RUN_UNTIL);
		let late = digest(0, 2, &acc(30), honest(2));
		assert_ok!(crate::play::commit(0, 2, Lead, late));
		crate::play::expire(0, Phase::Drawing);

		assert_eq!(short(20), vec![("serve", 1)]);
		assert_eq!(short(21), vec![("check", 1)]);
		commits(0, Replica, &|stage, part| match stage {
			1 => Behaviour::Silent,
			_ => altered(stage, part),
		});
		assert!(short(11).is_empty());
		assert_eq!(short(21), vec![("check", 1)]);
		run_to(trial(0).until + 1);

		assert!(
			short(21).is_empty(),
			"who has not committed has nothing to reveal"
		);
		assert_eq!(short(20), vec![("reveal", 1), ("serve", 1)]);
		assert_eq!(short(31), vec![("reveal", 2)]);
		reveals(0, &but(1, Replica, Behaviour::Silent));

		assert_eq!(phase(0), Phase::Appointing);
		assert_eq!(short(20), vec![("serve", 1)]);
		assert!(short(90).is_empty(), "nobody is drawn yet");
		run_to(trial(0).until + 1);

		assert_eq!(phase(0), Phase::Tiebreak);
		assert_eq!(short(20), vec![("serve", 1)]);
		assert_eq!(short(90), vec![("decide", 1)]);
		assert_ok!(attest(0, 1, honest(1)));
		for who in [10, 11, 20, 21, 30, 31, 90] {
			assert!(duties(who).is_empty());
		}
	});
}

#[test]
fn duties_of_several_jobs_come_in_order() {
	execute(|| {
		for job in [4, 2, 0] {
			open(job);
		}
		let jobs = duties(20).into_iter().map(|duty| match duty {
			Duty::Run { route, .. } => route.job,
			other => panic!("nothing but running is due: {other:?}"),
		});
		assert_eq!(jobs.collect::<Vec<JobId>>(), vec![0, 2, 4]);
	});
}

#[test]
fn only_who_works_on_the_entry_reads_the_prompt() {
	execute(|| {
		let text = Some(b"What is a ring?".to_vec());
		open(0);
		assert_eq!(prompt_text(&duties(10)[0]), text);
		assert_eq!(prompt_text(&duties(20)[0]), None);
		commits(0, Lead, &all_honest);
		assert_eq!(prompt_text(&duties(11)[0]), text);
		assert_eq!(prompt_text(&duties(21)[0]), None);
		commits(0, Replica, &but(0, Replica, Behaviour::Altered));
		reveals(0, &but(0, Replica, Behaviour::Altered));
		run_to(trial(0).until + 1);
		assert_eq!(prompt_text(&duties(90)[0]), text);
	});
}

#[test]
fn a_checker_knows_what_every_lead_committed_and_by_when_it_is_due() {
	execute(|| {
		open(0);
		commits(0, Lead, &all_honest);
		let Duty::Check {
			route,
			commitments,
			until,
			part,
			..
		} = duties(21)[0].clone()
		else {
			panic!("the replica checks");
		};
		let expected = [(0, 10), (1, 20), (2, 30)].map(|(stage, lead)| {
			let lead = acc(lead);
			(stage, lead.clone(), digest(0, stage, &lead, honest(stage)))
		});
		assert_eq!(commitments, expected.to_vec());
		assert_eq!((until, part), (1 + DRAW + 1 + VERIFY, Part::Replica));
		assert_eq!(Some(route), Verification::route(0));
	});
}

#[test]
fn the_ring_of_a_public_job_names_its_leads() {
	execute(|| {
		open(0);
		let route = Verification::route(0).unwrap();
		assert_eq!((route.job, route.model), (0, 0));
		assert_eq!((route.rows_ceiling, route.run_until), (CEILING, RUN_UNTIL));
		let member = |stage, start, end, who: u8| RingMember {
			stage,
			layers: dllm_primitives::model::LayerRange { start, end },
			worker: Some(acc(who)),
			peer_id: peer(&acc(who)),
			addresses: vec![format!("/ip4/10.0.0.{who}/tcp/1")],
		};
		let members = vec![
			member(0, 0, 0, 10),
			member(1, 0, 2, 20),
			member(2, 2, 4, 30),
		];
		assert_eq!(route.members, members);
		play(0, all_honest);
		assert_eq!(Verification::route(0), None);
		assert_eq!(Verification::phase(0), Some(Phase::Closed));
		assert_eq!(Verification::phase(1), None);
	});
}

#[test]
fn the_ring_of_a_sealed_job_begins_with_the_peer_of_its_user() {
	execute(|| {
		open_sealed(0);
		let members = Verification::route(0).unwrap().members;
		assert_eq!(members.len(), 3);
		assert_eq!(members[0].peer_id, b"user".to_vec());
		assert_eq!((members[0].stage, members[0].worker.clone()), (0, None));
		assert!(members[0].addresses.is_empty());
		assert_eq!(members[1].worker, Some(acc(20)));
	});
}

#[test]
fn rows_that_were_sent_are_served_to_the_checkers_of_the_next_stage_only() {
	execute(|| {
		open(0);
		let altered = but(1, Replica, Behaviour::Altered);
		commits(0, Lead, &altered);
		assert_eq!(askers(10), (vec![21], vec![11]));
		assert_eq!(askers(20), (vec![31], vec![21]));
		let entry = (vec![11], vec![31]);
		assert_eq!(askers(30), entry, "the entry's input is the last output");
		commits(0, Replica, &altered);
		reveals(0, &altered);
		run_to(trial(0).until + 1);
		assert_eq!(askers(10), (vec![21, 90], vec![11]));
		assert_eq!(askers(20), (vec![31], vec![21, 90]));
	});
}

#[test]
fn what_a_user_sent_is_served_by_the_first_segment() {
	execute(|| {
		open_sealed(0);
		commits(0, Lead, &all_honest);
		assert_eq!(askers(20), (vec![31], vec![21]));
		assert_eq!(askers(30), (vec![], vec![31]));
	});
}

#[test]
fn a_receipt_shows_everybody_side_by_side() {
	execute(|| {
		open(0);
		run_to(3);
		play(0, but(1, Replica, Behaviour::Altered));
		let stages = Verification::stage_receipts(0);
		assert_eq!(
			stages.iter().map(|s| s.stage).collect::<Vec<_>>(),
			vec![0, 1, 2]
		);
		let disputed = &stages[1].participants;
		let parts = disputed.iter().map(|p| p.part).collect::<Vec<_>>();
		assert_eq!(parts, vec![Lead, Replica, Tiebreak]);
		let verdicts = disputed.iter().map(|p| p.verdict).collect::<Vec<_>>();
		let expected = [Verdict::Pass, Verdict::Cheat, Verdict::Pass].map(Some);
		assert_eq!(verdicts, expected.to_vec());
		assert_eq!(
			disputed[0].commitment,
			Some((digest(0, 1, &acc(20), honest(1)), 3))
		);
		assert_eq!(disputed[0].opening, Some(opening(&acc(20), honest(1))));
		assert_eq!(disputed[2].commitment, None);
		assert_eq!(disputed[2].opening.unwrap().roots, honest(1));
		assert!(Verification::stage_receipts(1).is_empty());
	});
}
