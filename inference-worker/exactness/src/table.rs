//! The comparison of all records: a table for people, a verdict for the caller.

use crate::{
	compare::Distance,
	pairs_section,
	record::{profile_name, Record, Setting},
};
use anyhow::Result;
use dllm_primitives::model::Profile;
use std::{
	collections::{BTreeMap, BTreeSet},
	fmt::Write,
};

/// Digits of a hash in the table; the full ones stand below it.
pub const SHOWN: usize = 12;

/// What the records say.
pub struct Verdict {
	/// The one hash of every model in profile `exact`, where it has one.
	pub exact: BTreeMap<String, String>,
	/// Promises that were broken.
	pub faults: Vec<String>,
}

/// Checks what has to hold of settings that ran the same shards: one hash of `exact` whatever the setting and the
/// way, and one hash of any other profile among settings of one numerics class, which workers compare byte by byte.
pub fn judge(records: &[Record]) -> Verdict {
	let mut verdict = Verdict {
		exact: BTreeMap::new(),
		faults: Vec::new(),
	};
	for group in by_subject(records) {
		let first = group[0];
		let (model, profile) = first.subject();
		if let Some(other) = group.iter().find(|record| record.root != first.root) {
			verdict.faults.push(format!(
				"{profile} {model}: {:?} and {:?} ran other shards; remove the records and run again",
				first.setting, other.setting
			));
		}
		if first.profile != Profile::Exact {
			let classes = by_class(&group);
			verdict
				.faults
				.extend(classes.iter().flat_map(|class| differences(class)));
			continue;
		}
		let mut faults = differences(&group);
		faults.extend(
			group
				.iter()
				.filter(|record| record.class != first.class)
				.map(|record| {
					format!(
						"exact {model}: class {} of {:?}, {} of {:?}",
						record.class, record.setting, first.class, first.setting
					)
				}),
		);
		if faults.is_empty() {
			verdict.exact.insert(model, first.hash().into());
		}
		verdict.faults.extend(faults);
	}
	verdict
}

/// Every way of every setting whose bytes are not those of the first setting's prefill.
fn differences(group: &[&Record]) -> Vec<String> {
	let first = group[0];
	let (model, profile) = first.subject();
	let ways = group
		.iter()
		.flat_map(|record| record.ways.iter().map(move |way| (record, way)));
	let odd = ways.filter(|(_, way)| way.hash != first.hash());
	odd.map(|(record, way)| {
		format!(
			"{profile} {model}: {:?} has {} for {}, {:?} has {}",
			record.setting,
			way.hash,
			way.way,
			first.setting,
			first.hash()
		)
	})
	.collect()
}

/// Everything as Markdown, without the head of the page.
pub fn render(records: &[Record], verdict: &Verdict) -> Result<String> {
	let mut out = String::new();
	match (verdict.exact.is_empty(), verdict.faults.len()) {
		(false, 0) => {
			for (model, hash) in &verdict.exact {
				line(
					&mut out,
					format!("- `exact`, {model}: one hash everywhere, `{hash}`"),
				);
			}
		}
		(true, 0) => line(&mut out, "No model of profile `exact` was run.".into()),
		(_, faults) => line(
			&mut out,
			format!("**{faults} differences where none may be.**"),
		),
	}
	if verdict.faults.is_empty() {
		for (profile, classes) in classes(records) {
			line(
				&mut out,
				format!("- `{profile}`: one hash in each numerics class ({classes})"),
			);
		}
	}
	for (model, group) in by_model(records) {
		line(&mut out, format!("\n### {model}\n"));
		hashes(&mut out, &group);
		distances(&mut out, &group);
	}
	pairs_section::write(&mut out, records)?;
	Ok(out)
}

/// How many numerics classes the settings of a profile have; `exact`, which has one, is left out.
fn classes(records: &[Record]) -> BTreeMap<String, usize> {
	let mut classes = BTreeMap::<_, BTreeSet<_>>::new();
	for record in records
		.iter()
		.filter(|record| record.profile != Profile::Exact)
	{
		let name = profile_name(record.profile);
		classes.entry(name).or_default().insert(&record.class);
	}
	classes
		.into_iter()
		.map(|(profile, classes)| (profile, classes.len()))
		.collect()
}

/// The page around the comparison.
pub fn page(about: &str, comparison: &str) -> String {
	format!(
		"# One hash\n\
		\n\
		Written by `make exactness`; do not edit. {about}\n\
		\n\
		The same shards and the same rows were executed in every setting: on this processor, under emulated \
		ones, with one and two threads, with ONNX Runtime's graph optimiser off and on; in each setting as one \
		prefill, row by row, in pieces of unlike size, between the rows of two other sessions, after a \
		rollback, and through two engines with half of the layers each; `exact` also in the form of standard \
		operators only. A hash is blake3 over all hidden rows \
		and the logits of the last three, byte for byte. A setting shows one hash where all ways agree, \
		and else names the ways that do not. The command fails where `exact` has two hashes, and where two \
		settings of one numerics class, which workers compare byte by byte, differ in any profile.\n\
		\n\
		{comparison}"
	)
}

