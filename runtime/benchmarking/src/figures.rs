//! Measured figures as a Rust file that implements the `WeightInfo` of a pallet.

use crate::measurement::{Line, Measured, Range, REPEATS, STEPS};
use std::{fmt::Write, fs};

/// The file of a pallet.
pub fn render(pallet: &str, measured: &[Measured]) -> String {
	let owner = match pallet {
		"frame_system_extensions" => "frame_system::ExtensionsWeightInfo".into(),
		other => format!("{other}::WeightInfo"),
	};
	let functions: Vec<_> = measured.iter().map(function).collect();
	format!(
		"//! Weights of `{pallet}`, measured: do not edit, run `make weights`.\n\
		//!\n\
		//! {STEPS} steps, {REPEATS} repeats, processor time of compiled wasm; machine: {}.\n\n\
		#![cfg_attr(rustfmt, rustfmt_skip)]\n\
		#![allow(clippy::all)]\n\n\
		use core::marker::PhantomData;\n\
		use frame_support::{{traits::Get, weights::Weight}};\n\n\
		/// Measured weights of `{pallet}`.\n\
		pub struct WeightInfo<T>(PhantomData<T>);\n\n\
		impl<T: frame_system::Config> {owner} for WeightInfo<T> {{\n{}}}\n",
		machine(),
		functions.join("\n"),
	)
}

fn function(measured: &Measured) -> String {
	let Measured {
		name,
		components,
		time,
		reads,
		writes,
		proof,
	} = measured;
	let mut text = String::new();
	for (letter, low, high) in components {
		let _ = writeln!(text, "\t/// `{letter}`: {low} to {high}.");
	}
	let used = |at: usize| {
		[time, reads, writes, proof]
			.iter()
			.any(|line| line.slopes[at] > 0)
	};
	let parameters: Vec<_> = components
		.iter()
		.enumerate()
		.map(|(at, (letter, ..))| format!("{}{letter}: u32", if used(at) { "" } else { "_" }))
		.collect();
	let _ = writeln!(text, "\tfn {name}({}) -> Weight {{", parameters.join(", "));
	let _ = write!(
		text,
		"\t\tWeight::from_parts({}, {})",
		grouped(time.base),
		grouped(proof.base)
	);
	for (at, (letter, ..)) in components.iter().enumerate() {
		let (time, proof) = (time.slopes[at], proof.slopes[at]);
		if time > 0 || proof > 0 {
			let _ = write!(
				text,
				"\n\t\t\t.saturating_add(Weight::from_parts({}, {}).saturating_mul({letter}.into()))",
				grouped(time),
				grouped(proof)
			);
		}
	}
	text += &accesses("reads", reads, components);
	text += &accesses("writes", writes, components);
	text + "\n\t}\n"
}

fn accesses(kind: &str, line: &Line, components: &[Range]) -> String {
	let mut text = String::new();
	if line.base > 0 {
		let _ = write!(
			text,
			"\n\t\t\t.saturating_add(T::DbWeight::get().{kind}({}))",
			line.base
		);
	}
	for ((letter, ..), slope) in components.iter().zip(&line.slopes) {
		if *slope > 0 {
			let _ = write!(
				text,
				"\n\t\t\t.saturating_add(T::DbWeight::get().{kind}({slope}_u64.saturating_mul({letter}.into())))"
			);
		}
	}
	text
}

/// Digits in groups of three.
fn grouped(number: u128) -> String {
	let digits = number.to_string();
	let groups: Vec<_> = digits
		.as_bytes()
		.rchunks(3)
		.rev()
		.map(String::from_utf8_lossy)
		.collect();
	groups.join("_")
}

/// What the processor calls itself, and how many of it there are.
fn machine() -> String {
	let described = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
	let names: Vec<_> = described
		.lines()
		.filter_map(|line| line.strip_prefix("model name"))
		.map(|rest| rest.trim_start_matches([' ', '\t', ':']))
		.collect();
	match names.first() {
		Some(name) => format!("{name}, {} cores", names.len()),
		None => "unknown".into(),
	}
}
