//! Who is checked, and by whom: drawn after the leads have committed, from randomness that nobody knew then.
//!
//! A job is checked for sure, in all its stages, while one of its leads is new, where a lead would be owed more
//! unverified pay than its bond answers for, or where the user asked for it. Else each stage has a probability of
//! its own that falls with the rank of its lead, as far as the runtime lets it, and its other holders draw lots
//! ([`crate::summons`]). The seed mixes the randomness of every block since the commitments with the commitments
//! themselves and with what the user asked. The author of the last of these blocks can withhold it, and so choose
//! between two draws at the price of the block; whoever makes all of them, and leads the job too, can choose among as
//! many as it likes. What they choose is who checks a job that is checked for sure; of lots they know nothing.

use crate::ids::{Digest, JobId, StageIndex};
use alloc::vec::Vec;
use codec::Encode;

const SEED: &[u8] = b"dllm/draw/v1";
const BEACON: &[u8] = b"dllm/beacon/v1";
const CHECKER: &[u8] = b"dllm/checker/v1";
const SECOND: &[u8] = b"dllm/second/v1";
const THIRD: &[u8] = b"dllm/third/v1";
const ROWS: &[u8] = b"dllm/rows/v1";

/// Certainty, in parts per million.
pub const WHOLE: u32 = 1_000_000;
/// Stages that a worker has to pass under check before any of its jobs goes unchecked.
pub const PROBATION: u32 = 10;
/// Pay that a worker may be owed, or have received, since it last passed a check: one part in so many of its
/// bond.
pub const UNVERIFIED_PART: u128 = 40;
/// Bytes that a worker is given a block to fetch where it is drawn for a stage that it does not hold: with blocks of
/// three seconds that takes a line of 90 Mbit/s.
pub const FETCH_BYTES: u64 = 32 << 20;
/// Blocks that it is given for that at most, since a job has to end: five minutes, or 3 GiB.
pub const MAX_FETCH_BLOCKS: u32 = 100;

/// What says whether the work of a worker has to be checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Trust {
	/// Stages that it passed.
	pub passed: u32,
	/// Its rank, in parts per million.
	pub rank: u32,
	/// Unverified pay for which its bond still answers, in planck.
	pub room: u128,
}

/// Unverified pay for which a bond still answers, in planck.
pub fn room(bond: u128, unverified: u128) -> u128 {
	(bond / UNVERIFIED_PART).saturating_sub(unverified)
}

/// Probability with which a stage that pays its lead `pay` planck is checked, `least` or more, in parts per
/// million.
pub fn check_ppm(trust: &Trust, pay: u128, least: u32) -> u32 {
	if trust.passed < PROBATION || pay > trust.room {
		return WHOLE;
	}
	WHOLE.saturating_sub(trust.rank).max(least).min(WHOLE)
}

/// What follows a beacon when a block adds its randomness.
pub fn next_beacon(beacon: Digest, randomness: Digest) -> Digest {
	hash(&(BEACON, beacon, randomness))
}

/// Stands for what a user asked.
pub fn asked(request: &impl Encode) -> Digest {
	hash(request)
}

/// The seed of all draws of a job. `asked` stands for what the user asked, `commitments` are those of the
/// leads in the order of the ring.
pub fn seed(beacon: Digest, job: JobId, asked: Digest, commitments: &[Digest]) -> Digest {
	hash(&(SEED, beacon, job, asked, commitments))
}

/// A place among `stakes`, each as likely as its stake; none where there is no stake. `seed` is that of one
/// choice alone.
pub fn choose(seed: Digest, stakes: &[u128]) -> Option<usize> {
	let total = stakes
		.iter()
		.fold(0u128, |sum, stake| sum.saturating_add(*stake));
	let mut left = u128::from_le_bytes(*seed.0.first_chunk()?).checked_rem(total)?;
	stakes.iter().position(|stake| {
		let within = left < *stake;
		left = left.saturating_sub(*stake);
		within
	})
}

/// What counts of the holders of a stage, each an operator and its bond, when its checker is drawn: nothing of
/// those whose operator has another part in the job and so may know the rows that the stage sent without
/// executing it. Where that leaves nobody, every bond counts.
pub fn independent<Operator: PartialEq>(
	holders: &[(Operator, u128)],
	busy: &[Operator],
) -> Vec<u128> {
	let stake = |(operator, bond): &(Operator, u128)| {
		let free = !busy.contains(operator);
		if free {
			*bond
		} else {
			0
		}
	};
	let free = holders.iter().map(stake).collect::<Vec<_>>();
	if free.iter().any(|stake| *stake > 0) {
		return free;
	}
	holders.iter().map(|(_, bond)| *bond).collect()
}

/// A seed of its own for the checker of one stage.
pub fn of_checker(seed: Digest, stage: StageIndex) -> Digest {
	hash(&(CHECKER, seed, stage))
}

/// A seed of its own for who checks one stage after its first checker got no rows. `beacon` is that of the moment:
/// between the draw and then anybody may register, or leave, to move who a seed known before would name.
pub fn of_second(seed: Digest, beacon: Digest, stage: StageIndex) -> Digest {
	hash(&(SECOND, seed, beacon, stage))
}

/// A seed of its own for the third worker of one stage. `beacon` is that of some blocks after lead and checker have
/// told what they found: who knew before whether the third is its friend would lie only then, at no risk.
pub fn of_third(seed: Digest, beacon: Digest, stage: StageIndex) -> Digest {
	hash(&(THIRD, seed, beacon, stage))
}

/// A seed of its own for the rows of one stage that are compared, as late as that of the third worker: who knew them
/// before it committed would compute these alone.
pub fn of_rows(seed: Digest, beacon: Digest, stage: StageIndex) -> Digest {
	hash(&(ROWS, seed, beacon, stage))
}

/// Blocks that a worker has to fetch `memory` bytes of a stage that it does not hold, rounded down: what it can do
/// within a block it does beside the check.
pub fn fetch_blocks(memory: u64) -> u32 {
	let blocks = u32::try_from(memory / FETCH_BYTES);
	blocks.map_or(MAX_FETCH_BLOCKS, |blocks| blocks.min(MAX_FETCH_BLOCKS))
}

fn hash(of: &impl Encode) -> Digest {
	Digest::from(*blake3::hash(&of.encode()).as_bytes())
}
