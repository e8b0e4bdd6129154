//! What the page says of pairs of classes follows from the values, which are written here by hand.

use super::{edit, program, text};
use serde_json::json;
use std::{
	fs,
	path::{Path, PathBuf},
};
use tempfile::{tempdir, TempDir};

/// Ends of the digests of the two classes; the smaller one is that of the machine named later.
const LATER: &str = "11";
const EARLIER: &str = "aa";

/// A row of length 5, which half floats hold without a loss.
const ROW: [f32; 4] = [3.0, 4.0, 0.0, 0.0];

type Matrix = Vec<[f32; 4]>;

/// Records of one model.
struct Records {
	folder: TempDir,
	files: Vec<PathBuf>,
}

impl Records {
	fn new() -> Self {
		Self {
			folder: tempdir().unwrap(),
			files: Vec::new(),
		}
	}

	/// Adds one record; gives its number.
	fn push(&mut self, machine: &str, profile: &str, class: &str, rows: &[[f32; 4]]) -> usize {
		self.push_with(machine, profile, class, rows, &[])
	}

	/// The same, with the rows that come out without a layer.
	fn push_with(
		&mut self,
		machine: &str,
		profile: &str,
		class: &str,
		rows: &[[f32; 4]],
		skipped: &[Matrix],
	) -> usize {
		let number = self.files.len();
		let hash = |part: usize| format!("{:064x}", 100 * number + part);
		let skips = (0..skipped.len())
			.map(
				|layer| json!({ "way": format!("without layer {layer}"), "hash": hash(1 + layer) }),
			)
			.collect::<Vec<_>>();
		let record = json!({
			"setting": { "machine": machine, "threads": 1, "optimiser": true },
			"architecture": "none",
			"library": "none",
			"model": "sample",
			"root": profile,
			"profile": profile,
			"count": rows.len(),
			"hidden": 4,
			"vocab": 1,
			"class": format!("0x{}", class.repeat(32)),
			"ways": [{ "way": "prefill", "hash": hash(0) }],
			"skips": skips,
		});
		let file = self.folder.path().join(format!("{number}.json"));
		fs::write(&file, serde_json::to_vec(&record).unwrap()).unwrap();
		let values = rows.iter().chain(skipped.iter().flatten()).flatten();
		let bytes = values.flat_map(|value| value.to_le_bytes());
		fs::write(file.with_extension("values"), bytes.collect::<Vec<_>>()).unwrap();
		self.files.push(file);
		number
	}

	fn table(&self) -> String {
		table(self.folder.path())
	}
}

fn table(folder: &Path) -> String {
	let table = program(&["table", text(folder)]);
	assert!(table.status.success(), "{table:?}");
	String::from_utf8(table.stdout).unwrap()
}

/// Rows at these relative distances from [`ROW`], in the direction of a value that is zero there.
fn at(axis: usize, distances: &[f64]) -> Matrix {
	let row = |distance: &f64| {
		let mut row = ROW;
		row[axis] = (5.0 * distance) as f32;
		row
	};
	distances.iter().map(row).collect()
}

/// The line of the table on the pair of a profile: what stands behind the classes.
fn line<'a>(page: &'a str, profile: &str) -> &'a str {
	let start = format!(
		"| {profile} | `{}` (y) – `{}` (x) | ",
		"1".repeat(12),
		"a".repeat(12)
	);
	let line = page.lines().find_map(|line| line.strip_prefix(&start));
	line.unwrap_or_else(|| panic!("no pair of {profile}: {page}"))
}

/// What comes out of a model of two layers without each: too far off to count beside other cheats.
fn far() -> [Matrix; 2] {
	[at(3, &[0.5; 5]), at(3, &[0.5; 5])]
}

/// Two classes of `f32` whose rows differ by a hundred-thousandth at most, of a model of two layers; what the other
/// profiles give is up to the test.
fn single_precision() -> Records {
	let mut records = Records::new();
	let honest = [0.0, 1e-6, 2e-6, 3e-6, 1.01e-5];
	records.push_with("x", "f32", EARLIER, &at(2, &[0.0; 5]), &far());
	records.push("y", "f32", LATER, &at(2, &honest));
	records
}

