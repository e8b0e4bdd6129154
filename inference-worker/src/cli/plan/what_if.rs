//! `plan --what-if`: the best plan and the second best on a network that a file describes, without a chain.

use super::{
	drawing::Drawing,
	search,
	shown::{method, proof, ShownCost},
	PlanCommand,
};
use crate::{
	cli::{table::table, CliError, Context},
	planning::{plan_of, sort_replicas},
};
use dllm_planning::{
	problem::Problem,
	replicas::{place, Placement},
	second::second,
	what_if::WhatIf,
};
use dllm_primitives::{
	cost,
	ids::MAX_REPLICAS,
	model::LayerRange,
	plan::{MAX_SLOTS, MIN_REPLICAS},
};
use serde::Serialize;
use std::{
	fs,
	path::{Path, PathBuf},
	process::ExitCode,
};

/// What is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Supposed {
	model: String,
	/// Workers of the file.
	workers: usize,
	best: ShownPlacement,
	/// The cheapest plan that does without a worker of the best one.
	second: Option<ShownPlacement>,
	/// Percent by which that one costs more.
	#[serde(skip_serializing_if = "Option::is_none")]
	second_costs_more_percent: Option<f64>,
	drawing: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownPlacement {
	segments: Vec<ShownSegment>,
	cost: ShownCost,
	method: &'static str,
	gap_percent: f64,
}

#[derive(Serialize)]
struct ShownSegment {
	layers: LayerRange,
	workers: Vec<String>,
}

impl PlanCommand {
	/// Plans on the network of a file.
	pub(super) fn suppose(&self, file: &Path, context: &Context) -> Result<ExitCode, CliError> {
		self.check_counts()?;
		let text = fs::read_to_string(file).map_err(|source| CliError::Io {
			path: file.into(),
			source,
		})?;
		let what_if = WhatIf::parse(&text).map_err(|error| CliError::WhatIf {
			path: file.into(),
			error,
		})?;
		let problem = what_if.problem(
			self.slots,
			self.preset.weights(),
			self.limits(),
			self.count(),
		);
		let mut best = place(&problem, self.replicas, &search()).map_err(|error| {
			let reason = format!(
				"{} workers, {} for each segment: {error}",
				what_if.hosts.len(),
				self.replicas
			);
			CliError::NoPlan { reason }
		})?;
		sort_replicas(&problem, &mut best);
		let second = self.second(&problem, &best);
		let first = self.shown(&what_if, &best)?;
		let second = second.map(|second| self.shown(&what_if, &second));
		let second = second.transpose()?;
		let more = |second: &ShownPlacement| second.cost.total_ms / first.cost.total_ms - 1.0;
		let supposed = Supposed {
			model: what_if.model.clone(),
			workers: what_if.hosts.len(),
			second_costs_more_percent: second.as_ref().map(|second| 100.0 * more(second)),
			best: first,
			second,
			drawing: self.drawing.clone(),
		};
		if let Some(path) = &self.drawing {
			let caption = format!("{:.0} ms of cost a job", supposed.best.cost.total_ms);
			let svg = Drawing::new(&what_if, &best, caption).svg();
			fs::write(path, svg).map_err(|source| CliError::Io {
				path: path.clone(),
				source,
			})?;
		}
		context.print(&supposed, || supposed.readable())?;
		Ok(ExitCode::SUCCESS)
	}

	fn check_counts(&self) -> Result<(), CliError> {
		let replicas = 1..=MAX_REPLICAS as usize;
		let bad = |what, reason| Err(CliError::BadArgument { what, reason });
		if !replicas.contains(&self.replicas) {
			return bad("--replicas", format!("{} is not 1 to 4", self.replicas));
		}
		if !(1..=MAX_SLOTS).contains(&self.slots) {
			return bad("--slots", format!("{} is not 1 to 8", self.slots));
		}
		if self.replicas < MIN_REPLICAS {
			eprintln!("a plan on the chain needs {MIN_REPLICAS} replicas of each segment at least");
		}
		Ok(())
	}

	/// The second best placement; none, and a word on it, where there is none or none was found in time.
	fn second(&self, problem: &Problem, best: &Placement) -> Option<Placement> {
		match second(problem, self.replicas, best, &search()) {
			Ok(Some(mut second)) => {
				sort_replicas(problem, &mut second);
				Some(second)
			}
			Ok(None) => None,
			Err(error) => {
				eprintln!("no second plan is shown: {error}");
				None
			}
		}
	}

	/// A placement with its cost by the chain's own model.
	fn shown(&self, what_if: &WhatIf, placement: &Placement) -> Result<ShownPlacement, CliError> {
		let numbers = (0..what_if.hosts.len() as u32).collect::<Vec<_>>();
		let numbers = numbers.iter().collect::<Vec<_>>();
		let plan = plan_of(placement, &numbers, 0, self.slots)?;
		let (weights, limits) = (self.preset.weights(), self.limits());
		let terms = cost::score(
			&plan,
			&what_if.spec,
			&what_if.workload,
			&weights,
			&limits,
			what_if,
		);
		let terms = terms.map_err(|error| CliError::NoPlan {
			reason: format!("the figures give the plan no cost ({error:?}): correct the file"),
		})?;
		let segments = plan.segments.iter().map(|segment| {
			let names = segment.replicas.iter();
			let names = names.map(|at| what_if.hosts[*at as usize].name.clone());
			ShownSegment {
				layers: segment.layers,
				workers: names.collect(),
			}
		});
		Ok(ShownPlacement {
			segments: segments.collect(),
			cost: ShownCost::new(&terms),
			method: method(placement),
			gap_percent: 100.0 * placement.gap(),
		})
	}
}

impl Supposed {
	/// For people.
	fn readable(&self) -> String {
		let best = self.best.segments();
		let costs = table(["cost of a job", "ms"], &self.best.cost.rows());
		let proof = proof(self.best.gap_percent);
		let second = match (&self.second, self.second_costs_more_percent) {
			(Some(second), Some(more)) => format!(
				"second best: {:.3} ms, {more:.2} % more{}\n{}",
				second.cost.total_ms,
				match second.gap_percent {
					gap if gap < 1e-6 => String::new(),
					gap => format!(" (the cheapest other plan may cost {gap:.2} % less)"),
				},
				second.segments(),
			),
			_ => "there is no plan without one of these workers\n".into(),
		};
		let drawing = self.drawing.as_ref();
		let drawn = drawing.map_or(String::new(), |path| format!("\ndrawn: {}", path.display()));
		format!("{best}\n{costs}{proof}\n\n{second}{drawn}")
	}
}

impl ShownPlacement {
	fn segments(&self) -> String {
		let rows = self.segments.iter().zip(1u8..).map(|(segment, stage)| {
			[
				stage.to_string(),
				format!("{}..{}", segment.layers.start, segment.layers.end),
				segment.workers.join(" "),
			]
		});
		table(["segment", "layers", "workers"], &rows.collect::<Vec<_>>())
	}
}
