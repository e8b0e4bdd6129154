//! Jobs to audit. The settled one is what a real network wrote, with the plan, the workers and the events
//! that belong to it; the others are that one with another course.

use codec::Encode;
use dllm_primitives::{
	api::{
		AccountId32, ComparisonView, ModelView, ParticipantView, PaymentView, PipelineView,
		Receipt, StageReceipt, StageView, SummonsView, WorkerView,
	},
	commitment::{commitment, Opening},
	compare::{Likeness, Tolerance},
	dispute::{Outcome, Standing},
	hop::{self, Contradiction, End, Hop},
	ids::{Digest, ENTRY_STAGE},
	job::{Assurance, JobState, OnFailure, Refund},
	miner::Roles,
	model::Profile,
	payout,
	plan::PipelineState,
	stall::Tally,
	summons::{self, Proof},
	verdict::{Part, Phase, Verdict},
};
use dllm_worker::{
	chain::DLLM,
	cli::audit::evidence::{
		Asked, Compared, Events, Evidence, Forfeited, Judged, Lineage, Paid, Record, Refunded,
		Rerun, Settled, Slashed,
	},
};
use libp2p::identity::Keypair;
use sp_core::{crypto::VrfSecret, sr25519, Pair, H512};

/// A receipt and its model, as a network answered them.
const WRITTEN: &str = include_str!("../../../../web/tests/unit/settled.json");
/// What its workers asked for, in planck a GFLOP.
const PRICE: u128 = DLLM / 100;
/// Rows that its request allows.
pub const ROWS_CEILING: u32 = 60;
/// What the first segment costs for so many rows: three layers of 393 216 operations a row, at 10 planck for a
/// thousand operations.
pub const SEGMENT_PAY: u128 = 707_788_800;
/// A digest of nothing.
pub const OTHER: Digest = Digest::repeat_byte(0xAB);
/// The checker that got no rows first.
const FIRST: u8 = 98;
/// The third worker of a dispute.
const THIRD: u8 = 99;

pub fn account(number: u8) -> AccountId32 {
	AccountId32::new([number; 32])
}

#[derive(serde::Deserialize)]
struct Written {
	receipt: Receipt,
	model: ModelView,
}

/// A public job that was served and paid.
pub fn settled() -> Evidence {
	let Written { receipt, model } = serde_json::from_str(WRITTEN).expect("a receipt and a model");
	let job = &receipt.job;
	let entry = receipt.stages[0].participants[0].opening.expect("opened");
	let record = Record {
		client: job.client.clone(),
		model: job.model,
		rows_ceiling: ROWS_CEILING,
		own_entry: false,
		max_price: job.max_price,
		submitted: job.submitted,
		deadline: job.deadline,
		state: job.state,
		pipeline: receipt.pipeline,
		awarded: job.awarded,
		ended: job.ended,
		surplus: 0,
		fee: job.fee,
		rows: job.rows,
		tokens: job.tokens,
		result: entry.roots.result,
		lineage: None,
	};
	let stages = receipt.stages.iter().map(stage_view).collect();
	let shown = receipt.stages.iter().flat_map(|stage| &stage.participants);
	let workers = (1..)
		.zip(shown)
		.map(|(operator, one)| worker(one.worker.clone(), operator));
	let mut evidence = Evidence {
		job: job.id,
		block: job.ended.expect("it is over"),
		asked: Asked {
			digest: Digest::repeat_byte(5),
			rows_ceiling: ROWS_CEILING,
			sealed: false,
			assurance: Assurance::Standard,
			on_failure: job.on_failure,
			adapter: None,
		},
		pipeline: Some(PipelineView {
			id: receipt.pipeline.expect("it was awarded"),
			model: model.id,
			state: PipelineState::Live,
			slots: 2,
			open_jobs: 1,
			in_flight: 0,
			pace: None,
			stages,
		}),
		workers: workers.collect(),
		events: Events::default(),
		record,
		receipt,
		model,
	};
	announce(&mut evidence);
	evidence
}

