//! Chooses a token: a pure function of logits, limits, seed and position.
//!
//! A second entry that sees the same logits chooses the same token on any machine, because nothing here
//! is left to the platform:
//!
//! 1. Temperature 0: the highest logit; the lowest id among equals.
//! 2. Else a weight for every token, `⌊2^40 · e^((logit − max)/T)⌋`, in f64 with
//!    [`portable_math::exp`](crate::portable_math::exp), then an integer: sums no longer depend on order.
//! 3. Tokens by falling logit, then rising id; the shortest prefix whose weights reach `top_p` of the
//!    total stays (nucleus sampling, Holtzman et al. 2019).
//! 4. 64 bits out of blake3 over seed and position fall on one of the weights, by multiplication and
//!    shift.

use crate::portable_math::exp;
use std::cmp::Ordering;

const CONTEXT: &str = "dllm 2026-11 sampler v1";
/// Weight of the most likely token. 2^18 tokens of it still fit in 64 bits, and 2^-40 is below what a
/// user can notice.
const WEIGHT_ONE: f64 = (1u64 << 40) as f64;

/// How a token is chosen; the same units as on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplingParams {
	/// Temperature in thousandths; 0 is greedy.
	pub temperature_milli: u16,
	/// Nucleus mass in thousandths, 1 to 1000.
	pub top_p_milli: u16,
	/// Seed of the reply.
	pub seed: u64,
}

impl SamplingParams {
	/// Always the most likely token.
	pub const GREEDY: Self = Self {
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 0,
	};
}

/// Why no token can be chosen.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleError {
	/// There are no logits.
	#[error("no logits to choose from")]
	Empty,
	/// A logit is infinite or not a number.
	#[error("logit {token} is not finite: the model or a worker is broken")]
	NotFinite { token: usize },
}

/// The token at `position`, the number of tokens before it, prompt included.
pub fn sample(logits: &[f32], params: &SamplingParams, position: u32) -> Result<u32, SampleError> {
	if let Some(token) = logits.iter().position(|logit| !logit.is_finite()) {
		return Err(SampleError::NotFinite { token });
	}
	let mut best = 0;
	for (token, logit) in logits.iter().enumerate() {
		if *logit > logits[best] {
			best = token;
		}
	}
	let max = *logits.get(best).ok_or(SampleError::Empty)?;
	if params.temperature_milli == 0 {
		return Ok(best as u32);
	}

	let nucleus = nucleus(
		weigh(logits, max, params.temperature_milli),
		params.top_p_milli,
	);
	let total = nucleus.iter().map(|token| token.weight).sum::<u64>();
	let drawn = (u128::from(draw(params.seed, position)) * u128::from(total)) >> 64;
	let mut passed = 0u128;
	for token in &nucleus {
		passed += u128::from(token.weight);
		if drawn < passed {
			return Ok(token.id);
		}
	}
	// The draw is below the total, so the loop has returned.
	Ok(best as u32)
}

/// A token that may be chosen.
struct Candidate {
	id: u32,
	logit: f32,
	weight: u64,
}

/// The tokens whose weight is not zero.
fn weigh(logits: &[f32], max: f32, temperature_milli: u16) -> Vec<Candidate> {
	let temperature = f64::from(temperature_milli) / 1000.0;
	let candidate = |(id, logit): (usize, &f32)| {
		let share = exp((f64::from(*logit) - f64::from(max)) / temperature);
		let weight = (share * WEIGHT_ONE) as u64;
		(weight > 0).then_some(Candidate {
			id: id as u32,
			logit: *logit,
			weight,
		})
	};
	logits.iter().enumerate().filter_map(candidate).collect()
}

/// The most likely tokens that together have the mass `top_p`; at least one.
fn nucleus(mut tokens: Vec<Candidate>, top_p_milli: u16) -> Vec<Candidate> {
	tokens.sort_unstable_by(likelier_first);
	let total = tokens
		.iter()
		.map(|token| u128::from(token.weight))
		.sum::<u128>();
	let wanted = total * u128::from(top_p_milli.min(1000));
	let mut mass = 0u128;
	let enough = tokens.iter().position(|token| {
		mass += u128::from(token.weight) * 1000;
		mass >= wanted
	});
	tokens.truncate(enough.map_or(tokens.len(), |last| last + 1));
	tokens
}

/// A total order: 0 and −0 are told apart by [`f32::total_cmp`], equal logits by id.
fn likelier_first(a: &Candidate, b: &Candidate) -> Ordering {
	b.logit.total_cmp(&a.logit).then(a.id.cmp(&b.id))
}

/// 64 uniform bits for one position of one reply.
fn draw(seed: u64, position: u32) -> u64 {
	let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
	hasher.update(&seed.to_le_bytes());
	hasher.update(&position.to_le_bytes());
	let mut bits = [0; 8];
	hasher.finalize_xof().fill(&mut bits);
	u64::from_le_bytes(bits)
}
