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
	(0..rows(config))
		.flat_map(|position| {
			frequencies
				.iter()
				.map(move |f| cos_sin(f64::from(position) * f))
		})
		.map(|(cos, sin)| (cos as f32, sin as f32))
		.unzip()
}

/// Angle of every pair from one position to the next, in radians.
pub fn frequencies(config: &ModelConfig) -> Vec<f64> {
	let pairs = config.head_dim / 2;
	let log_theta = ln(config.rope_theta);
	(0..pairs)
		.map(|pair| exp(-log_theta * f64::from(2 * pair) / f64::from(config.head_dim)))
		.map(|frequency| stretched(frequency, config.rope_scaling))
		.collect()
}

/// The frequency that a stretched model uses.
fn stretched(frequency: f64, scaling: RopeScaling) -> f64 {
	match scaling {
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
	}
}

/// Rows of the tables.
pub fn rows(config: &ModelConfig) -> u32 {
	config.max_context + 1
}
