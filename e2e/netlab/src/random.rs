//! Random numbers that a seed determines.

/// SplitMix64 (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
	/// The sequence of a seed.
	pub fn new(seed: u64) -> Self {
		Self(seed)
	}

	/// The next number.
	pub fn number(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}

	/// A number of `0.0..1.0`.
	pub fn unit(&mut self) -> f64 {
		(self.number() >> 11) as f64 / (1u64 << 53) as f64
	}

	/// A number between two others.
	pub fn between(&mut self, low: f64, high: f64) -> f64 {
		low + (high - low) * self.unit()
	}

	/// A number between two positive others, every order of magnitude as likely as another.
	pub fn scale(&mut self, low: f64, high: f64) -> f64 {
		self.between(low.ln(), high.ln()).exp()
	}

	/// A whole number of `low..=high`.
	pub fn whole(&mut self, low: usize, high: usize) -> usize {
		low + (self.number() % (high - low + 1) as u64) as usize
	}
}
