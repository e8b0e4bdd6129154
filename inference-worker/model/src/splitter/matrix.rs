//! Matrices of weights in the formats of the profiles, written a panel of rows at a time.
//!
//! A matrix keeps the order of the checkpoint, `[outputs, inputs]`, so it streams from the source to the
//! shard and never lies in memory as a whole.
//!
//! Blocks: every 32 inputs of an output share one scale, and a weight becomes an unsigned integer around
//! the middle of its range (the symmetric form of `MatMulNBits`). The value of largest magnitude maps to
//! the lower end exactly, as in llama.cpp's Q4_0. At run time the library quantises the activations of
//! each row in the same blocks to 8 bits (accuracy level 4) and sums integers: weights are static,
//! activations dynamic, per token and block.

use super::{
	graph::Attribute,
	onnx::{FLOAT, FLOAT16, UINT8},
	shards::TensorSource,
	writer::ShardWriter,
	SplitError,
};
use crate::numerics::{WeightFormat, BLOCK};
use half::f16;

/// Values that are converted at once: 4 MiB in single precision.
const PANEL_VALUES: u32 = 1 << 20;
/// Operator of a product with weights in blocks, and its attributes with the bits of a weight, the inputs of a
/// block and the accuracy level.
pub const PRODUCT: &str = "MatMulNBits";
pub const BITS: &str = "bits";
pub const BLOCK_SIZE: &str = "block_size";
pub const LEVEL: &str = "accuracy_level";
/// Level at which activations become integers of 8 bits.
pub const INTEGER_ACTIVATIONS: i64 = 4;
/// Parameter of a cast to single precision.
const TO_FLOAT: [(&str, Attribute); 1] = [("to", Attribute::Int(FLOAT as i64))];

/// A matrix of a checkpoint.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
	/// Its name there.
	pub weight: &'a str,
	/// Rows.
	pub outputs: u32,
	/// Columns.
	pub inputs: u32,
}

