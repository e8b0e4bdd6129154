//! Who stopped a ring: from what its leads tell of their hops once a job did not come to its end.
//!
//! Rows go one way, from the entry through every segment and back to it. Who keeps them stops everybody, so that
//! nobody can commit, and a missing commitment says nothing of who is to blame. So each lead that has not committed
//! tells how many rows came over the hop into its stage and how many it sent ([`Tally`]). What one end of a hop says
//! of it the other end says too, or one of them lies, or the network between them is at fault; nobody can tell
//! which, so both are to blame, and nobody else. Who tells nothing is to blame alone.
//!
//! A lead that lies can so put the blame on itself and one neighbour of its choice. It can also make it fall on
//! nobody, if it tells its ring that it lost the next stage, and all of them lose theirs in turn. Tallies say nothing
//! of the last word, that these were all rows: a first segment that keeps it to itself cannot be told from an entry
//! that never gave it, and the entry is to blame. It can do so only once all rows have come round.

use alloc::{vec, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What a lead tells of its hops, over all tries of a job the most that it saw.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Default,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
	/// Rows that came from the stage before; none where that link never stood.
	pub received: Option<u32>,
	/// Rows that it sent to the next stage, or tried to; none where that link never stood.
	pub sent: Option<u32>,
	/// Whether the last try ended because the next stage gave it up, or could not be reached any more.
	pub lost_next: bool,
}

/// What a lead has said when the time of a job was over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
	/// It committed: to it the job came to its end.
	Committed,
	/// It did not, and tells how far it came.
	Told(Tally),
	/// Neither.
	Silent,
}

impl Word {
	/// What a lead said, from whether it committed and what it told.
	pub fn of(committed: bool, tally: Option<Tally>) -> Self {
		match (committed, tally) {
			(true, _) => Self::Committed,
			(false, Some(tally)) => Self::Told(tally),
			(false, None) => Self::Silent,
		}
	}

	fn tally(self) -> Option<Tally> {
		match self {
			Self::Told(tally) => Some(tally),
			Self::Committed | Self::Silent => None,
		}
	}

	/// Whether rows came to it.
	fn ran(self) -> bool {
		let received = self.tally().and_then(|tally| tally.received);
		self == Self::Committed || received.is_some_and(|rows| rows > 0)
	}

	fn lost_next(self) -> bool {
		self.tally().is_some_and(|tally| tally.lost_next)
	}
}

/// Whether any lead saw rows of a job.
pub fn ran(words: &[Word]) -> bool {
	words.iter().any(|word| word.ran())
}

/// Why a job did not come to its end, from what its leads said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
	/// Leads said nothing.
	Silent,
	/// The hop between two stages never stood.
	Unjoined,
	/// A stage lost the next one, which had not lost its own.
	GivenUp,
	/// By its own word a segment did not send all that it received.
	Kept,
	/// The ends of a hop tell other numbers of rows, or only its sender came to the end.
	Lost,
	/// A segment did not commit, though the next one did, and so had its word that this was all.
	Withheld,
	/// A segment did not commit, and the next one alone did: it may have done so without that word.
	Unclosed,
	/// All rows came round, and no more were sent.
	Idle,
	/// Every stage lost the next one: nobody can tell where that began.
	Collapsed,
}

/// What is found, and who is to blame for it: places in the ring of leads, of a hop its sender first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
	/// What went wrong.
	pub fault: Fault,
	/// The leads to blame.
	pub places: Vec<usize>,
}

impl Finding {
	fn new(fault: Fault, places: Vec<usize>) -> Self {
		Self { fault, places }
	}
}

/// Finds why not all leads of a job have committed. `words` are theirs in the order of the ring; with `own_entry` the
/// user is the entry, and the ring of leads is open where it stands.
pub fn find(words: &[Word], own_entry: bool) -> Finding {
	let ring = Ring { words, own_entry };
	ring.silent()
		.or_else(|| ring.unjoined())
		.or_else(|| ring.given_up())
		.or_else(|| ring.lost_rows())
		.unwrap_or_else(|| ring.idle())
}

