//! Rows into codes of 8 bits, and their products with a tile of weights.
//!
//! Bounds: a byte product is at most 15 · 127, two of them fit 16 bits, and so do the sixteen that one 16-bit
//! lane adds over a block (30,480). A block's sum stays below 2^24, so that its conversion to a float is exact.

use super::packed::{Cell, TILE};
use crate::{
	exact::kernels::{
		dispatch::{dispatched, level, Level},
		rounded,
	},
	numerics::BLOCK,
};

/// Largest magnitude of a code.
const CODE_MAX: f32 = 127.0;
/// What is added to a weight code when it is stored.
const MIDDLE: i32 = 8;

/// One block of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Codes {
	/// Codes, four consecutive inputs together.
	pub groups: [[i8; 4]; BLOCK as usize / 4],
	/// −8 times the sum of the codes: what weights that are stored plus 8 have too much.
	pub offset: i32,
	/// Value of a code of 1.
	pub scale: f32,
}

dispatched! {
	/// Codes of a row, block by block; a block that is too short ends in zeros.
	///
	/// scale = largest magnitude / 127, code = value / scale to the nearest, half to even. A block whose
	/// scale has no finite inverse is as good as zero; one that holds a value that is not finite gets NaN as
	/// its scale, which makes the row's every output NaN.
	quantise = quantise_body(row: &[f32], codes: &mut [Codes])
}

#[inline(always)]
fn quantise_body(row: &[f32], codes: &mut [Codes]) {
	for (block, codes) in row.chunks(BLOCK as usize).zip(codes) {
		let mut values = [0.0; BLOCK as usize];
		values[..block.len()].copy_from_slice(block);
		// Bits of magnitudes are ordered like the magnitudes, and those of NaN come last.
		let magnitudes = values.map(|value| (value.to_bits() & 0x7fff_ffff) as i32);
		let largest = f32::from_bits(magnitudes.into_iter().fold(0, i32::max) as u32);
		*codes = Codes::default();
		if !largest.is_finite() {
			codes.scale = f32::NAN;
			continue;
		}
		let inverse = CODE_MAX / largest;
		if !inverse.is_finite() {
			continue;
		}
		let integers = values.map(|value| rounded(value * inverse));
		let sum = integers.iter().sum::<i32>();
		for (code, integer) in codes.groups.as_flattened_mut().iter_mut().zip(integers) {
			*code = integer as i8;
		}
		codes.offset = -MIDDLE * sum;
		codes.scale = largest / CODE_MAX;
	}
}

/// Products of rows with a tile, `cells` being all its blocks and `rows` `[rows, blocks]`.
pub fn multiply(cells: &[Cell], rows: &[Codes], products: &mut [[f32; TILE]]) {
	multiply_with(level(), cells, rows, products);
}

/// Like [`multiply`], with these vector units, for tests: they must be there.
pub fn multiply_with(units: Level, cells: &[Cell], rows: &[Codes], products: &mut [[f32; TILE]]) {
	assert!(units <= level() && rows.len() == cells.len() * products.len());
	#[cfg(target_arch = "x86_64")]
	if units >= Level::Avx2 {
		// SAFETY: `level` has seen that this processor has AVX2.
		#[allow(unsafe_code)]
		unsafe {
			x86::multiply(cells, rows, products);
		}
		return;
	}
	let rows = rows.chunks_exact(cells.len().max(1));
	for (row, products) in rows.zip(products) {
		plain(cells, row, products);
	}
}

