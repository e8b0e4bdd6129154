//! The placement as a mixed-integer linear program, solved by HiGHS through good_lp.
//!
//! Variables: `z[u][a..b]`, whether layers `a..b` are a segment on unit `u`; `y[l][u][v]`, whether a segment of
//! `u` ends before layer `l` and one of `v` begins with it; `τ`, the slowest stage. Flows link them tightly (what
//! ends on `u` is what leaves it, what begins on `v` is what arrives), never products or big-M, so `y` need not
//! be declared integer. Memory bounds which segments there are, and each device holds one at most.

use dllm_planning::instance::{Count, Instance, Piece};
use good_lp::{
	highs, variable, Expression, ProblemVariables, ResolutionError, Solution, SolutionStatus,
	SolverModel, Variable, WithInitialSolution,
};
use std::time::Duration;

/// Relative distance from the optimum at which HiGHS stops; and how far a figure may be from a whole one.
const GAP: f32 = 1e-7;
const FEASIBILITY: f64 = 1e-7;

/// What the solver says.
#[derive(Clone, Debug)]
pub enum Verdict {
	/// A placement of least cost.
	Optimal(f64, Vec<Piece>),
	/// There is none.
	Infeasible,
	/// Time ran out.
	TimeOut,
}

struct Model {
	/// By unit: every segment that its memory holds.
	z: Vec<Vec<(Piece, Variable)>>,
	/// By border between layers, then unit × unit; none where a hop is impossible.
	y: Vec<Vec<Option<Variable>>>,
	slowest: Variable,
}

/// Solves an instance. `hint` is a feasible placement to start from.
pub fn solve(
	instance: &Instance,
	hint: Option<&[Piece]>,
	time_limit: Duration,
) -> Result<Verdict, ResolutionError> {
	let mut variables = ProblemVariables::new();
	let model = declare(instance, &mut variables);
	let objective = objective(instance, &model);
	let mut program = variables
		.minimise(objective)
		.using(highs)
		.set_threads(1)
		.set_time_limit(time_limit.as_secs_f64())
		.set_option("mip_feasibility_tolerance", FEASIBILITY)
		.set_mip_rel_gap(GAP)
		.map_err(|_| ResolutionError::Other("gap"))?;
	constrain(instance, &model, &mut program);
	if let Some(path) = hint {
		program = program.with_initial_solution(values(instance, &model, path));
	}
	match program.solve() {
		Ok(solution) if matches!(solution.status(), SolutionStatus::TimeLimit) => {
			Ok(Verdict::TimeOut)
		}
		Ok(solution) => {
			let path = decode(&model, &solution);
			Ok(Verdict::Optimal(instance.cost(&path), path))
		}
		Err(ResolutionError::Infeasible) => Ok(Verdict::Infeasible),
		Err(ResolutionError::Other("NoSolutionFound")) => Ok(Verdict::TimeOut),
		Err(error) => Err(error),
	}
}

fn declare(instance: &Instance, variables: &mut ProblemVariables) -> Model {
	let units = instance.units.len();
	let z = (0..units).map(|unit| {
		let pieces = pieces(instance, unit).into_iter();
		let pieces = pieces.map(|piece| (piece, variables.add(variable().binary())));
		pieces.collect()
	});
	let z = z.collect();
	let hop = |at: usize| {
		let possible = at / units != at % units && instance.hop[at].is_finite();
		possible.then(|| variable().min(0).max(1))
	};
	let y = (1..instance.layers)
		.map(|_| {
			let row = (0..units * units).map(|at| hop(at).map(|flow| variables.add(flow)));
			row.collect()
		})
		.collect();
	let slowest = variables.add(variable().min(0));
	Model { z, y, slowest }
}

/// Every segment that a unit can hold; of the first and last ones those that the entry reaches.
fn pieces(instance: &Instance, unit: usize) -> Vec<Piece> {
	let data = &instance.units[unit];
	let all = (0..instance.layers).flat_map(|start| {
		let ends = start + 1..=usize::from(data.reach[start]);
		ends.map(move |end| Piece { unit, start, end })
	});
	let reached = all.filter(|piece| {
		(piece.start > 0 || data.start.is_finite())
			&& (piece.end < instance.layers || data.finish.is_finite())
	});
	reached.collect()
}

/// Everything but the slowest stage is linear in segments and hops.
fn objective(instance: &Instance, model: &Model) -> Expression {
	let mut sum = Expression::from(model.slowest) * instance.bottleneck;
	for (piece, variable) in model.z.iter().flatten() {
		let data = &instance.units[piece.unit];
		let mut cost = instance.segment(*piece);
		if piece.start == 0 {
			cost += data.start;
		}
		if piece.end == instance.layers {
			cost += data.finish;
		}
		sum.add_mul(cost, *variable);
	}
	for flow in &model.y {
		for (hop, variable) in instance.hop.iter().zip(flow) {
			if let Some(variable) = variable {
				sum.add_mul(*hop, *variable);
			}
		}
	}
	sum
}