/// A stage of the plan. Job 1 is led by the second of two workers.
fn stage_view(stage: &StageReceipt) -> StageView {
	let workers = stage.participants.iter().rev();
	let workers = workers.map(|one| one.worker.clone()).collect::<Vec<_>>();
	StageView {
		stage: stage.stage,
		layers: stage.layers,
		ready: workers.clone(),
		workers,
		price: PRICE,
	}
}

fn worker(account: AccountId32, operator: u8) -> WorkerView {
	WorkerView {
		account,
		operator: self::account(operator),
		active: true,
		state: "active".into(),
		bond: 1_000 * DLLM,
		roles: Roles::default(),
		memory: 1,
		promised: 0,
		price: PRICE,
		peer_id: Vec::new(),
		addresses: Vec::new(),
		open_jobs: 1,
		passed: 0,
		faults: 0,
		cheats: 0,
		rank: 0,
	}
}

/// A job whose lead of the first segment sent other rows.
pub fn convicted() -> Evidence {
	let mut evidence = settled();
	let stage = &mut evidence.receipt.stages[1];
	let honest = stage.participants[1].opening.expect("opened");
	stage.participants[0]
		.opening
		.as_mut()
		.expect("opened")
		.roots
		.output = OTHER;
	stage.participants[0].verdict = Some(Verdict::Cheat);
	stage.participants.push(third(honest));
	let cheat = stage.participants[0].worker.clone();
	commit(&mut evidence, 1, 0);
	evidence.workers.push(worker(account(THIRD), THIRD));
	refund(&mut evidence, Refund::Cheated);
	evidence.events.slashed = vec![outvoted(cheat)];
	evidence
}

/// The same, where its client had chosen to have it run again.
pub fn rerun() -> Evidence {
	let mut evidence = convicted();
	let (receipt, record) = (&mut evidence.receipt, &mut evidence.record);
	let (by, reason) = (receipt.job.id + 1, Refund::Cheated);
	record.state = JobState::Rerun { by, reason };
	receipt.job.state = record.state;
	receipt.refunded = 0;
	receipt.job.on_failure = OnFailure::Rerun;
	evidence.asked.on_failure = OnFailure::Rerun;
	announce(&mut evidence);
	evidence
}

/// The job that runs another one again, which two pipelines failed, and is served.
pub fn successor() -> Evidence {
	let mut evidence = settled();
	let of = evidence.job - 1;
	evidence.receipt.job.rerun_of = Some(of);
	evidence.record.lineage = Some(Lineage {
		of,
		failed: vec![90, 91],
		shunned: vec![92],
	});
	evidence
}

/// A job whose lead sent other rows, where governance found a fault that many had in common.
pub fn pardoned() -> Evidence {
	let mut evidence = convicted();
	evidence.receipt.stages[1].participants[0].verdict = Some(Verdict::Pardoned);
	evidence.events.slashed.clear();
	refund(&mut evidence, Refund::Indeterminate);
	evidence
}

/// The same in the exact profile, where lead and replica settled it.
pub fn disputed() -> Evidence {
	let mut evidence = convicted();
	let stage = &mut evidence.receipt.stages[1];
	stage.participants.truncate(2);
	stage.participants[1].verdict = Some(Verdict::Pass);
	stage.dispute = Some(Standing::Over(Outcome::Convicted));
	let cheat = stage.participants[0].worker.clone();
	evidence.events.slashed = vec![slash(cheat)];
	evidence.workers.pop();
	announce(&mut evidence);
	evidence
}

/// The network key of the lead of the first segment, where it signs.
fn key() -> Keypair {
	Keypair::ed25519_from_bytes([7u8; 32]).expect("a key")
}

