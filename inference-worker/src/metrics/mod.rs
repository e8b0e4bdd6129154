//! What a worker counts, for Prometheus.
//!
//! One process is one worker, so there is one registry for the process: code counts where things happen
//! and hands nothing through. Every metric stands in `docs/metrics.md`, which a test compares with this
//! list. Who serves the numbers is [`serve`]; whoever adds another role to the process adds its metrics to
//! [`registry`].

mod chain;
mod scrape;
mod serve;

pub use chain::watch_chain;
pub use scrape::{scrape, Numbers};
pub use serve::{serve, MetricsError};

use dllm_primitives::{api::Duty, dispute::Side, job::JobState, verdict::Verdict};
use std::sync::LazyLock;
use substrate_prometheus_endpoint::{
	exponential_buckets, prometheus::core::Collector, Counter, CounterVec, Gauge, GaugeVec,
	Histogram, HistogramOpts, Opts, Registry, F64, U64,
};

/// What every name begins with.
pub const PREFIX: &str = "dllm_worker";

/// The numbers of this worker.
pub struct Metrics {
	/// Version of the program, as a label of the number 1.
	version: GaugeVec<U64>,
	/// Open sessions: jobs whose rows this worker executes now.
	pub sessions: Gauge<U64>,
	/// Rows that went through layers here.
	pub rows: Counter<U64>,
	/// Seconds from rows in to rows out of one segment.
	pub step_seconds: Histogram,
	/// Tokens that this worker sampled as an entry.
	pub tokens: Counter<U64>,
	/// Jobs with a part of this worker that have ended, by how.
	jobs: CounterVec<U64>,
	/// Parts of those jobs that were judged, by verdict.
	verdicts: CounterVec<U64>,
	/// DLLM paid for those jobs.
	pub earned: Counter<F64>,
	/// Commitments that reached a block, by part.
	commitments: CounterVec<U64>,
	/// Commitments that were opened in a block.
	pub reveals: Counter<U64>,
	/// Stages whose rows were shown in a block, to be compared between numerics classes.
	pub comparisons: Counter<U64>,
	/// Moves in disputes that reached a block, by side.
	dispute_moves: CounterVec<U64>,
	/// What the chain expects of this worker now, by kind.
	duties: GaugeVec<U64>,
	/// Attempts at a duty that failed, by whether they are repeated soon.
	duty_failures: CounterVec<U64>,
	/// Bytes of rows and shards over streams to other workers, by direction.
	bytes: CounterVec<U64>,
	/// Frames whose copy over a second connection came first.
	pub copies: Counter<U64>,
	/// Connections with other workers.
	pub connections: Gauge<U64>,
	/// 1 while others can dial this worker, as far as they have tried.
	pub reachable: Gauge<U64>,
	/// Relays through which this worker can be reached.
	pub relays: Gauge<U64>,
	/// Peers met through a relay that were then reached directly.
	pub punched: Counter<U64>,
	/// Shards that were fetched from other workers, by outcome.
	fetches: CounterVec<U64>,
	/// Bytes of shards that were fetched.
	pub fetched_bytes: Counter<U64>,
	/// 1 while the node answers.
	pub node_up: Gauge<U64>,
	/// Best block of the node.
	pub best_block: Gauge<U64>,
	/// Last final block of the node.
	pub final_block: Gauge<U64>,
	/// Blocks by which the node is behind the best one that its peers told it of.
	pub lag_blocks: Gauge<U64>,
	/// When the best block was made, in seconds since 1970.
	pub best_block_time: Gauge<F64>,
}

/// Registry and numbers of this process.
struct Process {
	registry: Registry,
	metrics: Metrics,
}

static PROCESS: LazyLock<Process> = LazyLock::new(|| {
	let registry = Registry::new();
	let metrics = Metrics::register(&registry);
	Process { registry, metrics }
});

/// The numbers of this process.
pub fn metrics() -> &'static Metrics {
	&PROCESS.metrics
}

/// Where they are registered.
pub fn registry() -> &'static Registry {
	&PROCESS.registry
}

/// Which way bytes went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
	/// From another worker.
	Received,
	/// To another worker.
	Sent,
}

/// For what a worker commits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Committed {
	/// A stage that it led.
	Lead,
	/// A stage that it executed again, blind.
	Check,
	/// A stage for which it broke a tie.
	Attest,
}

