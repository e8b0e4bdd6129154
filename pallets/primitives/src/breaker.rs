//! The circuit breaker as a pure count: when are verdicts so many, and on so many operators, that a fault of a
//! library or of a model is likelier than cheats?
//!
//! A cheat must not be able to trip it for its own good. So only what costs a bond counts (to be undecided, or
//! late, is free), a job counts once however many workers of it are blamed, and an operator counts once however
//! many keys it has. What has tripped it forgives nothing: governance does, or nobody.

use crate::{
	ids::{Digest, JobId, ModelId},
	slash::Ground,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Parts into which the window of time is divided: it slides by a sixth of itself.
pub const PARTS: usize = 6;
/// Blamed operators that a window names at most; the latest ones stay.
pub const MAX_BLAMED: u32 = 32;
/// Models that a breaker of a class names at most.
pub const MAX_SUSPENDED: u32 = 64;
/// Workers that a pardon leaves out at most.
pub const MAX_GUILTY: u32 = 32;

/// When a breaker trips, and for how long it waits for governance.
#[derive(Encode, Decode, TypeInfo, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
	/// Blocks for which a judged job counts.
	pub window: u32,
	/// Blocks that governance has to decide.
	pub term: u32,
	/// Operators that have to be blamed, each in a job of its own.
	pub operators: u32,
	/// Share of the judged jobs in which somebody has to be blamed, in percent.
	pub share_percent: u32,
}

impl Rules {
	/// Whether the window has parts, one operator alone cannot trip, and the list can hold those that do.
	pub fn are_sound(&self) -> bool {
		self.part() > 0
			&& self.term > 0
			&& (2..=MAX_BLAMED).contains(&self.operators)
			&& (1..=100).contains(&self.share_percent)
	}

	/// Blocks of a part of the window.
	fn part(&self) -> u32 {
		self.window / PARTS as u32
	}

	/// Number of the part of time in which a block lies.
	fn part_of(&self, block: u32) -> u32 {
		block.checked_div(self.part()).unwrap_or(0)
	}
}

/// What has a breaker of its own.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
)]
pub enum Scope {
	/// A model: a fault of its files or constants.
	Model(ModelId),
	/// A numerics class: a fault of a library or a processor. Only workers that were judged by the rows that
	/// they sent count here.
	Class(Digest),
}

/// An operator that was blamed.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Blamed<AccountId> {
	/// Block of the latest verdict.
	pub at: u32,
	/// The operator.
	pub operator: AccountId,
	/// The model of that job.
	pub model: ModelId,
	/// The job.
	pub job: JobId,
}

/// What was judged lately of a scope.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Window<AccountId> {
	/// Number of the newest part of time.
	newest: u32,
	/// Jobs in which somebody passed or was blamed, by part of time, the newest first.
	judged: [u32; PARTS],
	/// Those of them in which somebody was blamed.
	blamed: [u32; PARTS],
	/// The operators that were blamed, each once, the latest last.
	operators: BoundedVec<Blamed<AccountId>, ConstU32<MAX_BLAMED>>,
}

impl<AccountId> Default for Window<AccountId> {
	fn default() -> Self {
		Self {
			newest: 0,
			judged: [0; PARTS],
			blamed: [0; PARTS],
			operators: BoundedVec::new(),
		}
	}
}

impl<AccountId: Clone + PartialEq> Window<AccountId> {
	/// Counts a job that was judged in block `now`, with the operators that it blames: one of them, if possible one
	/// that is not yet named, counts.
	pub fn count(
		&mut self,
		rules: &Rules,
		now: u32,
		job: JobId,
		model: ModelId,
		blames: &[AccountId],
	) {
		self.slide(rules, now);
		self.judged[0] = self.judged[0].saturating_add(1);
		let is_new = |who: &&AccountId| !self.operators.iter().any(|one| one.operator == **who);
		let Some(operator) = blames.iter().find(is_new).or(blames.first()).cloned() else {
			return;
		};
		self.blamed[0] = self.blamed[0].saturating_add(1);
		self.operators.retain(|one| one.operator != operator);
		if self.operators.is_full() {
			self.operators.remove(0);
		}
		let blamed = Blamed {
			at: now,
			operator,
			model,
			job,
		};
		// There is room: the oldest has just made it.
		let _ = self.operators.try_push(blamed);
	}

