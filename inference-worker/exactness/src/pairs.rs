//! Pairs of numerics classes: how far apart honest rows lie, how far those of a cheat, and by which tolerance the chain
//! may compare them (`dllm_primitives::compare`).

use crate::{
	compare::{as_sent, rows_apart},
	record::{profile_name, Record},
};
use anyhow::Result;
use dllm_primitives::{compare::MAX_TOLERANCE, model::Profile};
use std::collections::{BTreeMap, BTreeSet};

/// Profiles that have classes to compare, each cheaper than those before it.
pub static FLOATS: [Profile; 4] = [Profile::F32, Profile::F16, Profile::Int8, Profile::Int4];
/// How many times as far off as any honest row the part of a cheat must lie that one layer has in it. Below that, the
/// pair is never compared.
pub const LEAST_RATIO: f64 = 5.0;
/// How many times as far off as what was measured honest rows may lie: other models, longer prompts, and the median of
/// few rows instead of all were not measured.
pub const MARGIN: f64 = 3.0;

const CONTEXT: &str = "dllm 2026-11 calibration v1";
/// The chain counts in parts per billion.
const BILLION: f64 = 1e9;

/// The settings of one numerics class of a profile.
#[derive(Clone)]
pub struct Class<'a> {
	/// Its digest, in hex.
	pub id: &'a str,
	/// What was run in it; never empty.
	pub records: Vec<&'a Record>,
}

/// Two classes of one profile, the smaller digest first, as the chain keeps them.
pub struct Pair<'a> {
	/// The profile.
	pub profile: Profile,
	/// Its classes.
	pub classes: [Class<'a>; 2],
	/// How far honest rows lie apart, if a model was run in both.
	pub honest: Option<Honest>,
	/// The cheat that comes nearest to honest rows, if there was any.
	pub cheat: Option<Cheat>,
	/// Whether a model was run in both of which no cheat was.
	pub unguarded: bool,
	/// blake3 of all records that this rests on.
	pub calibration: String,
}

/// Relative L2 distances of honest rows.
#[derive(Clone, Copy)]
pub struct Honest {
	/// The median of rows.
	pub median: f64,
	/// Their quadratic mean.
	pub mean: f64,
	/// The largest.
	pub largest: f64,
}

/// Relative L2 distances of a cheat's rows from honest ones, divided by the layers of its model: the chain compares one
/// stage, which may be a single layer, and of a cheat in all of them each may make as little as that.
pub struct Cheat {
	/// What it does, and to which model.
	pub name: String,
	/// The median of rows.
	pub median: f64,
	/// The smallest.
	pub least: f64,
}

/// What the chain should know of a pair.
#[derive(Clone, Copy)]
pub enum Advice {
	/// A tolerance, in parts per billion.
	Set {
		/// For the median of rows.
		median: u32,
		/// For each of them.
		max: u32,
	},
	/// None, and why.
	None(&'static str),
}

/// Rows of one model as somebody could send them.
struct Rows<'a> {
	model: &'a str,
	width: usize,
	values: Vec<f32>,
}

/// All pairs of classes of float profiles.
pub fn pairs(records: &[Record]) -> Result<Vec<Pair<'_>>> {
	let mut pairs = Vec::new();
	for profile in FLOATS {
		let lossless = lossless(records, profile);
		let classes = classes(records, profile);
		for (at, first) in classes.iter().enumerate() {
			for second in &classes[at + 1..] {
				let both = [first.clone(), second.clone()];
				pairs.push(Pair::measure(records, profile, both, &lossless)?);
			}
		}
	}
	Ok(pairs)
}

/// The classes of a profile, ordered by their digests.
pub fn classes(records: &[Record], profile: Profile) -> Vec<Class<'_>> {
	let mut classes = BTreeMap::<_, Vec<_>>::new();
	for record in records.iter().filter(|record| record.profile == profile) {
		let id = record.class.as_str();
		classes.entry(id).or_default().push(record);
	}
	let classes = classes.into_iter();
	classes.map(|(id, records)| Class { id, records }).collect()
}

/// Models in cheaper profiles that give the rows of `profile` bit by bit: weights that a model has in that form already
/// lose nothing by it, so it is no cheat.
pub fn lossless(records: &[Record], profile: Profile) -> BTreeSet<(String, String)> {
	let mut lossless = BTreeSet::new();
	for own in records.iter().filter(|record| record.profile == profile) {
		let same = records.iter().filter(|other| {
			cheaper(profile).contains(&other.profile)
				&& other.model == own.model
				&& other.rows == own.rows
		});
		lossless.extend(same.map(Record::subject));
	}
	lossless
}

