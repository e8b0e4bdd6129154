//! How far two runs lie apart where their bytes differ.

use crate::record::Record;
use dllm_primitives::{compare::is_wide, model::Profile};
use half::f16;

/// Distances between the outputs of two runs of one model.
pub struct Distance {
	/// Relative L2 distance of a row from its counterpart: the median over rows.
	pub median: f64,
	/// The same: the largest of all rows.
	pub largest: f64,
	/// Share of values with the same bits, 0 to 1.
	pub equal: f64,
	/// Share of the compared positions at which the same token is likeliest, 0 to 1.
	pub same_token: f64,
}

impl Distance {
	/// Between two records of the same model and the same rows; none if the shapes differ.
	pub fn between(found: &Record, expected: &Record) -> Option<Self> {
		let same_shape = found.hidden == expected.hidden
			&& found.rows.len() == expected.rows.len()
			&& found.logits.len() == expected.logits.len()
			&& !expected.rows.is_empty();
		if !same_shape {
			return None;
		}
		let mut rows = found
			.rows
			.chunks(found.hidden)
			.zip(expected.rows.chunks(found.hidden))
			.map(|(found, expected)| relative(found, expected))
			.collect::<Vec<_>>();
		rows.sort_by(f64::total_cmp);
		let pairs = found.rows.iter().zip(&expected.rows);
		let equal = pairs.filter(|(a, b)| a.to_bits() == b.to_bits()).count();
		let positions = found
			.logits
			.chunks(found.vocab)
			.zip(expected.logits.chunks(found.vocab));
		let same = positions
			.clone()
			.filter(|(a, b)| likeliest(a) == likeliest(b))
			.count();
		Some(Self {
			median: rows[rows.len() / 2],
			largest: rows[rows.len() - 1],
			equal: equal as f64 / found.rows.len() as f64,
			same_token: same as f64 / positions.count().max(1) as f64,
		})
	}
}

/// Values as they reach whoever compares them: those of most profiles travel as half floats, under the rule that the
/// worker has in `Dtype::of` (inference-worker/src/network/dtype.rs) and the chain in [`is_wide`].
pub fn as_sent(profile: Profile, values: &[f32]) -> Vec<f32> {
	if is_wide(profile) {
		return values.to_vec();
	}
	let halves = values.iter().map(|value| f16::from_f32(*value).to_f32());
	halves.collect()
}

/// Relative L2 distance of every row of `width` values from its counterpart, with either of the two as the measure:
/// the smaller, then the larger.
pub fn rows_apart(a: &[f32], b: &[f32], width: usize) -> Vec<[f64; 2]> {
	let rows = a.chunks(width).zip(b.chunks(width));
	let both = rows.map(|(a, b)| [relative(a, b), relative(b, a)]);
	both.map(|[a, b]| [a.min(b), a.max(b)]).collect()
}

/// Little-endian values of bytes.
pub fn to_values(bytes: &[u8]) -> Vec<f32> {
	let words = bytes.chunks_exact(4);
	words
		.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
		.collect()
}

/// Length of the difference over the length of `expected`; infinite where that is no number.
fn relative(found: &[f32], expected: &[f32]) -> f64 {
	let pairs = found.iter().zip(expected);
	let squares = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
	let difference = squares.sum::<f64>();
	if difference == 0.0 {
		return 0.0;
	}
	let length = expected.iter().map(|value| f64::from(*value).powi(2));
	let relative = (difference / length.sum::<f64>()).sqrt();
	if relative.is_finite() {
		relative
	} else {
		f64::INFINITY
	}
}

fn likeliest(logits: &[f32]) -> Option<usize> {
	let order = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
	logits.iter().enumerate().max_by(order).map(|(at, _)| at)
}
