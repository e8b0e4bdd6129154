//! The product as an operator of ONNX Runtime, and its place in a graph.

use super::{
	kernel::{multiply, quantise, Codes},
	packed::{Packed, TILE},
};
use crate::{
	exact::operators::{input, locked, output, parallel},
	numerics::BLOCK,
	splitter::{
		matrix::{BITS, BLOCK_SIZE, INTEGER_ACTIVATIONS, LEVEL, PRODUCT},
		onnx::{AttributeProto, GraphProto, NodeProto, ATTRIBUTE_INT, CONTRIB},
	},
};
use ort::{
	operator::{
		BoxedKernel, ComputeContext, KernelContext, Operator, OperatorDomain, OperatorInput,
		OperatorOutput,
	},
	value::TensorElementType,
	Error, Result,
};
use std::sync::{Arc, PoisonError};

/// Domain of the operator.
pub const DOMAIN: &str = "dllm.blocks";
/// Version of the operator.
pub const VERSION: i64 = 1;
const NAME: &str = "Product";
/// Attribute with the number of the matrix.
const MATRIX: &str = "matrix";

/// Takes the weights of 4 bits out of a graph and lets [`domain`]'s operator multiply with them; `matrices` are
/// those of all graphs that become one. Says what is wrong with a node whose weights do not fit it.
pub fn take(graph: &mut GraphProto, matrices: &mut Vec<Packed>) -> std::result::Result<(), String> {
	for node in graph.node.iter_mut().filter(|node| is_product(node)) {
		let [rows, codes, scales] = &node.input[..] else {
			continue;
		};
		let misfit = || format!("node {} has no weights that fit it", node.name);
		let size = |name| usize::try_from(attribute(node, name).unwrap_or(0)).map_err(|_| misfit());
		let (inputs, outputs) = (size("K")?, size("N")?);
		let mut raw = |name: &str| {
			let at = graph.initializer.iter().position(|it| it.name == *name);
			at.and_then(|at| graph.initializer.swap_remove(at).raw_data)
		};
		let (codes, scales) = raw(codes).zip(raw(scales)).ok_or_else(misfit)?;
		let scales = scales.as_chunks().0.iter();
		let scales = scales
			.map(|bytes| f32::from_le_bytes(*bytes))
			.collect::<Vec<_>>();
		let packed = Packed::new(inputs, outputs, &codes, &scales).ok_or_else(misfit)?;
		*node = NodeProto {
			input: vec![rows.clone()],
			output: node.output.clone(),
			name: node.name.clone(),
			op_type: NAME.into(),
			attribute: vec![AttributeProto {
				name: MATRIX.into(),
				i: Some(matrices.len() as i64),
				kind: ATTRIBUTE_INT,
				..Default::default()
			}],
			domain: DOMAIN.into(),
		};
		matrices.push(packed);
	}
	Ok(())
}

/// Whether a node is a product with what [`Packed`] packs.
fn is_product(node: &NodeProto) -> bool {
	let asked = [
		(BITS, 4),
		(BLOCK_SIZE, i64::from(BLOCK)),
		(LEVEL, INTEGER_ACTIVATIONS),
	];
	node.op_type == PRODUCT
		&& node.domain == CONTRIB
		&& asked
			.iter()
			.all(|(name, value)| attribute(node, name) == Some(*value))
}

fn attribute(node: &NodeProto, name: &str) -> Option<i64> {
	let found = node.attribute.iter().find(|it| it.name == name);
	found.and_then(|attribute| attribute.i)
}

/// The operator over these matrices, as a domain for a session.
pub fn domain(matrices: Vec<Packed>) -> Result<OperatorDomain> {
	OperatorDomain::new(DOMAIN)?.add(Product {
		matrices: Arc::new(matrices),
	})
}

struct Product {
	matrices: Arc<Vec<Packed>>,
}

impl Operator for Product {
	type Kernel<'attr> = BoxedKernel<'attr>;

	fn name(&self) -> &str {
		NAME
	}

	fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
		[OperatorInput::required(TensorElementType::Float32)]
	}

	fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
		[OperatorOutput::required(TensorElementType::Float32)]
	}

	fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> Result<Self::Kernel<'attr>> {
		let number = node.get::<i64>(MATRIX).unwrap_or(-1);
		let mut work = Work {
			matrices: self.matrices.clone(),
			number: usize::try_from(number).unwrap_or(usize::MAX),
			codes: Vec::new(),
			products: Vec::new(),
		};
		Ok(Box::new(move |context: &ComputeContext| work.run(context)))
	}
}

/// One node at work.
struct Work {
	matrices: Arc<Vec<Packed>>,
	number: usize,
	/// Codes of the rows, `[rows, blocks]`; room that is kept between calls.
	codes: Vec<Codes>,
	/// Products, `[tiles, rows]`; likewise.
	products: Vec<[f32; TILE]>,
}

impl Work {
	fn run(&mut self, context: &ComputeContext) -> Result<()> {
		let matrix = self.matrices.get(self.number);
		let matrix = matrix.ok_or_else(|| Error::new("there is no such matrix"))?;
		let entering = input(context, 0)?;
		let (shape, values) = entering.try_extract_tensor::<f32>()?;
		let mut shape = shape.to_vec();
		match shape.last_mut() {
			Some(width) if *width == matrix.inputs as i64 => *width = matrix.outputs as i64,
			_ => return Err(Error::new("rows do not fit the matrix")),
		}
		let mut leaving = output(context, 0, shape)?;
		let out = leaving.try_extract_tensor_mut::<f32>()?.1;
		let rows = values.len() / matrix.inputs;
		if rows == 0 {
			return Ok(());
		}

		self.codes.resize(rows * matrix.blocks, Codes::default());
		let each = values.chunks_exact(matrix.inputs);
		for (row, codes) in each.zip(self.codes.chunks_exact_mut(matrix.blocks)) {
			quantise(row, codes);
		}
		let tiles = matrix.tiles().collect::<Vec<_>>();
		self.products.resize(tiles.len() * rows, [0.0; TILE]);
		let places = locked(&mut self.products, rows);
		let work = rows * matrix.inputs * matrix.outputs;
		parallel(context, tiles.len(), work, |tile| {
			let mut products = places[tile].lock().unwrap_or_else(PoisonError::into_inner);
			multiply(tiles[tile], &self.codes, &mut products);
		})?;
		drop(places);
		for (tile, products) in self.products.chunks_exact(rows).enumerate() {
			for (out, products) in out.chunks_exact_mut(matrix.outputs).zip(products) {
				let out = &mut out[tile * TILE..];
				let width = out.len().min(TILE);
				out[..width].copy_from_slice(&products[..width]);
			}
		}
		Ok(())
	}
}