/// The layers of a model: each of them was left out once. None where that was never done.
fn layers(records: &[Record], model: &str) -> usize {
	let own = records.iter().filter(|record| record.model == model);
	own.map(|record| record.skips.len()).max().unwrap_or(0)
}

/// The profiles that are cheaper than another.
fn cheaper(profile: Profile) -> &'static [Profile] {
	let at = FLOATS.iter().position(|float| *float == profile);
	match at {
		Some(at) => &FLOATS[at + 1..],
		None => &[],
	}
}

impl<'a> Class<'a> {
	/// Names of its machines.
	pub fn machines(&self) -> BTreeSet<&'a str> {
		let records = self.records.iter();
		let machines = records.map(|record| record.setting.machine.as_str());
		machines.collect()
	}
}

impl<'a> Pair<'a> {
	fn measure(
		records: &'a [Record],
		profile: Profile,
		classes: [Class<'a>; 2],
		lossless: &BTreeSet<(String, String)>,
	) -> Result<Self> {
		// A class is a word that anybody may use: a cheat counts whatever machine computed it.
		let of = |profiles: &[Profile]| {
			let found = records.iter();
			let found = found.filter(|record| profiles.contains(&record.profile));
			found.collect::<Vec<_>>()
		};
		let (same, cheap) = (of(&[profile]), of(cheaper(profile)));
		let sent = classes.each_ref().map(|class| {
			let own = distinct(&class.records).into_iter();
			let rows = own.map(|record| Rows::of(record, &record.rows, profile));
			rows.collect::<Vec<_>>()
		});

		let mut cheats = cheaper_rows(&cheap, profile, lossless);
		cheats.extend(skipped_rows(&distinct(&same)));
		let mut guarded = BTreeSet::new();
		let mut cheat = None;
		for (name, rows) in &cheats {
			let layers = layers(records, rows.model);
			for honest in sent.iter().flatten() {
				if let Some(found) = Cheat::of(name, rows, honest, layers) {
					guarded.insert(rows.model);
					cheat = Some(found.nearest(cheat));
				}
			}
		}

		let [first, second] = &sent;
		let mut unguarded = false;
		let mut honest = None;
		for first in first {
			for found in second.iter().filter_map(|second| Honest::of(first, second)) {
				unguarded |= !guarded.contains(first.model);
				honest = Some(found.farthest(honest));
			}
		}

		let calibration = digest(same.iter().chain(&cheap).copied())?;
		Ok(Self {
			profile,
			classes,
			honest,
			cheat,
			unguarded,
			calibration,
		})
	}

	/// How many times as far off as any honest row the part of the nearest cheat lies that one layer has in it.
	pub fn ratio(&self) -> Option<f64> {
		let (honest, cheat) = self.honest.zip(self.cheat.as_ref())?;
		(honest.largest > 0.0).then(|| cheat.median / honest.largest)
	}

	/// The tolerance to set on chain, or why there should be none.
	pub fn advice(&self) -> Advice {
		let Some(honest) = self.honest else {
			return Advice::None("no model was run in both");
		};
		if honest.largest == 0.0 {
			return Advice::None("no row differs");
		}
		let (Some(cheat), Some(ratio)) = (&self.cheat, self.ratio()) else {
			return Advice::None("no cheat was run");
		};
		if self.unguarded {
			return Advice::None("a model without a cheat");
		}
		if ratio < LEAST_RATIO || honest.largest * BILLION > f64::from(MAX_TOLERANCE) {
			return Advice::None("never paired");
		}
		let most = (cheat.median / LEAST_RATIO * BILLION) as u32;
		let most = most.min(MAX_TOLERANCE);
		// The chain takes no tolerance of nothing.
		let bound = |distance| with_margin(distance).min(most).max(1);
		let median = bound(honest.median.max(honest.mean));
		let max = bound(honest.largest);
		// The chain may look at few rows, and all of them may be such as a cheat makes best.
		if f64::from(max) >= cheat.least * BILLION {
			return Advice::None("never paired");
		}
		Advice::Set { median, max }
	}
}

impl<'a> Rows<'a> {
	fn of(record: &'a Record, values: &[f32], profile: Profile) -> Self {
		Self {
			model: &record.model,
			width: record.hidden,
			values: as_sent(profile, values),
		}
	}