/// A job whose lead of the first segment told the chain other rows than it had signed for as their receiver.
pub fn contradicted() -> Evidence {
	let mut evidence = settled();
	let (job, asked) = (evidence.job, evidence.asked.digest);
	let cheat = evidence.receipt.stages[1].participants[0].worker.clone();
	let known = evidence.workers.iter_mut();
	for worker in known.filter(|worker| worker.account == cheat) {
		worker.peer_id = key().public().to_peer_id().to_bytes();
	}
	let stages = evidence.receipt.stages.iter();
	let ring = stages.map(|stage| {
		let lead = &stage.participants[0].worker;
		let known = evidence.workers.iter();
		let mut known = known.filter(|worker| worker.account == *lead);
		let peer = known.next().expect("a worker").peer_id.clone();
		(stage.stage, stage.layers, Some((lead, peer)))
	});
	let run = hop::run(asked, ring);
	let stage = &mut evidence.receipt.stages[1];
	let [lead, replica] = &mut stage.participants[..] else {
		panic!("a lead and a replica");
	};
	let roots = &mut lead.opening.as_mut().expect("opened").roots;
	let hop = Hop {
		job,
		run,
		boundary: 0,
		rows: roots.rows,
		root: roots.input,
	};
	roots.input = OTHER;
	let signed = key().sign(&hop.message(End::Receiver)).expect("signed");
	stage.contradiction = Some(Contradiction {
		end: End::Receiver,
		rows: hop.rows,
		root: hop.root,
		signature: H512::from_slice(&signed),
	});
	lead.verdict = Some(Verdict::Cheat);
	replica.verdict = Some(Verdict::Indeterminate);
	commit(&mut evidence, 1, 0);
	refund(&mut evidence, Refund::Cheated);
	evidence.events.slashed = vec![Slashed {
		to_convictors: 0,
		burned: 80 * DLLM,
		..slash(cheat)
	}];
	evidence
}

/// A job whose replica of the last segment accused an honest lead.
pub fn dismissed() -> Evidence {
	let mut evidence = settled();
	let stage = &mut evidence.receipt.stages[2];
	let replica = &mut stage.participants[1];
	replica.opening.as_mut().expect("opened").roots.output = OTHER;
	replica.verdict = Some(Verdict::Cheat);
	stage.dispute = Some(Standing::Over(Outcome::Dismissed));
	let cheat = stage.participants[1].worker.clone();
	commit(&mut evidence, 2, 1);
	evidence.events.slashed = vec![slash(cheat)];
	// It is not paid, and verifiers share by what their leads earn.
	let receipt = &mut evidence.receipt;
	let pay = receipt.miners.iter().map(|lead| lead.amount);
	let miners = receipt
		.miners
		.iter()
		.map(|one| (one.to.clone(), one.amount));
	let verifiers = receipt.verifiers.iter().map(|one| one.to.clone()).zip(pay);
	let split = payout::split(
		receipt.job.fee,
		&miners.collect::<Vec<_>>(),
		&verifiers.take(2).collect::<Vec<_>>(),
	);
	let paid = split.verifiers.into_iter();
	receipt.verifiers = paid
		.map(|(to, amount)| PaymentView { to, amount })
		.collect();
	receipt.treasury = split.treasury;
	announce(&mut evidence);
	evidence
}

/// A job of a float model whose workers of the first segment are of two numerics classes. Their rows were compared, all
/// of them as there are few, and found alike.
pub fn alike() -> Evidence {
	let mut evidence = settled();
	evidence.model.profile = Profile::F32;
	let stage = &mut evidence.receipt.stages[1];
	let own = stage.participants[1].opening.as_mut().expect("opened");
	own.roots.class = OTHER;
	own.roots.output = Digest::repeat_byte(0xCD);
	stage.comparison = Some(ComparisonView {
		positions: (0..own.roots.rows).collect(),
		tolerance: Tolerance {
			median: 20_000,
			max: 50_000,
			version: 3,
			calibration: Digest::repeat_byte(0xCA),
		},
		likeness: Some(Likeness::Alike),
	});
	commit(&mut evidence, 1, 1);
	announce(&mut evidence);
	evidence
}

