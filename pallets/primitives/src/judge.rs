//! The judgement, as pure functions: from what the workers of a job have shown to a verdict on each of
//! them and to the outcome of the job.
//!
//! Two workers of different operators that tell the same roots are right, and prove wrong who told
//! others under the same conditions. Conditions are the numerics class and the input: what a lead
//! received is known to it and to its upstream only, and a checker may have the rows from the lead, with
//! an upstream's signature under other ones than it committed to. So where the inputs differ any of them may
//! have lied, and nobody is convicted by being outvoted; a checker that makes up its input gains what one gains
//! that is silent. A lead is convicted where its own signature for the rows of a hop ([`crate::hop`]) stands
//! under another root than it opened: that needs nobody else's word. Silence is never fraud, but in a dispute it
//! loses.
//!
//! In the exact profile a row has one right value on every machine. So there is one class, whatever a worker
//! names, and lead and replica need no third worker where they did the same work on the same rows: a dispute
//! about one value ([`crate::dispute`]) tells which of them is wrong.

use crate::{
	commitment::Roots,
	compare::Likeness,
	dispute::{self, Standing},
	ids::Digest,
	job::Refund,
	slash::Ground,
	stall::{self, Word},
	verdict::{Part, Verdict},
};
use alloc::vec::Vec;

/// The one numerics class of all exact models: what a worker names there is not compared.
pub const EXACT_CLASS: Digest = Digest::zero();

/// What the workers of a stage have to execute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Due {
	/// Digest of the stage's shards.
	pub shards: Digest,
	/// Whether it is the entry, which alone gives a reply.
	pub entry: bool,
	/// Whether the model is exact, so that there is one class.
	pub exact: bool,
}

impl Due {
	/// What is compared of roots that a worker tells.
	pub fn compared(&self, roots: Roots) -> Roots {
		let class = match self.exact {
			true => EXACT_CLASS,
			false => roots.class,
		};
		Roots { class, ..roots }
	}
}

/// What a worker committed to and what it opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exhibit<'a, AccountId> {
	/// The worker.
	pub worker: &'a AccountId,
	/// Its commitment.
	pub commitment: Option<Digest>,
	/// What it opened, or told in a tie.
	pub roots: Option<Roots>,
	/// Whether its own signature for the rows of a hop is under another root than it opened.
	pub contradicted: bool,
}

/// What a worker's exhibit amounts to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Showing {
	/// Nothing that could be compared: it missed a deadline.
	Silent,
	/// Its word that it got no rows, as the second checker that says so: the lead withheld them.
	Starved,
	/// The commitment of another worker of the job, which that one has opened.
	Copied,
	/// By its own word it executed other shards than those of the model, or a segment gave a reply: it has no
	/// say in what is right.
	Foreign,
	/// By its own signature it received, or sent, other rows than it tells: it has no say in what is right.
	Contradicted,
	/// What it says of its stage, as far as it is compared.
	Opened(Roots),
}

impl Showing {
	fn roots(self) -> Option<Roots> {
		match self {
			Self::Opened(roots) => Some(roots),
			Self::Silent | Self::Starved | Self::Copied | Self::Foreign | Self::Contradicted => {
				None
			}
		}
	}
}

/// What `exhibit` amounts to among all those of the job, in a stage in which that is `due`.
///
/// A commitment binds its worker's account, so who has opened it is its author, whichever of two equal
/// commitments came first.
pub fn showing<AccountId: PartialEq>(
	exhibit: &Exhibit<AccountId>,
	all: &[Exhibit<AccountId>],
	due: Due,
) -> Showing {
	if exhibit.contradicted {
		return Showing::Contradicted;
	}
	if let Some(roots) = exhibit.roots {
		let foreign = roots.weights != due.shards || !(due.entry || roots.result.is_zero());
		return match foreign {
			true => Showing::Foreign,
			false => Showing::Opened(due.compared(roots)),
		};
	}
	let copied = exhibit.commitment.is_some()
		&& all.iter().any(|other| {
			other.worker != exhibit.worker
				&& other.commitment == exhibit.commitment
				&& other.roots.is_some()
		});
	if copied {
		Showing::Copied
	} else {
		Showing::Silent
	}
}

/// What the workers of a stage have shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StageShowings {
	/// The lead.
	pub lead: Showing,
	/// The replica; none where the stage goes unchecked, or nobody could be drawn.
	pub replica: Option<Showing>,
	/// The third worker, where there is one.
	pub tiebreak: Option<Showing>,
	/// Whether nobody was drawn or summoned to check the stage, by right.
	pub unchecked: bool,
	/// Where the dispute between lead and replica stands, where there is one.
	pub dispute: Option<Standing>,
	/// How their rows compare, where that was looked at.
	pub comparison: Option<Likeness>,
}

