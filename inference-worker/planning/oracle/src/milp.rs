//! The placement as a mixed-integer linear program, solved by HiGHS through good_lp.
//!
//! Variables: `x[u][l]`, whether layer `l` is on unit `u`; `y[l][u][v]`, whether layer `l` is on `u` and
//! layer `l + 1` on `v`; `τ`, the slowest stage. Flows link them tightly (Σ_v y = x, Σ_u y = x), never
//! products or big-M, so `y` need not be declared integer.

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
	/// By unit, then layer.
	x: Vec<Vec<Variable>>,
	/// By layer, then unit × unit; none where a hop is impossible.
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
			let path = decode(instance, &model, &solution);
			Ok(Verdict::Optimal(instance.cost(&path), path))
		}
		Err(ResolutionError::Infeasible) => Ok(Verdict::Infeasible),
		Err(ResolutionError::Other("NoSolutionFound")) => Ok(Verdict::TimeOut),
		Err(error) => Err(error),
	}
}

fn declare(instance: &Instance, variables: &mut ProblemVariables) -> Model {
	let units = instance.units.len();
	let x = (0..units)
		.map(|_| variables.add_vector(variable().binary(), instance.layers))
		.collect();
	let hop = |at: usize| {
		let possible = at / units == at % units || instance.hop[at].is_finite();
		possible.then(|| variable().min(0).max(1))
	};
	let y = (1..instance.layers)
		.map(|_| {
			let row = (0..units * units).map(|at| hop(at).map(|flow| variables.add(flow)));
			row.collect()
		})
		.collect();
	let slowest = variables.add(variable().min(0));
	Model { x, y, slowest }
}

/// Everything but the slowest stage is linear in entering, running and hopping.
fn objective(instance: &Instance, model: &Model) -> Expression {
	let units = instance.units.len();
	let mut sum = Expression::from(model.slowest) * instance.bottleneck;
	let last = instance.layers - 1;
	for (unit, data) in instance.units.iter().enumerate() {
		for layer in 0..instance.layers {
			sum.add_mul(
				data.prefix[layer + 1] - data.prefix[layer],
				model.x[unit][layer],
			);
		}
		sum.add_mul(instance.enter + finite(data.start), model.x[unit][0]);
		sum.add_mul(finite(data.finish), model.x[unit][last]);
	}
	for flow in &model.y {
		for (at, variable) in flow.iter().enumerate() {
			if let Some(variable) = variable.filter(|_| at / units != at % units) {
				sum.add_mul(instance.hop[at] + instance.enter, variable);
			}
		}
	}
	sum
}

fn finite(cost: f64) -> f64 {
	match cost.is_finite() {
		true => cost,
		false => 0.0,
	}
}

fn constrain<M: SolverModel>(instance: &Instance, model: &Model, program: &mut M) {
	let units = instance.units.len();
	let last = instance.layers - 1;
	for layer in 0..instance.layers {
		let holders = model.x.iter().map(|row| row[layer]);
		program.add_constraint(holders.sum::<Expression>().eq(1));
	}
	for (unit, data) in instance.units.iter().enumerate() {
		if data.start.is_infinite() {
			program.add_constraint(Expression::from(model.x[unit][0]).eq(0));
		}
		if data.finish.is_infinite() {
			program.add_constraint(Expression::from(model.x[unit][last]).eq(0));
		}
		for (layer, flow) in model.y.iter().enumerate() {
			let out = (0..units).filter_map(|to| flow[unit * units + to]);
			let out = out.sum::<Expression>() - model.x[unit][layer];
			program.add_constraint(out.eq(0));
			let into = (0..units).filter_map(|from| flow[from * units + unit]);
			let into = into.sum::<Expression>() - model.x[unit][layer + 1];
			program.add_constraint(into.eq(0));
		}
		windows(instance, model, unit, program);
		let step = |layer: usize| data.step[layer + 1] - data.step[layer];
		let mut stage = -Expression::from(model.slowest);
		for layer in 0..instance.layers {
			stage.add_mul(step(layer), model.x[unit][layer]);
		}
		program.add_constraint(stage.leq(0));
	}
	for device in 0..instance.devices {
		let entering = entering(instance, model, |unit| {
			instance.units[unit]
				.devices
				.iter()
				.any(|of| usize::from(*of) == device)
		});
		program.add_constraint(entering.leq(1));
	}
	hops(instance, model, program);
	count(instance, model, program);
	budgets(instance, model, program);
}

