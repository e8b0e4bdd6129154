//! Integer products of a few rows with many columns: what scores and mixtures of a block are made of.
//!
//! Columns are packed in panels of [`COLUMNS`], two consecutive entries of a column side by side, because
//! x86 multiplies pairs of 16-bit integers and adds the two products in one instruction. Sums are 32-bit
//! and wrap; the callers' bounds (`docs/exact-profile.md`) keep them inside, so every copy gives the same
//! integers.

use super::dispatch::{dispatched, level, Level};

/// Rows of a tile: with [`COLUMNS`], eight registers of sums on AVX-512.
pub const ROWS: usize = 4;
/// Columns of a tile and of a packed panel.
pub const COLUMNS: usize = 32;
/// Entries of a panel for every pair of a column's entries.
const STEP: usize = 2 * COLUMNS;

/// Sums of a tile.
pub type Sums = [[i32; COLUMNS]; ROWS];

/// Entries of a packed matrix of so many columns with so many pairs of entries each.
pub fn packed_len(columns: usize, pairs: usize) -> usize {
	columns.div_ceil(COLUMNS) * pairs * STEP
}

dispatched! {
	/// Packs rows of `width` codes as columns: every row becomes a column. `packed` holds
	/// [`packed_len`] of the rows with `width / 2` pairs, rounded up; what is not there becomes 0.
	pack_rows_as_columns = pack_rows_as_columns_body(rows: &[i8], width: usize, packed: &mut [i16])
}

#[inline(always)]
fn pack_rows_as_columns_body(rows: &[i8], width: usize, packed: &mut [i16]) {
	let pairs = width.div_ceil(2);
	let panels = packed.chunks_exact_mut(pairs * STEP);
	for (panel, rows) in panels.zip(rows.chunks(COLUMNS * width)) {
		if rows.len() < COLUMNS * width {
			panel.fill(0);
		}
		for (column, row) in rows.chunks_exact(width).enumerate() {
			let (whole, rest) = row.as_chunks::<2>();
			let places = panel.chunks_exact_mut(STEP);
			for (place, pair) in places.zip(whole) {
				place[2 * column] = pair[0].into();
				place[2 * column + 1] = pair[1].into();
			}
			if let [last] = rest {
				let place = &mut panel[(pairs - 1) * STEP..];
				place[2 * column] = (*last).into();
				place[2 * column + 1] = 0;
			}
		}
	}
}

dispatched! {
	/// Packs rows of `width` codes as entries of `width` columns. `packed` holds [`packed_len`] of
	/// `width` columns with half as many pairs as there are rows, rounded up; what is not there becomes 0.
	pack_rows = pack_rows_body(rows: &[i8], width: usize, packed: &mut [i16])
}

#[inline(always)]
fn pack_rows_body(rows: &[i8], width: usize, packed: &mut [i16]) {
	let pairs = (rows.len() / width).div_ceil(2);
	for (number, panel) in packed.chunks_exact_mut(pairs * STEP).enumerate() {
		let from = number * COLUMNS;
		let to = (from + COLUMNS).min(width);
		for (place, two) in panel.chunks_exact_mut(STEP).zip(rows.chunks(2 * width)) {
			if to - from < COLUMNS || two.len() < 2 * width {
				place.fill(0);
			}
			let (upper, lower) = two.split_at(width);
			let (place, _) = place.as_chunks_mut::<2>();
			for (place, code) in place.iter_mut().zip(&upper[from..to]) {
				place[0] = (*code).into();
			}
			if lower.is_empty() {
				continue;
			}
			for (place, code) in place.iter_mut().zip(&lower[from..to]) {
				place[1] = (*code).into();
			}
		}
	}
}

/// Products of [`ROWS`] rows with one packed panel. The rows are equally long, of even length, and the
/// panel holds as many pairs.
pub fn multiply(rows: [&[i16]; ROWS], panel: &[i16]) -> Sums {
	multiply_on(level(), rows, panel)
}

