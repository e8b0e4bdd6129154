//! What a placement costs: the one cost model of the planner and the chain, in integers.
//!
//! `minimise α·(compute + data + qos) + entered + bottleneck + price + migration`, every term in
//! femtoseconds of one job (or femtoseconds' worth of something else, by a named weight). Link terms
//! bind to the transitions between consecutive stages. The solver works with the same formulas in
//! floating point; both agree within 1 ppm. Whether a plan is feasible at all is
//! [`crate::plan::check`]'s business, what a link does to a frame [`link`]'s.

pub mod link;

use crate::{
	ids::{StageIndex, ENTRY_STAGE},
	model::{LayerRange, ModelSpec, Shard},
	plan::Plan,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::ops::RangeInclusive;
use link::{LinkFigures, Loss};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Femtoseconds of a second, a millisecond and a microsecond. So fine a unit keeps the rounding of a few
/// hundred terms below 1 ppm of a placement that takes a microsecond.
pub const FEMTOS_PER_SECOND: u128 = 1_000_000_000_000_000;
/// See [`FEMTOS_PER_SECOND`].
pub const FEMTOS_PER_MS: u128 = 1_000_000_000_000;
/// See [`FEMTOS_PER_SECOND`].
pub const FEMTOS_PER_US: u128 = 1_000_000_000;
/// One, in parts per million.
pub const PPM: u128 = 1_000_000;
/// One, in thousandths: the unit of weights.
pub const MILLI: u128 = 1_000;
/// Jobs over which the workers of every stage take turns evenly: the least common multiple of the
/// replica counts 2, 3 and 4 (and 1). Job `j` is led by worker `j mod n` of a stage of `n`.
pub const TURNS: usize = 12;

/// Operations per second that a device can plausibly sustain: a microcontroller to a rack.
pub const PLAUSIBLE_FLOPS: RangeInclusive<u64> = 1_000_000..=1_000_000_000_000_000_000;
/// Bytes per second that a device's memory can plausibly read.
pub const PLAUSIBLE_MEMORY_SPEED: RangeInclusive<u64> = 1_000_000..=1_000_000_000_000_000;
/// Bytes per second that a network can plausibly carry.
pub const PLAUSIBLE_NETWORK_SPEED: RangeInclusive<u64> = 100..=1_000_000_000_000;

/// What was measured of a device, for the numeric class in which it serves the model.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct DeviceFigures {
	/// Operations per second that it sustains (η·FLOPs of the model).
	pub flops_per_second: u64,
	/// Bytes per second that it reads weights and caches with.
	pub memory_bytes_per_second: u64,
	/// Bytes per second that it fetches shards with.
	pub download_bytes_per_second: u64,
	/// Probability that it fails during a job, in ppm (f of the model).
	pub failure_ppm: u32,
}

impl DeviceFigures {
	/// The first figure that no device can have, with its plausible range; none where all can be true.
	pub fn implausible(&self) -> Option<(&'static str, RangeInclusive<u64>)> {
		let figures = [
			("flops_per_second", self.flops_per_second, PLAUSIBLE_FLOPS),
			(
				"memory_bytes_per_second",
				self.memory_bytes_per_second,
				PLAUSIBLE_MEMORY_SPEED,
			),
			(
				"download_bytes_per_second",
				self.download_bytes_per_second,
				PLAUSIBLE_NETWORK_SPEED,
			),
			("failure_ppm", self.failure_ppm.into(), 0..=999_999),
		];
		let wrong = figures
			.into_iter()
			.find(|(_, value, range)| !range.contains(value));
		wrong.map(|(name, _, range)| (name, range))
	}
}

/// The job that placements are compared on.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
	/// Tokens of the prompt (P).
	pub prompt_tokens: u32,
	/// Tokens of the reply (N).
	pub new_tokens: u32,
	/// Jobs that are executed as one batch (b).
	pub sessions: u32,
	/// Bytes of a hidden row on the wire (d·q).
	pub row_bytes: u32,
	/// Payload of a packet in bytes (MSS).
	pub packet_bytes: u32,
}

/// Which form of the patent's sums is meant.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub enum Form {
	/// As printed: link terms do not depend on the placement and are left out as constants, complexity
	/// counts layers, and compute is operations over speed.
	Printed,
	/// Link terms bind to transitions, complexity to devices entered, and compute is a roofline.
	Transitions,
}

/// Named weights. Those in thousandths are factors of a time.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct Weights {
	/// Which sums.
	pub form: Form,
	/// Of the time of a job (α), in thousandths.
	pub latency_milli: u32,
	/// Of jitter (w_q1), in thousandths.
	pub jitter_milli: u32,
	/// Of loss (w_q2, w_q3).
	pub loss: Loss,
	/// Of a device entered (w_c), in microseconds.
	pub entered_us: u32,
	/// Of the wait behind other jobs at the slowest stage (γ), in thousandths.
	pub bottleneck_milli: u32,
	/// Of a planck of price (ρ), in femtoseconds.
	pub price_femtos_per_planck: u32,
	/// Of the time to fetch shards that a device does not hold (σ), in thousandths.
	pub migration_milli: u32,
}

