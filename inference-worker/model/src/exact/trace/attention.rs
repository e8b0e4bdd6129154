//! Rules A1 to A5 for the trace.

use super::Coded;
use crate::exact::rules::{SCORE_MAX, SCORE_STEPS};
use dllm_primitives::trace::shape::ROW_BLOCK;

/// What the attention of one row computes; vectors as `Operator` has them.
pub(super) struct Mixed {
	heads: usize,
	kv_heads: usize,
	width: usize,
	rows: usize,
	pub(super) scores: Vec<i64>,
	pub(super) best: Vec<i64>,
	pub(super) exponents: Vec<i64>,
	pub(super) totals: Vec<i64>,
	pub(super) seen: Vec<f32>,
	pub(super) largest: Vec<f32>,
	pub(super) weights: Vec<i64>,
	pub(super) parts: Vec<i64>,
	pub(super) sums: Vec<i64>,
	pub(super) values: Vec<f32>,
}

impl Mixed {
	pub(super) fn new(heads: usize, kv_heads: usize, width: usize, rows: usize) -> Self {
		let blocks = rows.div_ceil(ROW_BLOCK as usize);
		Self {
			heads,
			kv_heads,
			width,
			rows,
			scores: vec![0; heads * rows],
			best: Vec::new(),
			exponents: vec![0; heads * rows],
			totals: Vec::new(),
			seen: vec![0.0; kv_heads * blocks],
			largest: vec![0.0; kv_heads],
			weights: vec![0; heads * rows],
			parts: vec![0; heads * width * blocks],
			sums: Vec::new(),
			values: Vec::new(),
		}
	}

	/// One query head of the last row over the rows from `first` on.
	pub(super) fn head(&mut self, head: usize, first: usize, cache: &[Coded], exponent: &[i32]) {
		let group = head / (self.heads / self.kv_heads);
		let (key, value) = (self.heads + group, self.heads + self.kv_heads + group);
		let (rows, width) = (self.rows, self.width);
		let blocks = rows.div_ceil(ROW_BLOCK as usize);
		let visible = &cache[first..];
		let Some(last) = visible.last() else {
			return;
		};
		let query = &last.codes[head * width..][..width];
		let mut best = i64::MIN;
		for (row, seen) in (first..).zip(visible) {
			let keys = &seen.codes[key * width..][..width];
			let dot = query.iter().zip(keys).map(|(q, k)| q * k).sum::<i64>();
			let score = dot as f32 * seen.scales[key] * last.scales[head] * SCORE_STEPS;
			let score = score.clamp(-SCORE_MAX, SCORE_MAX).round_ties_even() as i64;
			best = best.max(score);
			self.scores[head * rows + row] = score;
			let of_block = &mut self.seen[group * blocks + row / ROW_BLOCK as usize];
			*of_block = of_block.max(seen.scales[value]);
			self.largest[group] = self.largest[group].max(seen.scales[value]);
		}
		let (mut total, mut sums) = (0, vec![0; width]);
		for (row, seen) in (first..).zip(visible) {
			let at = head * rows + row;
			let distance = (best - self.scores[at]).min(exponent.len() as i64 - 1);
			self.exponents[at] = exponent[distance as usize].into();
			total += self.exponents[at];
			let ratio = seen.scales[value] / self.largest[group];
			self.weights[at] = (self.exponents[at] as f32 * ratio).round_ties_even() as i64;
			let codes = &seen.codes[value * width..][..width];
			for (within, code) in codes.iter().enumerate() {
				let part = (head * width + within) * blocks + row / ROW_BLOCK as usize;
				self.parts[part] += self.weights[at] * code;
				sums[within] += self.weights[at] * code;
			}
		}
		self.best.push(best);
		self.totals.push(total);
		let factor = self.largest[group] / total as f32;
		self.values
			.extend(sums.iter().map(|sum| *sum as f32 * factor));
		self.sums.extend(sums);
	}
}