/// The same, where that was found instead, and a third worker of the lead's class was asked and is paid.
pub fn not_alike(likeness: Likeness) -> Evidence {
	let mut evidence = alike();
	let stage = &mut evidence.receipt.stages[1];
	let lead = stage.participants[0].opening.expect("opened");
	stage.participants[1].verdict = Some(Verdict::Indeterminate);
	stage.participants.push(third(lead));
	stage.comparison.as_mut().expect("compared").likeness = Some(likeness);
	evidence.receipt.verifiers[1].to = account(THIRD);
	evidence.workers.push(worker(account(THIRD), THIRD));
	announce(&mut evidence);
	// That was some blocks before the third worker was drawn.
	evidence.events.compared.clear();
	evidence
}

/// A job whose replica of the last segment posted the commitment of its lead.
pub fn copied() -> Evidence {
	let mut evidence = settled();
	let stage = &mut evidence.receipt.stages[2];
	let honest = stage.participants[0].opening.expect("opened");
	stage.participants[1].commitment = stage.participants[0].commitment;
	stage.participants[1].opening = None;
	stage.participants[1].verdict = Some(Verdict::Cheat);
	stage.participants.push(third(honest));
	let cheat = stage.participants[1].worker.clone();
	evidence.receipt.verifiers[2].to = account(THIRD);
	evidence.workers.push(worker(account(THIRD), THIRD));
	announce(&mut evidence);
	evidence.events.slashed = vec![slash(cheat)];
	evidence
}

/// A job whose lead of the first segment never committed.
pub fn silent() -> Evidence {
	let mut evidence = settled();
	evidence.receipt.checked = None;
	for stage in &mut evidence.receipt.stages {
		stage.participants.truncate(1);
		for one in &mut stage.participants {
			one.opening = None;
			one.verdict = Some(Verdict::Indeterminate);
		}
	}
	let lead = &mut evidence.receipt.stages[1].participants[0];
	lead.commitment = None;
	lead.verdict = Some(Verdict::WorkerFault);
	refund(&mut evidence, Refund::Unserved);
	evidence
}

/// A job that stopped: no lead committed, and each told that, or nothing. The leads of the stages in `blamed` stopped
/// it.
pub fn stopped(told: [Option<Tally>; 3], blamed: &[usize]) -> Evidence {
	let mut evidence = silent();
	for (at, stage) in evidence.receipt.stages.iter_mut().enumerate() {
		let lead = &mut stage.participants[0];
		lead.commitment = None;
		lead.verdict = Some(match blamed.contains(&at) {
			true => Verdict::WorkerFault,
			false => Verdict::Indeterminate,
		});
		stage.tally = told[at];
	}
	announce(&mut evidence);
	evidence
}

/// What a lead tells that had both of its links: rows that came, rows that it sent.
pub fn told(received: u32, sent: u32) -> Option<Tally> {
	Some(Tally {
		received: Some(received),
		sent: Some(sent),
		lost_next: false,
	})
}

/// A job of which all rows came round to the entry, which sent no more.
pub fn idle() -> Evidence {
	stopped([told(4, 4); 3], &[0])
}

/// A job for which no lead has seen a row, as nobody holds the adapter that it names.
pub fn without_adapter() -> Evidence {
	let mut evidence = stopped([None; 3], &[]);
	evidence.asked.adapter = Some(3);
	evidence.receipt.job.adapter = evidence.asked.adapter;
	evidence
}

/// A job whose lead of the first segment committed, was checked, and did not open.
pub fn withheld() -> Evidence {
	let mut evidence = settled();
	let [lead, replica] = &mut evidence.receipt.stages[1].participants[..] else {
		panic!("a lead and a replica");
	};
	lead.opening = None;
	lead.verdict = Some(Verdict::WorkerFault);
	replica.verdict = Some(Verdict::Indeterminate);
	let worker = lead.worker.clone();
	refund(&mut evidence, Refund::Unserved);
	evidence.events.forfeited = vec![Forfeited {
		worker,
		amount: 40 * SEGMENT_PAY,
		to_user: 8 * SEGMENT_PAY,
		burned: 32 * SEGMENT_PAY,
	}];
	evidence
}

