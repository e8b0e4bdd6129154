//! What Prometheus is told of the gateway, under `/metrics`. docs/gateway.md explains each figure.

use super::{market::Ending, Gateway};
use prometheus::{
	Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
	TextEncoder,
};
use std::time::Duration;

/// Bounds in seconds: a block and its parts, then what a queue adds.
const SECONDS: [f64; 12] = [
	0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 6.0, 12.0, 24.0, 60.0, 120.0,
];
/// Planck of the unit in which fees are counted: 10⁻⁶ DLLM, so that 64 bits last.
const MICRO: u128 = 1_000_000;

/// The figures of one gateway.
pub struct Metrics {
	registry: Registry,
	requests: IntCounterVec,
	tokens: IntCounterVec,
	first_token: Histogram,
	reply: Histogram,
	jobs: IntCounterVec,
	fees: IntCounter,
	left: IntCounter,
	running: IntGauge,
	waiting: IntGauge,
}

impl Metrics {
	/// Figures at zero.
	pub fn at_zero() -> Self {
		let registry = Registry::new();
		let counters = |name: &str, help: &str, labels: &[&str]| {
			// The names stand here and are valid.
			let made = IntCounterVec::new(Opts::new(name, help), labels);
			registered(&registry, made.expect("the name is valid"))
		};
		let counter = |name: &str, help: &str| {
			let made = IntCounter::new(name, help);
			registered(&registry, made.expect("the name is valid"))
		};
		let gauge = |name: &str, help: &str| {
			let made = IntGauge::new(name, help);
			registered(&registry, made.expect("the name is valid"))
		};
		let seconds = |name: &str, help: &str| {
			let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
			let made = Histogram::with_opts(options);
			registered(&registry, made.expect("the name and the bounds are valid"))
		};
		Self {
			requests: counters(
				"dllm_gateway_requests_total",
				"Requests answered, by route and HTTP status",
				&["route", "status"],
			),
			tokens: counters(
				"dllm_gateway_tokens_total",
				"Tokens, of prompts (in) and of replies (out)",
				&["direction"],
			),
			first_token: seconds(
				"dllm_gateway_first_token_seconds",
				"Time from the arrival of a request to its first token",
			),
			reply: seconds(
				"dllm_gateway_reply_seconds",
				"Time from the arrival of a request to the end of its reply",
			),
			jobs: counters(
				"dllm_gateway_jobs_total",
				"Jobs that ended on chain: settled, refunded, or lost from sight",
				&["end"],
			),
			fees: counter(
				"dllm_gateway_fees_micro_dllm_total",
				"Fees of settled jobs, in millionths of a DLLM, each rounded down",
			),
			left: counter(
				"dllm_gateway_clients_left_total",
				"Clients that hung up before the end of their reply",
			),
			running: gauge(
				"dllm_gateway_requests_running",
				"Requests that are being answered now",
			),
			waiting: gauge(
				"dllm_gateway_requests_waiting",
				"Requests that wait for a place now",
			),
			registry,
		}
	}

	/// Counts an answer.
	pub fn answered(&self, route: &str, status: u16) {
		let labels = [route, &status.to_string()];
		self.requests.with_label_values(&labels).inc();
	}

	/// Counts the tokens of a prompt that is being bought.
	pub fn prompt(&self, tokens: usize) {
		self.tokens.with_label_values(&["in"]).inc_by(tokens as u64);
	}

	/// Counts the end of a reply that took `first` to its first token, if it had one, and `all` in all.
	pub fn replied(&self, tokens: u32, first: Option<Duration>, all: Duration) {
		self.tokens
			.with_label_values(&["out"])
			.inc_by(tokens.into());
		if let Some(first) = first {
			self.first_token.observe(first.as_secs_f64());
		}
		self.reply.observe(all.as_secs_f64());
	}

	/// Counts a client that hung up.
	pub fn client_left(&self) {
		self.left.inc();
	}

	/// Counts the end of a job on chain; none where nobody knows it.
	pub fn ended(&self, ending: Option<Ending>) {
		let end = match ending {
			Some(ending) if ending.settled => "settled",
			Some(_) => "refunded",
			None => "lost",
		};
		self.jobs.with_label_values(&[end]).inc();
		let fee = ending.map_or(0, |ending| ending.fee / MICRO);
		self.fees.inc_by(u64::try_from(fee).unwrap_or(u64::MAX));
	}

	/// The figures in Prometheus' text form.
	pub fn shown(&self, gateway: &Gateway) -> Result<Vec<u8>, prometheus::Error> {
		let (running, waiting) = gateway.queue.load();
		self.running.set(running as i64);
		self.waiting.set(waiting as i64);
		let mut text = Vec::new();
		TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
		Ok(text)
	}
}

/// Registers a figure under a name that no other has.
fn registered<C: prometheus::core::Collector + Clone + 'static>(
	registry: &Registry,
	figure: C,
) -> C {
	let result = registry.register(Box::new(figure.clone()));
	result.expect("the names of the figures differ");
	figure
}