/// The same on vector units that this processor has, and not the best.
pub fn multiply_on(units: Level, rows: [&[i16]; ROWS], panel: &[i16]) -> Sums {
	let (places, _) = panel.as_chunks::<STEP>();
	let pairs = places.len();
	let rows = rows.map(|row| row.as_chunks::<2>().0);
	assert!(units <= level() && rows.iter().all(|row| row.len() == pairs));
	let mut sums = [[0; COLUMNS]; ROWS];
	#[cfg(target_arch = "x86_64")]
	match units {
		// SAFETY: `level` has seen that this processor has these units.
		#[allow(unsafe_code)]
		Level::Avx512 => {
			unsafe { x86::avx512(rows, places, &mut sums) };
			return sums;
		}
		// SAFETY: as above.
		#[allow(unsafe_code)]
		Level::Avx2 => {
			unsafe { x86::avx2(rows, places, &mut sums) };
			return sums;
		}
		Level::Plain => {}
	}
	plain(rows, places, &mut sums);
	sums
}

fn plain(rows: [&[[i16; 2]]; ROWS], places: &[[i16; STEP]], sums: &mut Sums) {
	for (sums, row) in sums.iter_mut().zip(rows) {
		for (pair, place) in row.iter().zip(places) {
			let [first, second] = pair.map(i32::from);
			for (sum, entries) in sums.iter_mut().zip(place.as_chunks::<2>().0) {
				let [one, other] = entries.map(i32::from);
				let both = first
					.wrapping_mul(one)
					.wrapping_add(second.wrapping_mul(other));
				*sum = sum.wrapping_add(both);
			}
		}
	}
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
	use super::{Sums, COLUMNS, ROWS, STEP};
	use std::arch::x86_64::*;

	/// Two entries as one 32-bit integer, lower half first, as the vector units read them.
	#[inline(always)]
	fn both(pair: &[i16; 2]) -> i32 {
		(i32::from(pair[0]) & 0xffff) | (i32::from(pair[1]) << 16)
	}

	/// Declares the tile for one kind of vector of `$lanes` sums. `$groups` of them are kept for every
	/// row, so that no sum leaves the registers.
	macro_rules! tile {
		($name:ident, $features:literal, $lanes:literal, $groups:literal, $zero:ident, $load:ident,
			$store:ident, $spread:ident, $multiply:ident, $add:ident) => {
			#[target_feature(enable = $features)]
			pub fn $name(rows: [&[[i16; 2]]; ROWS], places: &[[i16; STEP]], sums: &mut Sums) {
				let [first, second, third, fourth] = rows;
				let rows = first.iter().zip(second).zip(third).zip(fourth);
				for column in (0..COLUMNS).step_by($lanes * $groups) {
					let mut totals = [[$zero(); $groups]; ROWS];
					for (place, (((a, b), c), d)) in places.iter().zip(rows.clone()) {
						let mut entries = [$zero(); $groups];
						for (group, entries) in entries.iter_mut().enumerate() {
							let from = &place[2 * (column + group * $lanes)..][..2 * $lanes];
							// SAFETY: `from` is as long as the vector; no alignment is asked for.
							*entries = unsafe { $load(from.as_ptr().cast()) };
						}
						for (totals, pair) in totals.iter_mut().zip([a, b, c, d]) {
							let pair = $spread(both(pair));
							for (total, entries) in totals.iter_mut().zip(entries) {
								*total = $add(*total, $multiply(entries, pair));
							}
						}
					}
					for (sums, totals) in sums.iter_mut().zip(totals) {
						for (group, total) in totals.into_iter().enumerate() {
							let to = &mut sums[column + group * $lanes..][..$lanes];
							// SAFETY: `to` is as long as the vector; no alignment is asked for.
							unsafe { $store(to.as_mut_ptr().cast(), total) };
						}
					}
				}
			}
		};
	}

	tile!(
		avx512,
		"avx512f,avx512bw,avx512dq,avx512vl",
		16,
		2,
		_mm512_setzero_si512,
		_mm512_loadu_si512,
		_mm512_storeu_si512,
		_mm512_set1_epi32,
		_mm512_madd_epi16,
		_mm512_add_epi32
	);
	tile!(
		avx2,
		"avx2",
		8,
		2,
		_mm256_setzero_si256,
		_mm256_loadu_si256,
		_mm256_storeu_si256,
		_mm256_set1_epi32,
		_mm256_madd_epi16,
		_mm256_add_epi32
	);
}
