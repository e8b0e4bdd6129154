//! A worker that cheats, for the acceptance tests: the network has to convict it. It is the product's
//! worker in everything but its [`Conduct`].

#![forbid(unsafe_code)]

use clap::{Parser, Subcommand, ValueEnum};
use dllm_primitives::{
	commitment::Roots,
	dispute::Move,
	ids::{Digest, JobId, StageIndex},
	model::LayerRange,
	stall::Tally,
	trace::{Binding, Blocks, Held, Operator},
};
use dllm_worker::{chain::Account, config::Config, daemon, pipeline::Conduct};
use std::{
	collections::HashMap,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, PoisonError},
};

#[derive(Parser)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Does the work of a worker, but not honestly.
	Serve {
		/// Configuration file of the worker.
		#[arg(long)]
		config: PathBuf,
		/// How it cheats.
		#[arg(long, value_enum)]
		cheat: Cheat,
		/// Shards of the cheaper model, for `cheap-model`.
		#[arg(long, required_if_eq("cheat", "cheap-model"))]
		cheap: Option<PathBuf>,
	},
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Cheat {
	/// Changes one activation of one row.
	AlterActivation,
	/// Leaves out the last layer of its segment.
	SkipLayer,
	/// Posts the commitment of another worker as its own.
	CopyCommitment,
	/// Executes a cheaper model.
	CheapModel,
	/// Runs, but never commits, and does not tell how far it came.
	Silent,
	/// Changes one activation of one row, and the same value of the trace with which it defends the row.
	LyingTrace,
	/// The same, as the replica of an honest lead, whom it accuses.
	FalseAccuser,
	/// Changes one activation of one row, and makes no move in the dispute.
	AbandonDispute,
	/// Changes one activation of one row, commits, and does not open its commitment.
	WithholdOpening,
	/// Sends no rows on in the ring, and does not tell how far it came.
	WithholdRows,
	/// Sends no rows on in the ring, and tells that it sent what it had received.
	WithholdRowsAndLie,
	/// Gives no rows to checkers.
	RefuseCheckers,
	/// Tells the chain that it received other rows than it signed for.
	DenyRows,
	/// As the lead of the first segment it runs the rows of the first job that it led in the place of all later
	/// ones'.
	RepeatRows,
}

/// The stage that a [`Cheat::RepeatRows`] repeats.
const FIRST_SEGMENT: StageIndex = 1;

/// The row of which the first value is changed, and by how much.
const ALTERED_ROW: u32 = 2;
const ALTERED_BY: f32 = 0.5;

struct Dishonest {
	cheat: Cheat,
	cheap: Option<PathBuf>,
	repeated: Mutex<Repeated>,
}

/// What a [`Cheat::RepeatRows`] keeps.
#[derive(Default)]
struct Repeated {
	/// The job that it runs as it came.
	first: Option<JobId>,
	/// Its rows.
	rows: Vec<u8>,
	/// How much of them stands for those of each later job so far.
	used: HashMap<JobId, usize>,
}

impl Repeated {
	/// The next rows of the first job, where enough of them are left.
	fn instead(&mut self, job: JobId, came: &[u8]) -> Option<Vec<u8>> {
		if *self.first.get_or_insert(job) == job {
			self.rows.extend_from_slice(came);
			return None;
		}
		let from = self.used.entry(job).or_default();
		let rows = self.rows.get(*from..*from + came.len())?;
		*from += came.len();
		Some(rows.to_vec())
	}
}

impl Conduct for Dishonest {
	fn input_rows(&self, job: JobId, stage: StageIndex, came: &[u8]) -> Option<Vec<u8>> {
		if self.cheat != Cheat::RepeatRows || stage != FIRST_SEGMENT {
			return None;
		}
		let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
		repeated.instead(job, came)
	}

	fn records_unsigned(&self) -> bool {
		self.cheat == Cheat::RepeatRows
	}

	fn output_row(&self, _stage: StageIndex, position: u32, row: &mut [f32]) {
		let alters = match self.cheat {
			Cheat::AlterActivation
			| Cheat::LyingTrace
			| Cheat::FalseAccuser
			| Cheat::AbandonDispute
			| Cheat::WithholdOpening => position == ALTERED_ROW,
			_ => false,
		};
		if let (true, Some(value)) = (alters, row.first_mut()) {
			*value += ALTERED_BY;
		}
	}

	fn layers(&self, due: LayerRange) -> LayerRange {
		match self.cheat {
			Cheat::SkipLayer => LayerRange {
				end: due.end.saturating_sub(1),
				..due
			},
			_ => due,
		}
	}

	fn model_folder(&self, due: &Path) -> PathBuf {
		match (self.cheat, &self.cheap) {
			(Cheat::CheapModel, Some(cheap)) => cheap.clone(),
			_ => due.into(),
		}
	}

	fn told(&self, _stage: StageIndex, honest: Roots) -> Roots {
		match self.cheat {
			Cheat::DenyRows => Roots {
				input: Digest::repeat_byte(1),
				..honest
			},
			_ => honest,
		}
	}

	fn commitment(&self, honest: Digest, others: &[Digest]) -> Option<Digest> {
		match self.cheat {
			Cheat::Silent => None,
			// Where there is nothing to copy yet, it commits honestly.
			Cheat::CopyCommitment => Some(others.first().copied().unwrap_or(honest)),
			_ => Some(honest),
		}
	}

	fn passes_on(&self, _stage: StageIndex, _position: u32) -> bool {
		!matches!(self.cheat, Cheat::WithholdRows | Cheat::WithholdRowsAndLie)
	}

	fn tally(&self, _stage: StageIndex, own: Tally) -> Option<Tally> {
		match self.cheat {
			Cheat::Silent | Cheat::WithholdRows => None,
			Cheat::WithholdRowsAndLie => Some(Tally {
				sent: own.received,
				..own
			}),
			_ => Some(own),
		}
	}

	fn hands_out(&self, _stage: StageIndex) -> bool {
		self.cheat != Cheat::RefuseCheckers
	}

	fn opens(&self, _stage: StageIndex) -> bool {
		self.cheat != Cheat::WithholdOpening
	}

	fn trace(&self, trace: &mut Held, binding: &Binding) {
		if matches!(self.cheat, Cheat::LyingTrace | Cheat::FalseAccuser) {
			alter(trace, binding);
		}
	}

	fn dispute(&self, honest: Move) -> Option<Move> {
		(self.cheat != Cheat::AbandonDispute).then_some(honest)
	}
}

/// Changes in a trace what was changed in the row that it ends with.
fn alter(trace: &mut Held, binding: &Binding) {
	let layer = trace.layout.layers - 1;
	let (place, byte) = trace.layout.leaf(ALTERED_ROW, layer, Operator::Leaving, 0);
	let row = trace.trace(place).and_then(|row| row.first_chunk::<4>());
	let Some(value) = row.map(|bytes| f32::from_le_bytes(*bytes)) else {
		return;
	};
	let lie = (value + ALTERED_BY).to_le_bytes();
	for (at, to) in (byte as usize..).zip(lie) {
		trace.set(binding, place, at, to);
	}
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
	tracing_subscriber::fmt()
		.with_writer(std::io::stderr)
		.init();
	let Command::Serve {
		config,
		cheat,
		cheap,
	} = Cli::parse().command;
	let config = Config::load(Some(&config), None)?;
	let account = Account::load(&config.account)?;
	let conduct = Arc::new(Dishonest {
		cheat,
		cheap,
		repeated: Mutex::default(),
	});
	daemon::serve(&config, account, conduct, std::future::pending()).await?;
	Ok(())
}
