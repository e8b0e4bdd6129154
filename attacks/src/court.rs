//! A stage on trial: lead and checker open, argue where they can, and are judged by the chain's functions.

use crate::{
	dice::Dice,
	engine::accusations::accusation,
	scene::{Job, Work, SEGMENT},
};
use anyhow::{Context, Result};
use dllm_primitives::{
	commitment::Roots,
	dispute::{
		players::{defend, Challenger},
		Game, Move, Outcome, Record, Side, Standing, State, Subject,
	},
	ids::Digest,
	judge::{
		is_disputable, judge_stage, needs_tiebreak, showing, Due, Exhibit, Showing, StageShowings,
	},
	slash::Ground,
	trace::{Layer, Shape},
	verdict::{Part, Verdict},
};

/// Refused moves after which a reckless accuser has no time left.
const REFUSALS: u32 = 4;

/// What a stage is judged by.
#[derive(Clone, Debug)]
pub struct Case {
	/// The job.
	pub job: Job,
	/// The shape that its model registered.
	pub shape: Shape,
	/// The layers that its model registered.
	pub layers: Vec<Layer>,
	/// Digest of the shards in the catalogue.
	pub weights: Digest,
	/// What honest work tells.
	pub truth: Roots,
}

/// How a side of a dispute plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manners {
	/// As an honest one would, with what it has.
	Smooth,
	/// Says nothing from its move of that number on.
	Silent(usize),
	/// Names another key of the rows.
	OtherKey,
	/// Damages its message of that number, then says nothing.
	Damaged(usize),
	/// A challenger that accuses at random, with the defender's true values or damaged ones.
	Reckless,
}

/// A side.
pub struct Party<'a> {
	/// What it has.
	pub work: &'a mut Work,
	/// How it plays.
	pub manners: Manners,
}

impl<'a> Party<'a> {
	/// One that plays as an honest one would.
	pub fn smooth(work: &'a mut Work) -> Self {
		let manners = Manners::Smooth;
		Self { work, manners }
	}
}

/// What is found of a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finding {
	/// The verdict.
	pub verdict: Verdict,
	/// On what it rests, where it is a conviction.
	pub ground: Ground,
}

impl Finding {
	/// A verdict for which nobody's vote is needed.
	pub fn proved(verdict: Verdict) -> Self {
		let ground = Ground::Proof;
		Self { verdict, ground }
	}
}

/// What is found of the workers of a stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ruling {
	/// Of the lead.
	pub lead: Finding,
	/// Of the checker.
	pub checker: Finding,
	/// Of the third worker, where there was one.
	pub third: Option<Finding>,
}

impl Ruling {
	/// As the chain judges what the workers of a stage have shown.
	pub fn of(stage: &StageShowings) -> Self {
		let verdicts = judge_stage(stage);
		let checker = verdicts.replica.unwrap_or(Verdict::Indeterminate);
		let finding = |part, verdict| Finding {
			verdict,
			ground: stage.ground(part),
		};
		Self {
			lead: finding(Part::Lead, verdicts.lead),
			checker: finding(Part::Replica, checker),
			third: verdicts
				.tiebreak
				.map(|third| finding(Part::Tiebreak, third)),
		}
	}
}

impl Case {
	/// Judges a stage whose lead and checker have opened what they tell.
	pub fn judge(&self, lead: Party, checker: Party, dice: &mut Dice) -> Result<Ruling> {
		let mut stage = StageShowings {
			lead: opened(lead.work.roots, self.weights, false),
			replica: Some(opened(checker.work.roots, self.weights, false)),
			tiebreak: None,
			unchecked: false,
			dispute: None,
			comparison: None,
		};
		if is_disputable(&stage) {
			let outcome = self.argue(lead, checker, dice)?;
			stage.dispute = Some(Standing::Over(outcome));
		}
		let truth = due(self.weights, false).compared(self.truth);
		Ok(decide(stage, truth))
	}

