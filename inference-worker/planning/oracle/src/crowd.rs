//! Random candidates of a few operators and classes, of which teams of replicas are made as
//! `dllm_planning::problem` makes them: means over the rings, the slowest member's step, the smallest memory.

use dllm_planning::{
	instance::{Instance, Unit},
	preselect,
	replicas::{Pool, Team},
};

/// Candidates and what a placement on single ones costs.
#[derive(Clone, Debug)]
pub struct Crowd {
	/// One unit a candidate, without budgets.
	pub single: Instance,
	/// Of each candidate.
	pub operators: Vec<usize>,
	/// Of each candidate.
	pub classes: Vec<usize>,
}

impl Crowd {
	fn unit(&self, team: &Team) -> Unit {
		let members = || team.iter().map(|at| &self.single.units[*at]);
		let count = team.len() as f64;
		let layers = 0..=self.single.layers;
		let mean = |figure: &dyn Fn(&Unit) -> f64| members().map(figure).sum::<f64>() / count;
		let mut step = vec![0.0];
		for layer in 0..self.single.layers {
			let slowest = members().map(|unit| unit.step[layer + 1] - unit.step[layer]);
			step.push(step[layer] + slowest.fold(0.0, f64::max));
		}
		Unit {
			devices: team.iter().map(|at| *at as u16).collect(),
			prefix: layers
				.map(|layer| mean(&|unit| unit.prefix[layer]))
				.collect(),
			step,
			reach: (0..self.single.layers)
				.map(|start| self.reach(team, start))
				.collect(),
			start: mean(&|unit| unit.start),
			finish: mean(&|unit| unit.finish),
		}
	}

	fn reach(&self, team: &Team, start: usize) -> u16 {
		let ends = team.iter().map(|at| self.single.units[*at].reach[start]);
		ends.min().unwrap_or(start as u16)
	}
}

impl Pool for Crowd {
	fn candidates(&self) -> usize {
		self.single.units.len()
	}

	fn instance(&self, teams: &[Team]) -> Instance {
		let (mut hop, mut hop_step) = (Vec::new(), Vec::new());
		for from in teams {
			for to in teams {
				let pairs = || from.iter().zip(to).map(|(from, to)| (*from, *to));
				let costs = pairs().map(|(from, to)| self.single.hop(from, to));
				let steps = pairs().map(|(from, to)| self.single.hop_step(from, to));
				let apart = from.iter().all(|at| !to.contains(at));
				hop.push(match apart {
					true => costs.sum::<f64>() / from.len() as f64,
					false => f64::INFINITY,
				});
				hop_step.push(match apart {
					true => steps.fold(0.0, f64::max),
					false => 0.0,
				});
			}
		}
		Instance {
			units: teams.iter().map(|team| self.unit(team)).collect(),
			hop,
			hop_step,
			budgets: Vec::new(),
			..self.single.clone()
		}
	}

	fn joins(&self, team: &Team, at: usize) -> bool {
		team.iter().all(|member| {
			self.operators[*member] != self.operators[at]
				&& self.classes[*member] == self.classes[at]
		})
	}

	fn subset(&self, chosen: &[usize]) -> Self {
		let mut single = preselect::subset(&self.single, chosen);
		for (unit, at) in single.units.iter_mut().zip(0..) {
			unit.devices = vec![at];
		}
		single.devices = chosen.len();
		let of = |figures: &[usize]| chosen.iter().map(|at| figures[*at]).collect();
		Self {
			single,
			operators: of(&self.operators),
			classes: of(&self.classes),
		}
	}
}
