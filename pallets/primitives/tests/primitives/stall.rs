//! Who stopped a ring: every rule by itself, and how far a lead that lies can carry the blame.

use dllm_primitives::stall::{
	blamed, ran, Tally,
	Word::{self, Committed, Silent, Told},
};

const PUBLIC: bool = false;
/// The user is the entry.
const SEALED: bool = true;

fn said(received: Option<u32>, sent: Option<u32>, lost_next: bool) -> Word {
	Told(Tally {
		received,
		sent,
		lost_next,
	})
}

/// The word of a lead whose links stood to the end.
fn told(received: u32, sent: u32) -> Word {
	said(Some(received), Some(sent), false)
}

/// The word of a lead that lost the next stage.
fn lost(received: u32, sent: u32) -> Word {
	said(Some(received), Some(sent), true)
}

/// The places that are to blame.
fn places(words: &[Word], own_entry: bool) -> Vec<usize> {
	let blamed = blamed(words, own_entry);
	assert_eq!(blamed.len(), words.len());
	(0..words.len()).filter(|place| blamed[*place]).collect()
}

#[test]
fn who_is_silent_is_to_blame_and_nobody_else() {
	assert_eq!(places(&[told(3, 5), Silent, told(3, 3)], PUBLIC), [1]);
	assert_eq!(places(&[Silent, Committed, Silent], PUBLIC), [0, 2]);
	assert_eq!(places(&[Silent, Silent], SEALED), [0, 1]);
	// Whatever the others say of their hops.
	let unjoined = said(Some(5), None, true);
	assert_eq!(places(&[unjoined, told(5, 3), Silent], PUBLIC), [2]);
}

#[test]
fn both_ends_of_a_hop_that_never_stood_are_to_blame() {
	let never = said(None, None, false);
	// The third stage cannot join the last one, nor that one the entry.
	let stood = [said(None, Some(0), false), said(Some(0), None, false)];
	assert_eq!(places(&[stood[0], stood[1], never, never], PUBLIC), [1, 2]);
	// Either end may say so, against the other.
	let of_sender = [told(5, 5), said(Some(5), None, false), told(5, 5)];
	assert_eq!(places(&of_sender, PUBLIC), [1, 2]);
	let of_receiver = [told(5, 5), told(5, 5), said(None, Some(5), false)];
	assert_eq!(places(&of_receiver, PUBLIC), [1, 2]);
	// The ring closes where the chain knows the entry.
	let of_entry = [said(None, Some(5), false), told(5, 5), told(5, 5)];
	assert_eq!(places(&of_entry, PUBLIC), [0, 2]);
}

#[test]
fn of_hops_that_never_stood_the_first_counts_and_before_all_that_is_told_of_rows() {
	let never = said(None, None, true);
	assert_eq!(places(&[lost(9, 5), never, never], SEALED), [0, 1]);
	assert_eq!(
		places(&[lost(9, 5), lost(3, 1), told(1, 0), never], SEALED),
		[2, 3]
	);
}

#[test]
fn both_ends_of_the_hop_where_a_stage_was_given_up_first_are_to_blame() {
	for own_entry in [PUBLIC, SEALED] {
		let words = [lost(5, 5), lost(5, 5), told(5, 5), told(5, 5)];
		assert_eq!(places(&words, own_entry), [1, 2]);
		// Rows that were lost beside it follow from it.
		let words = [lost(3, 5), lost(5, 5), told(5, 3), told(3, 3)];
		assert_eq!(places(&words, own_entry), [1, 2]);
	}
	// Where the entry left, all others lost their next stage, and it did not.
	let left = [told(5, 5), lost(5, 5), lost(5, 5)];
	assert_eq!(places(&left, PUBLIC), [0]);
}

#[test]
fn where_all_lost_their_next_stage_nobody_is_to_blame() {
	let words = [lost(3, 5), lost(5, 3), lost(3, 3)];
	for own_entry in [PUBLIC, SEALED] {
		assert!(places(&words, own_entry).is_empty());
	}
}

#[test]
fn both_ends_of_the_last_hop_that_lost_rows_are_to_blame() {
	let once = [told(3, 5), told(5, 5), told(3, 3), told(3, 3)];
	assert_eq!(places(&once, PUBLIC), [1, 2]);
	let twice = [told(3, 5), told(4, 4), told(4, 4), told(3, 3)];
	assert_eq!(places(&twice, PUBLIC), [2, 3]);
	let closing = [told(3, 5), told(4, 4), told(4, 4)];
	assert_eq!(places(&closing, PUBLIC), [0, 2]);
	// With a user as the entry there is no such hop.
	let open = [told(5, 5), told(4, 4), told(4, 4)];
	assert_eq!(places(&open, SEALED), [0, 1]);
}