/// The same arithmetic without vectors: what the products mean.
fn plain(cells: &[Cell], row: &[Codes], products: &mut [f32; TILE]) {
	*products = [0.0; TILE];
	for (cell, codes) in cells.iter().zip(row) {
		for (output, product) in products.iter_mut().enumerate() {
			let mut sum = codes.offset;
			for (line, groups) in cell.codes.iter().zip(codes.groups.as_chunks::<2>().0) {
				for (input, byte) in line[4 * output..][..4].iter().enumerate() {
					sum += i32::from(byte & 15) * i32::from(groups[0][input]);
					sum += i32::from(byte >> 4) * i32::from(groups[1][input]);
				}
			}
			*product += sum as f32 * (cell.scales[output] * codes.scale);
		}
	}
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
	use super::{Cell, Codes, TILE};
	use std::arch::x86_64::*;

	/// Outputs of one vector of sums.
	const LANES: usize = 8;
	/// Rows that share one unpacking of the weights, as many as leave all sums in registers.
	const ROWS: usize = 4;
	/// Cells between that which is read and that which is asked for: 2.5 KB, where one core of a Zen 3 reads
	/// fastest. The processor's own prefetching stops at the end of every page.
	const AHEAD: usize = 8;
	const CACHE_LINE: usize = 64;

	#[target_feature(enable = "avx2")]
	pub fn multiply(cells: &[Cell], rows: &[Codes], products: &mut [[f32; TILE]]) {
		let row = |number: usize| &rows[number * cells.len()..][..cells.len()];
		let many = products.len() / ROWS * ROWS;
		let (fours, rest) = products.as_chunks_mut::<ROWS>();
		for (four, products) in fours.iter_mut().enumerate() {
			let rows = std::array::from_fn(|at| row(ROWS * four + at));
			tile::<ROWS, 1>(cells, rows, 0, products);
			tile::<ROWS, 1>(cells, rows, 1, products);
		}
		let (twos, last) = rest.as_chunks_mut::<2>();
		for (two, products) in twos.iter_mut().enumerate() {
			let first = many + 2 * two;
			tile::<2, 2>(cells, [row(first), row(first + 1)], 0, products);
		}
		let first = many + 2 * twos.len();
		for (at, products) in last.iter_mut().enumerate() {
			tile::<1, 2>(cells, [row(first + at)], 0, std::array::from_mut(products));
		}
	}

	/// Products of `R` rows with `V` vectors of outputs, from vector `from` of the tile on.
	#[target_feature(enable = "avx2")]
	fn tile<const R: usize, const V: usize>(
		cells: &[Cell],
		rows: [&[Codes]; R],
		from: usize,
		products: &mut [[f32; TILE]; R],
	) {
		let rows = rows.map(|row| &row[..cells.len()]);
		let (low_half, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
		let mut totals = [[_mm256_setzero_ps(); V]; R];
		for (block, cell) in cells.iter().enumerate() {
			if R < ROWS {
				fetch(cell);
			}
			let mut sums = [[_mm256_setzero_si256(); V]; R];
			for (line, bytes) in cell.codes.iter().enumerate() {
				for vector in 0..V {
					let bytes = &bytes[4 * LANES * (from + vector)..][..4 * LANES];
					// SAFETY: `bytes` is as long as the vector; no alignment is asked for.
					let codes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
					let first = _mm256_and_si256(codes, low_half);
					let second = _mm256_and_si256(_mm256_srli_epi16(codes, 4), low_half);
					for (sums, row) in sums.iter_mut().zip(rows) {
						let groups = &row[block].groups;
						let pairs = _mm256_add_epi16(
							_mm256_maddubs_epi16(first, spread(groups[2 * line])),
							_mm256_maddubs_epi16(second, spread(groups[2 * line + 1])),
						);
						sums[vector] = _mm256_add_epi16(sums[vector], pairs);
					}
				}
			}
			for vector in 0..V {
				let scales = &cell.scales[LANES * (from + vector)..][..LANES];
				// SAFETY: `scales` is as long as the vector; no alignment is asked for.
				let scales = unsafe { _mm256_loadu_ps(scales.as_ptr()) };
				for ((totals, sums), row) in totals.iter_mut().zip(sums).zip(rows) {
					let codes = &row[block];
					let sum = _mm256_madd_epi16(sums[vector], ones);
					let sum = _mm256_add_epi32(sum, _mm256_set1_epi32(codes.offset));
					let scale = _mm256_mul_ps(scales, _mm256_set1_ps(codes.scale));
					let product = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), scale);
					totals[vector] = _mm256_add_ps(totals[vector], product);
				}
			}
		}
		for (products, totals) in products.iter_mut().zip(totals) {
			for (vector, total) in totals.into_iter().enumerate() {
				let to = &mut products[LANES * (from + vector)..][..LANES];
				// SAFETY: `to` is as long as the vector; no alignment is asked for.
				unsafe { _mm256_storeu_ps(to.as_mut_ptr(), total) };
			}
		}
	}

	/// Four codes in every lane.
	#[inline]
	#[target_feature(enable = "avx2")]
	fn spread(codes: [i8; 4]) -> __m256i {
		_mm256_set1_epi32(i32::from_le_bytes(codes.map(|code| code as u8)))
	}

	/// Asks for the cell that is read [`AHEAD`] cells later.
	#[inline]
	#[target_feature(enable = "avx2")]
	fn fetch(cell: &Cell) {
		let later = std::ptr::from_ref(cell).wrapping_add(AHEAD).cast::<i8>();
		for line in 0..size_of::<Cell>() / CACHE_LINE {
			_mm_prefetch::<_MM_HINT_T0>(later.wrapping_add(line * CACHE_LINE));
		}
	}
}
