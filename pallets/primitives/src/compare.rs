//! Rows of two workers in unlike numerics classes: are they the same but for rounding?
//!
//! Floats of two kinds of processor differ in their last bits, so no digest says that two workers did the same. Instead
//! some of the rows that each sent are opened, drawn when both have told their roots, and their distances are held
//! against what honest workers of these two classes differ by, as it was measured ([`Tolerance`]). Who is within it has
//! computed the rows; who is not is convicted by nobody, as a tolerance proves nothing.
//!
//! Distances are relative and Euclidean, of one row each, from the checker's: ‖a − b‖ ⁄ ‖b‖. They are computed in the
//! integers of [`crate::softfloat`], so that every node finds the same.

use crate::{
	commitment,
	ids::{Digest, JobId, StageIndex},
	model::Profile,
	softfloat::Float,
};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::cmp::Ordering;
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Rows of a stage that are shown at most.
pub const MAX_ROWS: u32 = 16;
/// Bytes of them at most; longer rows are not shown at all.
pub const MAX_BYTES: u32 = 256 << 10;
/// Siblings between a row and the root at most.
pub const MAX_PATH: u32 = 32;
/// What any two classes may differ by at most, in parts per billion: a hundredth. Classes that lie further apart cannot
/// be told from cheaper ones.
pub const MAX_TOLERANCE: u32 = 10_000_000;

const POSITIONS: &[u8] = b"dllm/compared/v1";
const BILLION: i64 = 1_000_000_000;

/// What honest workers of two classes differ by at most, in parts per billion of a row's length.
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
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct Tolerance {
	/// The median of all rows that are shown.
	pub median: u32,
	/// Each of them.
	pub max: u32,
	/// Counts the calibrations of this pair.
	pub version: u32,
	/// Digest of the measurements that it rests on.
	pub calibration: Digest,
}

impl Tolerance {
	/// Whether it can be right: some distance, not above [`MAX_TOLERANCE`], the median not above the largest.
	pub fn is_sound(&self) -> bool {
		(1..=self.max).contains(&self.median) && self.max <= MAX_TOLERANCE
	}
}

/// Two classes, as the chain keeps them: the smaller one first.
pub fn pair(a: Digest, b: Digest) -> (Digest, Digest) {
	(a.min(b), a.max(b))
}

/// One row of a stage, opened.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct ShownRow {
	/// Key of its digest ([`commitment::row_key`]).
	pub key: [u8; 32],
	/// The row as it was sent.
	pub bytes: BoundedVec<u8, ConstU32<MAX_BYTES>>,
	/// Siblings from it to the root ([`commitment::merkle_path`]).
	pub path: BoundedVec<Digest, ConstU32<MAX_PATH>>,
}

impl ShownRow {
	/// Whether it is the row at a position of the `rows` rows that a stage sent, which come to `root`.
	pub fn is_at(
		&self,
		(job, stage): (JobId, StageIndex),
		position: u32,
		rows: u32,
		root: Digest,
	) -> bool {
		let leaf = commitment::keyed_row_leaf(&self.key, job, stage, position, &self.bytes);
		commitment::merkle_root_of(leaf, position, rows, &self.path) == Some(root)
	}
}

/// How the rows of two workers compare.
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
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub enum Likeness {
	/// They are within the tolerance.
	Alike,
	/// They are not.
	Unlike,
	/// One of the two showed nothing in time.
	Unshown,
}

/// Where the comparison of a stage stands.
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
	Debug,
)]
pub enum Comparison {
	/// One of the two has not shown its rows yet.
	Awaiting,
	/// It is over.
	Over(Likeness),
}

/// What is compared of a stage.
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
	Debug,
)]
pub struct Comparing {
	/// Draws the rows.
	pub seed: Digest,
	/// Rows that the stage sent.
	pub rows: u32,
	/// Bytes of one of them.
	pub row_bytes: u32,
	/// What they may differ by.
	pub tolerance: Tolerance,
}

impl Comparing {
	/// The positions of the rows that both have to show, ascending: each set of so many as likely as any other. None where
	/// there is no row, or one is too long.
	pub fn positions(&self) -> Vec<u32> {
		let fit = MAX_BYTES.checked_div(self.row_bytes).unwrap_or(0);
		let count = self.rows.min(MAX_ROWS).min(fit);
		// Of each new place an earlier one, or, where that is drawn already, itself.
		let first = self.rows.saturating_sub(count);
		let drawn = (first..self.rows).fold(BTreeSet::new(), |mut drawn, place| {
			let found = draw(self.seed, place);
			drawn.insert(match drawn.contains(&found) {
				true => place,
				false => found,
			});
			drawn
		});
		drawn.into_iter().collect()
	}
}