	/// Distances from rows of the same model, from the smallest on; none where the shapes differ. Either of two workers
	/// may be the checker, whose rows are the measure: `which` takes the smaller (0) or larger (1) of both.
	fn apart(&self, other: &Self, which: usize) -> Option<Vec<f64>> {
		let same_shape = self.model == other.model
			&& self.width == other.width
			&& self.values.len() == other.values.len()
			&& !self.values.is_empty();
		if !same_shape {
			return None;
		}
		let rows = rows_apart(&self.values, &other.values, self.width);
		let mut rows = rows.iter().map(|both| both[which]).collect::<Vec<_>>();
		rows.sort_by(f64::total_cmp);
		Some(rows)
	}
}

impl Honest {
	fn of(first: &Rows, second: &Rows) -> Option<Self> {
		let rows = first.apart(second, 1)?;
		let squares = rows.iter().map(|row| row.powi(2));
		Some(Self {
			median: rows[rows.len() / 2],
			mean: (squares.sum::<f64>() / rows.len() as f64).sqrt(),
			largest: rows[rows.len() - 1],
		})
	}

	/// The larger of each.
	fn farthest(self, other: Option<Self>) -> Self {
		let other = other.unwrap_or(self);
		Self {
			median: self.median.max(other.median),
			mean: self.mean.max(other.mean),
			largest: self.largest.max(other.largest),
		}
	}
}

impl Cheat {
	/// None where the shapes differ, or nobody knows of how many layers the model is.
	fn of(name: &str, found: &Rows, honest: &Rows, layers: usize) -> Option<Self> {
		let rows = found.apart(honest, 0).filter(|_| layers > 0)?;
		Some(Self {
			name: format!("{name}, {} of {layers} layers", found.model),
			median: rows[rows.len() / 2] / layers as f64,
			least: rows[0] / layers as f64,
		})
	}

	/// The one with the smaller median, with the smallest row of both.
	fn nearest(self, other: Option<Self>) -> Self {
		let Some(other) = other else {
			return self;
		};
		let least = self.least.min(other.least);
		let nearer = if self.median < other.median {
			self
		} else {
			other
		};
		Self { least, ..nearer }
	}
}

/// What runs of cheaper profiles would send in place of `profile`, with their names.
fn cheaper_rows<'a>(
	records: &[&'a Record],
	profile: Profile,
	lossless: &BTreeSet<(String, String)>,
) -> Vec<(String, Rows<'a>)> {
	let mut cheats = Vec::new();
	for record in distinct(records) {
		if !lossless.contains(&record.subject()) {
			let name = format!("`{}`", profile_name(record.profile));
			cheats.push((name, Rows::of(record, &record.rows, profile)));
		}
	}
	cheats
}

/// What the same runs would send without one of their layers.
fn skipped_rows<'a>(records: &[&'a Record]) -> Vec<(String, Rows<'a>)> {
	let mut cheats = Vec::new();
	for record in records {
		for (skip, rows) in record.skips.iter().zip(&record.skipped) {
			cheats.push((skip.way.clone(), Rows::of(record, rows, record.profile)));
		}
	}
	cheats
}

/// One record of all that hold the same rows.
fn distinct<'a>(records: &[&'a Record]) -> Vec<&'a Record> {
	let mut seen = BTreeSet::new();
	let first = records.iter().filter(|record| {
		let skips = record.skips.iter().map(|skip| skip.hash.as_str());
		let hashes = [record.hash()].into_iter().chain(skips);
		seen.insert((record.subject(), hashes.collect::<Vec<_>>()))
	});
	first.copied().collect()
}

/// blake3 of the records' own digests, sorted: whoever finds the same values in the same settings has the same.
fn digest<'a>(records: impl Iterator<Item = &'a Record>) -> Result<String> {
	let mut digests = Vec::new();
	for record in records {
		digests.push(*blake3::hash(&serde_json::to_vec(record)?).as_bytes());
	}
	digests.sort_unstable();
	let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
	for digest in digests {
		hasher.update(&digest);
	}
	Ok(hasher.finalize().to_hex().to_string())
}

/// [`MARGIN`] times a distance, in parts per billion, rounded up to two significant digits.
fn with_margin(distance: f64) -> u32 {
	let parts = (MARGIN * distance * BILLION).ceil() as u32;
	let mut unit = 1;
	while parts / unit >= 100 {
		unit *= 10;
	}
	parts.div_ceil(unit).saturating_mul(unit)
}