/// As [`starved`], where the second of the two holds no stage of the plan.
pub fn starved_outside() -> Evidence {
	let mut evidence = starved();
	let stage = &mut evidence.receipt.stages[1];
	stage.participants[1].worker = account(THIRD);
	stage.refused[1] = account(THIRD);
	evidence.workers.push(worker(account(THIRD), THIRD));
	announce(&mut evidence);
	evidence
}

/// A job whose lead of the first segment handed its rows to neither of two checkers. What it forfeits burns.
pub fn starved() -> Evidence {
	let mut evidence = settled();
	let stage = &mut evidence.receipt.stages[1];
	let [lead, second] = &mut stage.participants[..] else {
		panic!("a lead and a replica");
	};
	lead.verdict = Some(Verdict::WorkerFault);
	second.commitment = None;
	second.opening = None;
	second.verdict = Some(Verdict::Indeterminate);
	stage.refused = vec![account(FIRST), second.worker.clone()];
	let worker = lead.worker.clone();
	refund(&mut evidence, Refund::Unserved);
	evidence.events.forfeited = vec![Forfeited {
		worker,
		amount: 40 * SEGMENT_PAY,
		to_user: 0,
		burned: 40 * SEGMENT_PAY,
	}];
	evidence
}

/// A job of which nobody was summoned to check a stage: its leads opened, and were paid.
pub fn unchecked() -> Evidence {
	let mut evidence = settled();
	let receipt = &mut evidence.receipt;
	receipt.checked = Some(false);
	for stage in &mut receipt.stages {
		stage.chance = 100_000;
		stage.participants.truncate(1);
		stage.participants[0].verdict = Some(Verdict::Unchecked);
	}
	let verifiers = receipt.verifiers.drain(..).map(|paid| paid.amount);
	receipt.treasury += verifiers.sum::<u128>();
	announce(&mut evidence);
	evidence
}

/// A job that was left to lots: the replica of each stage was summoned, and can sign for that.
pub fn summoned() -> Evidence {
	let mut evidence = settled();
	for at in 0..evidence.receipt.stages.len() {
		let key = sr25519::Pair::from_seed(&[40 + at as u8; 32]);
		let own = AccountId32::from(key.public());
		let name = |who: &AccountId32| serde_json::to_string(who).unwrap();
		let replica = evidence.receipt.stages[at].participants[1].worker.clone();
		let text = serde_json::to_string(&evidence).unwrap();
		evidence = serde_json::from_str(&text.replace(&name(&replica), &name(&own))).unwrap();
		commit(&mut evidence, at, 1);
		let job = evidence.job;
		let stage = &mut evidence.receipt.stages[at];
		let seed = Digest::repeat_byte(9);
		let input = summons::transcript(seed, job, stage.stage);
		stage.chance = 100_000;
		stage.summons = vec![SummonsView {
			worker: own,
			seed,
			threshold: u64::MAX,
			proof: Proof::from(&key.vrf_sign(&input.into_sign_data())),
		}];
	}
	evidence
}

