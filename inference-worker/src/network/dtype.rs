//! How the values of a row travel: the bytes that are sent, and hashed.
//!
//! The profile of a model fixes the codec, so that a commitment over wire bytes means the same to every
//! worker. Values are little-endian.

use dllm_primitives::{compare::is_wide, model::Profile};
use half::f16;

/// Type of the values on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
	/// Single precision: nothing is lost.
	F32,
	/// Half precision: half the bytes, a relative error of 5e-4 in the logits.
	F16,
}

/// A value cannot travel.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
#[error("value {at} is not finite in {dtype:?}: the job is refunded; if it repeats, the model's weights or this machine are at fault, run `dllm-worker doctor`")]
pub struct NotFinite {
	/// Where it stands.
	pub at: usize,
	/// The type that cannot hold it.
	pub dtype: Dtype,
}

impl Dtype {
	/// The codec of a profile.
	pub fn of(profile: Profile) -> Self {
		match is_wide(profile) {
			true => Self::F32,
			false => Self::F16,
		}
	}

	/// Bytes of one value.
	pub fn bytes(self) -> usize {
		match self {
			Self::F32 => 4,
			Self::F16 => 2,
		}
	}

	/// Its number in a frame.
	pub fn code(self) -> u8 {
		match self {
			Self::F32 => 0,
			Self::F16 => 1,
		}
	}

	/// The type of that number.
	pub fn from_code(code: u8) -> Option<Self> {
		match code {
			0 => Some(Self::F32),
			1 => Some(Self::F16),
			_ => None,
		}
	}

	/// Bytes of values, which must be finite and stay finite.
	pub fn encode(self, values: &[f32]) -> Result<Vec<u8>, NotFinite> {
		let finite = |value: &f32| match self {
			Self::F32 => value.is_finite(),
			Self::F16 => f16::from_f32(*value).is_finite(),
		};
		if let Some(at) = values.iter().position(|value| !finite(value)) {
			return Err(NotFinite { at, dtype: self });
		}
		Ok(match self {
			Self::F32 => values
				.iter()
				.flat_map(|value| value.to_le_bytes())
				.collect(),
			Self::F16 => values
				.iter()
				.flat_map(|value| f16::from_f32(*value).to_le_bytes())
				.collect(),
		})
	}

	/// Values of bytes; a last, incomplete value is left out.
	pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
		match self {
			Self::F32 => bytes
				.chunks_exact(4)
				.map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]]))
				.collect(),
			Self::F16 => bytes
				.chunks_exact(2)
				.map(|value| f16::from_le_bytes([value[0], value[1]]).to_f32())
				.collect(),
		}
	}
}