/// A row a setting, a column a profile.
fn hashes(out: &mut String, group: &[&Record]) {
	let mut profiles = group
		.iter()
		.map(|record| record.profile)
		.collect::<Vec<_>>();
	profiles.sort_by_key(|profile| (*profile != Profile::Exact, *profile as u8));
	profiles.dedup();
	let mut settings = group
		.iter()
		.map(|record| &record.setting)
		.collect::<Vec<_>>();
	settings.sort();
	settings.dedup();

	let names = profiles.iter().map(|profile| profile_name(*profile));
	let names = names.collect::<Vec<_>>().join(" | ");
	line(out, format!("| machine | threads | optimiser | {names} |"));
	line(
		out,
		format!("|---|---|---|{}", "---|".repeat(profiles.len())),
	);
	for setting in settings {
		let Setting {
			machine,
			threads,
			optimiser,
		} = setting;
		let cells = profiles.iter().map(|profile| {
			let record = group
				.iter()
				.find(|record| record.setting == *setting && record.profile == *profile);
			record.map_or("–".into(), |record| cell(record))
		});
		let cells = cells.collect::<Vec<_>>().join(" | ");
		let optimiser = if *optimiser { "on" } else { "off" };
		line(
			out,
			format!("| {machine} | {threads} | {optimiser} | {cells} |"),
		);
	}
}

fn cell(record: &Record) -> String {
	let hash = &record.hash()[..SHOWN.min(record.hash().len())];
	match record.odd_ways().as_slice() {
		[] => format!("`{hash}`"),
		odd => format!("`{hash}`, not {}", odd.join(", ")),
	}
}

/// How far the other profiles lie apart: every setting against the first one.
fn distances(out: &mut String, group: &[&Record]) {
	let mut rows = Vec::new();
	for subject in by_subject(group.iter().copied()) {
		let (_, profile) = subject[0].subject();
		let Some(base) = subject
			.iter()
			.find(|record| is_base(&record.setting))
			.or(subject.first())
		else {
			continue;
		};
		let mut apart = BTreeMap::<_, Vec<_>>::new();
		for record in subject.iter().filter(|record| record.hash() != base.hash()) {
			let same = (&record.setting.machine, record.hash());
			apart.entry(same).or_default().push(record);
		}
		for ((machine, _), records) in apart {
			if let Some(distance) = Distance::between(records[0], base) {
				rows.push(format!(
					"| {profile} | {machine} | {} | {:.1e} | {:.1e} | {:.2} % | {:.0} % |",
					places(&records),
					distance.median,
					distance.largest,
					100.0 * distance.equal,
					100.0 * distance.same_token
				));
			}
		}
	}
	if rows.is_empty() {
		return;
	}
	line(
		out,
		"\nWhere prefills differ from that of the native processor (1 thread, optimiser on), relative L2 \
		distance of a row:\n"
			.into(),
	);
	line(
		out,
		"| profile | machine | threads, optimiser | median | largest | values with equal bits | same likeliest token |"
			.into(),
	);
	line(out, "|---|---|---|---|---|---|---|".into());
	for row in rows {
		line(out, row);
	}
}

/// The setting that the others are compared with.
fn is_base(setting: &Setting) -> bool {
	setting.machine.starts_with("native") && setting.threads == 1 && setting.optimiser
}

/// Threads and optimiser of settings of one machine.
fn places(records: &[&&Record]) -> String {
	let place = |record: &&&Record| {
		let optimiser = if record.setting.optimiser {
			"on"
		} else {
			"off"
		};
		format!("{} {optimiser}", record.setting.threads)
	};
	records.iter().map(place).collect::<Vec<_>>().join(", ")
}

fn by_model(records: &[Record]) -> BTreeMap<String, Vec<&Record>> {
	let mut groups = BTreeMap::<_, Vec<_>>::new();
	for record in records {
		groups.entry(record.model.clone()).or_default().push(record);
	}
	groups
}

/// Records of the same model and profile; no group is empty.
fn by_subject<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Vec<&'a Record>> {
	let mut groups = BTreeMap::<_, Vec<_>>::new();
	for record in records {
		groups.entry(record.subject()).or_default().push(record);
	}
	groups.into_values().collect()
}

/// Records of the same class; no group is empty.
fn by_class<'a>(records: &[&'a Record]) -> Vec<Vec<&'a Record>> {
	let mut groups = BTreeMap::<_, Vec<_>>::new();
	for record in records {
		groups.entry(&record.class).or_default().push(*record);
	}
	groups.into_values().collect()
}

/// Appends a line.
pub fn line(out: &mut String, text: String) {
	// Writing to a string cannot fail.
	let _ = writeln!(out, "{text}");
}
