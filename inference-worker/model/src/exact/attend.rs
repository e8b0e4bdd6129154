//! The operator `Attend`: queries, keys and values from their sums, the caches, and the attended rows.
//!
//! Rows enter side by side on the session's threads; then each thread takes some rows of one head of keys
//! and all queries that read it.

use super::{
	kernels::{
		attention::{attend as attend_one, norm_head, rotate, Scratch, Seen},
		block::{attend_block, Block, BlockScratch},
		quantise, scale, signed_codes, tile,
	},
	operators::{input, locked, output, parallel, CodesOut, Constants, LayerConstants, Sums},
	rules::{CACHE_MAX, EXPONENTS, QUERY_MAX},
	standard::factor,
};
use ort::{
	operator::ComputeContext,
	value::{DynTensorValueType, ValueRefMut},
	Error, Result,
};
use std::{
	cell::RefCell,
	ops::Range,
	sync::{Mutex, PoisonError},
};

/// Queries that read the same packed keys: packing then costs a few per cent.
const BLOCK_QUERIES: usize = 128;
/// Scores that a thread keeps at most (about 6 MB with their weights), but for the rows of one tile.
const BLOCK_SCORES: usize = 1 << 20;

/// Sums, scale, total, four caches → codes, scale, four caches. `mixed` is room that is kept between
/// calls.
pub fn attend(
	context: &ComputeContext,
	constants: &Constants,
	layer: &LayerConstants,
	mixed: &mut Vec<f32>,
) -> Result<()> {
	let config = &constants.config;
	let (heads, kv_heads) = (config.heads as usize, config.kv_heads as usize);
	let width = config.head_dim as usize;
	let (sums, scale, total) = (input(context, 0)?, input(context, 1)?, input(context, 2)?);
	let outputs = layer.attention_scales.len();
	let sums = Sums::new(&sums, &scale, outputs, constants.limbs.attention)?;
	let total = total.try_extract_tensor::<i32>()?.1.first().copied();
	let total = usize::try_from(total.unwrap_or(0)).unwrap_or(0);
	let start = total
		.checked_sub(sums.rows)
		.ok_or_else(|| Error::new("fewer rows in all than in this call"))?;

	let mut keys = cache(context, 3, 2)?;
	let mut key_scales = cache(context, 4, 3)?;
	let mut values = cache(context, 5, 4)?;
	let mut value_scales = cache(context, 6, 5)?;
	let mut cache = Cache {
		keys: keys.try_extract_tensor_mut::<i8>()?.1,
		key_scales: key_scales.try_extract_tensor_mut::<f32>()?.1,
		values: values.try_extract_tensor_mut::<i8>()?.1,
		value_scales: value_scales.try_extract_tensor_mut::<f32>()?.1,
		width,
		slots: 0,
	};
	cache.slots = cache.key_scales.len() / kv_heads;
	if total > cache.slots || total > constants.cos.len() / (width / 2) {
		return Err(Error::new("the session is longer than its cache"));
	}

	let queries = enter_rows(context, constants, layer, &sums, start, &mut cache)?;
	mixed.resize(sums.rows * heads * width, 0.0);
	let attention = Attention {
		queries: &queries,
		cache: &cache,
		exponent: &constants.tables.exponent,
		start,
		window: layer.window,
		kv_heads,
		group: heads / kv_heads,
	};
	attention.run(context, sums.rows, mixed)?;

	let (row_width, limbs) = (heads * width, constants.limbs.output);
	let codes = CodesOut::new(context, [0, 1], sums.rows, row_width, limbs)?;
	codes.fill(
		|row, high, low| quantise(&mixed[row * row_width..][..row_width], high, low),
		context,
	)
}

/// Attention of the rows of a call, over a cache that holds them.
struct Attention<'a> {
	queries: &'a Queries,
	cache: &'a Cache<'a>,
	exponent: &'a [i32; EXPONENTS],
	/// Position of the first row.
	start: usize,
	/// Rows that a row sees, itself among them.
	window: usize,
	kv_heads: usize,
	/// Heads that share keys and values.
	group: usize,
}