	/// Forgets what is older than the window.
	pub fn slide(&mut self, rules: &Rules, now: u32) {
		let part = rules.part_of(now);
		let by = part.saturating_sub(self.newest) as usize;
		self.newest = self.newest.max(part);
		for counts in [&mut self.judged, &mut self.blamed] {
			let before = *counts;
			*counts = core::array::from_fn(|at| {
				let older = at.checked_sub(by).and_then(|at| before.get(at));
				older.copied().unwrap_or(0)
			});
		}
		let oldest = self.newest.saturating_sub(PARTS as u32 - 1);
		self.operators.retain(|one| rules.part_of(one.at) >= oldest);
	}

	/// Whether the verdicts are so many, and on so many operators, that a common fault is likelier than cheats.
	pub fn is_correlated(&self, rules: &Rules) -> bool {
		let blamed = u64::from(self.blamed()).saturating_mul(100);
		let share = u64::from(self.judged()).saturating_mul(rules.share_percent.into());
		self.operators.len() >= rules.operators as usize && blamed >= share
	}

	/// Jobs that were judged.
	pub fn judged(&self) -> u32 {
		self.judged.iter().fold(0, |sum, n| sum.saturating_add(*n))
	}

	/// Those of them in which somebody was blamed.
	pub fn blamed(&self) -> u32 {
		self.blamed.iter().fold(0, |sum, n| sum.saturating_add(*n))
	}

	/// The operators that were blamed, each once.
	pub fn operators(&self) -> &[Blamed<AccountId>] {
		&self.operators
	}

	/// The models in which somebody was blamed, each once.
	pub fn models(&self) -> Vec<ModelId> {
		let mut models = self
			.operators
			.iter()
			.map(|one| one.model)
			.collect::<Vec<_>>();
		models.sort_unstable();
		models.dedup();
		models
	}

	/// Whether it says nothing any more.
	pub fn is_empty(&self) -> bool {
		self.judged() == 0
	}

	/// Whether its parts can be true together.
	pub fn is_sound(&self) -> bool {
		let mut parts = self.judged.iter().zip(&self.blamed);
		let mut named = self.operators.iter();
		parts.all(|(judged, blamed)| blamed <= judged)
			&& named.all(|one| {
				let same = self
					.operators
					.iter()
					.filter(|other| other.operator == one.operator);
				same.count() == 1
			}) && self.operators.len() as u64 <= u64::from(self.blamed())
	}
}

/// What governance makes of a breaker that has tripped.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub enum Ruling<AccountId> {
	/// The verdicts stand: the convicted are slashed, who passed is paid.
	Upheld,
	/// A common fault is to blame: nobody is slashed but the workers named here.
	Pardoned {
		/// Workers whose verdicts stand.
		but: BoundedVec<AccountId, ConstU32<MAX_GUILTY>>,
	},
}

/// A breaker that has tripped.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Breaker<AccountId> {
	/// What it is about.
	pub scope: Scope,
	/// Block in which it tripped.
	pub tripped: u32,
	/// Last block in which governance can decide.
	pub until: u32,
	/// Models that get no new jobs meanwhile.
	pub models: BoundedVec<ModelId, ConstU32<MAX_SUSPENDED>>,
	/// What was decided; what is held is being carried out. None before.
	pub ruling: Option<Ruling<AccountId>>,
}

/// What was taken from a worker before a breaker tripped: a pardon gives it back.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Taken<AccountId> {
	/// Block of the verdict.
	pub at: u32,
	/// The worker.
	pub worker: AccountId,
	/// What it lost of its bond, in planck.
	pub amount: u128,
	/// On what its conviction rests; none where it forfeited.
	pub ground: Option<Ground>,
	/// The model.
	pub model: ModelId,
	/// The class in which it was judged; none where it opened nothing, or other shards.
	pub class: Option<Digest>,
}

impl<AccountId> Taken<AccountId> {
	/// Whether a pardon of `breaker` is about it.
	pub fn is_of(&self, breaker: &Breaker<AccountId>, rules: &Rules) -> bool {
		let scoped = match breaker.scope {
			Scope::Model(model) => self.model == model,
			Scope::Class(class) => self.class == Some(class),
		};
		let counts_until = self.at.saturating_add(rules.window);
		scoped && self.at <= breaker.tripped && counts_until >= breaker.tripped
	}

	/// Whether a breaker that tripped while it counted may still be open in block `now`.
	pub fn is_recent(&self, rules: &Rules, now: u32) -> bool {
		self.at
			.saturating_add(rules.window)
			.saturating_add(rules.term)
			>= now
	}
}
