//! The trace of a segment, as one side of a dispute computes it: every value of every row, recorded.
//!
//! Written plainly in the machine's floats, rule by rule, apart from both the kernels that serve and the
//! soft floats with which the chain judges ([`dllm_primitives::trace`]): three ways to the same bytes. It
//! reads a segment's shards as the engine does, holds the whole trace in memory, and computes nothing
//! before a dispute asks for it.

mod attention;
mod constants;
mod registered;

pub use registered::{compare, constants};

use super::{
	read_layer,
	rules::{
		Limbs, Tables, ACTIVATION_MAX, CACHE_MAX, MAGNITUDE, NORM_MAX, QUERY_MAX, SIGMOID_LAST,
		SIGMOID_STEPS,
	},
	standard::factor,
	weights::{LayerWeights, Matrix},
	Refusal,
};
use crate::{
	engine::{decode_shard, FuseError},
	manifest::{Manifest, ManifestError, ModelConfig},
	numerics::Numerics,
	splitter::rope,
};
use attention::Mixed;
use constants::bytes_of;
use dllm_primitives::{
	model::{LayerRange, Profile},
	trace::{
		layout::Layout,
		shape::{Norm, Operator, Projection, Shape, Width, MAXIMUM_BLOCK},
		weights::Layer,
		Constants, Held,
	},
};
use std::{path::Path, sync::Arc};

// Traces have one limb at every projection, as shards are written.
const _: () = assert!(matches!(
	Limbs::RULE,
	Limbs {
		attention: 1,
		output: 1,
		gate: 1,
		down: 1,
		head: 1
	}
));

