//! The clusters between two integer matrix products as operators of ONNX Runtime.
//!
//! A layer in standard operators has about 150 nodes, which cost more than its matrix products; with
//! these it has eight. Scales, norms and tables come from [`Constants`], which the session shares; the
//! graph passes rows, sums and caches only. The numbers are those of `docs/exact-profile.md`.

use super::{
	attend::attend,
	kernels::{add, gate, prepare, scale},
	rules::{Limbs, Tables},
};
use crate::manifest::ModelConfig;
use ort::{
	operator::{
		BoxedKernel, ComputeContext, KernelContext, Operator, OperatorDomain, OperatorInput,
		OperatorOutput,
	},
	value::{TensorElementType, ValueRef, ValueRefMut},
	Error, Result,
};
use std::{
	cell::RefCell,
	collections::HashMap,
	sync::{Arc, Mutex, PoisonError},
};

/// Domain of the operators.
pub const DOMAIN: &str = "dllm.exact";
/// Version of the operators.
pub const VERSION: i64 = 1;
/// Attribute that names the layer.
pub const LAYER: &str = "layer";
/// Attribute that says which projection a residual comes from: 0 the attention's, 1 down.
pub const FROM: &str = "from";
/// Products below which a loop over rows is not worth the threads: about 50 µs of work.
const LEAST_WORK: usize = 1 << 19;

/// What one layer's operators need besides the matrices.
#[derive(Default)]
pub struct LayerConstants {
	pub attention_norm: Vec<f32>,
	pub attention_scales: Vec<f32>,
	pub bias: Vec<f32>,
	pub query_norm: Vec<f32>,
	pub key_norm: Vec<f32>,
	pub output_scales: Vec<f32>,
	pub gate_norm: Vec<f32>,
	pub gate_scales: Vec<f32>,
	pub down_scales: Vec<f32>,
	/// Rows that a row sees, itself among them.
	pub window: usize,
}

/// What the operators of one session share.
pub struct Constants {
	pub config: ModelConfig,
	pub limbs: Limbs,
	pub tables: Tables,
	/// Cosines and sines of the rotary embedding, `[positions, head_dim / 2]`.
	pub cos: Vec<f32>,
	pub sin: Vec<f32>,
	pub layers: HashMap<u32, LayerConstants>,
	/// Last norm and scales of the logits.
	pub head_norm: Vec<f32>,
	pub head_scales: Vec<f32>,
}

/// The operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cluster {
	/// Rows → codes, scale: norm before the attention.
	Enter,
	/// Sums, scale, total, four caches → codes, scale, four caches.
	Attend,
	/// Rows, sums, scale → rows, codes, scale: residual and next norm.
	Join,
	/// Sums, scale → codes, scale: silu(gate) · up.
	Gate,
	/// Rows, sums, scale → rows: last residual.
	Leave,
	/// Rows → codes, scale: norm before the head.
	EnterHead,
	/// Sums, scale → logits.
	Logits,
}

/// All of them as a domain for a session.
pub fn domain(constants: &Arc<Constants>) -> Result<OperatorDomain> {
	let all = [
		Cluster::Enter,
		Cluster::Attend,
		Cluster::Join,
		Cluster::Gate,
		Cluster::Leave,
		Cluster::EnterHead,
		Cluster::Logits,
	];
	all.into_iter()
		.try_fold(OperatorDomain::new(DOMAIN)?, |domain, cluster| {
			domain.add(ClusterOperator {
				cluster,
				constants: constants.clone(),
			})
		})
}

impl Cluster {
	/// Name of the operator.
	pub fn name(self) -> &'static str {
		match self {
			Self::Enter => "Enter",
			Self::Attend => "Attend",
			Self::Join => "Join",
			Self::Gate => "Gate",
			Self::Leave => "Leave",
			Self::EnterHead => "EnterHead",
			Self::Logits => "Logits",
		}
	}

	/// Types of inputs and outputs.
	fn types(self) -> (Vec<TensorElementType>, Vec<TensorElementType>) {
		use TensorElementType::{Float32 as F, Int32 as I, Int8 as C, Uint8 as U};
		match self {
			Self::Enter | Self::EnterHead => (vec![F], vec![U, F]),
			Self::Attend => (vec![I, F, I, C, F, C, F], vec![U, F, C, F, C, F]),
			Self::Join => (vec![F, I, F], vec![F, U, F]),
			Self::Gate => (vec![I, F], vec![U, F]),
			Self::Leave => (vec![F, I, F], vec![F]),
			Self::Logits => (vec![I, F], vec![F]),
		}
	}
}