fn constrain<M: SolverModel>(instance: &Instance, model: &Model, program: &mut M) {
	let units = instance.units.len();
	let first = segments(model, |piece| piece.start == 0);
	program.add_constraint(first.eq(1));
	for (flow, border) in model.y.iter().zip(1..) {
		for unit in 0..units {
			let ending = segments(model, |piece| (piece.unit, piece.end) == (unit, border));
			let out = (0..units).filter_map(|to| flow[unit * units + to]);
			program.add_constraint((ending - out.sum::<Expression>()).eq(0));
			let beginning = segments(model, |piece| (piece.unit, piece.start) == (unit, border));
			let into = (0..units).filter_map(|from| flow[from * units + unit]);
			program.add_constraint((beginning - into.sum::<Expression>()).eq(0));
		}
	}
	for device in 0..instance.devices {
		let held = segments(model, |piece| {
			let mut devices = instance.units[piece.unit].devices.iter();
			devices.any(|of| usize::from(*of) == device)
		});
		program.add_constraint(held.leq(1));
	}
	bottleneck(instance, model, program);
	count(instance, model, program);
	budgets(instance, model, program);
}

/// How many of the segments that `chosen` picks there are.
fn segments(model: &Model, chosen: impl Fn(&Piece) -> bool) -> Expression {
	let mut sum = Expression::default();
	for (piece, variable) in model.z.iter().flatten() {
		if chosen(piece) {
			sum.add_mul(1.0, *variable);
		}
	}
	sum
}

/// No stage, and no frame on a link, wherever it lies, takes longer than the slowest.
fn bottleneck<M: SolverModel>(instance: &Instance, model: &Model, program: &mut M) {
	let units = instance.units.len();
	if instance.bottleneck == 0.0 {
		return;
	}
	for (segments, data) in model.z.iter().zip(&instance.units) {
		let mut stage = -Expression::from(model.slowest);
		for (piece, variable) in segments {
			stage.add_mul(data.step[piece.end] - data.step[piece.start], *variable);
		}
		program.add_constraint(stage.leq(0));
	}
	for at in (0..units * units).filter(|at| at / units != at % units) {
		let mut frame = -Expression::from(model.slowest);
		for flow in &model.y {
			if let Some(variable) = flow[at] {
				frame.add_mul(instance.hop_step[at], variable);
			}
		}
		program.add_constraint(frame.leq(0));
	}
}

fn count<M: SolverModel>(instance: &Instance, model: &Model, program: &mut M) {
	let all = || segments(model, |_| true);
	match instance.count {
		Count::Any => {}
		Count::AtMost(most) => drop(program.add_constraint(all().leq(most as f64))),
		Count::Exactly(exactly) => drop(program.add_constraint(all().eq(exactly as f64))),
	}
}

fn budgets<M: SolverModel>(instance: &Instance, model: &Model, program: &mut M) {
	for budget in &instance.budgets {
		let mut used = Expression::default();
		for (piece, variable) in model.z.iter().flatten() {
			let prefix = &budget.prefix[piece.unit];
			let mut own = budget.enter[piece.unit] + prefix[piece.end] - prefix[piece.start];
			if piece.start == 0 {
				own += budget.start[piece.unit];
			}
			if piece.end == instance.layers {
				own += budget.finish[piece.unit];
			}
			used.add_mul(own, *variable);
		}
		for flow in &model.y {
			for (hop, variable) in budget.hop.iter().zip(flow) {
				if let Some(variable) = variable {
					used.add_mul(*hop, *variable);
				}
			}
		}
		program.add_constraint(used.leq(budget.limit));
	}
}

/// The variables' values of a placement.
fn values(instance: &Instance, model: &Model, path: &[Piece]) -> Vec<(Variable, f64)> {
	let units = instance.units.len();
	let chosen = model.z.iter().flatten();
	let chosen = chosen.filter(|(piece, _)| path.contains(piece));
	let hops = path.windows(2).filter_map(|pair| {
		let hop = pair[0].unit * units + pair[1].unit;
		model.y[pair[1].start - 1][hop]
	});
	let ones = chosen.map(|(_, variable)| *variable).chain(hops);
	let slowest = (model.slowest, instance.slowest(path));
	ones.map(|variable| (variable, 1.0))
		.chain([slowest])
		.collect()
}

fn decode(model: &Model, solution: &impl Solution) -> Vec<Piece> {
	let chosen = model.z.iter().flatten();
	let chosen = chosen.filter(|(_, variable)| solution.value(*variable) > 0.5);
	let mut path = chosen.map(|(piece, _)| *piece).collect::<Vec<_>>();
	path.sort_by_key(|piece| piece.start);
	path
}