	/// The dispute between the two.
	fn argue(&self, lead: Party, checker: Party, dice: &mut Dice) -> Result<Outcome> {
		let roots = lead.work.roots;
		let subject = Subject {
			job: self.job.id,
			stage: SEGMENT,
			worker: Subject::worker(&self.job.lead),
			shape: self.shape,
			layers: self.layers.clone(),
			rows: roots.rows,
			input: roots.input,
			output: roots.output,
		};
		let game = Game::new(&subject).map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
		let mut record = Record {
			subject: subject.clone(),
			game,
			shown: Vec::new(),
		};
		let mut defender = Defender {
			party: lead,
			said: 0,
		};
		let mut challenger = Accuser::new(&subject, checker)?;
		let mut refused = 0;
		let mut heard = None;
		loop {
			if let Some(outcome) = record.game.outcome() {
				return Ok(outcome);
			}
			let before = record.game.state;
			let defends = record.game.turn() == Some(Side::Defender);
			let made = match defends {
				true => defender.next(&subject, &record.game, dice),
				false => challenger.next(&subject, &record.game, heard.as_ref(), dice),
			};
			let Some(made) = made else {
				return Ok(record.game.silence());
			};
			match record.play(made.clone()) {
				Ok(_) if defends => heard = Some((before, made)),
				Ok(_) => {}
				Err(_) if !defends && challenger.is_reckless() && refused < REFUSALS => {
					refused += 1;
				}
				Err(_) => return Ok(record.game.silence()),
			}
		}
	}
}

/// What is due in a stage of an exact model that executes `shards`; only the `entry` gives a reply.
pub fn due(shards: Digest, entry: bool) -> Due {
	Due {
		shards,
		entry,
		exact: true,
	}
}

/// What an opening amounts to in such a stage.
pub fn opened(roots: Roots, shards: Digest, entry: bool) -> Showing {
	let exhibit = Exhibit {
		worker: &0u64,
		commitment: None,
		roots: Some(roots),
		contradicted: false,
	};
	showing(&exhibit, &[exhibit], due(shards, entry))
}

/// The judgement once nobody can argue any more; where nothing is decided, a third worker tells `third`, which is the
/// truth where it is honest.
pub fn decide(mut stage: StageShowings, third: Roots) -> Ruling {
	if needs_tiebreak(&stage) {
		stage.tiebreak = Some(Showing::Opened(third));
	}
	Ruling::of(&stage)
}

/// The lead in a dispute.
struct Defender<'a> {
	party: Party<'a>,
	said: usize,
}

impl Defender<'_> {
	fn next(&mut self, subject: &Subject, game: &Game, dice: &mut Dice) -> Option<Move> {
		let said = self.said;
		self.said += 1;
		let Work { rows, trace, .. } = &mut *self.party.work;
		let mut made = defend(subject, game, rows, trace.as_mut()?)?;
		match (self.party.manners, &mut made) {
			(Manners::Silent(from), _) if said >= from => return None,
			(Manners::Damaged(at), _) if said > at => return None,
			(Manners::Damaged(at), made) if said == at => damage(made, dice),
			(Manners::OtherKey, Move::Trace { job_key, .. }) => job_key[0] ^= 1,
			_ => {}
		}
		Some(made)
	}
}

/// Changes one digest or byte.
fn damage(made: &mut Move, dice: &mut Dice) {
	match made {
		Move::Trace { nodes, .. } | Move::Nodes(nodes) => {
			let at = dice.place(nodes.len());
			nodes[at] = dice.digest();
		}
		Move::Step(bytes) => {
			let at = dice.place(bytes.len());
			bytes[at] ^= 1 << dice.below(8);
		}
		Move::Rows(rows) => rows.clear(),
		_ => {}
	}
}

/// The checker in a dispute.
enum Accuser<'a> {
	Computing {
		challenger: Challenger<'a, dllm_primitives::trace::Held>,
		silent_from: Option<usize>,
		said: usize,
	},
	Reckless(&'a mut Work),
	Mute,
}

impl<'a> Accuser<'a> {
	fn new(subject: &'a Subject, party: Party<'a>) -> Result<Self> {
		let silent_from = match party.manners {
			Manners::Reckless => return Ok(Self::Reckless(party.work)),
			Manners::Silent(from) => Some(from),
			_ => None,
		};
		let Work { rows, trace, .. } = party.work;
		let Some(trace) = trace else {
			return Ok(Self::Mute);
		};
		let challenger = Challenger::new(subject, rows, trace).context("no dispute is possible")?;
		Ok(Self::Computing {
			challenger,
			silent_from,
			said: 0,
		})
	}

	fn is_reckless(&self) -> bool {
		matches!(self, Self::Reckless(_))
	}

	fn next(
		&mut self,
		subject: &Subject,
		game: &Game,
		heard: Option<&(State, Move)>,
		dice: &mut Dice,
	) -> Option<Move> {
		match self {
			Self::Computing {
				challenger,
				silent_from,
				said,
			} => {
				*said += 1;
				let silent = silent_from.is_some_and(|from| *said > from);
				let (before, made) = heard.filter(|_| !silent)?;
				challenger.answer(before, game, made)
			}
			Self::Reckless(work) => {
				let rows = work.rows.clone();
				accusation(subject, game, &rows, work.trace.as_mut()?, dice)
			}
			Self::Mute => None,
		}
	}
}
