//! The section of the page on pairs of numerics classes.

use crate::{
	pairs::{classes, lossless, pairs, Advice, Class, Pair, FLOATS, LEAST_RATIO, MARGIN},
	record::{profile_name, Record},
	table::{line, SHOWN},
};
use anyhow::Result;
use dllm_primitives::{compare::MAX_TOLERANCE, model::Profile};
use std::collections::{BTreeMap, BTreeSet};

/// Writes the section, if two classes of a float profile were run.
pub fn write(out: &mut String, records: &[Record]) -> Result<()> {
	let pairs = pairs(records)?;
	if pairs.is_empty() {
		return Ok(());
	}
	line(out, "\n### Pairs of classes\n".into());
	line(out, introduction());
	for profile in FLOATS {
		for (other, models) in same_rows(records, profile) {
			line(
				out,
				format!(
					"\nOf {models}, `{other}` gives the rows of `{}` bit by bit: their weights have that form \
					already, nothing is lost, and it counts as no cheat. A profile is called lossless if its rows \
					are equal in any setting, even if not in every one. What `{other}` makes of weights of a longer \
					form was not measured.",
					profile_name(profile)
				),
			);
		}
	}
	digests(out, records);
	table(out, &pairs);
	calls(out, &pairs);
	Ok(())
}

fn introduction() -> String {
	let largest = f64::from(MAX_TOLERANCE) / 1e7;
	format!(
		"The chain compares rows of workers of unlike classes by tolerance, where one is set for the pair. Here are \
		the relative L2 distances of rows as they are sent (all float profiles but `f32` travel as half floats, \
		so their values are rounded to such), over all models and settings of a pair. Either worker can be the \
		checker, whose row is the measure: of both distances the larger one counts for honest rows, the smaller \
		one for cheats.\n\
		\n\
		- *Honest* are the prefills of a model in one class and in the other: median and quadratic mean of the \
		rows, of the model where they are largest, and the largest row of all.\n\
		- The *nearest cheat* is what comes closest to honest rows of either class: a cheaper profile of the same \
		model, or the model without one of its layers, on whatever machine: a class is a word that anybody may use. \
		Both figures are divided by the layers of the model. The median is the smallest of any run; the nearest row \
		is the smallest of any cheat.\n\
		- The *ratio* is that median over the largest honest row. Below {LEAST_RATIO} the pair is never paired, so that a \
		whole cheat is {LEAST_RATIO} times the number of layers as far off as any honest row; nor is one where \
		honest rows differ by more than the chain takes ({largest} %). Each model that was run in both classes needs \
		a cheat of its own, and a run without each of its layers, which says how many it has.\n\
		- The *tolerance* is {MARGIN} times the honest figures, in parts per billion, rounded up to two significant \
		digits, and never above a fifth of the nearest cheat's median as it is shown. As the chain may look at few \
		rows, the tolerance of the largest has to be below the nearest row too, or the pair is never paired. For the median of rows the quadratic mean \
		stands in where it is larger: in rows as short as those of these models often no half float is rounded to \
		another one, and the median is nothing; in rows of thousands of values some always are.\n\
		\n\
		On chain one stage is compared, a part of the layers, in which both had the same rows to begin with; here \
		whole models ran. In a stage of one of n layers a cheaper profile may lie only an nth as far off, which is why \
		cheats are divided by the layers; that is a rule of thumb until layers are measured apart, and one of them may \
		differ by less. Nor is it proven that a whole model is the safe side for honest workers: its last layers may \
		bring rows together again that lie further apart in the middle, and honest workers of such a stage would be \
		beyond the tolerance."
	)
}

/// Cheaper profiles that give the rows of a profile bit by bit, and the models of which they do.
fn same_rows(records: &[Record], profile: Profile) -> BTreeMap<String, String> {
	let mut models = BTreeMap::<_, Vec<_>>::new();
	for (model, other) in lossless(records, profile) {
		models.entry(other).or_default().push(model);
	}
	let models = models.into_iter();
	models
		.map(|(other, models)| (other, models.join(" and ")))
		.collect()
}