#[test]
fn a_tolerance_stands_between_honest_rows_and_the_nearest_cheat() {
	let mut records = single_precision();
	records.push("x", "int8", "33", &at(3, &[1e-3, 2e-3, 3e-3, 4e-3, 5e-3]));
	records.push("x", "int4", "44", &at(3, &[1e-2; 5]));
	let page = records.table();
	// The mean is the root of (1 + 4 + 9 + 102.01) / 5, in millionths, and larger than the median.
	assert_eq!(
		line(&page, "f32"),
		"2.0e-6 | 4.8e-6 | 1.0e-5 | `int8`, sample of 2 layers | 1.5e-3 | 5.0e-4 | 149 | 15000, 31000 |"
	);
	let call = format!(
		"verification.setTolerance('0x{}', '0x{}', {{ median: 15000, max: 31000, version: 1, calibration: '0x",
		LATER.repeat(32),
		EARLIER.repeat(32)
	);
	assert!(page.contains(&call), "{page}");
}

#[test]
fn a_cheat_counts_whatever_machine_computed_it() {
	let mut records = single_precision();
	records.push("x", "int8", "33", &at(3, &[1e-3; 5]));
	// A machine that has neither class of the pair.
	records.push("z", "int8", "55", &at(3, &[4e-4; 5]));
	let page = records.table();
	assert!(
		line(&page, "f32").contains(" | `int8`, sample of 2 layers | 2.0e-4 | 2.0e-4 | "),
		"{page}"
	);
	let skipped = [at(3, &[2e-4; 5]), at(3, &[0.5; 5])];
	records.push_with("z", "f32", "cc", &at(2, &[0.0; 5]), &skipped);
	let page = records.table();
	assert!(
		line(&page, "f32").contains(" | without layer 0, sample of 2 layers | 1.0e-4 | 1.0e-4 | "),
		"{page}"
	);
}

#[test]
fn the_median_counts_where_it_is_above_the_mean() {
	let mut records = Records::new();
	records.push_with("x", "f32", EARLIER, &at(2, &[0.0; 5]), &far());
	records.push(
		"y",
		"f32",
		LATER,
		&at(2, &[0.0, 0.0, 1.01e-5, 1.01e-5, 1.01e-5]),
	);
	records.push("x", "int8", "33", &at(3, &[1e-3; 5]));
	assert!(line(&records.table(), "f32").ends_with(" | 50 | 31000, 31000 |"));
}

#[test]
fn a_tolerance_stays_below_a_fifth_of_the_nearest_cheat() {
	let mut records = single_precision();
	// Of two layers each has half of it.
	records.push("y", "int8", "33", &at(3, &[1.200_08e-4; 5]));
	assert!(line(&records.table(), "f32").ends_with(" | 5.94 | 12000, 12000 |"));
}

#[test]
fn a_pair_with_a_cheat_close_by_is_never_paired() {
	let mut records = single_precision();
	// Ten times as far off as honest rows, but that is less than five times for each of two layers.
	records.push("x", "int8", "33", &at(3, &[1e-4; 5]));
	let page = records.table();
	assert!(
		line(&page, "f32").ends_with(" | 4.95 | never paired |"),
		"{page}"
	);
	assert!(!page.contains("setTolerance"), "{page}");
}

#[test]
fn nor_is_one_in_which_a_single_row_of_a_cheat_could_pass() {
	// Half of the first row is less than the tolerance of 31,000 parts per billion, or more.
	for (row, advice) in [(6e-5, "never paired"), (6.4e-5, "15000, 31000")] {
		let mut records = single_precision();
		records.push("x", "int8", "33", &at(3, &[row, 1e-3, 1e-3, 1e-3, 1e-3]));
		let page = records.table();
		let end = format!(" | 50 | {advice} |");
		assert!(line(&page, "f32").ends_with(&end), "{page}");
	}
}

#[test]
fn every_model_needs_a_cheat_of_its_own_and_a_number_of_layers() {
	let mut records = single_precision();
	records.push("x", "int8", "33", &at(3, &[1e-3; 5]));
	let ends_with = |records: &Records, advice: &str| {
		let page = records.table();
		let end = format!(" | 50 | {advice} |");
		assert!(line(&page, "f32").ends_with(&end), "{page}");
	};
	ends_with(&records, "15000, 31000");

	let of_another = |records: &Records, number: usize| {
		edit(&records.files[number], |record| {
			record["model"] = json!("another")
		});
	};
	for (machine, class, value) in [("x", EARLIER, 0.0), ("y", LATER, 1e-6)] {
		let number = records.push(machine, "f32", class, &at(2, &[value; 5]));
		of_another(&records, number);
	}
	ends_with(&records, "a model without a cheat");

	let number = records.push("x", "int8", "33", &at(3, &[1e-2; 5]));
	of_another(&records, number);
	ends_with(&records, "a model without a cheat");

	let number = records.push_with("y", "int8", "44", &at(3, &[1e-2; 5]), &far());
	of_another(&records, number);
	ends_with(&records, "15000, 31000");
}

