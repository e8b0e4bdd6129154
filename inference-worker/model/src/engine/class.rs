//! Numerics classes: which machines give the same bytes.
//!
//! A class is found by running, not by reading processor flags: a small model of fixed weights is
//! executed, and its output bytes are hashed together with the library and the rules of execution. Two
//! workers with the same id can compare their rows byte by byte; others only by tolerance.

use super::{
	assembly::Assembly, fuse::FuseError, library::runtime, ort_engine::OrtEngine, Engine,
	EngineError,
};
use crate::{
	manifest::{Family, ModelConfig, RopeScaling},
	numerics::{Numerics, CHUNK_ROWS},
	splitter::{
		shards::{self, TensorSource},
		SplitError,
	},
};
use dllm_primitives::{ids::Digest, model::Profile};
use std::sync::Mutex;

const CONTEXT: &str = "dllm 2026-11 numerics class v1";
/// The class of profile `exact`, the same on every processor. The chain compares rows of exact models whatever class
/// their workers name, so who computes otherwise would be convicted of honest work.
pub const EXACT_CLASS: [u8; 32] = [
	0xc7, 0x24, 0xd5, 0xe6, 0x8e, 0x36, 0xbe, 0xb5, 0x65, 0x29, 0x43, 0x1e, 0x1a, 0x11, 0xf4, 0xe7,
	0x89, 0xfa, 0x2c, 0xe3, 0x79, 0xc1, 0xb7, 0x79, 0x40, 0x09, 0x98, 0xc1, 0xfa, 0x34, 0xc8, 0x1f,
];
/// Rows of the test prefill: several tiles of the matrix kernels, and a remainder.
const PREFILL_ROWS: u32 = 37;
/// Rows decoded after it.
const DECODE_ROWS: u32 = 3;

/// The class of this process for a profile.
pub fn profile_id(profile: Profile) -> Result<Digest, EngineError> {
	class_id(Numerics::of(profile))
}

/// The class of this process under given rules; measured once.
pub(super) fn class_id(numerics: &Numerics) -> Result<Digest, EngineError> {
	static MEASURED: Mutex<Vec<(Numerics, Digest)>> = Mutex::new(Vec::new());
	let mut measured = MEASURED
		.lock()
		.unwrap_or_else(|poisoned| poisoned.into_inner());
	if let Some((_, digest)) = measured.iter().find(|(known, _)| known == numerics) {
		return Ok(*digest);
	}
	let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
	// Exact bytes do not depend on the library, so neither does their class.
	if numerics.exact.is_none() {
		hasher.update(runtime()?.digest.as_bytes());
	}
	hasher.update(format!("{:?}; {}", numerics.profile, numerics.rules).as_bytes());
	for value in self_test(numerics)? {
		hasher.update(&value.to_le_bytes());
	}
	let digest = Digest::from(*hasher.finalize().as_bytes());
	let of_profile = *numerics == *Numerics::of(Profile::Exact);
	if of_profile && digest.to_fixed_bytes() != EXACT_CLASS {
		return Err(EngineError::NotExact { found: digest });
	}
	measured.push((*numerics, digest));
	Ok(digest)
}

/// Output rows of the test model: a prefill, then single rows.
fn self_test(numerics: &Numerics) -> Result<Vec<f32>, EngineError> {
	let config = test_model();
	let mut assembly = Assembly::new(&config, numerics);
	for layer in 0..config.layers {
		let file = format!("self-test-{layer}");
		let mut content = Vec::new();
		let written = shards::layer(&config, numerics, layer, &TestWeights, &mut content);
		written.map_err(|error| FuseError {
			file: file.clone(),
			reason: error.to_string(),
		})?;
		assembly.push(layer, &file, content)?;
	}
	let rows = values("rows", (PREFILL_ROWS + DECODE_ROWS) * config.hidden, 1.0);
	let (prompt, rest) = rows.split_at((PREFILL_ROWS * config.hidden) as usize);
	let engine = OrtEngine::over(&assembly.finish()?, config, *numerics)?;
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
		rope_scaling: RopeScaling::None,
		window: None,
		qkv_bias: false,
		qk_norm: false,
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