/// Memory: of any layers just longer than a unit's reach, one is elsewhere. Together with contiguity
/// this says that no segment is longer than the memory holds. The sum over all layers says the
/// same of the longest windows.
fn windows<M: SolverModel>(instance: &Instance, model: &Model, unit: usize, program: &mut M) {
	let reach = &instance.units[unit].reach;
	let lengths = reach
		.iter()
		.zip(0usize..)
		.map(|(end, start)| usize::from(*end) - start);
	let longest = lengths.max().unwrap_or(0);
	let held = model.x[unit].iter().copied().sum::<Expression>();
	program.add_constraint(held.leq(longest as f64));
	for start in 0..instance.layers {
		let end = usize::from(reach[start]);
		// The window of the next layer says more where it ends with the same layer.
		let implied = reach
			.get(start + 1)
			.is_some_and(|next| usize::from(*next) == end)
			&& end > start;
		// Where layers are equal, the sum says it all.
		if end < instance.layers && !implied && end - start < longest {
			let window = model.x[unit][start..=end].iter();
			let held = window.copied().sum::<Expression>();
			program.add_constraint(held.leq((end - start) as f64));
		}
	}
}

/// Entries into the units chosen.
fn entering(instance: &Instance, model: &Model, chosen: impl Fn(usize) -> bool) -> Expression {
	let units = instance.units.len();
	let mut sum = Expression::default();
	for unit in (0..units).filter(|unit| chosen(*unit)) {
		sum.add_mul(1.0, model.x[unit][0]);
		for flow in &model.y {
			for from in (0..units).filter(|from| *from != unit) {
				if let Some(variable) = flow[from * units + unit] {
					sum.add_mul(1.0, variable);
				}
			}
		}
	}
	sum
}

/// A hop's frame takes the link's time, whichever layers it lies between.
fn hops<M: SolverModel>(instance: &Instance, model: &Model, program: &mut M) {
	let units = instance.units.len();
	if instance.bottleneck == 0.0 {
		return;
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
	let segments = || entering(instance, model, |_| true);
	match instance.count {
		Count::Any => {}
		Count::AtMost(most) => drop(program.add_constraint(segments().leq(most as f64))),
		Count::Exactly(exactly) => drop(program.add_constraint(segments().eq(exactly as f64))),
	}
}

fn budgets<M: SolverModel>(instance: &Instance, model: &Model, program: &mut M) {
	let units = instance.units.len();
	let last = instance.layers - 1;
	for budget in &instance.budgets {
		let mut used = Expression::default();
		for unit in 0..units {
			for layer in 0..instance.layers {
				let prefix = &budget.prefix[unit];
				used.add_mul(prefix[layer + 1] - prefix[layer], model.x[unit][layer]);
			}
			used.add_mul(
				finite(budget.start[unit]) + budget.enter[unit],
				model.x[unit][0],
			);
			used.add_mul(finite(budget.finish[unit]), model.x[unit][last]);
		}
		for flow in &model.y {
			for (at, variable) in flow.iter().enumerate() {
				if let Some(variable) = variable.filter(|_| at / units != at % units) {
					used.add_mul(budget.hop[at] + budget.enter[at % units], variable);
				}
			}
		}
		program.add_constraint(used.leq(budget.limit));
	}
}

/// The variables' values of a placement.
fn values(instance: &Instance, model: &Model, path: &[Piece]) -> Vec<(Variable, f64)> {
	let units = instance.units.len();
	let holder = |layer: usize| {
		let mut pieces = path.iter();
		let piece = pieces.find(|piece| (piece.start..piece.end).contains(&layer));
		piece.map_or(0, |piece| piece.unit)
	};
	let mut values = vec![(model.slowest, instance.slowest(path))];
	for layer in 0..instance.layers {
		values.push((model.x[holder(layer)][layer], 1.0));
		if layer + 1 < instance.layers {
			let at = holder(layer) * units + holder(layer + 1);
			values.extend(model.y[layer][at].map(|flow| (flow, 1.0)));
		}
	}
	values
}

fn decode(instance: &Instance, model: &Model, solution: &impl Solution) -> Vec<Piece> {
	let mut path: Vec<Piece> = Vec::new();
	for layer in 0..instance.layers {
		let held = |unit: &usize| solution.value(model.x[*unit][layer]) > 0.5;
		let unit = (0..instance.units.len()).find(held).unwrap_or_default();
		match path.last_mut() {
			Some(piece) if piece.unit == unit => piece.end = layer + 1,
			_ => path.push(Piece {
				unit,
				start: layer,
				end: layer + 1,
			}),
		}
	}
	path
}
