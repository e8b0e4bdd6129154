//! Random numbers that are the same in every run of the same seed.

use dllm_primitives::ids::Digest;

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
	/// Dice that fall as their seed says; `name` keeps those of two attacks apart.
	pub fn new(seed: u64, name: &str) -> Self {
		let mut hasher = blake3::Hasher::new();
		hasher.update(&seed.to_le_bytes());
		hasher.update(name.as_bytes());
		let mut bytes = [0; 8];
		hasher.finalize_xof().fill(&mut bytes);
		Self(u64::from_le_bytes(bytes))
	}

	/// Any number.
	pub fn any(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}

	/// A number below `bound`; 0 where there is none.
	pub fn below(&mut self, bound: u64) -> u64 {
		match bound {
			0 => 0,
			bound => self.any() % bound,
		}
	}

	/// A place in a list of so many.
	pub fn place(&mut self, count: usize) -> usize {
		self.below(count as u64) as usize
	}

	/// Whether something of this probability happens.
	pub fn happens(&mut self, probability: f64) -> bool {
		// 53 bits, as many as the number has.
		((self.any() >> 11) as f64) < probability * (1u64 << 53) as f64
	}

	/// A digest that nobody has seen.
	pub fn digest(&mut self) -> Digest {
		let mut bytes = [0; 32];
		for part in bytes.chunks_mut(8) {
			part.copy_from_slice(&self.any().to_le_bytes());
		}
		Digest::from(bytes)
	}
}