impl StageShowings {
	/// On what it rests if the worker of a part is convicted.
	pub fn ground(&self, part: Part) -> Ground {
		let showing = match part {
			Part::Lead => Some(self.lead),
			Part::Replica => self.replica,
			Part::Tiebreak => self.tiebreak,
		};
		match (showing, self.dispute) {
			(Some(Showing::Opened(_)), None) => Ground::Votes,
			_ => Ground::Proof,
		}
	}

	/// What lead and replica tell, where they agree, or their rows are alike.
	fn pair(&self) -> Option<[Roots; 2]> {
		let [lead, replica] = [self.lead.roots()?, self.replica?.roots()?];
		let alike = self.comparison == Some(Likeness::Alike);
		(alike || agree(&lead, &replica)).then_some([lead, replica])
	}

	/// What two of the three tell that agree.
	fn agreed(&self) -> Option<[Roots; 2]> {
		let third = self.tiebreak.and_then(Showing::roots);
		let others = [Some(self.lead), self.replica];
		let others = others.into_iter().flatten().filter_map(Showing::roots);
		let mut with_third = others.filter_map(|one| Some([one, third?]));
		self.pair()
			.or_else(|| with_third.find(|[one, third]| agree(one, third)))
	}
}

/// The verdicts on the workers of a stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StageVerdicts {
	/// On the lead.
	pub lead: Verdict,
	/// On the replica, where there is one.
	pub replica: Option<Verdict>,
	/// On the third worker, where there is one.
	pub tiebreak: Option<Verdict>,
}

/// Whether lead and replica can settle by a dispute which of them is wrong: both executed the shards of the
/// model, in one class, on the same rows, and sent other ones. Whether the model is one that can be disputed is
/// for the caller to know.
pub fn is_disputable(stage: &StageShowings) -> bool {
	let replica = stage.replica.and_then(Showing::roots);
	let (Some(lead), Some(replica)) = (stage.lead.roots(), replica) else {
		return false;
	};
	let same = Roots {
		output: lead.output,
		..replica
	};
	lead == same && lead.output != replica.output
}

/// Whether lead and replica can show that they did the same but for rounding: all that they tell is the same but the
/// rows that they sent, in two numerics classes. Whether these two may be compared is for the caller to know.
pub fn is_comparable(stage: &StageShowings) -> bool {
	let replica = stage.replica.and_then(Showing::roots);
	let (Some(lead), Some(replica)) = (stage.lead.roots(), replica) else {
		return false;
	};
	let same = Roots {
		class: lead.class,
		output: lead.output,
		..replica
	};
	let differ = lead.class != replica.class && lead.output != replica.output;
	lead == same && differ && stage.comparison.is_none()
}

/// Whether two tell the same. The class does not count: in which one rows were computed does not matter where they are
/// the same.
pub fn agree(one: &Roots, other: &Roots) -> bool {
	let class = one.class;
	*one == Roots { class, ..*other }
}

/// Whether a third worker has to execute the stage: there is something to confirm, the replica does
/// not confirm it, and no dispute has decided.
pub fn needs_tiebreak(stage: &StageShowings) -> bool {
	let confirmed = stage.pair().is_some();
	// Who would hand a third worker what it kept from two checkers could choose who checks it.
	let starved = stage.replica == Some(Showing::Starved);
	let open = stage.lead.roots().is_some() && !confirmed && !starved;
	open && !stage.unchecked && stage.dispute.is_none()
}

/// Whether the word of the replica stands against that of the lead, so that a third worker has to say which of them is
/// right, not only whether the lead is.
pub fn is_contested(stage: &StageShowings) -> bool {
	let replica = stage.replica.and_then(Showing::roots);
	let both = stage.lead.roots().zip(replica);
	both.is_some_and(|(lead, other)| !agree(&lead, &other))
}

/// Judges the workers of a stage.
pub fn judge_stage(stage: &StageShowings) -> StageVerdicts {
	if let Some(Standing::Over(outcome)) = stage.dispute {
		return disputed(outcome, stage.lead == Showing::Contradicted);
	}
	let agreed = stage.agreed();
	let judge = |part, showing| judge_worker(showing, agreed, part);
	let lead = match (stage.unchecked, stage.lead, stage.replica) {
		(true, Showing::Opened(_), _) => Verdict::Unchecked,
		(_, Showing::Opened(_), Some(Showing::Starved)) => Verdict::WorkerFault,
		_ => judge(Part::Lead, stage.lead),
	};
	StageVerdicts {
		lead,
		replica: stage.replica.map(|replica| judge(Part::Replica, replica)),
		tiebreak: stage.tiebreak.map(|third| judge(Part::Tiebreak, third)),
	}
}

