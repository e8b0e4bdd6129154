//! How far two runs lie apart where their bytes differ.

use crate::record::Record;

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

/// Little-endian values of bytes.
pub fn to_values(bytes: &[u8]) -> Vec<f32> {
	let words = bytes.chunks_exact(4);
	words
		.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
		.collect()
}

/// Length of the difference over the length of `expected`.
fn relative(found: &[f32], expected: &[f32]) -> f64 {
	let pairs = found.iter().zip(expected);
	let difference = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
	let length = expected.iter().map(|value| f64::from(*value).powi(2));
	(difference.sum::<f64>() / length.sum::<f64>()).sqrt()
}

fn likeliest(logits: &[f32]) -> Option<usize> {
	let order = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
	logits.iter().enumerate().max_by(order).map(|(at, _)| at)
}