/// A position up to `last`, which the seed draws for it.
fn draw(seed: Digest, last: u32) -> u32 {
	let hash = blake3::hash(&(POSITIONS, seed, last).encode());
	let wide = u128::from_le_bytes(*hash.as_bytes().first_chunk().unwrap_or(&[0; 16]));
	// At most `last`, so it fits.
	wide.checked_rem(u128::from(last).saturating_add(1))
		.and_then(|place| u32::try_from(place).ok())
		.unwrap_or(0)
}

/// Whether rows of a profile travel as single floats; else as half ones.
pub fn is_wide(profile: Profile) -> bool {
	match profile {
		// Exact rows are compared as bytes between all machines, so they travel as they are.
		Profile::F32 | Profile::Exact => true,
		Profile::F16 | Profile::Int8 | Profile::Int4 => false,
	}
}

/// Bytes of a row of a profile with so many values.
pub fn row_bytes(profile: Profile, values: u32) -> u32 {
	values.saturating_mul(if is_wide(profile) { 4 } else { 2 })
}

/// Compares rows of the lead of a stage with those of its replica, byte for byte as they were sent: single floats where
/// they are `wide`, else half ones.
pub fn likeness(
	lead: &[Vec<u8>],
	replica: &[Vec<u8>],
	wide: bool,
	tolerance: &Tolerance,
) -> Likeness {
	let pairs = lead.iter().zip(replica);
	let apart = pairs.map(|(a, b)| distance(&values(a, wide)?, &values(b, wide)?));
	let apart = apart.collect::<Option<Vec<_>>>();
	let Some(mut apart) = apart.filter(|_| lead.len() == replica.len()) else {
		return Likeness::Unlike;
	};
	apart.sort_by(|a, b| match (a.is_less(*b), b.is_less(*a)) {
		(true, _) => Ordering::Less,
		(_, true) => Ordering::Greater,
		_ => Ordering::Equal,
	});
	let median = apart.get(apart.len() / 2);
	let within =
		|found: Option<&Float>, most: u32| found.is_some_and(|found| !square(most).is_less(*found));
	match within(median, tolerance.median) && within(apart.last(), tolerance.max) {
		true => Likeness::Alike,
		false => Likeness::Unlike,
	}
}

/// The square of so many parts per billion.
fn square(parts: u32) -> Float {
	let share = Float::from_integer(parts.into()).over(Float::from_integer(BILLION));
	share.times(share)
}

/// The square of the relative distance of a row from another; none where it has no value.
fn distance(found: &[Float], expected: &[Float]) -> Option<Float> {
	let sum = |squares: &mut dyn Iterator<Item = Float>| {
		squares.fold(Float::ZERO, |sum, value| sum.plus(value.times(value)))
	};
	let pairs = found.iter().zip(expected);
	let apart = sum(&mut pairs.map(|(a, b)| a.minus(*b)));
	let length = sum(&mut expected.iter().copied());
	if found.len() != expected.len() || !apart.is_finite() || !length.is_finite() {
		return None;
	}
	if apart.magnitude() == Float::ZERO {
		return Some(Float::ZERO);
	}
	let relative = apart.over(length);
	relative.is_finite().then_some(relative)
}

/// The values of a row; none where the bytes are no whole values.
fn values(bytes: &[u8], wide: bool) -> Option<Vec<Float>> {
	if wide {
		let words = bytes.chunks(4).map(|word| {
			let word = <[u8; 4]>::try_from(word).ok()?;
			Some(Float::from_bits(u32::from_le_bytes(word)))
		});
		return words.collect();
	}
	let words = bytes.chunks(2).map(|word| {
		let word = <[u8; 2]>::try_from(word).ok()?;
		Some(half(u16::from_le_bytes(word)))
	});
	words.collect()
}

/// A binary16 number by its bits (IEEE 754-2019, §3.4): every one of them is a binary32 number too.
fn half(bits: u16) -> Float {
	const FRACTION: u32 = 0x3ff;
	/// What the exponent of a binary32 number has more.
	const BIAS: u32 = 127 - 15;
	/// 2⁻²⁴, the smallest of all.
	const LEAST: Float = Float::from_bits(0x3380_0000);
	let bits = u32::from(bits);
	let (sign, exponent, fraction) = (bits >> 15 << 31, bits >> 10 & 0x1f, bits & FRACTION);
	match exponent {
		0 => {
			let size = Float::from_integer(fraction.into()).times(LEAST);
			Float::from_bits(size.to_bits() | sign)
		}
		0x1f => Float::NAN,
		_ => Float::from_bits(sign | (exponent + BIAS) << 23 | fraction << 13),
	}
}