/// The verdicts after a dispute: of two that sent other rows after the same work one is right. A lead whose
/// signature contradicts what it told is convicted all the same.
fn disputed(outcome: dispute::Outcome, contradicted: bool) -> StageVerdicts {
	let (lead, replica) = match outcome {
		dispute::Outcome::Convicted => (Verdict::Cheat, Verdict::Pass),
		dispute::Outcome::Dismissed if contradicted => (Verdict::Cheat, Verdict::Cheat),
		dispute::Outcome::Dismissed => (Verdict::Pass, Verdict::Cheat),
	};
	StageVerdicts {
		lead,
		replica: Some(replica),
		tiebreak: None,
	}
}

fn judge_worker(showing: Showing, agreed: Option<[Roots; 2]>, part: Part) -> Verdict {
	match (showing, agreed) {
		(Showing::Copied | Showing::Foreign | Showing::Contradicted, _) => Verdict::Cheat,
		(Showing::Starved, _) => Verdict::Indeterminate,
		(Showing::Silent, _) if part == Part::Lead => Verdict::WorkerFault,
		(Showing::Silent, _) => Verdict::VerifierFault,
		(Showing::Opened(_), None) => Verdict::Indeterminate,
		(Showing::Opened(told), Some(two)) if two.iter().any(|one| agree(one, &told)) => {
			Verdict::Pass
		}
		(Showing::Opened(told), Some(two)) => judge_outvoted(&told, &two),
	}
}

/// Whether who was outvoted is convicted; see the head of the file for its excuses.
fn judge_outvoted(told: &Roots, agreed: &[Roots; 2]) -> Verdict {
	let same_work = |one: &Roots| told.class == one.class && told.input == one.input;
	// One of the two may have named a class that is not its own.
	if agreed.iter().all(same_work) {
		Verdict::Cheat
	} else {
		Verdict::Indeterminate
	}
}

/// The verdicts on the leads of a job that was over before every one of them had committed, from what they said,
/// in the order of the ring.
///
/// Where the job is `excused` and no lead has seen a row, nobody is to blame: its user, who is the entry, may never
/// have entered the ring, or nobody holds the adapter that it names.
pub fn judge_unserved(words: &[Word], own_entry: bool, excused: bool) -> Vec<Verdict> {
	let pardoned = excused && !stall::ran(words);
	let verdict = |blamed| match blamed && !pardoned {
		true => Verdict::WorkerFault,
		false => Verdict::Indeterminate,
	};
	let blamed = stall::blamed(words, own_entry);
	blamed.into_iter().map(verdict).collect()
}

/// What becomes of the money of such a job: where the user is the entry, and no lead has seen a row, it counts as not
/// having come.
pub fn refund_unserved(words: &[Word], own_entry: bool) -> Refund {
	match own_entry && !stall::ran(words) {
		true => Refund::NoShow,
		false => Refund::Unserved,
	}
}

/// The verdict on a lead, with the roots that it opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeadFinding {
	/// The verdict.
	pub verdict: Verdict,
	/// What it opened.
	pub roots: Option<Roots>,
}

/// What becomes of the job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
	/// Every lead passed, or went unchecked, and the links between them hold.
	Served {
		/// Rows that passed.
		rows: u32,
		/// Digest of the sampled tokens; zero where the user was the entry.
		result: Digest,
	},
	/// The user is refunded.
	Failed(Refund),
}

/// The outcome of a job from its leads, in the order of the ring.
///
/// A conviction outweighs a missed deadline, and that outweighs what could not be proved.
pub fn outcome(leads: &[LeadFinding], own_entry: bool, rows_ceiling: u32) -> Outcome {
	let any = |verdict| leads.iter().any(|lead| lead.verdict == verdict);
	if any(Verdict::Cheat) {
		return Outcome::Failed(Refund::Cheated);
	}
	if any(Verdict::WorkerFault) {
		return Outcome::Failed(Refund::Unserved);
	}
	match served(leads, own_entry, rows_ceiling) {
		Some((rows, result)) => Outcome::Served { rows, result },
		None => Outcome::Failed(Refund::Indeterminate),
	}
}

/// Rows and result, where every lead passed or went unchecked, and both ends of every link saw the same rows.
fn served(leads: &[LeadFinding], own_entry: bool, rows_ceiling: u32) -> Option<(u32, Digest)> {
	let mut ring = leads.iter().map(passed_roots);
	let first = ring.next()??;
	let mut last = first;
	for next in ring {
		let next = next?;
		if last.output != next.input || last.rows != next.rows {
			return None;
		}
		last = next;
	}
	let rows_ok = first.rows > 0 && first.rows <= rows_ceiling;
	if own_entry {
		return rows_ok.then_some((first.rows, Digest::zero()));
	}
	(rows_ok && last.output == first.input).then_some((first.rows, first.result))
}

fn passed_roots(lead: &LeadFinding) -> Option<Roots> {
	lead.roots
		.filter(|_| matches!(lead.verdict, Verdict::Pass | Verdict::Unchecked))
}
