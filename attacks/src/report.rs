//! The table of all attacks, and whether one of them pays.

use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};

/// Marks of the place in a document that the table is written to.
const MARKS: [&str; 2] = ["<!-- attacks -->", "<!-- /attacks -->"];
/// What is taken for nothing, in units of the pay of a stage: sums of floats are not exact.
const NOTHING: f64 = 1e-9;

/// How an attack was tried.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
	/// By processes of a running network.
	Processes,
	/// On rows of the real engine, with the chain's own judgement, in one process.
	Engine,
	/// With made-up rows, or none.
	Simulation,
}

impl fmt::Display for Kind {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Processes => "real processes",
			Self::Engine => "engine",
			Self::Simulation => "simulation",
		})
	}
}

/// What came of an attack. Money is in units of R, what the lead of the stage is paid.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
	/// What was tried.
	pub attack: String,
	/// How.
	pub kind: Kind,
	/// How often.
	pub tried: u64,
	/// Share of the tries that somebody looks at.
	pub checked: f64,
	/// Share of those that were found out: convicted, or not paid.
	pub detected: f64,
	/// What a try costs the attacker on average.
	pub loss: f64,
	/// What honest parties lost: bonds, and money of a user that was not served.
	pub honest: f64,
	/// What a try brings the attacker on average, against honest work.
	pub value: f64,
	/// Whether the document says that verification does not cover it. Then it may pay, and honest parties lose.
	pub limit: bool,
}

impl Line {
	/// Whether the attack pays, or an honest party loses, though verification is said to cover it.
	pub fn is_bad(&self) -> bool {
		let pays = self.value > NOTHING;
		!self.limit && (pays || self.honest.abs() > NOTHING)
	}
}

impl fmt::Display for Line {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Self {
			attack,
			kind,
			tried,
			..
		} = self;
		let (checked, detected) = (percent(self.checked), percent(self.detected));
		let [loss, honest, value] = [self.loss, self.honest, self.value].map(units);
		let sign = match self.value > NOTHING {
			true => "+",
			false => "",
		};
		write!(
			f,
			"| {attack} | {kind} | {tried} | {checked} | {detected} | {loss} | {honest} | {sign}{value} |"
		)
	}
}

/// All lines, those that verification does not cover apart.
pub fn table(lines: &[Line]) -> String {
	let mut text = String::new();
	let (limits, covered): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.limit);
	if !covered.is_empty() {
		part(&mut text, &covered);
	}
	if !limits.is_empty() {
		text.push_str("\nNot covered, so it may pay, and honest parties may lose:\n\n");
		part(&mut text, &limits);
	}
	text
}

fn part(text: &mut String, lines: &[&Line]) {
	text.push_str("| attack | kind | tried | checked | of these found out | attacker's loss per try (R) | loss of honest parties (R) | attacker's expected value per try (R) |\n");
	text.push_str("|---|---|---|---|---|---|---|---|\n");
	for line in lines {
		// Writing to a string cannot fail.
		let _ = writeln!(text, "{line}");
	}
}

/// A document with the table between its marks; none where it has no marks.
pub fn write_into(document: &str, table: &str) -> Option<String> {
	let [open, close] = MARKS;
	let (before, rest) = document.split_once(open)?;
	let (_, after) = rest.split_once(close)?;
	Some(format!(
		"{before}{open}\n\n{}\n\n{close}{after}",
		table.trim()
	))
}

fn percent(share: f64) -> String {
	let percent = 100.0 * share;
	match percent.fract().abs() < 0.05 {
		true => format!("{percent:.0} %"),
		false => format!("{percent:.1} %"),
	}
}

/// Two decimals, without a sign of nothing.
fn units(value: f64) -> String {
	let text = match value.abs() < 0.005 {
		true => 0.0,
		false => value,
	};
	format!("{text:.2}").replace("0.00", "0")
}
