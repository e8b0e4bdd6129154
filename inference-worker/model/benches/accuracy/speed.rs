//! Speed of `exact` beside `f32`, same machine, same threads, in alternating rounds.

use crate::threads;
use anyhow::Result;
use dllm_model::{
	engine::{Assembly, Engine, OrtEngine},
	manifest::{Family, ModelConfig, RopeScaling},
	numerics::Numerics,
	splitter::{
		shards::{self, TensorSource},
		SplitError,
	},
};
use dllm_primitives::model::Profile;
use std::time::{Duration, Instant};

/// Rows of the prefill, and in the cache when single rows are timed.
const CONTEXT: u32 = 128;
/// Rounds of which the best counts; other work may disturb some.
const ROUNDS: usize = 7;

/// Prints tokens per second and their ratio.
pub fn print() -> Result<()> {
	println!("speed on {} threads, random weights", threads()?);
	println!("  shape               decode f32    exact  ratio   prefill f32    exact  ratio");
	for (name, config, steps) in shapes() {
		let engines = [
			engine(&config, Profile::F32)?,
			engine(&config, Profile::Exact)?,
		];
		let mut decode = [Duration::MAX; 2];
		let mut prefill = [Duration::MAX; 2];
		let row = rows(1, config.hidden);
		let prompt = rows(CONTEXT, config.hidden);
		for engine in &engines {
			engine.open(0, CONTEXT + steps)?;
		}
		for _ in 0..ROUNDS {
			for (at, engine) in engines.iter().enumerate() {
				engine.rollback(0, 0)?;
				let start = Instant::now();
				engine.prefill(0, 0, &prompt)?;
				prefill[at] = prefill[at].min(start.elapsed());
				let start = Instant::now();
				for step in 0..steps {
					engine.decode(0, CONTEXT + step, &row)?;
				}
				decode[at] = decode[at].min(start.elapsed() / steps);
			}
		}
		let rate = |time: Duration, rows: u32| f64::from(rows) / time.as_secs_f64();
		let [slow, fast] = decode.map(|time| rate(time, 1));
		let [slow_prefill, fast_prefill] = prefill.map(|time| rate(time, CONTEXT));
		println!(
			"  {name:18}  {slow:10.1}  {fast:7.1}  {:5.2}  {slow_prefill:12.1}  {fast_prefill:7.1}  {:5.2}",
			fast / slow,
			fast_prefill / slow_prefill
		);
	}
	Ok(())
}

/// The demo model's layers, and two layers of a model of 1.1 billion weights.
fn shapes() -> Vec<(&'static str, ModelConfig, u32)> {
	let small = ModelConfig {
		family: Family::Llama,
		hidden: 128,
		intermediate: 384,
		layers: 6,
		heads: 4,
		kv_heads: 2,
		head_dim: 32,
		vocab: 1,
		rope_theta: 10_000.0,
		rope_scaling: RopeScaling::None,
		window: None,
		qkv_bias: false,
		qk_norm: false,
		norm_eps: 1e-5,
		max_context: 1024,
		bos_id: None,
		eos_ids: Vec::new(),
		tied: true,
	};
	let large = ModelConfig {
		hidden: 2048,
		intermediate: 5632,
		layers: 2,
		heads: 32,
		kv_heads: 4,
		head_dim: 64,
		..small.clone()
	};
	vec![
		("6 × 128 (nano)", small, 64),
		("2 × 2048 (of 1.1 B)", large, 8),
	]
}

fn engine(config: &ModelConfig, profile: Profile) -> Result<OrtEngine> {
	let numerics = Numerics::of(profile);
	let mut assembly = Assembly::new(config, numerics);
	for layer in 0..config.layers {
		let mut shard = Vec::new();
		shards::layer(config, numerics, layer, &Noise, &mut shard)?;
		assembly.push(layer, &format!("layer-{layer}"), shard)?;
	}
	Ok(OrtEngine::over(
		&assembly.finish()?,
		config.clone(),
		*numerics,
	)?)
}

/// Weights of unit gain without meaning.
struct Noise;

impl TensorSource for Noise {
	fn tensor(&self, name: &str, shape: &[u32]) -> Result<Vec<f32>, SplitError> {
		let count = shape.iter().product::<u32>();
		if shape.len() == 1 {
			return Ok(vec![1.0; count as usize]);
		}
		let scale = (3.0 / f64::from(shape[1])).sqrt() as f32;
		let mut state = blake3::hash(name.as_bytes()).as_bytes()[0] as u32 | 1;
		let next = |_| {
			state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
			((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
		};
		Ok((0..count).map(next).collect())
	}
}

fn rows(count: u32, width: u32) -> Vec<f32> {
	(0..count * width)
		.map(|at| (at as f32 * 0.37).sin())
		.collect()
}