#[test]
fn a_segment_that_kept_rows_by_its_own_word_is_to_blame_alone() {
	let words = [told(3, 5), told(5, 3), told(3, 3)];
	assert_eq!(places(&words, PUBLIC), [1]);
	// Later than the hop by which it was lied to, earlier than that by which it lied.
	assert_eq!(places(&[told(3, 5), told(4, 3), told(3, 3)], PUBLIC), [1]);
	assert_eq!(
		places(&[told(3, 5), told(5, 4), told(3, 3)], PUBLIC),
		[1, 2]
	);
	// An entry may still wait for rows; the first segment after a user may not.
	assert_eq!(places(&[told(5, 3), told(3, 3)], SEALED), [0]);
	assert_eq!(places(&[told(3, 3), told(3, 2)], SEALED), [1]);
}

#[test]
fn who_committed_and_the_stage_after_it_that_did_not_are_to_blame() {
	let words = [Committed, Committed, told(5, 5), told(5, 5)];
	assert_eq!(places(&words, SEALED), [1, 2]);
	let closing = [told(5, 5), Committed, Committed];
	assert_eq!(places(&closing, PUBLIC), [0, 2]);
}

#[test]
fn a_stage_that_did_not_commit_though_the_next_one_did_is_to_blame_alone() {
	let words = [Committed, told(5, 5), Committed];
	for own_entry in [PUBLIC, SEALED] {
		assert_eq!(places(&words, own_entry), [1]);
	}
	assert_eq!(places(&[Committed, Committed, told(5, 5)], PUBLIC), [2]);
	assert_eq!(places(&[told(5, 5), Committed, Committed], SEALED), [0]);
}

/// Else who withholds rows could commit to anything, and leave the blame to the stage before it.
#[test]
fn who_alone_committed_is_believed_no_more_than_the_stage_before_it() {
	let last = [told(5, 5), told(5, 5), Committed];
	assert_eq!(places(&last, SEALED), [1, 2]);
	let entry = [Committed, told(5, 5), told(5, 5)];
	assert_eq!(places(&entry, PUBLIC), [0, 2]);
}

/// It gives the word that this was all before it gets that of the last segment.
#[test]
fn an_entry_that_waits_for_the_last_word_is_not_to_blame_for_a_hop_that_breaks_later() {
	let words = [told(5, 5), Committed, Committed, told(5, 5)];
	assert_eq!(places(&words, PUBLIC), [2, 3]);
	let alone = [told(5, 5), Committed, told(5, 5), told(5, 5)];
	assert_eq!(places(&alone, PUBLIC), [1, 2]);
}

#[test]
fn where_all_rows_came_round_the_entry_is_to_blame_and_a_user_cannot_be() {
	let words = [told(5, 5); 3];
	assert_eq!(places(&words, PUBLIC), [0]);
	assert!(places(&words, SEALED).is_empty());
	assert!(places(&[told(0, 0)], SEALED).is_empty());
}

#[test]
fn a_job_ran_where_rows_came_to_somebody() {
	assert!(!ran(&[]));
	assert!(!ran(&[Silent, told(0, 0), said(None, Some(0), true)]));
	// An entry sends rows without having got any.
	assert!(!ran(&[said(None, Some(5), false), Silent]));
	assert!(ran(&[Silent, told(1, 0)]));
	assert!(ran(&[Silent, Committed]));
}

/// A ring in which one lead stops the others.
#[derive(Clone, Copy, Debug)]
struct Stall {
	leads: usize,
	own_entry: bool,
	/// Place of the one that does it.
	culprit: usize,
	/// Rows that came to it.
	came: u32,
	/// Rows that it passed on. An entry passes on all, and sends no more.
	passed: u32,
	/// Whether it leaves, so that every stage before it loses the next one.
	left: bool,
}

impl Stall {
	/// Rings of two to five leads, with the culprit at every place.
	fn all() -> Vec<Self> {
		let rows = [(5, 3), (5, 0), (2, 1), (1, 0)];
		let rows = rows.into_iter().flat_map(|(came, passed)| {
			[false, true].map(|left| Self {
				leads: 0,
				own_entry: PUBLIC,
				culprit: 0,
				came,
				passed,
				left,
			})
		});
		let rings = rows.flat_map(|stall| {
			[PUBLIC, SEALED].into_iter().flat_map(move |own_entry| {
				(2..=5).map(move |leads| Self {
					leads,
					own_entry,
					..stall
				})
			})
		});
		let stalls = rings.flat_map(|ring| {
			(0..ring.leads).map(move |culprit| {
				let stall = Self { culprit, ..ring };
				match stall.is_entry(culprit) {
					true => Self {
						passed: stall.came,
						..stall
					},
					false => stall,
				}
			})
		});
		stalls.collect()
	}

	fn is_entry(&self, place: usize) -> bool {
		place == 0 && !self.own_entry
	}

