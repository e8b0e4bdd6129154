//! The part of all blocks that an author of some weight makes, exactly.
//!
//! In every slot each author of relative weight `θ` claims it as primary with `p = 1 − (1 − c)^θ`,
//! independently of the others. Of several primary blocks one survives, each as likely; in a slot that
//! nobody claims, which has probability `1 − c`, one of the `n` authors makes a secondary block, each as
//! likely. With `K` other claimants the share is `S = p · E[1 ⁄ (1 + K)] + (1 − c) ⁄ n`. The probabilities
//! are those of `sc_consensus_babe::authorship`.

/// Shares of authors with these weights, in their order; they add up to 1. `primary` is BABE's `c`,
/// numerator and denominator. Empty for nobody.
pub fn expected(weights: &[u64], primary: (u64, u64)) -> Vec<f64> {
	let total: f64 = weights.iter().map(|weight| *weight as f64).sum();
	let c = primary.0 as f64 / primary.1 as f64;
	let claim = |weight: &u64| 1.0 - (1.0 - c).powf(*weight as f64 / total);
	let claims: Vec<f64> = weights.iter().map(claim).collect();
	let secondary = (1.0 - c) / weights.len() as f64;
	let share = |at: usize| claims[at] * expected_part(&claims, at) + secondary;
	(0..weights.len()).map(share).collect()
}

/// `E[1 ⁄ (1 + K)]`, with `K` the number of claimants besides the author `at`.
fn expected_part(claims: &[f64], at: usize) -> f64 {
	let others = claims.iter().enumerate().filter(|(other, _)| *other != at);
	let mut probability = vec![1.0];
	for (_, claim) in others {
		// Probability of each number of claimants, with one more who may be among them.
		let mut with = vec![0.0; probability.len() + 1];
		for (count, part) in probability.iter().enumerate() {
			with[count] += part * (1.0 - claim);
			with[count + 1] += part * claim;
		}
		probability = with;
	}
	let parts = probability.iter().enumerate();
	parts.map(|(count, part)| part / (count + 1) as f64).sum()
}
