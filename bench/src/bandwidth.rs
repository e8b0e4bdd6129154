//! How fast one thread copies memory: no step that reads its weights from memory can be faster.

use crate::time::processor_time;
use anyhow::Result;
use std::hint::black_box;

/// Larger than any cache.
const BYTES: usize = 256 << 20;

/// Buffers that are copied back and forth.
pub struct Copy {
	from: Vec<u8>,
	to: Vec<u8>,
}

impl Copy {
	/// Touches both buffers, so that their pages exist.
	pub fn new() -> Self {
		Self {
			from: vec![1; BYTES],
			to: vec![2; BYTES],
		}
	}

	/// One copy: bytes read and written in a second.
	pub fn measure(&mut self) -> Result<f64> {
		let start = processor_time(std::process::id())?;
		self.to.copy_from_slice(black_box(&self.from));
		black_box(&mut self.to);
		let took = processor_time(std::process::id())? - start;
		Ok(2.0 * BYTES as f64 / took.as_secs_f64())
	}
}