/// A sealed job: the user was its entry.
pub fn sealed() -> Evidence {
	let mut evidence = settled();
	let receipt = &mut evidence.receipt;
	receipt.stages.remove(usize::from(ENTRY_STAGE));
	receipt.job.sealed = true;
	receipt.job.reply = None;
	receipt.job.tokens = 0;
	let lines = |lines: &[PaymentView], amount: fn(&PaymentView) -> u128| {
		let lines = lines.iter().skip(1);
		lines
			.map(|one| (one.to.clone(), amount(one)))
			.collect::<Vec<_>>()
	};
	let miners = lines(&receipt.miners, |one| one.amount);
	let verifiers = lines(&receipt.verifiers, |_| 1);
	let fee = payout::fee_for(miners.iter().map(|(_, pay)| pay).sum());
	let split = payout::split(fee, &miners, &verifiers);
	let paid = |lines: Vec<(AccountId32, u128)>| {
		let view = |(to, amount)| PaymentView { to, amount };
		lines.into_iter().map(view).collect::<Vec<_>>()
	};
	receipt.miners = paid(split.miners);
	receipt.verifiers = paid(split.verifiers);
	receipt.treasury = split.treasury;
	receipt.burned = split.burned;
	receipt.job.fee = fee;
	receipt.refunded = receipt.job.max_price - fee;
	let record = &mut evidence.record;
	record.own_entry = true;
	record.fee = fee;
	record.tokens = 0;
	record.result = Digest::zero();
	evidence.asked.sealed = true;
	announce(&mut evidence);
	evidence
}

/// A sealed job whose user never entered the ring.
pub fn no_show() -> Evidence {
	let mut evidence = sealed();
	evidence.receipt.checked = None;
	for stage in &mut evidence.receipt.stages {
		stage.participants.truncate(1);
		for one in &mut stage.participants {
			one.commitment = None;
			one.opening = None;
			one.verdict = Some(Verdict::Indeterminate);
		}
	}
	refund(&mut evidence, Refund::NoShow);
	evidence
}

/// A sealed job of which the last lead alone committed.
pub fn closed_alone() -> Evidence {
	let mut evidence = no_show();
	let committed = sealed().receipt.stages[1].participants[0].commitment;
	let stages = &mut evidence.receipt.stages;
	stages[0].tally = told(4, 4);
	stages[1].participants[0].commitment = committed;
	for stage in stages {
		stage.participants[0].verdict = Some(Verdict::WorkerFault);
	}
	refund(&mut evidence, Refund::Unserved);
	evidence
}

/// A job that its client took back while it waited.
pub fn cancelled() -> Evidence {
	let mut evidence = settled();
	let (receipt, record) = (&mut evidence.receipt, &mut evidence.record);
	receipt.stages.clear();
	receipt.pipeline = None;
	receipt.job.awarded = None;
	receipt.job.phase = None;
	receipt.job.reply = None;
	receipt.job.tokens = 0;
	record.pipeline = None;
	record.awarded = None;
	record.tokens = 0;
	evidence.pipeline = None;
	refund(&mut evidence, Refund::Cancelled);
	evidence.events.failed = None;
	evidence
}

/// The settled job with a surplus of the auction, of which `burned` was taken for its rows.
pub fn dear(surplus: u128, burned: u128) -> Evidence {
	let mut evidence = settled();
	evidence.record.surplus = surplus;
	evidence.record.fee += burned;
	evidence.receipt.job.fee += burned;
	evidence.receipt.burned += burned;
	evidence.receipt.refunded -= burned;
	announce(&mut evidence);
	evidence
}

/// A third worker that tells these roots.
pub fn third(honest: Opening) -> ParticipantView {
	let opening = Opening {
		salt: Digest::zero(),
		..honest
	};
	ParticipantView {
		worker: account(THIRD),
		part: Part::Tiebreak,
		commitment: None,
		opening: Some(opening),
		verdict: Some(Verdict::Pass),
	}
}

/// What the first conviction takes of a bond of 1,000 DLLM, where it is proved.
fn slash(worker: AccountId32) -> Slashed {
	Slashed {
		worker,
		amount: 100 * DLLM,
		to_user: 20 * DLLM,
		to_convictors: 30 * DLLM,
		burned: 50 * DLLM,
	}
}

/// The same of the lead of the first segment, where two others outvoted it.
fn outvoted(worker: AccountId32) -> Slashed {
	Slashed {
		to_user: SEGMENT_PAY,
		to_convictors: 0,
		burned: 100 * DLLM - SEGMENT_PAY,
		..slash(worker)
	}
}