/// All classes in full, and where they were found.
fn digests(out: &mut String, records: &[Record]) {
	line(
		out,
		"\n| profile | class | found on |\n|---|---|---|".into(),
	);
	for profile in FLOATS {
		for class in classes(records, profile) {
			let text = format!(
				"| {} | `{}` | {} |",
				profile_name(profile),
				in_full(class.id),
				places(&class)
			);
			line(out, text);
		}
	}
}

/// Machines of a class, each with threads and optimiser.
fn places(class: &Class) -> String {
	let mut places = BTreeMap::<_, BTreeSet<_>>::new();
	for record in &class.records {
		let setting = &record.setting;
		let optimiser = if setting.optimiser { "on" } else { "off" };
		let place = format!("{} {optimiser}", setting.threads);
		places.entry(&setting.machine).or_default().insert(place);
	}
	let places = places.into_iter().map(|(machine, settings)| {
		let settings = settings.into_iter().collect::<Vec<_>>().join(", ");
		format!("{machine} ({settings})")
	});
	places.collect::<Vec<_>>().join("; ")
}

fn table(out: &mut String, pairs: &[Pair]) {
	line(
		out,
		"\n| profile | classes | honest: median | mean | largest | nearest cheat | median by layers | nearest row by layers | ratio | \
		tolerance: median, largest |\n|---|---|---|---|---|---|---|---|---|---|"
			.into(),
	);
	for pair in pairs {
		let [first, second] = pair.classes.each_ref().map(named);
		let honest = match &pair.honest {
			Some(honest) => format!(
				"{:.1e} | {:.1e} | {:.1e}",
				honest.median, honest.mean, honest.largest
			),
			None => "– | – | –".into(),
		};
		let cheat = match &pair.cheat {
			Some(cheat) => format!(
				"{} | {:.1e} | {:.1e}",
				cheat.name, cheat.median, cheat.least
			),
			None => "none run | – | –".into(),
		};
		let ratio = match pair.ratio() {
			Some(ratio) if ratio < 10.0 => format!("{ratio:.2}"),
			Some(ratio) => format!("{ratio:.0}"),
			None => "–".into(),
		};
		let advice = match pair.advice() {
			Advice::Set { median, max } => format!("{median}, {max}"),
			Advice::None(why) => why.into(),
		};
		let profile = profile_name(pair.profile);
		line(
			out,
			format!("| {profile} | {first} – {second} | {honest} | {cheat} | {ratio} | {advice} |"),
		);
	}
}

/// The first digits of a class, and its machines.
fn named(class: &Class) -> String {
	let machines = class.machines().into_iter().collect::<Vec<_>>();
	let digits = digits(class.id);
	let shown = &digits[..SHOWN.min(digits.len())];
	format!("`{shown}` ({})", machines.join("; "))
}

/// What the council calls to let the chain compare the pairs that may be.
fn calls(out: &mut String, pairs: &[Pair]) {
	let calls = pairs.iter().filter_map(|pair| {
		let Advice::Set { median, max } = pair.advice() else {
			return None;
		};
		let [first, second] = pair.classes.each_ref().map(|class| in_full(class.id));
		Some(format!(
			"// {}\nverification.setTolerance('{first}', '{second}', {{ median: {median}, max: {max}, version: 1, \
			calibration: '0x{}' }})",
			profile_name(pair.profile),
			pair.calibration
		))
	});
	let calls = calls.collect::<Vec<_>>();
	if calls.is_empty() {
		return;
	}
	line(
		out,
		"\nWhat the council calls for pairs that may be compared; `version` is one more than that of the tolerance \
		which the chain has for the pair. `calibration` is blake3 over the digests of all records that a tolerance \
		rests on, which hold a hash of every output: the same values in the same settings give the same.\n"
			.into(),
	);
	line(out, format!("```js\n{}\n```", calls.join("\n")));
}

/// A digest as the chain's clients take it.
fn in_full(id: &str) -> String {
	format!("0x{}", digits(id))
}

fn digits(id: &str) -> &str {
	id.strip_prefix("0x").unwrap_or(id)
}