impl Metrics {
	fn register(registry: &Registry) -> Self {
		let numbers = Registered(registry);
		let metrics = Self {
			version: numbers.gauges("info", "Version of the program; always 1", &["version"]),
			sessions: numbers.gauge(
				"sessions",
				"Open sessions: jobs whose rows are executed now",
			),
			rows: numbers.counter("rows_total", "Rows that went through layers"),
			step_seconds: numbers.step_seconds(),
			tokens: numbers.counter("tokens_total", "Tokens sampled as an entry"),
			jobs: numbers.counters("jobs_total", "Jobs that have ended, by how", &["outcome"]),
			verdicts: numbers.counters("verdicts_total", "Parts that were judged", &["verdict"]),
			earned: numbers.counter("earned_dllm_total", "DLLM paid for jobs that have ended"),
			commitments: numbers.counters("commitments_total", "Commitments in a block", &["part"]),
			reveals: numbers.counter("reveals_total", "Commitments opened in a block"),
			comparisons: numbers.counter(
				"comparisons_total",
				"Stages whose rows were shown in a block",
			),
			dispute_moves: numbers.counters(
				"dispute_moves_total",
				"Moves in disputes in a block",
				&["side"],
			),
			duties: numbers.gauges("duties", "What the chain expects now", &["kind"]),
			duty_failures: numbers.counters(
				"duty_failures_total",
				"Attempts that failed",
				&["again"],
			),
			bytes: numbers.counters(
				"peer_bytes_total",
				"Bytes over streams to workers",
				&["direction"],
			),
			copies: numbers.counter("copies_total", "Frames whose copy came first"),
			connections: numbers.gauge("connections", "Connections with other workers"),
			reachable: numbers.gauge("reachable", "1 while others can dial this worker"),
			relays: numbers.gauge("relays", "Relays through which it can be reached"),
			punched: numbers.counter("punched_total", "Direct connections after relayed ones"),
			fetches: numbers.counters("shard_fetches_total", "Shards fetched", &["outcome"]),
			fetched_bytes: numbers.counter("shard_bytes_total", "Bytes of shards fetched"),
			node_up: numbers.gauge("node_up", "1 while the node answers"),
			best_block: numbers.gauge("best_block", "Best block of the node"),
			final_block: numbers.gauge("final_block", "Last final block of the node"),
			lag_blocks: numbers.gauge("lag_blocks", "Blocks by which the node is behind its peers"),
			best_block_time: numbers.gauge(
				"best_block_timestamp_seconds",
				"When the best block was made, since 1970",
			),
		};
		metrics
			.version
			.with_label_values(&[env!("CARGO_PKG_VERSION")])
			.set(1);
		metrics.start_at_zero();
		metrics
	}

	/// A series that is there from the start can be told from one that is missing.
	fn start_at_zero(&self) {
		for outcome in ["settled", "refunded", "rerun"] {
			self.jobs.with_label_values(&[outcome]);
		}
		for verdict in VERDICTS {
			self.verdicts.with_label_values(&[verdict_name(verdict)]);
		}
		for part in [Committed::Lead, Committed::Check, Committed::Attest] {
			self.commitments.with_label_values(&[part.name()]);
		}
		for side in [Side::Defender, Side::Challenger] {
			self.dispute_moves.with_label_values(&[side_name(side)]);
		}
		for kind in DUTY_KINDS {
			self.duties.with_label_values(&[kind]);
		}
		for again in ["soon", "late"] {
			self.duty_failures.with_label_values(&[again]);
		}
		for direction in [Direction::Received, Direction::Sent] {
			self.bytes.with_label_values(&[direction.name()]);
		}
		for outcome in ["fetched", "failed"] {
			self.fetches.with_label_values(&[outcome]);
		}
	}

	/// A job has ended.
	pub fn job_ended(&self, state: JobState) {
		let outcome = match state {
			JobState::Refunded(_) => "refunded",
			JobState::Rerun { .. } => "rerun",
			_ => "settled",
		};
		self.jobs.with_label_values(&[outcome]).inc();
	}

	/// A part of this worker was judged.
	pub fn judged(&self, verdict: Verdict) {
		self.verdicts
			.with_label_values(&[verdict_name(verdict)])
			.inc();
	}

	/// A commitment stands in a block.
	pub fn committed(&self, part: Committed) {
		self.commitments.with_label_values(&[part.name()]).inc();
	}

	/// A move of this side of a dispute stands in a block.
	pub fn moved_in_dispute(&self, side: Side) {
		self.dispute_moves
			.with_label_values(&[side_name(side)])
			.inc();
	}

	/// The chain's list of duties was read.
	pub fn expected(&self, duties: &[Duty]) {
		for kind in DUTY_KINDS {
			let count = duties.iter().filter(|duty| duty_kind(duty) == kind).count();
			self.duties.with_label_values(&[kind]).set(count as u64);
		}
	}