struct ClusterOperator {
	cluster: Cluster,
	constants: Arc<Constants>,
}

impl Operator for ClusterOperator {
	type Kernel<'attr> = BoxedKernel<'attr>;

	fn name(&self) -> &str {
		self.cluster.name()
	}

	fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
		self.cluster
			.types()
			.0
			.into_iter()
			.map(OperatorInput::required)
	}

	fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
		self.cluster
			.types()
			.1
			.into_iter()
			.map(OperatorOutput::required)
	}

	fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> Result<Self::Kernel<'attr>> {
		let attribute = |name| node.get::<i64>(name).unwrap_or(0);
		let layer = u32::try_from(attribute(LAYER)).unwrap_or(u32::MAX);
		let mut work = Work {
			constants: self.constants.clone(),
			layer,
			down: attribute(FROM) == 1,
			floats: Vec::new(),
		};
		let run = match self.cluster {
			Cluster::Enter => Work::enter,
			Cluster::Attend => Work::attend,
			Cluster::Join => Work::join,
			Cluster::Gate => Work::gate,
			Cluster::Leave => Work::leave,
			Cluster::EnterHead => Work::enter_head,
			Cluster::Logits => Work::logits,
		};
		Ok(Box::new(move |context: &ComputeContext| {
			run(&mut work, context)
		}))
	}
}

/// One node at work.
struct Work {
	constants: Arc<Constants>,
	layer: u32,
	down: bool,
	/// Room that is kept between calls.
	floats: Vec<f32>,
}

impl Work {
	fn enter(&mut self, context: &ComputeContext) -> Result<()> {
		let constants = self.constants.clone();
		let layer = layer(&constants, self.layer)?;
		self.prepare(context, &layer.attention_norm, constants.limbs.attention)
	}

	fn enter_head(&mut self, context: &ComputeContext) -> Result<()> {
		let constants = self.constants.clone();
		self.prepare(context, &constants.head_norm, constants.limbs.head)
	}

	/// Rows to codes and scale.
	fn prepare(&mut self, context: &ComputeContext, norm: &[f32], limbs: usize) -> Result<()> {
		let input = input(context, 0)?;
		let rows = input.try_extract_tensor::<f32>()?.1;
		let codes = CodesOut::new(context, [0, 1], rows.len() / norm.len(), norm.len(), limbs)?;
		let epsilon = self.constants.config.norm_eps as f32;
		codes.fill(
			|row, high, low| {
				let values = &rows[row * norm.len()..][..norm.len()];
				with_room(norm.len(), |room| {
					prepare(values, norm, epsilon, room, high, low)
				})
			},
			context,
		)
	}

	fn join(&mut self, context: &ComputeContext) -> Result<()> {
		let constants = self.constants.clone();
		let (limbs, scales, norm, next) = match self.down {
			false => {
				let layer = layer(&constants, self.layer)?;
				let Limbs { output, gate, .. } = constants.limbs;
				(output, &layer.output_scales, &layer.gate_norm, gate)
			}
			true => {
				let scales = &layer(&constants, self.layer)?.down_scales;
				let Limbs {
					down, attention, ..
				} = constants.limbs;
				let next = layer(&constants, self.layer + 1)?;
				(down, scales, &next.attention_norm, attention)
			}
		};
		let mut residual = self.residual(context, scales, limbs)?;
		let rows = &*residual.try_extract_tensor_mut::<f32>()?.1;
		let width = norm.len();
		let codes = CodesOut::new(context, [1, 2], rows.len() / width, width, next)?;
		let epsilon = constants.config.norm_eps as f32;
		codes.fill(
			|row, high, low| {
				let values = &rows[row * width..][..width];
				with_room(width, |room| {
					prepare(values, norm, epsilon, room, high, low)
				})
			},
			context,
		)
	}

