//! Weights of 4 bits in the order in which the kernel reads them.

use crate::{
	mapping::{Pages, Plain},
	numerics::BLOCK,
};

/// Outputs that are computed together: two vectors of AVX2.
pub const TILE: usize = 16;
/// Bytes of a block on disk.
const BLOB: usize = BLOCK as usize / 2;

/// One block of inputs of one tile of outputs.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Cell {
	/// Weight codes plus 8. Byte `4 · output + i` of line `v` holds input `8 · v + i` in its lower and input
	/// `8 · v + 4 + i` in its upper half: four consecutive inputs side by side, as x86 multiplies them.
	pub codes: [[u8; 4 * TILE]; 4],
	/// Scale of each output.
	pub scales: [f32; TILE],
}

// SAFETY: bytes and floats without padding: 320 bytes, of which every value is a cell.
#[allow(unsafe_code)]
unsafe impl Plain for Cell {}

/// A matrix of weights.
pub struct Packed {
	/// Values of a row that enters.
	pub inputs: usize,
	/// Values of a row that leaves.
	pub outputs: usize,
	/// Blocks of a row that enters.
	pub blocks: usize,
	/// `[tiles, blocks]`; outputs that fill the last tile up have scales of 0.
	cells: Pages<Cell>,
}

impl Packed {
	/// Packs what a shard holds: codes `[outputs, blocks, 16]`, the earlier of two inputs in the lower half of a
	/// byte, and scales `[outputs, blocks]`. `None` where these do not fit together.
	pub fn new(inputs: usize, outputs: usize, codes: &[u8], scales: &[f32]) -> Option<Self> {
		let blocks = inputs.div_ceil(BLOCK as usize);
		let count = outputs.checked_mul(blocks).filter(|count| *count > 0)?;
		if scales.len() != count || codes.len() != count.checked_mul(BLOB)? {
			return None;
		}
		let mut cells = Pages::<Cell>::zeroed(outputs.div_ceil(TILE) * blocks);
		let rows = codes
			.chunks_exact(blocks * BLOB)
			.zip(scales.chunks_exact(blocks));
		for (output, (codes, scales)) in rows.enumerate() {
			let (tile, lane) = (output / TILE, output % TILE);
			let blobs = codes.as_chunks::<BLOB>().0;
			let row = cells.items_mut()[tile * blocks..]
				.iter_mut()
				.zip(blobs)
				.zip(scales);
			for ((cell, blob), scale) in row {
				for (line, word) in cell.codes.iter_mut().zip(blob.as_chunks().0) {
					let word = halves_apart(u32::from_le_bytes(*word));
					line[4 * lane..4 * lane + 4].copy_from_slice(&word.to_le_bytes());
				}
				cell.scales[lane] = *scale;
			}
		}
		Some(Self {
			inputs,
			outputs,
			blocks,
			cells,
		})
	}

	/// The cells of every tile.
	pub fn tiles(&self) -> std::slice::ChunksExact<'_, Cell> {
		self.cells.items().chunks_exact(self.blocks)
	}
}

/// Of eight codes the first four in the lower halves of four bytes, the others in the upper halves.
fn halves_apart(word: u32) -> u32 {
	let spread = |four: u32| {
		let two = (four | four << 8) & 0x00ff_00ff;
		(two | two << 4) & 0x0f0f_0f0f
	};
	spread(word & 0xffff) | spread(word >> 16) << 4
}
