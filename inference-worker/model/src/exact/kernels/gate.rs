//! The middle of the feed-forward block.

use super::{
	dispatch::dispatched,
	row::{quantise, rounded, scale_body},
};
use crate::exact::rules::{SIGMOIDS, SIGMOID_LAST, SIGMOID_STEPS};

/// Codes and scale of silu(gate) · up from the sums of both, which lie side by side (rules S, G, Q, L).
///
/// `values` is room for gate and up.
#[allow(clippy::too_many_arguments)]
pub fn gate(
	sums: &[i32],
	low_sums: &[i32],
	weights: &[f32],
	activation: f32,
	sigmoid: &[f32; SIGMOIDS],
	values: &mut [f32],
	high: &mut [u8],
	low: &mut [u8],
) -> f32 {
	product(sums, low_sums, weights, activation, sigmoid, values);
	quantise(&values[..sums.len() / 2], high, low)
}

dispatched! {
	/// Writes silu(gate) · up over the gate's half of `values`.
	product = product_body(
		sums: &[i32],
		low_sums: &[i32],
		weights: &[f32],
		activation: f32,
		sigmoid: &[f32; SIGMOIDS],
		values: &mut [f32],
	)
}

#[inline(always)]
fn product_body(
	sums: &[i32],
	low_sums: &[i32],
	weights: &[f32],
	activation: f32,
	sigmoid: &[f32; SIGMOIDS],
	values: &mut [f32],
) {
	scale_body(sums, low_sums, weights, activation, values);
	let (gates, ups) = values.split_at_mut(sums.len() / 2);
	let bound = SIGMOID_LAST as f32;
	for (gate, up) in gates.iter_mut().zip(ups) {
		let step = rounded((*gate * SIGMOID_STEPS).clamp(-bound, bound));
		// Between 0 and the last entry; the compiler sees it too, and reads several at once.
		let entry = (step.wrapping_add(SIGMOID_LAST) as u32).min(SIGMOIDS as u32 - 1);
		let sigmoid = sigmoid[entry as usize];
		*gate = *gate * sigmoid * *up;
	}
}