impl Attention<'_> {
	/// Writes `[rows, heads, width]`.
	fn run(&self, context: &ComputeContext, rows: usize, mixed: &mut [f32]) -> Result<()> {
		let width = self.cache.width;
		let total = self.start + rows;
		let most = (BLOCK_SCORES / total).clamp(tile::ROWS, BLOCK_QUERIES);
		let height = (most / self.group).clamp(1, rows);
		let slots = locked(mixed, self.group * width);
		let each = |task: usize| {
			let (first, head) = (task / self.kv_heads * height, task % self.kv_heads);
			let taken = first..(first + height).min(rows);
			match taken.len() * self.group < tile::ROWS {
				true => self.one_by_one(taken, head, &slots),
				false => self.together(taken, head, &slots),
			}
		};
		let tasks = rows.div_ceil(height) * self.kv_heads;
		let work = rows * self.kv_heads * self.group * 2 * width * total.min(self.window);
		parallel(context, tasks, work, each)
	}

	/// Number of the first of the queries that a row has for a head of keys.
	fn query(&self, row: usize, head: usize) -> usize {
		(row * self.kv_heads + head) * self.group
	}

	fn one_by_one(&self, rows: Range<usize>, head: usize, slots: &[Mutex<&mut [f32]>]) {
		let width = self.cache.width;
		for row in rows {
			let position = self.start + row;
			let seen = self.cache.seen(head, position, position, self.window);
			let mut out = slots[row * self.kv_heads + head]
				.lock()
				.unwrap_or_else(PoisonError::into_inner);
			let first = self.query(row, head);
			for (query, out) in (first..).zip(out.chunks_exact_mut(width)) {
				let codes = &self.queries.codes[query * width..][..width];
				let factor = self.queries.factors[query];
				ROOM.with_borrow_mut(|room| {
					attend_one(codes, factor, seen, self.exponent, &mut room.one, out)
				});
			}
		}
	}

	fn together(&self, rows: Range<usize>, head: usize, slots: &[Mutex<&mut [f32]>]) {
		let (width, group) = (self.cache.width, self.group);
		let position = self.start + rows.start;
		let seen = self
			.cache
			.seen(head, position, self.start + rows.end - 1, self.window);
		let oldest = (position + 1).saturating_sub(self.window);
		ROOM.with_borrow_mut(|room| {
			room.clear();
			for row in rows.clone() {
				let end = self.start + row + 1;
				let range = end.saturating_sub(self.window) - oldest..end - oldest;
				let first = self.query(row, head);
				let codes = &self.queries.codes[first * width..][..group * width];
				room.ranges.extend(std::iter::repeat_n(range, group));
				room.queries.extend_from_slice(codes);
				room.factors
					.extend_from_slice(&self.queries.factors[first..][..group]);
			}
			room.out.resize(room.queries.len(), 0.0);
			let block = Block {
				seen,
				ranges: &room.ranges,
				queries: &room.queries,
				factors: &room.factors,
				width,
			};
			attend_block(&block, self.exponent, &mut room.block, &mut room.out);
			for (row, values) in rows.zip(room.out.chunks_exact(group * width)) {
				slots[row * self.kv_heads + head]
					.lock()
					.unwrap_or_else(PoisonError::into_inner)
					.copy_from_slice(values);
			}
		});
	}
}

/// Room of the attention of one head.
#[derive(Default)]
struct Room {
	one: Scratch,
	block: BlockScratch,
	ranges: Vec<Range<usize>>,
	queries: Vec<i16>,
	factors: Vec<f32>,
	out: Vec<f32>,
}

impl Room {
	/// Forgets the last block's queries.
	fn clear(&mut self) {
		self.ranges.clear();
		self.queries.clear();
		self.factors.clear();
	}
}

thread_local! {
	static ROOM: RefCell<Room> = RefCell::default();
}

/// One layer's caches of a session, `[kv_heads, slots, width or 1]` each.
struct Cache<'a> {
	keys: &'a mut [i8],
	key_scales: &'a mut [f32],
	values: &'a mut [i8],
	value_scales: &'a mut [f32],
	width: usize,
	slots: usize,
}

