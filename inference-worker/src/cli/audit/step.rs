//! What a step of an audit says: what was checked, with which data, what came of it, and why.

use serde::Serialize;
use std::fmt::Debug;

/// What came of a step.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub enum Found {
	/// It holds.
	Ok,
	/// It does not.
	Failed,
	/// The job has nothing of the kind.
	Nothing,
}

/// A step of an audit.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Step {
	/// Its name.
	pub name: &'static str,
	/// What was checked.
	pub checked: &'static str,
	/// With which data, a line each.
	pub data: Vec<String>,
	/// What came of it.
	pub found: Found,
	/// Why.
	pub why: String,
}

/// A step under way.
pub(super) struct Sheet {
	name: &'static str,
	checked: &'static str,
	data: Vec<String>,
	faults: Vec<String>,
}

impl Sheet {
	/// Begins a step.
	pub fn new(name: &'static str, checked: &'static str) -> Self {
		let (data, faults) = (Vec::new(), Vec::new());
		Self {
			name,
			checked,
			data,
			faults,
		}
	}

	/// Notes data that the step reads.
	pub fn note(&mut self, line: impl Into<String>) {
		self.data.push(line.into());
	}

	/// Notes a fault unless something holds.
	pub fn expect(&mut self, holds: bool, fault: impl FnOnce() -> String) {
		if !holds {
			self.faults.push(fault());
		}
	}

	/// Notes a fault unless two sources tell the same.
	pub fn same<T: PartialEq + Debug>(&mut self, what: &str, told: T, found: T) {
		self.expect(told == found, || {
			format!("{what}: {told:?} is not {found:?}")
		});
	}

	/// Ends the step; `because` says why it holds, where it does.
	pub fn close(self, because: impl Into<String>) -> Step {
		let holds = self.faults.is_empty();
		self.end(
			if holds { Found::Ok } else { Found::Failed },
			because.into(),
		)
	}

	/// Ends a step that found nothing to check, unless it noted a fault.
	pub fn nothing(self, because: impl Into<String>) -> Step {
		let holds = self.faults.is_empty();
		self.end(
			if holds { Found::Nothing } else { Found::Failed },
			because.into(),
		)
	}

	fn end(self, found: Found, because: String) -> Step {
		let why = match found {
			Found::Failed => self.faults.join("; "),
			Found::Ok | Found::Nothing => because,
		};
		Step {
			name: self.name,
			checked: self.checked,
			data: self.data,
			found,
			why,
		}
	}
}