	/// What an honest lead tells: all rows came and went up to the culprit, and those that it passed on after it. What
	/// comes back to an entry is what came round.
	fn honest(&self, place: usize) -> Word {
		let before = place < self.culprit || self.is_entry(self.culprit);
		let sent = if before { self.came } else { self.passed };
		let received = match self.is_entry(place) {
			true => self.passed,
			false => sent,
		};
		said(Some(received), Some(sent), before && self.left)
	}

	/// What its leads say where the culprit says this.
	fn words(&self, of_culprit: Word) -> Vec<Word> {
		let mut words = (0..self.leads)
			.map(|place| self.honest(place))
			.collect::<Vec<_>>();
		words[self.culprit] = of_culprit;
		words
	}

	/// What the culprit may say.
	fn sayings(&self) -> Vec<Word> {
		let rows = [
			None,
			Some(0),
			Some(self.passed),
			Some(self.came),
			Some(self.came + 1),
		];
		let pairs = rows
			.into_iter()
			.flat_map(|received| rows.map(|sent| (received, sent)));
		let tallies = pairs.flat_map(|(received, sent)| {
			[false, true].map(|lost_next| said(received, sent, lost_next))
		});
		tallies.chain([Committed, Silent]).collect()
	}

	/// Whether a place is that of the culprit or next to it. Beside the last segment and the first one stands the
	/// entry, be it a user.
	fn is_near(&self, place: usize) -> bool {
		let next = |from: usize| match self.own_entry {
			true => from + 1,
			false => (from + 1) % self.leads,
		};
		place == self.culprit || next(place) == self.culprit || next(self.culprit) == place
	}
}

#[test]
fn whatever_a_culprit_says_the_blame_stays_beside_it_and_never_passes_it_by() {
	for stall in Stall::all() {
		for word in stall.sayings() {
			let blamed = places(&stall.words(word), stall.own_entry);
			let near = blamed.iter().all(|place| stall.is_near(*place));
			assert!(near, "{stall:?} {word:?} {blamed:?}");
			let caught = blamed.contains(&stall.culprit);
			assert!(caught || blamed.is_empty(), "{stall:?} {word:?} {blamed:?}");
		}
	}
}

/// One that leaves looks as one that was left, so the stage before it shares the blame.
#[test]
fn a_culprit_that_is_silent_or_stays_and_tells_the_truth_is_to_blame_alone() {
	for stall in Stall::all() {
		let blamed = |word| places(&stall.words(word), stall.own_entry);
		assert_eq!(blamed(Silent), [stall.culprit], "{stall:?}");
		let truth = blamed(told(stall.came, stall.passed));
		match stall.left && !stall.is_entry(stall.culprit) && stall.culprit > 0 {
			true => assert_eq!(truth, [stall.culprit - 1, stall.culprit], "{stall:?}"),
			false => assert_eq!(truth, [stall.culprit], "{stall:?}"),
		}
	}
}

/// Of the hops of a user only one end is known.
#[test]
fn nobody_is_to_blame_only_where_the_culprit_lost_its_next_stage_or_the_user_is_next_to_it() {
	let mut pardoned = 0;
	for stall in Stall::all() {
		for word in stall.sayings() {
			if !places(&stall.words(word), stall.own_entry).is_empty() {
				continue;
			}
			pardoned += 1;
			let says_lost = matches!(word, Told(tally) if tally.lost_next);
			let outer = stall.culprit == 0 || stall.culprit + 1 == stall.leads;
			assert!(
				says_lost || (stall.own_entry && outer),
				"{stall:?} {word:?}"
			);
		}
	}
	assert!(pardoned > 0);
}

/// All rows came round, every lead before the culprit got the word that this was all, and committed; the culprit
/// keeps it to itself. Tallies cannot tell a first segment that does so from an entry that never gave the word.
#[test]
fn who_keeps_the_last_word_is_found_but_for_the_first_segment_after_an_entry() {
	let whole = Stall::all().into_iter().filter(|stall| !stall.left);
	for stall in whole.map(|stall| Stall {
		passed: stall.came,
		..stall
	}) {
		for word in stall.sayings() {
			let mut words = stall.words(word);
			for (place, word) in words.iter_mut().enumerate().take(stall.culprit) {
				if !stall.is_entry(place) {
					*word = Committed;
				}
			}
			let blamed = places(&words, stall.own_entry);
			let near = blamed.iter().all(|place| stall.is_near(*place));
			assert!(near, "{stall:?} {word:?} {blamed:?}");
			let all = Some(stall.came);
			let consistent =
				matches!(word, Told(tally) if tally.received == all && tally.sent == all);
			match !stall.own_entry && stall.culprit == 1 && consistent {
				true => assert_eq!(blamed, [0], "{stall:?} {word:?}"),
				false => assert!(
					blamed.is_empty() || blamed.contains(&stall.culprit),
					"{stall:?} {word:?} {blamed:?}"
				),
			}
		}
	}
}
