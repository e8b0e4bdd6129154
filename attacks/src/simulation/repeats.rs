//! A first segment of a sealed job that saves its work: it tells, and would hand its checkers, the rows of a job that
//! it ran before, and says nothing to the user. A checker cannot ask a user, which may have left. But it takes only
//! rows for which the user has signed, with every frame that it sent.

use super::roots;
use crate::{
	money::{Role, Sampling, Tally},
	report::{Kind, Line},
};
use dllm_primitives::{
	commitment::{row_leaf, GrowingRoot},
	hop::{End, Hop, HopReceipt},
	ids::{Digest, JobId, ENTRY_STAGE},
	judge::{judge_stage, Showing, StageShowings},
};
use sp_core::{ed25519, Pair};

/// The job that is cheated, and the one before.
const JOBS: [JobId; 2] = [2, 1];
/// Rows of each, and how many of them a user sends at once.
const ROWS: u8 = 12;
const AT_ONCE: u8 = 4;

pub fn line(least: Sampling) -> Line {
	let (user, lead) = (Peer::new(1), Peer::new(2));
	let [signed, before] = JOBS.map(|job| user.sends(job));
	// What it ran before, as rows of this job.
	let repeated = hop(JOBS[0], JOBS[1], ROWS);
	let receiver = Some(lead.sign(&repeated, End::Receiver));
	let forged = lead.sign(&repeated, End::Sender);
	let senders = signed.iter().chain(&before).copied().map(Some);
	let taken = senders.chain([Some(forged), None]).any(|sender| {
		let receipt = HopReceipt {
			hop: repeated,
			sender,
			receiver,
		};
		receipt.is_of(&repeated, &user.name, &lead.name)
	});
	let told = Showing::Opened(roots(
		Digest::repeat_byte(1),
		Digest::repeat_byte(2),
		Digest::repeat_byte(8),
	));
	let stage = StageShowings {
		lead: told,
		replica: Some(if taken { told } else { Showing::Starved }),
		tiebreak: None,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	let (mut tally, verdict) = (Tally::new(Role::Lead), judge_stage(&stage).lead);
	match taken {
		true => tally.note(verdict, None),
		false => tally.withheld(verdict),
	}
	let attack =
		"the first segment of a sealed job signs for nothing, and repeats the rows of another job";
	tally.line(attack, Kind::Simulation, least.share())
}

/// Who signs, and its identity in the network.
struct Peer {
	key: ed25519::Pair,
	name: Vec<u8>,
}

impl Peer {
	fn new(seed: u8) -> Self {
		let key = ed25519::Pair::from_seed(&[seed; 32]);
		let name = [&[0, 36, 8, 1, 18, 32], &key.public().0[..]].concat();
		Self { key, name }
	}

	fn sign(&self, hop: &Hop, end: End) -> [u8; 64] {
		self.key.sign(&hop.message(end)).0
	}

	/// All that a user signs in a job.
	fn sends(&self, job: JobId) -> Vec<[u8; 64]> {
		let frames = (1..=ROWS / AT_ONCE).map(|frame| hop(job, job, frame * AT_ONCE));
		frames.map(|hop| self.sign(&hop, End::Sender)).collect()
	}
}

/// What the first hop of a job has carried after `rows` rows, where they are those of another one.
fn hop(job: JobId, of: JobId, rows: u8) -> Hop {
	let mut root = GrowingRoot::default();
	for at in 0..rows {
		let row = [of as u8, at];
		root.push(row_leaf(&[7; 32], job, ENTRY_STAGE, at.into(), &row));
	}
	Hop {
		job,
		run: Digest::repeat_byte(5),
		boundary: ENTRY_STAGE,
		rows: rows.into(),
		root: root.root(),
	}
}