/// Why a segment cannot be traced.
#[derive(thiserror::Error, Debug)]
pub enum TraceError {
	/// A shard is missing or corrupt.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// A shard is no graph.
	#[error(transparent)]
	Shard(#[from] FuseError),
	/// A shard departs from the rules.
	#[error(transparent)]
	Refused(#[from] Refusal),
	/// Another profile, or layers that are not there.
	#[error("layers {}..{} of a model in profile {profile:?} have no trace: only layers of profile exact do", .range.start, .range.end)]
	NotExact { range: LayerRange, profile: Profile },
	/// The values do not make whole rows.
	#[error("{values} values are no whole rows of {hidden}")]
	WrongWidth { values: usize, hidden: usize },
	/// Claims would exceed what the chain takes.
	#[error("{rows} rows of this shape are beyond what a dispute can be about: see dllm_primitives::trace::shape for the bounds")]
	NotDisputable { rows: usize },
	/// A dispute about the layers would be judged by another shape.
	#[error("the chain names another shape of the layers than the model's manifest: a dispute would be judged wrongly; do not serve the model, and tell its owner")]
	OtherShape,
	/// A dispute about the layer would be judged by other constants.
	#[error("the chain names other constants of layer {layer} than its shard holds: a dispute would be judged wrongly; do not serve the model, and tell its owner")]
	OtherConstants { layer: u16 },
}

impl TraceError {
	/// Whether fetching the files again can help.
	pub fn is_retryable(&self) -> bool {
		matches!(self, Self::Manifest(error) if error.is_retryable())
	}
}

/// Layers of a model, ready to be traced.
pub struct Traced {
	config: ModelConfig,
	first: u32,
	weights: Vec<LayerWeights>,
	constants: Vec<Arc<Constants>>,
	tables: Tables,
	cos: Vec<f32>,
	sin: Vec<f32>,
}

/// The shape of a model's layers, as a dispute names it.
pub fn shape(config: &ModelConfig) -> Shape {
	Shape {
		hidden: config.hidden,
		heads: config.heads,
		kv_heads: config.kv_heads,
		head_dim: config.head_dim,
		inner: config.intermediate,
		bias: config.qkv_bias,
		head_norm: config.qk_norm,
		epsilon: (config.norm_eps as f32).to_bits(),
		factor: factor(config).to_bits(),
	}
}

impl Traced {
	/// Reads the layers `range` of a model from `folder`, comparing every shard with the manifest.
	pub fn load(manifest: &Manifest, folder: &Path, range: LayerRange) -> Result<Self, TraceError> {
		let profile = manifest.profile;
		let refused = || TraceError::NotExact { range, profile };
		let numerics = Numerics::of(profile);
		if numerics.exact.is_none() {
			return Err(refused());
		}
		let files = manifest
			.layers
			.get(usize::from(range.start)..usize::from(range.end))
			.filter(|files| !files.is_empty())
			.ok_or_else(refused)?;
		let config = &manifest.config;
		let mut weights = Vec::new();
		for (layer, file) in (u32::from(range.start)..).zip(files) {
			let graph = decode_shard(&file.file, file.read(folder)?)?;
			weights.push(read_layer(config, numerics, layer, &graph)?);
		}
		Ok(Self::new(config, range.start.into(), weights))
	}

	/// From weights at hand; `first` is the number of the first layer.
	pub fn new(config: &ModelConfig, first: u32, weights: Vec<LayerWeights>) -> Self {
		let (tables, (cos, sin)) = (Tables::default(), rope::tables(config));
		let shape = shape(config);
		let constants = weights.iter().map(|layer| {
			let bytes = |weight| bytes_of(weight, &shape, layer, &tables, [&cos, &sin]);
			Arc::new(Constants::new(&shape, bytes))
		});
		Self {
			constants: constants.collect(),
			config: config.clone(),
			first,
			weights,
			tables,
			cos,
			sin,
		}
	}

	/// The layers as a model registers them.
	pub fn layers(&self) -> Vec<Layer> {
		let layers = (self.first..).zip(&self.constants);
		layers
			.map(|(layer, constants)| Layer {
				window: self.config.window_of(layer).unwrap_or(u32::MAX),
				weights: constants.root(),
			})
			.collect()
	}

	/// The trace of rows from the first of a session on, `[rows, hidden]`; not yet bound to a worker.
	/// Takes about `layers · rows · (20 · hidden + 20 · intermediate + 8 · heads · rows)` bytes.
	pub fn trace(&self, rows: &[f32]) -> Result<Held, TraceError> {
		let (values, hidden) = (rows.len(), self.config.hidden as usize);
		if !values.is_multiple_of(hidden) {
			return Err(TraceError::WrongWidth { values, hidden });
		}
		let count = values / hidden;
		let refused = || TraceError::NotDisputable { rows: count };
		let layers = u16::try_from(self.weights.len()).map_err(|_| refused())?;
		let length = u32::try_from(count).map_err(|_| refused())?;
		let layout = Layout::new(shape(&self.config), layers, length).ok_or_else(refused)?;
		let mut held = Held::new(layout, self.constants.clone());
		let mut caches = vec![Vec::new(); self.weights.len()];
		for (row, values) in (0..).zip(rows.chunks_exact(hidden)) {
			held.put(row, 0, Operator::Input, &float_bytes(values));
			let mut values = values.to_vec();
			for (layer, cache) in (0..layers).zip(&mut caches) {
				let mut step = Step {
					traced: self,
					layer: &self.weights[usize::from(layer)],
					held: &mut held,
					at: (row, layer),
				};
				values = step.run(&values, cache);
			}
		}
		Ok(held)
	}
}

/// Codes and scales of all heads of one row: queries, keys, values.
#[derive(Clone)]
struct Coded {
	codes: Vec<i64>,
	scales: Vec<f32>,
}

/// One layer at work on one row.
struct Step<'a> {
	traced: &'a Traced,
	layer: &'a LayerWeights,
	held: &'a mut Held,
	at: (u32, u16),
}

impl Step<'_> {
	/// From the row that enters to the row that leaves.
	fn run(&mut self, row: &[f32], cache: &mut Vec<Coded>) -> Vec<f32> {
		let layer = self.layer;
		let (weighted, root) = self.norm(Norm::Attention, row, &layer.attention_norm);
		let projection = Projection::Attention;
		let mut values = self.project(projection, &weighted, Some(root), &layer.attention);
		for (value, bias) in values.iter_mut().zip(&layer.bias) {
			*value += bias;
		}
		self.floats(Operator::Values, &values);
		let coded = self.heads(values);
		cache.push(coded);
		let attended = self.attend(cache);
		let added = self.project(Projection::Output, &attended, None, &layer.output);
		let residual = sums_of(&added, row);
		self.floats(Operator::Residual, &residual);

		let (weighted, root) = self.norm(Norm::Gate, &residual, &layer.gate_norm);
		let both = self.project(Projection::Gate, &weighted, Some(root), &layer.gate);
		let gated = self.gate(&both);
		self.floats(Operator::Gated, &gated);
		let added = self.project(Projection::Down, &gated, None, &layer.down);
		let leaving = sums_of(&added, &residual);
		self.floats(Operator::Leaving, &leaving);
		leaving
	}

