//! Tables of the rotary position embedding.
//!
//! Angle of position p and pair j: p · θ^(−2j/d), d the width of a head (Su et al., RoFormer). Computed
//! in f64 with [`crate::portable_math`], so that the tables, and with them the digests of all layers, are the
//! same wherever a model is split.

use crate::{
	manifest::ModelConfig,
	portable_math::{cos_sin, exp, ln},
};

/// Cosines and sines, each `[rows, head_dim / 2]` row-major. There is one row more than the context is
/// long: the engine's last step runs one padding row behind it.
pub fn tables(config: &ModelConfig) -> (Vec<f32>, Vec<f32>) {
	let pairs = config.head_dim / 2;
	let log_theta = ln(config.rope_theta);
	let frequencies = (0..pairs)
		.map(|pair| exp(-log_theta * f64::from(2 * pair) / f64::from(config.head_dim)))
		.collect::<Vec<_>>();
	(0..rows(config))
		.flat_map(|position| {
			frequencies
				.iter()
				.map(move |f| cos_sin(f64::from(position) * f))
		})
		.map(|(cos, sin)| (cos as f32, sin as f32))
		.unzip()
}

/// Rows of the tables.
pub fn rows(config: &ModelConfig) -> u32 {
	config.max_context + 1
}