impl Weights {
	/// Ours: every link term is a time that a job waits. A device entered costs 1 ms as in the patent; a
	/// DLLM (10¹² planck) weighs as much as a second; fetching a shard, which is done once, weighs a
	/// thousandth of its time.
	pub const DLLM: Self = Self {
		form: Form::Transitions,
		latency_milli: 1_000,
		jitter_milli: 1_000,
		loss: Loss::Binomial {
			transfer_milli: 1_000,
			recovery_milli: 1_000,
		},
		entered_us: 1_000,
		bottleneck_milli: 1_000,
		price_femtos_per_planck: 1_000,
		migration_milli: 1,
	};

	/// The patent's printed form and weights: w_c = 1, w_1 = 10, w_2 = 1, w_3 = 10 000.
	pub const PATENT_TEXT: Self = Self {
		form: Form::Printed,
		jitter_milli: 10_000,
		..Self::PATENT_FIGURES
	};

	/// The weights that the patent's figures were drawn with (w_1 = 1), on transitions.
	pub const PATENT_FIGURES: Self = Self {
		form: Form::Transitions,
		latency_milli: 1_000,
		jitter_milli: 1_000,
		loss: Loss::Patent {
			transfer_milli: 1_000,
			square_milli: 10_000_000,
		},
		entered_us: 1_000,
		bottleneck_milli: 0,
		price_femtos_per_planck: 0,
		migration_milli: 0,
	};
}

/// What a placement may not exceed.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
	/// Microseconds until the first token, in every ring of the pipeline.
	pub first_token_us: Option<u64>,
	/// Microseconds of a further token, in every ring of the pipeline.
	pub per_token_us: Option<u64>,
	/// Probability that a worker of a ring fails during a job, in ppm.
	pub failure_ppm: Option<u32>,
}

/// The cost of a placement by term, in femtoseconds, the mean over the [`TURNS`] of its workers.
#[derive(Encode, Decode, TypeInfo, Serialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
	/// T_compute: prefill and every decoding step, by roofline.
	pub compute: u128,
	/// T_data: latency and transfer of every hop.
	pub data: u128,
	/// T_QoS: jitter and loss of every hop.
	pub qos: u128,
	/// T_complexity.
	pub entered: u128,
	/// Wait behind other jobs at the slowest stage.
	pub bottleneck: u128,
	/// Price.
	pub price: u128,
	/// Shards to fetch.
	pub migration: u128,
}

impl Terms {
	/// What placements are compared by.
	pub fn total(&self) -> u128 {
		[
			self.compute,
			self.data,
			self.qos,
			self.entered,
			self.bottleneck,
			self.price,
			self.migration,
		]
		.into_iter()
		.fold(0, u128::saturating_add)
	}
}

/// Why a placement has no cost that may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CostError {
	/// A worker's figures are unknown or cannot be true.
	Device,
	/// A link's figures cannot be true.
	Link,
	/// The first token may come too late.
	FirstToken,
	/// Tokens may come too slowly.
	PerToken,
	/// A worker may fail too probably.
	Reliability,
}

/// What the cost model has to know of workers and links; both sides answer from the same measurements.
pub trait Measurements<AccountId> {
	/// Figures of a worker.
	fn device(&self, who: &AccountId) -> Option<DeviceFigures>;
	/// Figures of the link between two neighbours of a ring; none stands for the entry.
	fn link(&self, from: Option<&AccountId>, to: Option<&AccountId>) -> LinkFigures;
	/// Price of a worker in planck per GFLOP.
	fn price(&self, who: &AccountId) -> u128;
	/// Whether a worker holds a shard already.
	fn holds(&self, who: &AccountId, shard: &Shard) -> bool;
}