	/// Rule N: the weighted row and the root.
	fn norm(&mut self, norm: Norm, row: &[f32], weights: &[f32]) -> (Vec<f32>, f32) {
		let (magnitude, squares, root) = root_of(row, self.traced.config.norm_eps as f32);
		self.floats(Operator::Magnitude(norm), &[magnitude]);
		self.integers(Operator::Squares(norm), &[squares]);
		self.floats(Operator::Root(norm), &[root]);
		let weighted = row.iter().zip(weights).map(|(x, w)| x * w);
		let weighted = weighted.collect::<Vec<_>>();
		self.floats(Operator::Weighted(norm), &weighted);
		(weighted, root)
	}

	/// Rules Q, L, M, S without biases.
	fn project(
		&mut self,
		projection: Projection,
		entering: &[f32],
		root: Option<f32>,
		matrix: &Matrix,
	) -> Vec<f32> {
		let maxima = entering.chunks(MAXIMUM_BLOCK as usize).map(largest);
		let maxima = maxima.collect::<Vec<_>>();
		let magnitude = clipped(largest(&maxima));
		let bound = ACTIVATION_MAX[0] as f32;
		let codes = codes_of(entering, magnitude, bound);
		let scale = root.map_or(magnitude / bound, |root| magnitude / bound / root);
		let outputs = matrix.scales.len();
		let mut sums = vec![0i64; outputs];
		for (code, weights) in codes.iter().zip(matrix.codes.chunks_exact(outputs)) {
			for (sum, weight) in sums.iter_mut().zip(weights) {
				*sum += code * i64::from(*weight);
			}
		}
		self.floats(Operator::Maxima(projection), &maxima);
		self.floats(Operator::Largest(projection), &[magnitude]);
		self.integers(Operator::Codes(projection), &codes);
		self.floats(Operator::Scale(projection), &[scale]);
		self.integers(Operator::Sums(projection), &sums);
		let scaled = sums.iter().zip(&matrix.scales);
		scaled
			.map(|(sum, weight)| *sum as f32 * weight * scale)
			.collect()
	}

	/// Rules H, P, K: codes of all heads.
	fn heads(&mut self, mut values: Vec<f32>) -> Coded {
		let config = &self.traced.config;
		let (width, heads) = (config.head_dim as usize, config.heads as usize);
		let keys = heads + config.kv_heads as usize;
		if config.qk_norm {
			self.norm_heads(&mut values[..keys * width]);
		}
		let half = width / 2;
		let angle = self.at.0 as usize * half;
		for head in values[..keys * width].chunks_exact_mut(width) {
			let (first, second) = head.split_at_mut(half);
			for (pair, (x, y)) in first.iter_mut().zip(second).enumerate() {
				let (cos, sin) = (self.traced.cos[angle + pair], self.traced.sin[angle + pair]);
				(*x, *y) = (*x * cos - *y * sin, *y * cos + *x * sin);
			}
		}
		self.floats(Operator::Turned, &values[..keys * width]);
		let factor = factor(config);
		let (mut magnitudes, mut codes, mut scales) = (Vec::new(), Vec::new(), Vec::new());
		for (number, head) in values.chunks_exact(width).enumerate() {
			let magnitude = clipped(largest(head));
			let (bound, factor) = match number < heads {
				true => (QUERY_MAX as f32, Some(factor)),
				false => (CACHE_MAX as f32, None),
			};
			magnitudes.push(magnitude);
			codes.extend(codes_of(head, magnitude, bound));
			scales.push(factor.map_or(magnitude / bound, |factor| magnitude / bound * factor));
		}
		self.floats(Operator::CacheMagnitudes, &magnitudes);
		self.floats(Operator::CacheScales, &scales);
		self.integers(Operator::CacheCodes, &codes);
		Coded { codes, scales }
	}

	/// Rule H.
	fn norm_heads(&mut self, values: &mut [f32]) {
		let config = &self.traced.config;
		let (mut magnitudes, mut all, mut roots) = (Vec::new(), Vec::new(), Vec::new());
		for (number, head) in values
			.chunks_exact_mut(config.head_dim as usize)
			.enumerate()
		{
			let (magnitude, squares, root) = root_of(head, config.norm_eps as f32);
			let weights = match number < config.heads as usize {
				true => &self.layer.query_norm,
				false => &self.layer.key_norm,
			};
			for (value, weight) in head.iter_mut().zip(weights) {
				*value = *value / root * weight;
			}
			magnitudes.push(magnitude);
			all.push(squares);
			roots.push(root);
		}
		self.floats(Operator::HeadMagnitudes, &magnitudes);
		self.integers(Operator::HeadSquares, &all);
		self.floats(Operator::HeadRoots, &roots);
		self.floats(Operator::HeadNormed, values);
	}

