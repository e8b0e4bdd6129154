//! What substrate-wasm-builder asks of Binaryen: to check that a runtime needs no more than the first version
//! of WebAssembly, to drop its debug information and to write it compactly.
//!
//! The builder optimises nothing with Binaryen, which as C++ takes a core a quarter of an hour in every clean
//! build. The compiler's target, wasm32v1-none, makes no instruction that would have to be lowered; where
//! somebody builds for another target, the module is refused here.

use parity_wasm::elements::{self, Module};
use std::path::Path;

/// Sections of DWARF debug information begin so.
const DWARF: &str = ".debug";

/// What is to be done with a module. All that the builder may ask for is done, whether it asks or not.
#[derive(Clone, Debug)]
pub struct OptimizationOptions;

/// A pass over a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pass {
	/// Drops DWARF sections.
	StripDwarf,
	/// Replaces sign extension; a module that has any is refused instead.
	SignextLowering,
}

impl OptimizationOptions {
	/// Leaves instructions as they are.
	pub fn new_opt_level_0() -> Self {
		Self
	}

	/// Refuses what the first version of WebAssembly lacks: always so.
	pub fn mvp_features_only(&mut self) -> &mut Self {
		self
	}

	/// Keeps the names of functions: always so.
	pub fn debug_info(&mut self, _: bool) -> &mut Self {
		self
	}

	/// Adds a pass.
	pub fn add_pass(&mut self, _: Pass) -> &mut Self {
		self
	}

	/// Reads a module from `infile` and writes it to `outfile`, which may be the same.
	///
	/// # Errors
	/// Where a file cannot be read or written, and where the module has an instruction or a section that the
	/// first version of WebAssembly lacks.
	pub fn run(
		&self,
		infile: impl AsRef<Path>,
		outfile: impl AsRef<Path>,
	) -> Result<(), elements::Error> {
		let module = without_dwarf(elements::deserialize_file(infile)?);
		elements::serialize_to_file(outfile, module)
	}
}

fn without_dwarf(mut module: Module) -> Module {
	let debug: Vec<_> = module
		.custom_sections()
		.map(|section| section.name().to_string())
		.filter(|name| name.starts_with(DWARF))
		.collect();
	for name in debug {
		module.clear_custom_section(name);
	}
	module
}