/// The cost of a plan by term.
///
/// Rounding is down, at most a femtosecond a term. The price of a stage is its dearest worker's, as
/// [`crate::plan::check`] charges it. The entry's own compute is the same for every placement and left out.
pub fn score<AccountId: Ord>(
	plan: &Plan<AccountId>,
	model: &ModelSpec,
	workload: &Workload,
	weights: &Weights,
	limits: &Limits,
	measured: &impl Measurements<AccountId>,
) -> Result<Terms, CostError> {
	let mut sum = Terms::default();
	let mut slowest = 0u128;
	for turn in 0..TURNS {
		let ring = ring(plan, model, workload, weights, measured, turn)?;
		ring.keep(limits)?;
		slowest = slowest.max(ring.slowest);
		sum.compute = sum.compute.saturating_add(ring.compute);
		sum.data = sum.data.saturating_add(ring.data);
		sum.qos = sum.qos.saturating_add(ring.qos);
		sum.migration = sum.migration.saturating_add(ring.migration);
	}
	let mean = |sum: u128, milli: u32| scaled(sum, milli) / TURNS as u128;
	let units = match weights.form {
		Form::Printed => model.layers.len(),
		Form::Transitions => plan.segments.len(),
	};
	let others = u128::from(plan.slots.saturating_sub(1));
	let waits = slowest
		.saturating_mul(workload.new_tokens.into())
		.saturating_mul(others);
	Ok(Terms {
		compute: mean(sum.compute, weights.latency_milli),
		data: mean(sum.data, weights.latency_milli),
		qos: mean(sum.qos, weights.latency_milli),
		entered: u128::from(weights.entered_us)
			.saturating_mul(FEMTOS_PER_US)
			.saturating_mul(units as u128),
		bottleneck: scaled(waits, weights.bottleneck_milli),
		price: price(plan, model, workload, measured)
			.saturating_mul(weights.price_femtos_per_planck.into()),
		migration: mean(sum.migration, weights.migration_milli),
	})
}

/// One turn of a pipeline: who leads each stage, and what that takes, in femtoseconds.
struct Ring {
	compute: u128,
	data: u128,
	qos: u128,
	migration: u128,
	/// The slowest stage or hop of a decoding step.
	slowest: u128,
	first_token: u128,
	per_token: u128,
	/// Probability that nobody fails, in 2⁻⁶².
	survives: u128,
}

impl Ring {
	fn keep(&self, limits: &Limits) -> Result<(), CostError> {
		let exceeds = |time: u128, limit: Option<u64>| {
			limit.is_some_and(|us| time > u128::from(us).saturating_mul(FEMTOS_PER_US))
		};
		if exceeds(self.first_token, limits.first_token_us) {
			return Err(CostError::FirstToken);
		}
		if exceeds(self.per_token, limits.per_token_us) {
			return Err(CostError::PerToken);
		}
		let least = limits
			.failure_ppm
			.map_or(0, |ppm| link::ONE.saturating_sub(link::ratio(ppm)));
		if self.survives < least {
			return Err(CostError::Reliability);
		}
		Ok(())
	}
}

fn ring<AccountId: Ord>(
	plan: &Plan<AccountId>,
	model: &ModelSpec,
	workload: &Workload,
	weights: &Weights,
	measured: &impl Measurements<AccountId>,
	turn: usize,
) -> Result<Ring, CostError> {
	let mut ring = Ring {
		compute: 0,
		data: 0,
		qos: 0,
		migration: 0,
		slowest: 0,
		first_token: 0,
		per_token: 0,
		survives: link::ONE,
	};
	let entry = leader(plan, ENTRY_STAGE, turn);
	let mut from = entry;
	for stage in 1..plan.stages() as StageIndex {
		let who = leader(plan, stage, turn).ok_or(CostError::Device)?;
		let link = measured.link(from, Some(who));
		let between = stage > ENTRY_STAGE + 1;
		add_hop(&mut ring, &link, between, workload, weights)?;
		add_stage(
			&mut ring,
			who,
			model.segment(plan.layers_of(stage)),
			workload,
			weights,
			measured,
		)?;
		from = Some(who);
	}
	let link = measured.link(from, entry);
	add_hop(&mut ring, &link, false, workload, weights)?;
	Ok(ring)
}

/// Who leads a stage in a turn; none where the user is the entry.
fn leader<AccountId>(plan: &Plan<AccountId>, stage: StageIndex, turn: usize) -> Option<&AccountId> {
	let workers = plan.workers_of(stage);
	workers.get(turn.checked_rem(workers.len())?)
}

fn add_stage<AccountId>(
	ring: &mut Ring,
	who: &AccountId,
	layers: &[Shard],
	workload: &Workload,
	weights: &Weights,
	measured: &impl Measurements<AccountId>,
) -> Result<(), CostError> {
	let device = measured.device(who).ok_or(CostError::Device)?;
	if device.implausible().is_some() {
		return Err(CostError::Device);
	}
	let (mut prefill, mut decode) = (0u128, 0u128);
	for layer in layers {
		prefill = prefill.saturating_add(prefill_femtos(&device, layer, workload, weights.form));
		decode = decode.saturating_add(decode_femtos(&device, layer, workload, weights.form));
		if !measured.holds(who, layer) {
			let fetch = seconds(layer.bytes.into(), device.download_bytes_per_second.into());
			ring.migration = ring.migration.saturating_add(fetch);
		}
	}
	let steps = u128::from(workload.new_tokens);
	ring.compute = ring
		.compute
		.saturating_add(prefill)
		.saturating_add(decode.saturating_mul(steps));
	ring.slowest = ring.slowest.max(decode);
	ring.first_token = ring.first_token.saturating_add(prefill);
	ring.per_token = ring.per_token.saturating_add(decode);
	ring.survives = link::product(ring.survives, link::ONE - link::ratio(device.failure_ppm));
	Ok(())
}