	/// Rules A1 to A5 over the rows so far, this one the last.
	fn attend(&mut self, cache: &[Coded]) -> Vec<f32> {
		let config = &self.traced.config;
		let rows = self.held.layout.rows as usize;
		let (heads, kv_heads) = (config.heads as usize, config.kv_heads as usize);
		let (row, layer) = self.at;
		let number = self.traced.first + u32::from(layer);
		let window = config.window_of(number).unwrap_or(u32::MAX);
		let first = (row + 1).saturating_sub(window) as usize;
		let mut mixed = Mixed::new(heads, kv_heads, config.head_dim as usize, rows);
		for head in 0..heads {
			mixed.head(head, first, cache, &self.traced.tables.exponent[..]);
		}
		self.integers(Operator::Scores, &mixed.scores);
		self.integers(Operator::Best, &mixed.best);
		self.integers(Operator::Exponents, &mixed.exponents);
		self.integers(Operator::Total, &mixed.totals);
		self.floats(Operator::SeenScales, &mixed.seen);
		self.floats(Operator::LargestScales, &mixed.largest);
		self.integers(Operator::Mixing, &mixed.weights);
		self.integers(Operator::PartialMixtures, &mixed.parts);
		self.integers(Operator::Mixture, &mixed.sums);
		self.floats(Operator::Attended, &mixed.values);
		mixed.values
	}

	/// Rule G.
	fn gate(&self, both: &[f32]) -> Vec<f32> {
		let (gates, ups) = both.split_at(both.len() / 2);
		let bound = SIGMOID_LAST as f32;
		let sigmoid = |gate: f32| {
			let step = (gate * SIGMOID_STEPS)
				.clamp(-bound, bound)
				.round_ties_even() as i32;
			self.traced.tables.sigmoid[(step + SIGMOID_LAST) as usize]
		};
		let pairs = gates.iter().zip(ups);
		pairs.map(|(gate, up)| gate * sigmoid(*gate) * up).collect()
	}

	fn floats(&mut self, operator: Operator, values: &[f32]) {
		let (row, layer) = self.at;
		self.held.put(row, layer, operator, &float_bytes(values));
	}

	fn integers(&mut self, operator: Operator, values: &[i64]) {
		let (row, layer) = self.at;
		let bytes = integer_bytes(operator.width(), values.iter().copied());
		self.held.put(row, layer, operator, &bytes);
	}
}

/// Magnitude, sum of squares and root of rule N.
fn root_of(row: &[f32], epsilon: f32) -> (f32, i64, f32) {
	let magnitude = clipped(largest(row));
	let bound = NORM_MAX as f32;
	let codes = codes_of(row, magnitude, bound);
	let squares = codes.iter().map(|code| code * code).sum::<i64>();
	let step = magnitude / bound;
	let mean = squares as f32 / row.len() as f32;
	(magnitude, squares, (mean * step * step + epsilon).sqrt())
}

/// Rule Q.
fn codes_of(row: &[f32], magnitude: f32, bound: f32) -> Vec<i64> {
	let inverse = bound / magnitude;
	row.iter()
		.map(|value| (value * inverse).clamp(-bound, bound).round_ties_even() as i64)
		.collect()
}

fn largest(values: &[f32]) -> f32 {
	values
		.iter()
		.fold(0.0, |largest, value| largest.max(value.abs()))
}

fn clipped(magnitude: f32) -> f32 {
	magnitude.clamp(MAGNITUDE[0], MAGNITUDE[1])
}

/// Rule R.
fn sums_of(added: &[f32], before: &[f32]) -> Vec<f32> {
	added.iter().zip(before).map(|(y, x)| y + x).collect()
}

fn float_bytes(values: &[f32]) -> Vec<u8> {
	values
		.iter()
		.flat_map(|value| value.to_le_bytes())
		.collect()
}

fn integer_bytes(width: Width, values: impl Iterator<Item = i64>) -> Vec<u8> {
	let mut bytes = Vec::new();
	values.for_each(|value| width.encode(value, &mut bytes));
	bytes
}