impl Cache<'_> {
	/// What the rows at positions from `first` to `last` see of one head, each or another of them.
	fn seen(&self, head: usize, first: usize, last: usize, window: usize) -> Seen<'_> {
		let from = head * self.slots + (first + 1).saturating_sub(window);
		let to = head * self.slots + last + 1;
		Seen {
			keys: &self.keys[from * self.width..to * self.width],
			key_scales: &self.key_scales[from..to],
			values: &self.values[from * self.width..to * self.width],
			value_scales: &self.value_scales[from..to],
		}
	}

	/// Writes a row of keys and values: `[kv_heads, width]` values each.
	fn store(&mut self, position: usize, keys: &[f32], values: &[f32], room: &mut Vec<i16>) {
		room.resize(self.width, 0);
		let heads = keys
			.chunks_exact(self.width)
			.zip(values.chunks_exact(self.width));
		for (head, (key, value)) in heads.enumerate() {
			let slot = head * self.slots + position;
			let place = slot * self.width..(slot + 1) * self.width;
			self.key_scales[slot] = signed_codes(key, CACHE_MAX, room);
			narrow(room, &mut self.keys[place.clone()]);
			self.value_scales[slot] = signed_codes(value, CACHE_MAX, room);
			narrow(room, &mut self.values[place]);
		}
	}
}

/// Codes of all query heads of a call.
struct Queries {
	/// `[rows, heads, width]`.
	codes: Vec<i16>,
	/// Scale times 1/√width, `[rows, heads]`.
	factors: Vec<f32>,
}

/// Scales, norms and turns queries, keys and values; stores the latter two.
fn enter_rows(
	context: &ComputeContext,
	constants: &Constants,
	layer: &LayerConstants,
	sums: &Sums<'_>,
	start: usize,
	cache: &mut Cache<'_>,
) -> Result<Queries> {
	let config = &constants.config;
	let width = config.head_dim as usize;
	let query = config.heads as usize * width;
	let turned = query + config.kv_heads as usize * width;
	let factor = factor(config);
	let mut values = vec![0.0; sums.rows * sums.outputs];
	let mut codes = vec![0; sums.rows * query];
	let mut factors = vec![0.0; sums.rows * config.heads as usize];
	{
		let rows = values
			.chunks_exact_mut(sums.outputs)
			.zip(codes.chunks_exact_mut(query))
			.zip(factors.chunks_exact_mut(config.heads as usize));
		let rows = rows.map(Mutex::new).collect::<Vec<_>>();
		parallel(context, sums.rows, 8 * sums.rows * sums.outputs, |row| {
			let mut slot = rows[row].lock().unwrap_or_else(PoisonError::into_inner);
			let ((values, codes), factors) = &mut *slot;
			let (high, low, activation) = sums.row(row);
			scale(high, low, &layer.attention_scales, activation, values);
			for (value, bias) in values.iter_mut().zip(&layer.bias) {
				*value += bias;
			}
			let at = (start + row) * width / 2;
			let (cos, sin) = (
				&constants.cos[at..][..width / 2],
				&constants.sin[at..][..width / 2],
			);
			for (number, head) in values[..turned].chunks_exact_mut(width).enumerate() {
				let norm = match number * width < query {
					true => &layer.query_norm,
					false => &layer.key_norm,
				};
				if !norm.is_empty() {
					norm_head(head, norm, config.norm_eps as f32);
				}
				rotate(head, cos, sin);
			}
			let heads = values[..query]
				.chunks_exact(width)
				.zip(codes.chunks_exact_mut(width));
			for ((head, codes), out) in heads.zip(factors.iter_mut()) {
				*out = signed_codes(head, QUERY_MAX, codes) * factor;
			}
		})?;
	}
	let mut room = Vec::new();
	for (row, values) in values.chunks_exact(sums.outputs).enumerate() {
		cache.store(
			start + row,
			&values[query..turned],
			&values[turned..],
			&mut room,
		);
	}
	Ok(Queries { codes, factors })
}

fn narrow(codes: &[i16], out: &mut [i8]) {
	for (out, code) in out.iter_mut().zip(codes) {
		*out = *code as i8;
	}
}

/// A cache that enters and leaves in the same buffer; only the output is touched.
fn cache(context: &ComputeContext, past: usize, present: usize) -> Result<ValueRefMut<'_>> {
	let past = input(context, past)?.downcast::<DynTensorValueType>()?;
	let present = output(context, present, past.shape().to_vec())?;
	let present = present.downcast::<DynTensorValueType>()?;
	if past.data_ptr() != present.data_ptr() {
		return Err(Error::new("caches are to be bound in place"));
	}
	Ok(present.into_dyn())
}