impl Matrix<'_> {
	/// `output = input · weightᵀ`.
	pub fn multiply(
		&self,
		graph: &mut ShardWriter<'_>,
		format: WeightFormat,
		source: &dyn TensorSource,
		input: &str,
		output: &str,
	) -> Result<(), SplitError> {
		let name = format!("{output}.weight");
		let transposed = [("transB", Attribute::Int(1))];
		match format {
			WeightFormat::F32 => {
				self.floats(graph, source, &name)?;
				graph.contrib("FusedMatMul", &[input, &name], &[output], &transposed);
			}
			WeightFormat::F16 => {
				self.halves(graph, source, &name)?;
				let wide = format!("{name}.wide");
				graph.node("Cast", &[&name], &wide, &TO_FLOAT);
				graph.contrib("FusedMatMul", &[input, &wide], &[output], &transposed);
			}
			WeightFormat::Blocks { bits } => {
				let scales = self.blocks(graph, source, &name, bits)?;
				graph.contrib(
					PRODUCT,
					&[input, &name, &scales],
					&[output],
					&[
						("K", Attribute::Int(self.inputs.into())),
						("N", Attribute::Int(self.outputs.into())),
						(BITS, Attribute::Int(bits.into())),
						(BLOCK_SIZE, Attribute::Int(BLOCK.into())),
						(LEVEL, Attribute::Int(INTEGER_ACTIVATIONS)),
					],
				);
			}
		}
		Ok(())
	}

	/// Rows of the matrix by their numbers.
	pub fn look_up(
		&self,
		graph: &mut ShardWriter<'_>,
		format: WeightFormat,
		source: &dyn TensorSource,
		numbers: &str,
		output: &str,
	) -> Result<(), SplitError> {
		match format {
			WeightFormat::F32 => {
				self.floats(graph, source, self.weight)?;
				graph.node("Gather", &[self.weight, numbers], output, &[]);
				Ok(())
			}
			WeightFormat::F16 => {
				self.halves(graph, source, self.weight)?;
				let narrow = format!("{output}.half");
				graph.node("Gather", &[self.weight, numbers], &narrow, &[]);
				graph.node("Cast", &[&narrow], output, &TO_FLOAT);
				Ok(())
			}
			WeightFormat::Blocks { .. } => Err(SplitError::UnsupportedFeature {
				feature: "an embedding in blocks".into(),
			}),
		}
	}

	fn floats(
		&self,
		graph: &mut ShardWriter<'_>,
		source: &dyn TensorSource,
		name: &str,
	) -> Result<(), SplitError> {
		let bytes = 4 * self.values();
		graph.trained(self.values() as u64);
		graph.stream(
			name,
			FLOAT,
			&[self.outputs, self.inputs],
			bytes,
			&mut |out| {
				self.panels(source, &mut |_, values| {
					let raw = values.iter().flat_map(|value| value.to_le_bytes());
					Ok(out.write_all(&raw.collect::<Vec<_>>())?)
				})
			},
		)
	}

	/// Fails where a value leaves the range of half precision.
	fn halves(
		&self,
		graph: &mut ShardWriter<'_>,
		source: &dyn TensorSource,
		name: &str,
	) -> Result<(), SplitError> {
		let bytes = 2 * self.values();
		graph.trained(self.values() as u64);
		graph.stream(
			name,
			FLOAT16,
			&[self.outputs, self.inputs],
			bytes,
			&mut |out| {
				self.panels(source, &mut |start, values| {
					let halves = values.iter().map(|value| f16::from_f32(*value));
					let halves = halves.collect::<Vec<_>>();
					if let Some(at) = halves.iter().position(|half| !half.is_finite()) {
						return Err(SplitError::LeavesHalf {
							name: self.weight.into(),
							at: start + at,
							value: values[at],
						});
					}
					let raw = halves.into_iter().flat_map(f16::to_le_bytes);
					Ok(out.write_all(&raw.collect::<Vec<_>>())?)
				})
			},
		)
	}

	/// Adds codes `[outputs, blocks, bytes of a block]` and scales `[outputs, blocks]`; gives the name of
	/// the scales.
	fn blocks(
		&self,
		graph: &mut ShardWriter<'_>,
		source: &dyn TensorSource,
		name: &str,
		bits: u8,
	) -> Result<String, SplitError> {
		let blocks = self.inputs.div_ceil(BLOCK);
		let blob = BLOCK * u32::from(bits) / 8;
		let count = self.outputs as usize * blocks as usize;
		let mut scales = Vec::with_capacity(count);
		graph.trained(self.values() as u64);
		graph.stream(
			name,
			UINT8,
			&[self.outputs, blocks, blob],
			count * blob as usize,
			&mut |out| {
				scales.clear();
				self.panels(source, &mut |_, values| {
					let mut codes = Vec::new();
					for row in values.chunks(self.inputs as usize) {
						for block in row.chunks(BLOCK as usize) {
							scales.push(quantise(block, bits, &mut codes));
						}
					}
					Ok(out.write_all(&codes)?)
				})
			},
		)?;
		let scales_name = format!("{name}.scales");
		graph.table(&scales_name, &[self.outputs, blocks], &scales)?;
		Ok(scales_name)
	}

	/// Calls `with` for every panel of rows: the number of its first value, and its values.
	pub fn panels(
		&self,
		source: &dyn TensorSource,
		with: &mut dyn FnMut(usize, &[f32]) -> Result<(), SplitError>,
	) -> Result<(), SplitError> {
		let height = (PANEL_VALUES / self.inputs).max(1);
		let mut start = 0;
		while start < self.outputs {
			let end = (start + height).min(self.outputs);
			let values = source.rows(self.weight, [self.outputs, self.inputs], start..end)?;
			with(start as usize * self.inputs as usize, &values)?;
			start = end;
		}
		Ok(())
	}

	fn values(&self) -> usize {
		self.outputs as usize * self.inputs as usize
	}
}

/// Appends the codes of a block and gives its scale. A block that is too short ends in zeros.
///
/// code = middle + round(value / scale), ties to even; scale = extreme / −middle, where the extreme is the
/// first value of largest magnitude. Only IEEE operations in a fixed order: the same codes everywhere.
fn quantise(block: &[f32], bits: u8, codes: &mut Vec<u8>) -> f32 {
	let middle = f32::from(1_u8 << (bits - 1));
	let top = 2.0 * middle - 1.0;
	let extreme = block.iter().fold(0.0, |extreme: f32, value| {
		if value.abs() > extreme.abs() {
			*value
		} else {
			extreme
		}
	});
	// The inverse of a scale below the normal range is infinite; such a block is as good as zero.
	let (scale, inverse) = match extreme / -middle {
		scale if (1.0 / scale).is_finite() => (scale, 1.0 / scale),
		_ => (0.0, 0.0),
	};
	let code = |at: usize| {
		let value = block.get(at).copied().unwrap_or(0.0);
		((value * inverse).round_ties_even() + middle).clamp(0.0, top) as u8
	};
	let width = BLOCK as usize;
	match bits {
		4 => codes.extend((0..width).step_by(2).map(|at| code(at) | code(at + 1) << 4)),
		_ => codes.extend((0..width).map(code)),
	}
	scale
}
