//! What one run leaves behind: hashes as JSON, and the values beside them.

use crate::compare::to_values;
use anyhow::{bail, Context, Result};
use dllm_primitives::model::Profile;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// How a model was run.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
	/// Name of the machine in the table.
	pub machine: String,
	/// Threads of ONNX Runtime.
	pub threads: usize,
	/// Whether ONNX Runtime rewrote the graph.
	pub optimiser: bool,
}

/// The hash of one way of sending the rows.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
	/// Name of the way.
	pub way: String,
	/// blake3 of rows and logits.
	pub hash: String,
}

/// One model in one setting.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Record {
	/// How it was run.
	pub setting: Setting,
	/// Architecture that the program was built for.
	pub architecture: String,
	/// blake3 of ONNX Runtime.
	pub library: String,
	/// Name of the model.
	pub model: String,
	/// Root of its manifest: the same shards have the same one.
	pub root: String,
	/// Its profile.
	pub profile: Profile,
	/// Rows that were sent.
	pub count: usize,
	/// Values in a row.
	pub hidden: usize,
	/// Logits of a row.
	pub vocab: usize,
	/// Numerics class that the engine found for itself.
	pub class: String,
	/// Hash of every way, prefill first.
	pub ways: Vec<Outcome>,
	/// Hash of the prefill without a layer, once for each; none in profile `exact`.
	#[serde(default)]
	pub skips: Vec<Outcome>,
	/// Rows of the prefill.
	#[serde(skip)]
	pub rows: Vec<f32>,
	/// Rows of the prefill without a layer, in the order of `skips`.
	#[serde(skip)]
	pub skipped: Vec<Vec<f32>>,
	/// Logits of the last rows of the prefill.
	#[serde(skip)]
	pub logits: Vec<f32>,
}

impl Record {
	/// The hash of the prefill.
	pub fn hash(&self) -> &str {
		self.ways.first().map_or("", |outcome| &outcome.hash)
	}

	/// Ways that gave other bytes than the prefill.
	pub fn odd_ways(&self) -> Vec<&str> {
		let odd = self.ways.iter().filter(|way| way.hash != self.hash());
		odd.map(|way| way.way.as_str()).collect()
	}

	/// Model and profile.
	pub fn subject(&self) -> (String, String) {
		(self.model.clone(), profile_name(self.profile))
	}

	/// One line for people.
	pub fn line(&self) -> String {
		let profile = profile_name(self.profile);
		let ways = match self.odd_ways().as_slice() {
			[] => format!("all {} ways", self.ways.len()),
			odd => format!("except {}", odd.join(", ")),
		};
		format!("{profile} {} {} ({ways})", self.model, self.hash())
	}

	/// Writes the record into a folder.
	pub fn save(&self, folder: &Path) -> Result<()> {
		let Setting {
			machine,
			threads,
			optimiser,
		} = &self.setting;
		let machine = machine.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
		let (model, profile) = self.subject();
		let name = format!("{model}.{profile}.{machine}.{threads}.{optimiser}");
		let skipped = self.skipped.iter().flatten();
		let values = self.rows.iter().chain(skipped).chain(&self.logits);
		let bytes = values.flat_map(|value| value.to_le_bytes());
		fs::write(
			folder.join(format!("{name}.values")),
			bytes.collect::<Vec<_>>(),
		)?;
		let text = serde_json::to_vec_pretty(self)?;
		Ok(fs::write(folder.join(format!("{name}.json")), text)?)
	}
}

/// All records of a folder, ordered by model, profile and setting, with their values.
pub fn load_all(folder: &Path) -> Result<Vec<Record>> {
	let mut records = Vec::new();
	let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
	for entry in entries {
		let path = entry?.path();
		if path.extension().is_none_or(|extension| extension != "json") {
			continue;
		}
		let read = || format!("{}", path.display());
		let mut record: Record = serde_json::from_slice(&fs::read(&path)?).with_context(read)?;
		let mut values = to_values(&fs::read(path.with_extension("values")).with_context(read)?);
		let row_values = record.count * record.hidden;
		let all_rows = row_values * (1 + record.skips.len());
		if values.len() < all_rows {
			bail!("{} is cut short: run it again", path.display());
		}
		record.logits = values.split_off(all_rows);
		let skipped = values.split_off(row_values);
		let each = skipped.chunks(row_values.max(1));
		record.skipped = each.map(<[f32]>::to_vec).collect();
		record.rows = values;
		records.push(record);
	}
	if records.is_empty() {
		bail!("no records in {}", folder.display());
	}
	records.sort_by_key(|record| (record.subject(), record.setting.clone()));
	Ok(records)
}

/// The name by which profiles are known everywhere.
pub fn profile_name(profile: Profile) -> String {
	format!("{profile:?}").to_lowercase()
}