/// A job of which the lead of the first segment was convicted there, and again as the replica of the last one: the
/// second proof takes all that the first has left.
pub fn convicted_twice() -> Evidence {
	let mut evidence = disputed();
	let cheat = evidence.receipt.stages[1].participants[0].worker.clone();
	let stage = &mut evidence.receipt.stages[2];
	let replica = &mut stage.participants[1];
	replica.worker = cheat.clone();
	replica.opening.as_mut().expect("opened").roots.output = OTHER;
	replica.verdict = Some(Verdict::Cheat);
	stage.dispute = Some(Standing::Over(Outcome::Dismissed));
	commit(&mut evidence, 2, 1);
	announce(&mut evidence);
	evidence.events.slashed.push(Slashed {
		amount: 900 * DLLM,
		to_user: 180 * DLLM,
		to_convictors: 270 * DLLM,
		burned: 450 * DLLM,
		..slash(cheat)
	});
	evidence
}

/// Lets a participant commit to what it opened.
pub fn commit(evidence: &mut Evidence, stage: usize, at: usize) {
	let job = evidence.job;
	let stage = &mut evidence.receipt.stages[stage];
	let one = &mut stage.participants[at];
	let opening = one.opening.expect("opened");
	let digest = commitment(job, stage.stage, &one.worker.encode(), &opening);
	let committed = one.commitment.as_mut().expect("committed");
	committed.0 = digest;
}

/// Ends the job with a refund instead, and announces it.
fn refund(evidence: &mut Evidence, reason: Refund) {
	let (receipt, record) = (&mut evidence.receipt, &mut evidence.record);
	receipt.job.state = JobState::Refunded(reason);
	receipt.job.fee = 0;
	receipt.job.rows = 0;
	receipt.miners.clear();
	receipt.verifiers.clear();
	receipt.treasury = 0;
	receipt.burned = 0;
	receipt.refunded = receipt.job.max_price;
	record.state = receipt.job.state;
	record.fee = 0;
	record.rows = 0;
	record.result = Digest::zero();
	announce(evidence);
}

/// Lets the block announce what the receipt tells. Slashes stay as they are.
pub fn announce(evidence: &mut Evidence) {
	let (receipt, record) = (&evidence.receipt, &evidence.record);
	let client = record.client.clone();
	let judged = receipt.stages.iter().flat_map(|stage| {
		stage.participants.iter().map(|one| Judged {
			stage: stage.stage,
			worker: one.worker.clone(),
			part: one.part,
			verdict: one.verdict.expect("it is over"),
		})
	});
	let compared = receipt.stages.iter().filter_map(|stage| {
		let (stage, view) = (stage.stage, stage.comparison.as_ref()?);
		let likeness = view.likeness?;
		Some(Compared { stage, likeness })
	});
	let mut events = Events {
		compared: compared.collect(),
		judged: judged.collect(),
		slashed: evidence.events.slashed.clone(),
		forfeited: evidence.events.forfeited.clone(),
		..Events::default()
	};
	match record.state {
		JobState::Rerun { by, reason } => {
			events.failed = Some(reason);
			events.rerun = Some(Rerun { by, client, reason });
		}
		JobState::Refunded(reason) => {
			events.failed = Some(reason);
			events.refunded = Some(Refunded {
				client,
				reason,
				amount: record.max_price,
			});
		}
		_ => {
			events.served = Some(record.rows);
			events.paid = Some(Paid {
				client: client.clone(),
				miners: receipt.miners.clone(),
				verifiers: receipt.verifiers.clone(),
				treasury: receipt.treasury,
				burned: receipt.burned,
			});
			events.settled = Some(Settled {
				client,
				rows: record.rows,
				tokens: record.tokens,
				fee: record.fee,
				refunded: receipt.refunded,
				result: record.result,
			});
		}
	}
	assert!(receipt.job.phase.is_none_or(|phase| phase == Phase::Closed));
	evidence.events = events;
}
