//! Numerics classes: which machines give the same bytes.
//!
//! A class is found by running, not by reading processor flags: a small model of fixed weights is
//! executed, and its output bytes are hashed together with the library and the rules of execution. Two
//! workers with the same id can compare their rows byte by byte; others only by tolerance.

use super::{
	fuse::{FuseError, Fuser},
	library::runtime,
	ort_engine::{OrtEngine, CHUNK_ROWS},
	Engine, EngineError,
};
use crate::{
	manifest::{Family, ModelConfig},
	splitter::{
		shards::{self, TensorSource},
		SplitError,
	},
};
use dllm_primitives::{ids::Digest, model::Profile};
use prost::Message;
use std::sync::Mutex;

const CONTEXT: &str = "dllm 2026-11 numerics class v1";
/// The rules of `ort_engine`, as far as they can change a bit.
const RULES: &str = "flash attention off; batch 1; at least 2 rows";
/// Rows of the test prefill: several tiles of the matrix kernels, and a remainder.
const PREFILL_ROWS: u32 = 37;
/// Rows decoded after it.
const DECODE_ROWS: u32 = 3;

/// The class of this process for a profile; measured once.
pub fn profile_id(profile: Profile) -> Result<Digest, EngineError> {
	static MEASURED: Mutex<Option<Digest>> = Mutex::new(None);
	if profile != Profile::F32 {
		return Err(EngineError::ProfileNotOffered(profile));
	}
	let mut measured = MEASURED
		.lock()
		.unwrap_or_else(|poisoned| poisoned.into_inner());
	if let Some(digest) = *measured {
		return Ok(digest);
	}
	let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
	hasher.update(runtime()?.digest.as_bytes());
	hasher.update(format!("{profile:?}; {RULES}").as_bytes());
	for value in self_test()? {
		hasher.update(&value.to_le_bytes());
	}
	let digest = Digest::from(*hasher.finalize().as_bytes());
	*measured = Some(digest);
	Ok(digest)
}

/// Output rows of the test model: a prefill, then single rows.
fn self_test() -> Result<Vec<f32>, EngineError> {
	let config = test_model();
	let mut fuser = Fuser::default();
	for layer in 0..config.layers {
		let file = format!("self-test-{layer}");
		let graph = shards::layer(&config, layer, &TestWeights).map_err(|error| FuseError {
			file: file.clone(),
			reason: error.to_string(),
		})?;
		fuser.push(layer, &file, graph.model.encode_to_vec())?;
	}
	let rows = values("rows", (PREFILL_ROWS + DECODE_ROWS) * config.hidden, 1.0);
	let (prompt, rest) = rows.split_at((PREFILL_ROWS * config.hidden) as usize);
	let engine = OrtEngine::for_self_test(runtime()?, fuser, config)?;
	engine.open(0, PREFILL_ROWS + DECODE_ROWS)?;
	let mut output = engine.prefill(0, 0, prompt)?;
	for (position, row) in (PREFILL_ROWS..).zip(rest.chunks(engine.hidden())) {
		output.extend(engine.decode(0, position, row)?);
	}
	Ok(output)
}

/// Large enough for the library's blocked and threaded kernels, small enough for milliseconds.
fn test_model() -> ModelConfig {
	ModelConfig {
		family: Family::Llama,
		hidden: 256,
		intermediate: 704,
		layers: 2,
		heads: 8,
		kv_heads: 4,
		head_dim: 32,
		vocab: 1,
		rope_theta: 10_000.0,
		norm_eps: 1e-5,
		max_context: CHUNK_ROWS as u32,
		bos_id: None,
		eos_ids: Vec::new(),
		tied: true,
	}
}

/// Weights drawn from a hash of their name.
struct TestWeights;

impl TensorSource for TestWeights {
	fn tensor(&self, name: &str, shape: &[u32]) -> Result<Vec<f32>, SplitError> {
		let inputs = shape.last().copied().unwrap_or(1);
		// Unit gain: the variance of a uniform value in −1..1 is one third.
		let scale = (3.0 / f64::from(inputs)).sqrt() as f32;
		Ok(values(name, shape.iter().product(), scale))
	}
}

/// Uniform values between −`scale` and `scale` out of a hash of `name`.
fn values(name: &str, count: u32, scale: f32) -> Vec<f32> {
	let mut bytes = vec![0; 2 * count as usize];
	blake3::Hasher::new()
		.update(name.as_bytes())
		.finalize_xof()
		.fill(&mut bytes);
	let integers = bytes
		.chunks_exact(2)
		.map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
	integers
		.map(|value| f32::from(value) / 32768.0 * scale)
		.collect()
}
