//! A small mutational fuzzer for readers of files and frames.
//!
//! A campaign starts from sound inputs, damages them, and calls the reader. Inputs whose outcome has not
//! been seen before (another error, digits aside) join the corpus, so damage builds upon damage and the
//! search goes beyond a reader's first check. A panic fails the campaign and leaves the input as a file;
//! so does an input that takes too long.
//!
//! By default a campaign is short and always the same; `DLLM_FUZZ_SECONDS` makes it last, from a new seed.
//! `make fuzz` does so.

#![forbid(unsafe_code)]

mod mutate;

pub use mutate::Mutator;

use std::{
	collections::HashSet,
	env, fs,
	panic::{catch_unwind, AssertUnwindSafe},
	path::{Path, PathBuf},
	time::{Duration, Instant, SystemTime},
};

/// Environment variable with the length of every campaign in seconds.
pub const SECONDS_VARIABLE: &str = "DLLM_FUZZ_SECONDS";
/// An input may take so long at most; the machine may have other work.
const SLOWEST: Duration = Duration::from_secs(20);
/// Inputs kept at most: the oldest finds beyond the seeds go first.
const CORPUS: usize = 512;
/// Seed of the campaign that is always the same.
const FIXED_SEED: u64 = 0x5eed;

/// One reader under test.
pub struct Campaign {
	/// Names the files of failing inputs.
	pub name: &'static str,
	/// Sound inputs.
	pub seeds: Vec<Vec<u8>>,
	/// Words that the format knows.
	pub words: &'static [&'static str],
	/// Damage falls mostly on so many bytes at the front; all of them where it is `None`.
	pub front: Option<usize>,
	/// Inputs of the short campaign.
	pub inputs: u64,
}

/// What a campaign did.
#[derive(Debug)]
pub struct Summary {
	/// Inputs tried.
	pub inputs: u64,
	/// Outcomes told apart.
	pub outcomes: usize,
}

impl Campaign {
	/// Runs it. `reader` gives a sentence on the outcome, such as the error.
	///
	/// Panics if the reader does, or takes too long, and names the file with the input.
	pub fn run(self, mut reader: impl FnMut(&[u8]) -> String) -> Summary {
		let seconds = env::var(SECONDS_VARIABLE)
			.ok()
			.and_then(|text| text.parse().ok());
		let seed = match seconds {
			Some(_) => clock(),
			None => FIXED_SEED,
		};
		let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
		let mut mutator = Mutator::new(seed, self.words, self.front);
		let mut seen = HashSet::new();
		let mut corpus = self.seeds.clone();
		for seed in &self.seeds {
			seen.insert(shape_of(&self.call(seed, &mut reader)));
		}
		let mut inputs = 0;
		while end.map_or(inputs < self.inputs, |end| Instant::now() < end) {
			let input = mutator.damage(&corpus);
			if seen.insert(shape_of(&self.call(&input, &mut reader))) {
				if corpus.len() == CORPUS {
					corpus.remove(self.seeds.len());
				}
				corpus.push(input);
			}
			inputs += 1;
		}
		let outcomes = seen.len();
		println!(
			"fuzz {}: {inputs} inputs, {outcomes} outcomes, seed {seed:#x}",
			self.name
		);
		Summary { inputs, outcomes }
	}

	fn call(&self, input: &[u8], reader: &mut impl FnMut(&[u8]) -> String) -> String {
		let start = Instant::now();
		let outcome = catch_unwind(AssertUnwindSafe(|| reader(input)));
		let slow = start.elapsed() > SLOWEST;
		match outcome {
			Ok(outcome) if !slow => outcome,
			Ok(_) => panic!(
				"{}: {:?} took {:?}",
				self.name,
				self.keep(input),
				start.elapsed()
			),
			Err(_) => panic!(
				"{}: {:?} makes the reader panic",
				self.name,
				self.keep(input)
			),
		}
	}

	/// Writes a failing input beside the crate.
	fn keep(&self, input: &[u8]) -> PathBuf {
		let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures");
		let digest = blake3::hash(input).to_hex();
		let path = folder.join(format!("{}-{}", self.name, &digest[..16]));
		let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
		match kept {
			Ok(()) => path,
			Err(error) => panic!(
				"a failing input of {} bytes could not be kept: {error}",
				input.len()
			),
		}
	}
}

/// An outcome without its numbers and hashes, so that the corpus does not fill with the same error.
fn shape_of(outcome: &str) -> String {
	let mut shape = String::new();
	for byte in outcome.chars().take(160) {
		let byte = if byte.is_ascii_digit() { '0' } else { byte };
		if !(byte == '0' && shape.ends_with('0')) {
			shape.push(byte);
		}
	}
	shape
}

fn clock() -> u64 {
	let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
	now.map_or(FIXED_SEED, |now| now.as_nanos() as u64)
}