	/// An attempt at a duty failed.
	pub fn duty_failed(&self, is_retryable: bool) {
		let again = if is_retryable { "soon" } else { "late" };
		self.duty_failures.with_label_values(&[again]).inc();
	}

	/// Bytes went over a stream to another worker.
	pub fn moved(&self, direction: Direction, bytes: usize) {
		self.bytes
			.with_label_values(&[direction.name()])
			.inc_by(bytes as u64);
	}

	/// A shard of that many bytes was fetched, or could not be.
	pub fn fetch_ended(&self, bytes: Option<u64>) {
		let outcome = if bytes.is_some() { "fetched" } else { "failed" };
		self.fetches.with_label_values(&[outcome]).inc();
		self.fetched_bytes.inc_by(bytes.unwrap_or_default());
	}
}

impl Direction {
	fn name(self) -> &'static str {
		match self {
			Self::Received => "received",
			Self::Sent => "sent",
		}
	}
}

impl Committed {
	fn name(self) -> &'static str {
		match self {
			Self::Lead => "lead",
			Self::Check => "check",
			Self::Attest => "attest",
		}
	}
}

const VERDICTS: [Verdict; 7] = [
	Verdict::Pass,
	Verdict::Cheat,
	Verdict::WorkerFault,
	Verdict::VerifierFault,
	Verdict::Indeterminate,
	Verdict::Unchecked,
	Verdict::Pardoned,
];

fn verdict_name(verdict: Verdict) -> &'static str {
	match verdict {
		Verdict::Pass => "pass",
		Verdict::Cheat => "cheat",
		Verdict::WorkerFault => "worker_fault",
		Verdict::VerifierFault => "verifier_fault",
		Verdict::Indeterminate => "indeterminate",
		Verdict::Unchecked => "unchecked",
		Verdict::Pardoned => "pardoned",
	}
}

fn side_name(side: Side) -> &'static str {
	match side {
		Side::Defender => "defender",
		Side::Challenger => "challenger",
	}
}

const DUTY_KINDS: [&str; 10] = [
	"host",
	"run",
	"tally",
	"check",
	"summon",
	"reveal",
	"reconcile",
	"compare",
	"dispute",
	"serve",
];

fn duty_kind(duty: &Duty) -> &'static str {
	match duty {
		Duty::Host { .. } => "host",
		Duty::Run { .. } => "run",
		Duty::Tally { .. } => "tally",
		Duty::Check { .. } => "check",
		Duty::Summon { .. } => "summon",
		Duty::Reveal { .. } => "reveal",
		Duty::Reconcile { .. } => "reconcile",
		Duty::Compare { .. } => "compare",
		Duty::Dispute { .. } => "dispute",
		Duty::Serve { .. } => "serve",
	}
}

/// Makes metrics of a registry. A name that is no name or stands twice would be a mistake in the list
/// above, and the first use of any metric, in every test, would show it: hence the `expect`s.
struct Registered<'a>(&'a Registry);

impl Registered<'_> {
	fn options(name: &str, help: &str) -> Opts {
		Opts::new(format!("{PREFIX}_{name}"), help)
	}

	fn add<T: Clone + Collector + 'static>(
		&self,
		metric: Result<T, substrate_prometheus_endpoint::PrometheusError>,
	) -> T {
		let metric = metric.expect("the list holds only valid names");
		substrate_prometheus_endpoint::register(metric, self.0)
			.expect("the list holds every name once")
	}

	fn gauge<P: substrate_prometheus_endpoint::prometheus::core::Atomic + 'static>(
		&self,
		name: &str,
		help: &str,
	) -> Gauge<P> {
		self.add(Gauge::with_opts(Self::options(name, help)))
	}

	fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec<U64> {
		self.add(GaugeVec::new(Self::options(name, help), labels))
	}

	fn counter<P: substrate_prometheus_endpoint::prometheus::core::Atomic + 'static>(
		&self,
		name: &str,
		help: &str,
	) -> Counter<P> {
		self.add(Counter::with_opts(Self::options(name, help)))
	}

	fn counters(&self, name: &str, help: &str, labels: &[&str]) -> CounterVec<U64> {
		self.add(CounterVec::new(Self::options(name, help), labels))
	}

	/// From a tenth of a millisecond, a decode step of a small model, to a minute, where a ring gives up.
	fn step_seconds(&self) -> Histogram {
		let buckets = exponential_buckets(0.0001, 4.0, 10).expect("start and factor are positive");
		let help = "Seconds from rows in to rows out of a segment";
		let name = format!("{PREFIX}_step_seconds");
		self.add(Histogram::with_opts(
			HistogramOpts::new(name, help).buckets(buckets),
		))
	}
}
