//! Walks a graph in standard operators and refuses whatever could give other bytes elsewhere.
//!
//! Each value is followed with its type, the interval in which it lies, and whether it is a whole
//! number; so the linter can tell a cast that drops nothing from one whose rounding is a matter of
//! taste, and a pair of products that fits 16 bits from one that AVX2 would clip. `split` runs it on
//! what it wrote, the engine on every shard before it is loaded.

use super::rules::MAX_INPUTS;
use crate::splitter::onnx::{
	GraphProto, NodeProto, TensorProto, BOOL, FLOAT, INT32, INT64, INT8, UINT8,
};
use std::collections::HashMap;

/// What AVX2 holds of the sum of two neighbouring products (VPMADDUBSW).
const PAIR_MAX: f64 = i16::MAX as f64;
/// Values that one integer sum may have at most; with [`MAX_INPUTS`] for products.
const MAX_SUM: f64 = MAX_INPUTS as f64;

/// Why a graph does not belong to the exact profile.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("{node} {reason}: not in the exact profile, split the model again with this version")]
pub struct Refusal {
	/// The node or tensor.
	pub node: String,
	/// What is wrong with it.
	pub reason: String,
}

impl Refusal {
	pub(super) fn other(node: &str, reason: impl Into<String>) -> Self {
		Self {
			node: node.into(),
			reason: reason.into(),
		}
	}
}