/// Who is to blame for that, lead by lead.
pub fn blamed(words: &[Word], own_entry: bool) -> Vec<bool> {
	let found = find(words, own_entry);
	let is_blamed = |place| found.places.contains(&place);
	(0..words.len()).map(is_blamed).collect()
}

/// The leads of a job by their place in the ring.
struct Ring<'a> {
	words: &'a [Word],
	own_entry: bool,
}

impl Ring<'_> {
	fn silent(&self) -> Option<Finding> {
		let silent = self.places(Word::Silent);
		(!silent.is_empty()).then(|| Finding::new(Fault::Silent, silent))
	}

	/// The first hop that never stood: each stage joins the next one, so none after it can stand.
	fn unjoined(&self) -> Option<Finding> {
		self.hops().find_map(|(from, to)| {
			let sent = self.words[from].tally().map(|tally| tally.sent);
			let received = self.words[to].tally().map(|tally| tally.received);
			let unjoined = sent == Some(None) || received == Some(None);
			unjoined.then(|| Finding::new(Fault::Unjoined, vec![from, to]))
		})
	}

	/// Where the first stage lost the next one: the last hop up to which each stage lost its next one because that
	/// had lost its own.
	fn given_up(&self) -> Option<Finding> {
		let gave_up = |place: usize| self.words.get(place).is_some_and(|word| word.lost_next());
		if !gave_up(0) {
			return None;
		}
		let end = self.hops().find(|(_, to)| !gave_up(*to));
		Some(match end {
			Some((from, to)) => Finding::new(Fault::GivenUp, vec![from, to]),
			None => Finding::new(Fault::Collapsed, Vec::new()),
		})
	}

	/// Where the last rows were lost. Earlier losses follow from it: who cannot pass rows on takes none.
	fn lost_rows(&self) -> Option<Finding> {
		let stages = (0..self.words.len()).flat_map(|place| {
			let hop = self.hops().find(|(from, _)| *from == place);
			let kept = self.kept(place);
			let lost = hop.and_then(|(from, to)| self.lost_between(from, to));
			[kept, lost].into_iter().flatten()
		});
		stages.last()
	}

	/// A segment that tells other numbers of its two hops.
	fn kept(&self, place: usize) -> Option<Finding> {
		let tally = self.words[place].tally()?;
		let is_entry = place == 0 && !self.own_entry;
		let kept = !is_entry && tally.received != tally.sent;
		kept.then(|| Finding::new(Fault::Kept, vec![place]))
	}

	/// Whoever is to blame for the hop between two stages.
	fn lost_between(&self, from: usize, to: usize) -> Option<Finding> {
		let both = |fault| Some(Finding::new(fault, vec![from, to]));
		match (self.words[from], self.words[to]) {
			(Word::Told(one), Word::Told(other)) if one.sent != other.received => both(Fault::Lost),
			(Word::Committed, Word::Told(_)) => both(Fault::Lost),
			// An entry gives its word that this was all before it has that of the last segment.
			(Word::Told(_), Word::Committed) if from > 0 || self.own_entry => {
				match self.places(Word::Committed).len() {
					1 => both(Fault::Unclosed),
					_ => Some(Finding::new(Fault::Withheld, vec![from])),
				}
			}
			_ => None,
		}
	}

	/// Where all rows came round the entry is to blame; a user nobody can.
	fn idle(&self) -> Finding {
		let entry = match self.own_entry {
			true => Vec::new(),
			false => vec![0],
		};
		Finding::new(Fault::Idle, entry)
	}

	/// The hops between leads, in the order of the ring.
	fn hops(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
		let stages = self.words.len();
		let ends = match self.own_entry {
			true => stages.saturating_sub(1),
			false => stages,
		};
		(0..ends).map(move |place| (place, (place + 1) % stages))
	}

	/// Who said this.
	fn places(&self, said: Word) -> Vec<usize> {
		let places = self.words.iter().enumerate();
		let places = places.filter(|(_, word)| **word == said);
		places.map(|(place, _)| place).collect()
	}
}
