//! The cost model in floating point: the formulas of [`dllm_primitives::cost`], in milliseconds.
//!
//! The solver needs speed and sums of many terms, the chain needs integers; a property test holds both
//! to 1 ppm of each other. Which coefficients come from where is told there.

use dllm_primitives::{
	cost::{
		link::{LinkFigures, Loss, ACKNOWLEDGEMENT_DELAY_US, TIMER_US},
		DeviceFigures, Form, Weights, Workload,
	},
	model::Shard,
};

/// Stands for a link that is not there: no frame ever arrives. The chain's model refuses such a link, so no
/// placement may use it.
pub const NO_LINK: LinkFigures = LinkFigures {
	latency_us: 0,
	jitter_us: 0,
	loss_ppm: 0,
	bytes_per_second: 0,
	efficiency_ppm: 0,
};

/// Rounds of retransmission less probable than this are left out.
const NEGLIGIBLE: f64 = 1e-18;

/// Milliseconds of one layer over the whole prompt.
pub fn prefill(device: &DeviceFigures, layer: &Shard, workload: &Workload, form: Form) -> f64 {
	let rows = f64::from(workload.prompt_tokens) * f64::from(workload.sessions);
	let arithmetic = 1e3 * rows * layer.flops_per_token as f64 / device.flops_per_second as f64;
	let reading = 1e3 * layer.bytes as f64 / device.memory_bytes_per_second as f64;
	match form {
		Form::Printed => arithmetic,
		Form::Transitions => arithmetic.max(reading),
	}
}

/// Milliseconds of one layer in a decoding step, with the mean context P + N/2 in the cache.
pub fn decode(device: &DeviceFigures, layer: &Shard, workload: &Workload, form: Form) -> f64 {
	let sessions = f64::from(workload.sessions);
	let arithmetic = 1e3 * sessions * layer.flops_per_token as f64 / device.flops_per_second as f64;
	let context = f64::from(workload.prompt_tokens) + f64::from(workload.new_tokens) / 2.0;
	let bytes = layer.bytes as f64 + sessions * f64::from(layer.kv_bytes_per_token) * context;
	let reading = 1e3 * bytes / device.memory_bytes_per_second as f64;
	match form {
		Form::Printed => arithmetic,
		Form::Transitions => arithmetic.max(reading),
	}
}

/// A link under a workload, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hop {
	/// Latency and transfer of a whole job: the prompt once, then every token.
	pub data: f64,
	/// Jitter and loss of a whole job.
	pub qos: f64,
	/// Of the prompt alone, everything.
	pub first_token: f64,
	/// Of one token, everything.
	pub per_token: f64,
	/// Time that one token's frame occupies the link.
	pub step: f64,
}

impl Hop {
	/// Where there is no link.
	pub const NONE: Self = Self {
		data: f64::INFINITY,
		qos: f64::INFINITY,
		first_token: f64::INFINITY,
		per_token: f64::INFINITY,
		step: f64::INFINITY,
	};

	/// What a job does on a link; one of [`NO_LINK`] leads nowhere.
	pub fn new(link: &LinkFigures, workload: &Workload, weights: &Weights) -> Self {
		if link.bytes_per_second == 0 {
			return Self::NONE;
		}
		if weights.form == Form::Printed {
			return Self::default();
		}
		let latency = f64::from(link.latency_us) / 1e3;
		let steps = f64::from(workload.new_tokens);
		let frame = |rows: u32| {
			let bytes =
				f64::from(rows) * f64::from(workload.sessions) * f64::from(workload.row_bytes);
			let packets = (bytes / f64::from(workload.packet_bytes.max(1))).ceil();
			let transfer = transfer(link, bytes);
			(transfer, penalty(link, transfer, packets, weights))
		};
		let (prompt, prompt_qos) = frame(workload.prompt_tokens);
		let (token, token_qos) = frame(1);
		Self {
			data: latency + prompt + steps * (latency + token),
			qos: prompt_qos + steps * token_qos,
			first_token: latency + prompt + prompt_qos,
			per_token: latency + token + token_qos,
			step: token,
		}
	}
}

/// t = O / (E_p·B) in milliseconds, for O in bytes.
pub fn transfer(link: &LinkFigures, bytes: f64) -> f64 {
	1e9 * bytes / (link.bytes_per_second as f64 * f64::from(link.efficiency_ppm))
}

/// T_QoS of one frame in milliseconds: jitter and loss.
pub fn penalty(link: &LinkFigures, transfer: f64, packets: f64, weights: &Weights) -> f64 {
	let jitter = f64::from(weights.jitter_milli) / 1e3 * f64::from(link.jitter_us) / 1e3;
	let lost = f64::from(link.loss_ppm) / 1e6;
	let loss = match weights.loss {
		Loss::Patent {
			transfer_milli,
			square_milli,
		} => {
			let resent = f64::from(transfer_milli) / 1e3 * transfer * lost;
			resent + f64::from(square_milli) / 1e3 * lost * lost
		}
		Loss::Binomial {
			transfer_milli,
			recovery_milli,
		} => {
			let resent = transfer * lost / (1.0 - lost);
			let waiting = recovery(link) * expected_rounds(lost, packets);
			f64::from(transfer_milli) / 1e3 * resent + f64::from(recovery_milli) / 1e3 * waiting
		}
	};
	jitter + loss
}

/// Milliseconds until a loss is noticed and repaired.
pub fn recovery(link: &LinkFigures) -> f64 {
	let variation = (4.0 * f64::from(link.jitter_us)).max(TIMER_US.into());
	(2.0 * f64::from(link.latency_us) + variation + f64::from(ACKNOWLEDGEMENT_DELAY_US)) / 1e3
}

/// Σ over k ≥ 1 of 1 − (1 − pᵏ)ⁿ: expected rounds of retransmission of `packets` packets.
pub fn expected_rounds(lost: f64, packets: f64) -> f64 {
	let mut sum = 0.0;
	let mut power = lost;
	while power * packets.max(1.0) > NEGLIGIBLE {
		sum += -(packets * (-power).ln_1p()).exp_m1();
		power *= lost;
	}
	sum
}