	fn leave(&mut self, context: &ComputeContext) -> Result<()> {
		let constants = self.constants.clone();
		let scales = &layer(&constants, self.layer)?.down_scales;
		self.residual(context, scales, constants.limbs.down)
			.map(drop)
	}

	/// Rows plus what a projection adds to them, as output 0.
	fn residual<'a>(
		&self,
		context: &'a ComputeContext,
		scales: &[f32],
		limbs: usize,
	) -> Result<ValueRefMut<'a>> {
		let (before, sums, scale) = (input(context, 0)?, input(context, 1)?, input(context, 2)?);
		let (shape, before) = before.try_extract_tensor::<f32>()?;
		let sums = Sums::new(&sums, &scale, scales.len(), limbs)?;
		let mut after = output(context, 0, shape.to_vec())?;
		let out = after.try_extract_tensor_mut::<f32>()?.1;
		let pairs = before
			.chunks_exact(scales.len())
			.zip(out.chunks_exact_mut(scales.len()));
		for (row, (before, out)) in pairs.enumerate() {
			let (high, low, activation) = sums.row(row);
			add(before, high, low, scales, activation, out);
		}
		Ok(after)
	}

	fn gate(&mut self, context: &ComputeContext) -> Result<()> {
		let constants = self.constants.clone();
		let scales = &layer(&constants, self.layer)?.gate_scales;
		let (sums, scale) = (input(context, 0)?, input(context, 1)?);
		let sums = Sums::new(&sums, &scale, scales.len(), constants.limbs.gate)?;
		let width = scales.len() / 2;
		let codes = CodesOut::new(context, [0, 1], sums.rows, width, constants.limbs.down)?;
		codes.fill(
			|row, high, low| {
				let (upper, lower, activation) = sums.row(row);
				let sigmoid = &constants.tables.sigmoid;
				with_room(scales.len(), |room| {
					gate(upper, lower, scales, activation, sigmoid, room, high, low)
				})
			},
			context,
		)
	}

	fn logits(&mut self, context: &ComputeContext) -> Result<()> {
		let scales = &self.constants.head_scales;
		let (sums, scale_in) = (input(context, 0)?, input(context, 1)?);
		let sums = Sums::new(&sums, &scale_in, scales.len(), self.constants.limbs.head)?;
		let mut logits = output(context, 0, vec![1, sums.rows as i64, scales.len() as i64])?;
		let out = logits.try_extract_tensor_mut::<f32>()?.1;
		for (row, out) in out.chunks_exact_mut(scales.len()).enumerate() {
			let (high, low, activation) = sums.row(row);
			scale(high, low, scales, activation, out);
		}
		Ok(())
	}

	fn attend(&mut self, context: &ComputeContext) -> Result<()> {
		let constants = self.constants.clone();
		let layer = layer(&constants, self.layer)?;
		attend(context, &constants, layer, &mut self.floats)
	}
}

thread_local! {
	/// Room for one row.
	static ROOM: RefCell<Vec<f32>> = RefCell::default();
}

/// Lends room for `len` values.
fn with_room<T>(len: usize, with: impl FnOnce(&mut [f32]) -> T) -> T {
	ROOM.with_borrow_mut(|room| {
		room.resize(len, 0.0);
		with(room)
	})
}

/// Sums of a projection, `[limbs, rows, outputs]`, and the scale of every row that entered it.
pub struct Sums<'a> {
	sums: &'a [i32],
	scales: &'a [f32],
	/// Rows of the call.
	pub rows: usize,
	/// Sums of a row.
	pub outputs: usize,
	limbs: usize,
}