/// Fails at the first node that could give other bytes on another machine.
pub fn check(graph: &GraphProto) -> Result<(), Refusal> {
	let mut walk = Walk::default();
	for tensor in &graph.initializer {
		walk.constant(tensor)?;
	}
	for input in &graph.input {
		let kind = input.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
		let element = kind.map_or(0, |tensor| tensor.element);
		let value = Value::any(element)
			.ok_or_else(|| Refusal::other(&input.name, format!("has element type {element}")))?;
		walk.values.insert(input.name.clone(), value);
	}
	for node in &graph.node {
		let output = walk.node(node).map_err(|reason| Refusal {
			node: format!("{} ({})", node.name, node.op_type),
			reason,
		})?;
		for name in &node.output {
			walk.values.insert(name.clone(), output);
		}
	}
	for output in &graph.output {
		if !walk.values.contains_key(&output.name) {
			return Err(Refusal::other(
				&output.name,
				"is an output that no node writes",
			));
		}
	}
	Ok(())
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Value {
	element: i32,
	low: f64,
	high: f64,
	whole: bool,
}

impl Value {
	/// Anything that the type can hold; none for a type that exact graphs do not have.
	fn any(element: i32) -> Option<Self> {
		let (low, high) = bounds(element)?;
		Some(Self {
			element,
			low,
			high,
			whole: element != FLOAT,
		})
	}

	fn within(self, low: f64, high: f64) -> Self {
		Self { low, high, ..self }
	}

	/// What lies in one of both.
	fn or(self, other: Self) -> Self {
		Self {
			low: self.low.min(other.low),
			high: self.high.max(other.high),
			whole: self.whole && other.whole,
			..self
		}
	}

	fn is_float(&self) -> bool {
		self.element == FLOAT
	}

	fn single(&self) -> Option<f64> {
		(self.low == self.high).then_some(self.low)
	}

	fn magnitude(&self) -> f64 {
		self.low.abs().max(self.high.abs())
	}
}

/// Smallest and largest value of a type; floats are taken as finite, which the engine checks at both
/// ends of a segment.
fn bounds(element: i32) -> Option<(f64, f64)> {
	Some(match element {
		FLOAT => (f64::NEG_INFINITY, f64::INFINITY),
		UINT8 => (0.0, 255.0),
		INT8 => (-128.0, 127.0),
		INT32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
		// Shapes and positions; sums are cast to this type from narrower ones.
		INT64 => (-9.2e18, 9.2e18),
		BOOL => (0.0, 1.0),
		_ => return None,
	})
}

#[derive(Default)]
struct Walk {
	values: HashMap<String, Value>,
	/// Rows of constant matrices.
	inputs: HashMap<String, i64>,
}

impl Walk {
	fn constant(&mut self, tensor: &TensorProto) -> Result<(), Refusal> {
		let refuse = |reason: &str| Err(Refusal::other(&tensor.name, reason));
		let Some(any) = Value::any(tensor.data_type) else {
			return refuse("has an element type that the profile does not know");
		};
		let Some(raw) = &tensor.raw_data else {
			return refuse("holds no data");
		};
		let numbers: Box<dyn Iterator<Item = f64>> = match tensor.data_type {
			FLOAT => Box::new(
				raw.chunks_exact(4)
					.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).into()),
			),
			INT32 => Box::new(
				raw.chunks_exact(4)
					.map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]).into()),
			),
			INT64 => Box::new(raw.chunks_exact(8).map(|b| {
				i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f64
			})),
			INT8 => Box::new(raw.iter().map(|byte| f64::from(*byte as i8))),
			_ => Box::new(raw.iter().map(|byte| f64::from(*byte))),
		};
		let (mut low, mut high, mut whole) = (f64::INFINITY, f64::NEG_INFINITY, true);
		for number in numbers {
			if !number.is_finite() {
				return refuse("holds a value that is not finite");
			}
			(low, high) = (low.min(number), high.max(number));
			whole &= number.fract() == 0.0;
		}
		let value = Value {
			whole,
			..any.within(low, high)
		};
		self.values.insert(tensor.name.clone(), value);
		if let [inputs, _] = tensor.dims[..] {
			self.inputs.insert(tensor.name.clone(), inputs);
		}
		Ok(())
	}

	/// What a node gives.
	fn node(&self, node: &NodeProto) -> Result<Value, String> {
		if !node.domain.is_empty() {
			return Err(format!(
				"is of {:?}, whose operators are specified nowhere",
				node.domain
			));
		}
		match node.op_type.as_str() {
			"Reshape" | "Transpose" | "Slice" | "Expand" | "Squeeze" | "Gather" => {
				self.input(node, 0)
			}
			"Concat" => self.union(node, 0..node.input.len()),
			"ScatterElements" => match node.attribute.iter().any(|a| a.name == "reduction") {
				true => Err("reduces in an order of its own".into()),
				false => self.union(node, [0, 2]),
			},
			"Where" => self.union(node, [1, 2]),
			"Shape" => Ok(Value {
				element: INT64,
				low: 0.0,
				high: f64::from(i32::MAX),
				whole: true,
			}),
			"Range" => self.whole_union(node, [0, 1]),
			"Cast" => self.cast(node),
			"Add" | "Sub" | "Mul" | "Div" | "Mod" => self.arithmetic(node),
			"Abs" => self
				.float(node)
				.map(|value| value.within(0.0, value.magnitude())),
			"Sqrt" => self.float(node).map(|value| Value {
				whole: false,
				..value.within(0.0, f64::INFINITY)
			}),
			"Round" => self.float(node).map(|value| Value {
				whole: true,
				..value.within(value.low.round_ties_even(), value.high.round_ties_even())
			}),
			"Clip" => self.clip(node),
			"Min" => self.whole_union(node, [0, 1]).and_then(|_| {
				let (a, b) = (self.input(node, 0)?, self.input(node, 1)?);
				Ok(a.within(a.low.min(b.low), a.high.min(b.high)))
			}),
			"ReduceMax" => self.input(node, 0),
			"ReduceSum" => self.sum(node),
			"LessOrEqual" | "Greater" => self.whole_union(node, [0, 1]).map(|_| Value {
				element: BOOL,
				low: 0.0,
				high: 1.0,
				whole: true,
			}),
			"And" => self.union(node, [0, 1]),
			"MatMulInteger" => self.product(node),
			"DynamicQuantizeLinear" => {
				Err("scales over all rows of a call, so a row depends on its company".into())
			}
			"MatMul"
			| "Gemm"
			| "Conv"
			| "ReduceMean"
			| "ReduceSumSquare"
			| "Softmax"
			| "LogSoftmax"
			| "LayerNormalization"
			| "RMSNormalization"
			| "SimplifiedLayerNormalization"
			| "ReduceL2"
			| "CumSum" => Err("adds floats in an order that every machine chooses itself".into()),
			"Exp" | "Log" | "Sigmoid" | "Tanh" | "Pow" | "Erf" | "Sin" | "Cos" | "Gelu"
			| "Swish" => Err("is a function whose last bits are not specified".into()),
			"Max" => {
				Err("of floats is not specified for every value, take Clip or ReduceMax".into())
			}
			_ => Err("is an operator that the profile does not have".into()),
		}
	}

	fn input(&self, node: &NodeProto, index: usize) -> Result<Value, String> {
		let name = node
			.input
			.get(index)
			.ok_or_else(|| format!("lacks input {index}"))?;
		let value = self
			.values
			.get(name)
			.ok_or_else(|| format!("reads {name:?}, which is not there yet"))?;
		Ok(*value)
	}

	fn float(&self, node: &NodeProto) -> Result<Value, String> {
		let value = self.input(node, 0)?;
		match value.is_float() {
			true => Ok(value),
			false => Err("is meant for floats here".into()),
		}
	}

	fn union(
		&self,
		node: &NodeProto,
		inputs: impl IntoIterator<Item = usize>,
	) -> Result<Value, String> {
		let mut all: Option<Value> = None;
		for index in inputs {
			let value = self.input(node, index)?;
			if all.is_some_and(|all| all.element != value.element) {
				return Err("mixes types".into());
			}
			all = Some(all.map_or(value, |all| all.or(value)));
		}
		all.ok_or_else(|| "has no inputs".into())
	}

	fn whole_union(&self, node: &NodeProto, inputs: [usize; 2]) -> Result<Value, String> {
		let value = self.union(node, inputs)?;
		match value.is_float() {
			true => Err("is meant for integers here".into()),
			false => Ok(value),
		}
	}

	fn cast(&self, node: &NodeProto) -> Result<Value, String> {
		let from = self.input(node, 0)?;
		let to = node
			.attribute
			.iter()
			.find(|a| a.name == "to")
			.and_then(|a| a.i);
		let to = to.and_then(|to| i32::try_from(to).ok()).unwrap_or(0);
		let Some((low, high)) = bounds(to).filter(|_| to != BOOL && from.element != BOOL) else {
			return Err(format!("casts to element type {to}"));
		};
		if to == FLOAT {
			// Integers become floats by one rounding, half to even, everywhere.
			return Ok(Value {
				element: FLOAT,
				..from
			});
		}
		if !from.whole {
			return Err("drops a fraction: how is not specified".into());
		}
		if from.low < low || from.high > high {
			return Err(format!(
				"may get values from {} to {}, which do not fit",
				from.low, from.high
			));
		}
		Ok(Value {
			element: to,
			..from
		})
	}

	fn arithmetic(&self, node: &NodeProto) -> Result<Value, String> {
		let (a, b) = (self.input(node, 0)?, self.input(node, 1)?);
		if a.element != b.element {
			return Err("mixes types".into());
		}
		let op = node.op_type.as_str();
		if matches!(op, "Div" | "Mod") && !a.is_float() {
			let divisor = b.single().filter(|divisor| *divisor > 0.0 && a.low >= 0.0);
			let Some(divisor) = divisor else {
				return Err("divides integers whose signs are not known".into());
			};
			return Ok(match op {
				"Div" => a.within((a.low / divisor).floor(), (a.high / divisor).floor()),
				_ => a.within(0.0, divisor - 1.0),
			});
		}
		if op == "Mod" {
			return Err("is meant for integers here".into());
		}
		if op == "Div" {
			return Ok(Value {
				whole: false,
				..a.within(f64::NEG_INFINITY, f64::INFINITY)
			});
		}
		let ends = match op {
			"Add" => [
				a.low + b.low,
				a.high + b.high,
				a.low + b.low,
				a.high + b.high,
			],
			"Sub" => [
				a.low - b.high,
				a.high - b.low,
				a.low - b.high,
				a.high - b.low,
			],
			_ => [
				a.low * b.low,
				a.low * b.high,
				a.high * b.low,
				a.high * b.high,
			],
		};
		// 0 · ∞ says nothing.
		let known = ends.iter().all(|end| !end.is_nan());
		let low = if known {
			ends.into_iter().fold(f64::INFINITY, f64::min)
		} else {
			f64::NEG_INFINITY
		};
		let high = if known {
			ends.into_iter().fold(f64::NEG_INFINITY, f64::max)
		} else {
			f64::INFINITY
		};
		if let Some((least, most)) = bounds(a.element).filter(|_| !a.is_float()) {
			if low < least || high > most {
				return Err("can leave the range of its integers".into());
			}
		}
		// Above 2^24 floats have no room for every whole number, but hold nothing else either.
		Ok(Value {
			whole: a.whole && b.whole,
			..a.within(low, high)
		})
	}

	fn clip(&self, node: &NodeProto) -> Result<Value, String> {
		let [value, low, high] = [0, 1, 2].map(|index| self.input(node, index));
		let (value, low, high) = (value?, low?, high?);
		let (Some(low_end), Some(high_end)) = (low.single(), high.single()) else {
			return Err("has no constant bounds".into());
		};
		Ok(Value {
			whole: value.whole && low.whole && high.whole,
			..value.within(value.low.max(low_end), value.high.min(high_end))
		})
	}

	fn sum(&self, node: &NodeProto) -> Result<Value, String> {
		let value = self.input(node, 0)?;
		if value.is_float() {
			return Err("adds floats in an order that every machine chooses itself".into());
		}
		let (low, high) = (value.low * MAX_SUM, value.high * MAX_SUM);
		match bounds(value.element) {
			Some((least, most)) if low.min(value.low) >= least && high.max(value.high) <= most => {
				Ok(value.within(low.min(value.low), high.max(value.high)))
			}
			_ => Err("can leave the range of its integers".into()),
		}
	}

	fn product(&self, node: &NodeProto) -> Result<Value, String> {
		let (a, b) = (self.input(node, 0)?, self.input(node, 1)?);
		if (a.element, b.element) != (UINT8, INT8) {
			return Err("is fast and exact everywhere only for u8 × s8".into());
		}
		if node.input.len() > 3 {
			return Err("shifts its second matrix, which the profile does not".into());
		}
		let zero = match node.input.get(2).map(String::as_str) {
			None | Some("") => 0.0,
			Some(_) => self
				.input(node, 2)?
				.single()
				.ok_or("has zero points that differ")?,
		};
		let pair = 2.0 * a.high * b.magnitude();
		if pair > PAIR_MAX {
			return Err(format!(
				"has pairs of products up to {pair}, which AVX2 clips at {PAIR_MAX}: u8 takes weights within ±63"
			));
		}
		let length = match node.input.get(1).and_then(|name| self.inputs.get(name)) {
			Some(inputs) => *inputs as f64,
			None => MAX_SUM,
		};
		let most =
			length * (a.high.max((a.low - zero).abs()).max((a.high - zero).abs())) * b.magnitude();
		if length > MAX_SUM || most > f64::from(i32::MAX) {
			return Err(format!("can sum to {most}, which leaves 32 bits"));
		}
		Ok(Value {
			element: INT32,
			low: -most,
			high: most,
			whole: true,
		})
	}
}
