//! Silence in every phase: who misses a deadline, and whether it can be worth it; and what nobody can decide.

use super::roots;
use crate::{
	court::{due, opened, Ruling},
	money::{Role, Sampling, Tally},
	report::{Kind, Line},
	simulation::collusion::{summoned, SHARES},
};
use dllm_primitives::{
	commitment::Roots,
	dispute::{Outcome, Standing},
	hop::{Contradiction, End, Hop},
	ids::Digest,
	judge::{is_disputable, judge_stage, judge_unserved, showing, Exhibit, Showing, StageShowings},
	stall::{self, Word},
	verdict::Verdict,
};
use sp_core::{ed25519, Pair, H512};

const SILENT: Showing = Showing::Silent;

/// A cheat that waits for a check before it is silent.
const UNOPENED: &str = "silence: a lead cheats, and opens nothing once it is checked";

/// A cheat whose checkers get no rows, neither from itself nor from the other end of the hop: the user of a
/// sealed job, or a friend that leads the stage before.
const STARVED: &str = "silence: a lead cheats, and its checkers get no rows";

/// The same with a friend beside the only honest holder, of equal bonds: one that is summoned shows its lot first. After
/// an honest checker that got nothing somebody from outside the stage is drawn.
const ONE_HONEST: &str =
	"silence: a lead cheats, and starves the only honest holder beside a friend: an outsider is drawn after it";

/// The same where that one may be a friend, too.
const TWO_DRAWS: &str =
	"silence: a lead cheats, and starves its checkers until a friend is drawn, α = 1/2 of the bonds, and of the outsiders";

/// How often both who checks and who is drawn after it are honest, where friends have half of the bonds, and are this
/// share of the workers outside the stage.
fn two_draws(least: Sampling, friends_outside: f64) -> f64 {
	let (friend, honest) = summoned(SHARES[1], least);
	honest * (1.0 - friend) * (1.0 - friends_outside)
}

/// A cheat that nobody could be compared with, were there more than one class of exact models.
pub const OTHER_CLASS: &str = "a lead cheats, and names another numerics class";

/// A cheat whose checker computes with rows that it never told: a friend upstream, or the user of a sealed job,
/// signs for them with it.
pub const OTHER_ROWS: &str = "a lead cheats, and hands its checkers other rows than it tells";

