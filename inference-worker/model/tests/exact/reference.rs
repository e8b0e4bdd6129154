//! The rules of `docs/exact-profile.md` once more: one value at a time, in the widest integers.

/// Rule Q: codes up to ±`bound` and what a step is worth.
pub fn codes(row: &[f32], bound: i32) -> (Vec<i32>, f32) {
	let magnitude = magnitude(row);
	let inverse = bound as f32 / magnitude;
	let code = |value: &f32| {
		let scaled = value * inverse;
		let limit = bound as f32;
		let clipped = if scaled > limit {
			limit
		} else if scaled < -limit {
			-limit
		} else {
			scaled
		};
		clipped.round_ties_even() as i32
	};
	(row.iter().map(code).collect(), magnitude / bound as f32)
}

fn magnitude(row: &[f32]) -> f32 {
	let mut largest = 0.0f32;
	for value in row {
		if value.abs() > largest {
			largest = value.abs();
		}
	}
	largest.max(2f32.powi(-60)).min(2f32.powi(60))
}

/// Rule N.
pub fn root(row: &[f32], epsilon: f32) -> f32 {
	let (codes, step) = codes(row, 32_767);
	let squares = codes
		.iter()
		.map(|code| i128::from(*code) * i128::from(*code))
		.sum::<i128>();
	let mean = squares as f32 / row.len() as f32;
	let once = mean * step;
	let twice = once * step;
	(twice + epsilon).sqrt()
}

/// Rules N and Q: signed codes of a weighted norm, and their scale.
pub fn prepare(row: &[f32], weights: &[f32], epsilon: f32, limbs: usize) -> (Vec<i32>, f32) {
	let weighted = row
		.iter()
		.zip(weights)
		.map(|(x, w)| x * w)
		.collect::<Vec<_>>();
	let (codes, scale) = codes(&weighted, [127, 16_256][limbs - 1]);
	(codes, scale / root(row, epsilon))
}

/// Rules L and S.
pub fn value(high: i32, low: Option<i32>, weight: f32, activation: f32) -> f32 {
	let sum = match low {
		None => i128::from(high),
		Some(low) => i128::from(high) * 128 + i128::from(low),
	};
	let scaled = sum as f32 * weight;
	scaled * activation
}

/// Rule G.
pub fn gated(gate: f32, up: f32) -> f32 {
	let step = (gate * 128.0).clamp(-2048.0, 2048.0).round_ties_even();
	let sigmoid = (1.0 / (1.0 + (-f64::from(step) / 128.0).exp())) as f32;
	let silu = gate * sigmoid;
	silu * up
}

/// What one query sees: codes and scales of keys and values.
pub struct Cache {
	pub keys: Vec<Vec<i32>>,
	pub key_scales: Vec<f32>,
	pub values: Vec<Vec<i32>>,
	pub value_scales: Vec<f32>,
}

/// Rules A1 to A5.
pub fn attend(query: &[i32], factor: f32, cache: &Cache) -> Vec<f32> {
	let scores = cache
		.keys
		.iter()
		.zip(&cache.key_scales)
		.map(|(key, scale)| {
			let dot = query
				.iter()
				.zip(key)
				.map(|(q, k)| i128::from(*q) * i128::from(*k))
				.sum::<i128>();
			let scaled = dot as f32 * scale;
			let score = scaled * factor;
			(score * 256.0)
				.clamp(-2_097_152.0, 2_097_152.0)
				.round_ties_even() as i128
		});
	let scores = scores.collect::<Vec<_>>();
	let best = *scores.iter().max().unwrap();
	let exponents = scores
		.iter()
		.map(|score| ((-((best - score) as f64) / 256.0).exp() * 16_383.0).round() as i128);
	let exponents = exponents.collect::<Vec<_>>();
	let total = exponents.iter().sum::<i128>();
	let largest = cache.value_scales.iter().copied().fold(0.0, f32::max);
	let weights = exponents
		.iter()
		.zip(&cache.value_scales)
		.map(|(exponent, scale)| {
			let ratio = scale / largest;
			(*exponent as f32 * ratio).round_ties_even() as i128
		});
	let weights = weights.collect::<Vec<_>>();
	let factor = largest / total as f32;
	let column = |at: usize| {
		let sum = weights
			.iter()
			.zip(&cache.values)
			.map(|(w, value)| w * i128::from(value[at]))
			.sum::<i128>();
		sum as f32 * factor
	};
	(0..query.len()).map(column).collect()
}
