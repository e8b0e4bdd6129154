//! Measures the weights of the runtime: runs the benchmarks of all its pallets in its own wasm, and writes
//! one Rust file a pallet.
//!
//! ```text
//! dllm-benchmarking RUNTIME.wasm FOLDER [PALLET …]
//! ```
//!
//! The wasm is the runtime built with the feature `runtime-benchmarks`; `make weights` builds both and
//! runs this.

mod clock;
mod figures;
mod measurement;
mod wasm;

use anyhow::{ensure, Context, Result};
use std::{env, fs, path::Path};

fn main() -> Result<()> {
	let arguments: Vec<String> = env::args().skip(1).collect();
	let [wasm, folder, pallets @ ..] = &arguments[..] else {
		anyhow::bail!("usage: dllm-benchmarking RUNTIME.wasm FOLDER [PALLET …]");
	};
	let bench = measurement::Bench::new(wasm::Runtime::load(Path::new(wasm))?)?;
	let mut failed = Vec::new();
	for list in bench.benchmarks()? {
		let pallet = String::from_utf8(list.pallet.clone())?;
		if !pallets.is_empty() && !pallets.contains(&pallet) {
			continue;
		}
		let mut measured = Vec::new();
		for benchmark in &list.benchmarks {
			let name = String::from_utf8_lossy(&benchmark.name);
			match bench.measure(&list, benchmark) {
				Ok(figure) => {
					eprintln!("{pallet}::{name}: {figure}");
					measured.push(figure);
				}
				Err(error) => {
					eprintln!("{pallet}::{name} FAILED: {error:#}");
					failed.push(format!("{pallet}::{name}"));
				}
			}
		}
		let file = Path::new(folder).join(format!("{pallet}.rs"));
		fs::write(&file, figures::render(&pallet, &measured))
			.with_context(|| format!("cannot write {}", file.display()))?;
	}
	ensure!(
		failed.is_empty(),
		"benchmarks failed, their weights are missing: {}",
		failed.join(", ")
	);
	Ok(())
}
