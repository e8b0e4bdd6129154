//! Tables of the rotary position embedding.
//!
//! Angle of position p and pair j: p · f, f = θ^(−2j/d), d the width of a head (Su et al., RoFormer);
//! models that were stretched to a longer context use smaller f ([`RopeScaling`]). Computed in f64 with
//! [`crate::portable_math`], so that the tables, and with them the digests of all layers, are the same
//! wherever a model is split.

use crate::{
	manifest::{ModelConfig, RopeScaling},
	portable_math::{cos_sin, exp, ln},
};
use core::f64::consts::TAU;

/// Cosines and sines, each `[rows, head_dim / 2]` row-major. There is one row more than the context is
/// long: the engine's last step runs one padding row behind it.
pub fn tables(config: &ModelConfig) -> (Vec<f32>, Vec<f32>) {
	let frequencies = frequencies(config);
	let magnitude = magnitude(config);
	(0..rows(config))
		.flat_map(|position| {
			frequencies
				.iter()
				.map(move |f| cos_sin(f64::from(position) * f))
		})
		.map(|(cos, sin)| ((cos * magnitude) as f32, (sin * magnitude) as f32))
		.unzip()
}

/// Angle of every pair from one position to the next, in radians.
pub fn frequencies(config: &ModelConfig) -> Vec<f64> {
	let pairs = config.head_dim / 2;
	let log_theta = ln(config.rope_theta);
	(0..pairs)
		.map(|pair| {
			let frequency = exp(-log_theta * f64::from(2 * pair) / f64::from(config.head_dim));
			stretched(frequency, pair, config)
		})
		.collect()
}

/// What every turned value is multiplied by, beside its cosine and sine.
pub fn magnitude(config: &ModelConfig) -> f64 {
	match config.rope_scaling {
		RopeScaling::Yarn { magnitude, .. } => magnitude,
		_ => 1.0,
	}
}

/// The frequency that a stretched model uses.
fn stretched(frequency: f64, pair: u32, config: &ModelConfig) -> f64 {
	match config.rope_scaling {
		RopeScaling::None => frequency,
		RopeScaling::Linear { factor } => frequency / factor,
		RopeScaling::Llama3 {
			factor,
			low_freq_factor,
			high_freq_factor,
			original_context,
		} => {
			let turns = f64::from(original_context) * frequency / TAU;
			// 0 for slow pairs, 1 for fast ones.
			let kept = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
			let kept = kept.clamp(0.0, 1.0);
			(1.0 - kept) * frequency / factor + kept * frequency
		}
		RopeScaling::Yarn {
			factor,
			beta_fast,
			beta_slow,
			original_context,
			..
		} => {
			let turning = |turns| pair_of_turns(turns, original_context, config);
			let first = turning(beta_fast).floor().max(0.0);
			let last = turning(beta_slow)
				.ceil()
				.min(f64::from(config.head_dim - 1));
			// As in the authors' program, which divides by this where both are the same pair.
			let span = if first == last { 0.001 } else { last - first };
			let slow = ((f64::from(pair) - first) / span).clamp(0.0, 1.0);
			slow * frequency / factor + (1.0 - slow) * frequency
		}
	}
}

/// The pair, as a fraction, whose angle makes so many turns within a context (YaRN, section 3.2).
fn pair_of_turns(turns: f64, context: u32, config: &ModelConfig) -> f64 {
	let ratio = f64::from(context) / (turns * TAU);
	f64::from(config.head_dim) * ln(ratio) / (2.0 * ln(config.rope_theta))
}

/// Rows of the tables.
pub fn rows(config: &ModelConfig) -> u32 {
	config.max_context + 1
}