pub fn lines(sampling: Sampling) -> Vec<Line> {
	let least = sampling.share();
	let told = |byte| {
		let (class, weights) = (Digest::repeat_byte(1), Digest::repeat_byte(2));
		Showing::Opened(roots(class, weights, Digest::repeat_byte(byte)))
	};
	let (truth, lie) = (told(7), told(8));
	let checked = |lead, checker| StageShowings {
		lead,
		replica: Some(checker),
		tiebreak: None,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	let unchecked = StageShowings {
		replica: None,
		unchecked: true,
		..checked(SILENT, SILENT)
	};
	let confirmed = StageShowings {
		tiebreak: Some(truth),
		..checked(truth, SILENT)
	};
	let silent_third = StageShowings {
		tiebreak: Some(SILENT),
		..checked(truth, lie)
	};
	// Two checkers, drawn one after the other, say that they got nothing.
	let starved = checked(lie, Showing::Starved);
	let other = roots(
		Digest::repeat_byte(4),
		Digest::repeat_byte(2),
		Digest::repeat_byte(8),
	);
	let honest = |byte| {
		let (class, weights) = (Digest::repeat_byte(1), Digest::repeat_byte(2));
		opened(
			roots(class, weights, Digest::repeat_byte(byte)),
			weights,
			false,
		)
	};
	let mut other_class = checked(opened(other, other.weights, false), honest(7));
	match is_disputable(&other_class) {
		true => other_class.dispute = Some(Standing::Over(Outcome::Convicted)),
		false => other_class.tiebreak = Some(honest(7)),
	}
	let disputed = |lead, checker, outcome| StageShowings {
		dispute: Some(Standing::Over(outcome)),
		..checked(lead, checker)
	};
	let abandoned = disputed(lie, truth, Outcome::Convicted);
	let dropped = disputed(truth, lie, Outcome::Dismissed);
	let lead = |attack: &str, stage: &StageShowings, checked| {
		let mut tally = Tally::new(Role::Lead);
		tally.lead(&Ruling::of(stage));
		tally.line(attack, Kind::Simulation, checked)
	};
	let checker = |attack: &str, stage: &StageShowings| {
		let mut tally = Tally::new(Role::Checker);
		tally.checker(&Ruling::of(stage));
		tally.line(attack, Kind::Simulation, 1.0)
	};
	let third = judge_stage(&silent_third);
	let found = third.tiebreak.unwrap_or(Verdict::Indeterminate);
	vec![
		unserved(
			"silence: a lead never commits",
			[Word::Committed, Word::Silent, Word::Committed],
		),
		kept(
			"silence: a lead keeps the rows of its stage, and tells nothing",
			Word::Silent,
		),
		kept(
			"silence: a lead keeps the rows of its stage, and tells so",
			rows(5, 3),
		),
		kept(
			"silence: a lead keeps the rows of its stage, and tells that it passed them on: the next one shares the blame",
			rows(5, 5),
		),
		lead("silence: a lead opens nothing, unchecked", &unchecked, 1.0),
		withheld(UNOPENED, &checked(SILENT, truth), least),
		withheld(STARVED, &starved, least),
		withheld(ONE_HONEST, &starved, two_draws(sampling, 0.0)),
		withheld(TWO_DRAWS, &starved, two_draws(sampling, 0.5)),
		lead(OTHER_CLASS, &other_class, least),
		lead(
			OTHER_ROWS,
			&checked(signed_for_others(other), honest(7)),
			least,
		),
		checker(
			"silence: a checker never commits, or opens nothing",
			&confirmed,
		),
		lead("silence: a lead abandons its dispute", &abandoned, least),
		checker("silence: a challenger abandons its dispute", &dropped),
		line(
			"silence: a third worker tells nothing",
			Role::Checker,
			1.0,
			found,
			Some(third.lead),
		),
	]
}

/// What a lead shows that told `roots`, and whose checker holds its signature for other rows received.
fn signed_for_others(roots: Roots) -> Showing {
	let key = ed25519::Pair::from_seed(&[7; 32]);
	let peer = [&[0, 36, 8, 1, 18, 32], &key.public().0[..]].concat();
	let hop = Hop {
		job: 1,
		run: Digest::repeat_byte(5),
		boundary: 0,
		rows: roots.rows,
		root: Digest::repeat_byte(6),
	};
	let claim = Contradiction {
		end: End::Receiver,
		rows: hop.rows,
		root: hop.root,
		signature: H512(key.sign(&hop.message(End::Receiver)).0),
	};
	let exhibit = Exhibit {
		worker: &0u64,
		commitment: None,
		roots: Some(roots),
		contradicted: claim.convicts((hop.job, hop.run, hop.boundary), &roots, &peer),
	};
	showing(&exhibit, &[exhibit], due(roots.weights, false))
}

/// The verdict is that of lateness; the forfeit comes from the bond.
fn withheld(attack: &str, stage: &StageShowings, least: f64) -> Line {
	let mut tally = Tally::new(Role::Lead);
	tally.withheld(judge_stage(stage).lead);
	tally.line(attack, Kind::Simulation, least)
}

/// What a lead tells to which so many rows came, and which sent so many.
fn rows(received: u32, sent: u32) -> Word {
	Word::Told(stall::Tally {
		received: Some(received),
		sent: Some(sent),
		lost_next: false,
	})
}

/// The lead of the first segment got five rows and passed three on, and the others tell so. It says this.
fn kept(attack: &str, word: Word) -> Line {
	unserved(attack, [rows(3, 5), word, rows(3, 3)])
}

/// A public job of three stages ended before all leads had committed; that of the first segment attacks.
fn unserved(attack: &str, words: [Word; 3]) -> Line {
	let mut verdicts = judge_unserved(&words, false, false);
	let found = verdicts.remove(1);
	line(attack, Role::Lead, 1.0, found, verdicts)
}

fn line(
	attack: &str,
	role: Role,
	checked: f64,
	found: Verdict,
	honest: impl IntoIterator<Item = Verdict>,
) -> Line {
	let mut tally = Tally::new(role);
	tally.note(found, honest);
	tally.line(attack, Kind::Simulation, checked)
}