/// Adds a hop; the links of the entry are the user's affair and no bottleneck of the pipeline.
fn add_hop(
	ring: &mut Ring,
	link: &LinkFigures,
	between: bool,
	workload: &Workload,
	weights: &Weights,
) -> Result<(), CostError> {
	if link.implausible().is_some() {
		return Err(CostError::Link);
	}
	if weights.form == Form::Printed {
		return Ok(());
	}
	let prefill = link.traverse(workload, workload.prompt_tokens, weights);
	let decode = link.traverse(workload, 1, weights);
	let steps = u128::from(workload.new_tokens);
	let data = prefill
		.data()
		.saturating_add(decode.data().saturating_mul(steps));
	let qos = prefill.qos.saturating_add(decode.qos.saturating_mul(steps));
	ring.data = ring.data.saturating_add(data);
	ring.qos = ring.qos.saturating_add(qos);
	if between {
		ring.slowest = ring.slowest.max(decode.transfer);
	}
	ring.first_token = ring
		.first_token
		.saturating_add(prefill.data())
		.saturating_add(prefill.qos);
	ring.per_token = ring
		.per_token
		.saturating_add(decode.data())
		.saturating_add(decode.qos);
	Ok(())
}

/// Femtoseconds of one layer over the whole prompt: the slower of arithmetic and reading the weights.
pub fn prefill_femtos(
	device: &DeviceFigures,
	layer: &Shard,
	workload: &Workload,
	form: Form,
) -> u128 {
	let rows = u128::from(workload.prompt_tokens).saturating_mul(workload.sessions.into());
	let operations = rows.saturating_mul(layer.flops_per_token.into());
	let arithmetic = seconds(operations, device.flops_per_second.into());
	let reading = seconds(layer.bytes.into(), device.memory_bytes_per_second.into());
	match form {
		Form::Printed => arithmetic,
		Form::Transitions => arithmetic.max(reading),
	}
}

/// Femtoseconds of one layer in a decoding step, with the mean context P + N/2 in the cache.
pub fn decode_femtos(
	device: &DeviceFigures,
	layer: &Shard,
	workload: &Workload,
	form: Form,
) -> u128 {
	let sessions = u128::from(workload.sessions);
	let operations = sessions.saturating_mul(layer.flops_per_token.into());
	let arithmetic = seconds(operations, device.flops_per_second.into());
	let double_context = 2 * u128::from(workload.prompt_tokens) + u128::from(workload.new_tokens);
	let double_cache = sessions
		.saturating_mul(layer.kv_bytes_per_token.into())
		.saturating_mul(double_context);
	let double_bytes = (2 * u128::from(layer.bytes)).saturating_add(double_cache);
	let reading = seconds(double_bytes, 2 * u128::from(device.memory_bytes_per_second));
	match form {
		Form::Printed => arithmetic,
		Form::Transitions => arithmetic.max(reading),
	}
}

/// Planck that a job's work costs at the price of every stage's dearest worker.
fn price<AccountId>(
	plan: &Plan<AccountId>,
	model: &ModelSpec,
	workload: &Workload,
	measured: &impl Measurements<AccountId>,
) -> u128 {
	let tokens = u128::from(workload.prompt_tokens) + u128::from(workload.new_tokens);
	plan.segments.iter().fold(0u128, |sum, segment| {
		let dearest = segment.replicas.iter().map(|who| measured.price(who)).max();
		let flops = stage_flops(model, segment.layers);
		let planck = dearest
			.unwrap_or(0)
			.saturating_mul(flops)
			.saturating_mul(tokens)
			/ FLOPS_PER_GFLOP;
		sum.saturating_add(planck)
	})
}

/// Prices are per 10⁹ operations.
const FLOPS_PER_GFLOP: u128 = 1_000_000_000;

fn stage_flops(model: &ModelSpec, layers: LayerRange) -> u128 {
	model.stage_flops(layers, false).into()
}

/// `amount / per_second` in femtoseconds, rounded down; endless where the speed is 0.
pub(crate) fn seconds(amount: u128, per_second: u128) -> u128 {
	amount
		.saturating_mul(FEMTOS_PER_SECOND)
		.checked_div(per_second)
		.unwrap_or(u128::MAX)
}

/// `time` by a weight in thousandths, rounded down.
pub(crate) fn scaled(time: u128, milli: u32) -> u128 {
	time.saturating_mul(milli.into()) / MILLI
}