impl<'a> Sums<'a> {
	pub fn new(
		sums: &'a ValueRef<'_>,
		scales: &'a ValueRef<'_>,
		outputs: usize,
		limbs: usize,
	) -> Result<Self> {
		let sums = sums.try_extract_tensor::<i32>()?.1;
		let scales = scales.try_extract_tensor::<f32>()?.1;
		let rows = scales.len();
		if sums.len() != limbs * rows * outputs {
			return Err(Error::new("sums do not fit their rows"));
		}
		Ok(Self {
			sums,
			scales,
			rows,
			outputs,
			limbs,
		})
	}

	/// Upper and lower limb's sums of a row (the lower empty for one limb), and the row's scale.
	pub fn row(&self, row: usize) -> (&[i32], &[i32], f32) {
		let limb =
			|limb: usize| &self.sums[(limb * self.rows + row) * self.outputs..][..self.outputs];
		let low = if self.limbs == 2 { limb(1) } else { &[] };
		(limb(0), low, self.scales[row])
	}
}

/// Codes and scales of rows as two outputs.
pub struct CodesOut<'a> {
	codes: ValueRefMut<'a>,
	scales: ValueRefMut<'a>,
	rows: usize,
	width: usize,
	limbs: usize,
}

impl<'a> CodesOut<'a> {
	pub fn new(
		context: &'a ComputeContext,
		outputs: [usize; 2],
		rows: usize,
		width: usize,
		limbs: usize,
	) -> Result<Self> {
		let codes = output(
			context,
			outputs[0],
			vec![1, (limbs * rows) as i64, width as i64],
		)?;
		let scales = output(context, outputs[1], vec![1, rows as i64, 1])?;
		Ok(Self {
			codes,
			scales,
			rows,
			width,
			limbs,
		})
	}

	/// Lets `each` write the limbs of every row and give its scale.
	pub fn fill(
		mut self,
		each: impl Fn(usize, &mut [u8], &mut [u8]) -> f32 + Sync + Send,
		context: &ComputeContext,
	) -> Result<()> {
		let codes = self.codes.try_extract_tensor_mut::<u8>()?.1;
		let scales = self.scales.try_extract_tensor_mut::<f32>()?.1;
		let (high, low) = codes.split_at_mut(self.rows * self.width);
		let lows: Vec<&mut [u8]> = match self.limbs {
			2 => low.chunks_exact_mut(self.width).collect(),
			_ => (0..self.rows).map(|_| [].as_mut_slice()).collect(),
		};
		let rows = high.chunks_exact_mut(self.width).zip(lows).zip(scales);
		let rows = rows.map(Mutex::new).collect::<Vec<_>>();
		// A value of these loops costs about as much as eight products.
		parallel(context, self.rows, 8 * self.rows * self.width, |row| {
			let mut slot = rows[row].lock().unwrap_or_else(PoisonError::into_inner);
			let ((high, low), scale) = &mut *slot;
			**scale = each(row, high, low);
		})
	}
}

/// Runs tasks on the session's threads where that pays.
pub fn parallel(
	context: &ComputeContext,
	tasks: usize,
	work: usize,
	each: impl Fn(usize) + Sync + Send,
) -> Result<()> {
	if tasks < 2 || work < LEAST_WORK {
		(0..tasks).for_each(each);
		return Ok(());
	}
	context.par_for(tasks, 0, each)
}

/// Parts of a buffer that different threads write.
pub fn locked<T>(buffer: &mut [T], width: usize) -> Vec<Mutex<&mut [T]>> {
	buffer.chunks_exact_mut(width).map(Mutex::new).collect()
}

fn layer(constants: &Constants, layer: u32) -> Result<&LayerConstants> {
	constants
		.layers
		.get(&layer)
		.ok_or_else(|| Error::new(format!("layer {layer} is not in this session")))
}

pub fn input(context: &ComputeContext, index: usize) -> Result<ValueRef<'_>> {
	context
		.input(index)?
		.ok_or_else(|| Error::new(format!("input {index} is missing")))
}

pub fn output(context: &ComputeContext, index: usize, shape: Vec<i64>) -> Result<ValueRefMut<'_>> {
	context
		.output(index, shape)?
		.ok_or_else(|| Error::new(format!("output {index} is not asked for")))
}