#[test]
fn nor_is_one_with_honest_rows_farther_apart_than_the_chain_takes() {
	let mut records = Records::new();
	records.push_with("x", "f32", EARLIER, &at(2, &[0.0; 5]), &far());
	records.push("y", "f32", LATER, &at(2, &[0.0101; 5]));
	records.push("x", "int8", "33", &at(3, &[0.5; 5]));
	assert!(line(&records.table(), "f32").ends_with(" | never paired |"));
}

#[test]
fn a_cheaper_profile_that_loses_nothing_is_no_cheat() {
	let mut records = single_precision();
	records.push("x", "f16", "33", &at(2, &[0.0; 5]));
	records.push("y", "int8", "44", &at(3, &[1e-3; 5]));
	let page = records.table();
	assert!(page.contains("Of sample, `f16` gives the rows of `f32` bit by bit"));
	assert!(line(&page, "f32").contains(" | `int8`, sample of 2 layers | 5.0e-4 | "));
}

#[test]
fn a_layer_left_out_is_a_cheat_too() {
	let mut records = Records::new();
	let skipped = [at(3, &[2e-1; 5]), at(3, &[1e-1; 5])];
	let honest = at(2, &[0.0; 5]);
	records.push_with("x", "int4", EARLIER, &honest, &skipped);
	records.push("y", "int4", LATER, &at(2, &[1e-3; 5]));
	// Of a row of 5 and half a one across, half a one is 0.0995; of two layers each has half of that.
	assert!(line(&records.table(), "int4")
		.contains(" | without layer 1, sample of 2 layers | 5.0e-2 | "));
}

#[test]
fn rows_are_compared_as_they_are_sent() {
	// Half floats near 3 lie 2⁻⁹ apart: the first is rounded back to 3, the second up to the next.
	let near = |value: f32| vec![[value, 4.0, 0.0, 0.0]; 5];
	for (value, expected) in [
		(3.000_003, "0.0e0 | 0.0e0 | 0.0e0 | "),
		(3.0015, "3.9e-4 | 3.9e-4 | 3.9e-4 | "),
	] {
		let mut records = Records::new();
		records.push_with("x", "f16", EARLIER, &near(3.0), &far());
		records.push("y", "f16", LATER, &near(value));
		records.push("x", "int8", "33", &at(3, &[1e-1; 5]));
		let page = records.table();
		assert!(line(&page, "f16").starts_with(expected), "{page}");
		let differs = value > 3.001;
		assert_eq!(
			line(&page, "f16").ends_with(" | no row differs |"),
			!differs
		);
		// 3 × 2⁻⁹ ⁄ 5 is 1,171,875 parts per billion.
		assert_eq!(
			line(&page, "f16").ends_with(" | 1200000, 1200000 |"),
			differs
		);
	}
}

#[test]
fn a_calibration_is_that_of_its_records() {
	let calibration = |folder: &Path| {
		let page = table(folder);
		let (_, rest) = page.split_once("calibration: '0x").unwrap();
		rest[..64].to_string()
	};
	let mut records = single_precision();
	let cheat = records.push("x", "int8", "33", &at(3, &[1e-3; 5]));
	let folder = records.folder.path();
	let first = calibration(folder);
	assert_eq!(calibration(folder), first);

	// A profile that is not cheaper does not count, nor does the name of a file.
	records.push("z", "exact", "55", &at(3, &[1e-3; 5]));
	let folder = records.folder.path();
	for end in ["json", "values"] {
		let file = records.files[0].with_extension(end);
		fs::rename(&file, folder.join(format!("9.{end}"))).unwrap();
	}
	assert_eq!(calibration(folder), first);

	edit(&records.files[cheat], |record| {
		record["ways"][0]["hash"] = json!("bb".repeat(32));
	});
	let second = calibration(folder);
	assert_ne!(second, first);
	// Whatever machine a cheaper one ran on, it does.
	records.push("z", "int8", "66", &at(3, &[1e-3; 5]));
	assert_ne!(calibration(records.folder.path()), second);
}

#[test]
fn a_single_class_makes_no_pair() {
	let mut records = Records::new();
	records.push("x", "f32", EARLIER, &at(2, &[0.0; 5]));
	assert!(!records.table().contains("Pairs of classes"));
}
