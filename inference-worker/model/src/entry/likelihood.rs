//! How likely tokens were: what the model itself gave them, before temperature and nucleus.
//!
//! Unlike the choice of a token this is shown to the user only. Nobody commits to it and nobody checks it.

use super::EntryError;
use crate::portable_math::{exp, ln};
use std::{borrow::Cow, cmp::Ordering};

/// How likely a chosen token was, and which others were likeliest.
#[derive(Clone, Debug, PartialEq)]
pub struct Likelihood {
	/// The chosen token.
	pub chosen: Likely,
	/// The likeliest tokens, the chosen one among them where it is one of these; likeliest first, the lower
	/// id first among equals.
	pub likeliest: Vec<Likely>,
}

/// A token and how likely it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Likely {
	/// The token.
	pub token: u32,
	/// What it adds to the text after the token before it, special tokens included: perhaps only a part of a
	/// character.
	pub bytes: Vec<u8>,
	/// Natural logarithm of its probability.
	pub logprob: f64,
}

impl Likely {
	/// Its bytes as a text, with `U+FFFD` where they are no character.
	pub fn text(&self) -> Cow<'_, str> {
		String::from_utf8_lossy(&self.bytes)
	}
}

/// Natural logarithms of the probabilities of the chosen token and of the `most` likeliest ones, out of
/// finite logits: `logit − ln Σ e^logit`.
pub(super) fn likelihood(
	logits: &[f32],
	chosen: u32,
	most: usize,
	bytes: impl Fn(u32) -> Result<Vec<u8>, EntryError>,
) -> Result<Likelihood, EntryError> {
	let max = logits
		.iter()
		.fold(f64::MIN, |max, logit| max.max(f64::from(*logit)));
	let sum = logits
		.iter()
		.map(|logit| exp(f64::from(*logit) - max))
		.sum::<f64>();
	let total = max + ln(sum);
	let likely = |token: u32| {
		let logit = logits.get(token as usize);
		let logit = logit.ok_or(EntryError::UnknownToken {
			token,
			vocab: logits.len() as u32,
		})?;
		Ok(Likely {
			token,
			bytes: bytes(token)?,
			logprob: f64::from(*logit) - total,
		})
	};
	Ok(Likelihood {
		chosen: likely(chosen)?,
		likeliest: likeliest(logits, most)
			.into_iter()
			.map(likely)
			.collect::<Result<_, EntryError>>()?,
	})
}

/// The tokens with the highest logits, in falling order.
fn likeliest(logits: &[f32], most: usize) -> Vec<u32> {
	let higher_first = |a: &u32, b: &u32| -> Ordering {
		let [left, right] = [a, b].map(|token| logits[*token as usize]);
		right.total_cmp(&left).then(a.cmp(b))
	};
	let mut tokens = (0..logits.len() as u32).collect::<Vec<_>>();
	if most < tokens.len() {
		tokens.select_nth_unstable_by(most, higher_first);
		tokens.truncate(most);
	}
	tokens.sort_unstable_by(higher_first);
	tokens
}
