//! A placement problem in the chain's words, and its translation into numbers.
//!
//! On this chain job `j` is led by worker `j mod r` of every stage of `r` replicas: the replicas form `r`
//! rings ("columns") over the same segments. A *team* is an ordered set of candidates that holds a
//! segment; its costs are the mean over its columns, its price that of its dearest member, its step that
//! of its slowest, as [`dllm_primitives::cost::score`] charges them. A team of one is a primary.

use crate::{
	cost::{decode, prefill, Hop},
	instance::{Budget, Count, Instance, Unit},
	replicas::{Pool, Team},
};
use dllm_primitives::{
	cost::{link::LinkFigures, DeviceFigures, Form, Limits, Weights, Workload},
	model::Shard,
};

/// A worker that may hold a segment.
#[derive(Clone, Debug)]
pub struct Candidate {
	/// Who runs it: replicas of a segment have different operators.
	pub operator: usize,
	/// Its numeric class: replicas of a segment have the same one.
	pub class: usize,
	/// Bytes that weights and caches may fill (β·M).
	pub memory: u64,
	/// Bytes that it needs besides, once (the arena).
	pub arena: u64,
	/// Layers that it may hold at most, however much memory it has: what it won in a capacity round.
	pub most_layers: usize,
	/// Planck per GFLOP.
	pub price: u128,
	/// What was measured.
	pub figures: DeviceFigures,
	/// Layers that it holds already.
	pub held: Vec<bool>,
	/// Links from and to the workers that may be the entry; the mean counts.
	pub entries: Vec<(LinkFigures, LinkFigures)>,
}

/// A placement problem.
#[derive(Clone, Debug)]
pub struct Problem {
	/// Decoder layers.
	pub layers: Vec<Shard>,
	/// Rows of a full cache.
	pub context: u32,
	/// Jobs at once.
	pub slots: u8,
	/// The job that placements are compared on.
	pub workload: Workload,
	/// The weights.
	pub weights: Weights,
	/// The limits.
	pub limits: Limits,
	/// How many segments.
	pub count: Count,
	/// Who may hold them.
	pub candidates: Vec<Candidate>,
	/// Links between candidates, row by row; [`NO_LINK`](crate::cost::NO_LINK) where there is none.
	pub links: Vec<LinkFigures>,
}

impl Pool for Problem {
	fn candidates(&self) -> usize {
		self.candidates.len()
	}

	fn instance(&self, teams: &[Team]) -> Instance {
		self.numbers(teams)
	}

	fn joins(&self, team: &Team, at: usize) -> bool {
		let new = &self.candidates[at];
		team.iter().all(|member| {
			let member = &self.candidates[*member];
			member.operator != new.operator && member.class == new.class
		})
	}

	fn subset(&self, chosen: &[usize]) -> Self {
		let all = self.candidates.len();
		let pairs = chosen
			.iter()
			.flat_map(|from| chosen.iter().map(move |to| from * all + to));
		Self {
			candidates: chosen
				.iter()
				.map(|at| self.candidates[*at].clone())
				.collect(),
			links: pairs.map(|at| self.links[at]).collect(),
			layers: self.layers.clone(),
			..*self
		}
	}
}

impl Problem {
	/// The numbers of the problem for these teams.
	fn numbers(&self, teams: &[Team]) -> Instance {
		let alone = (0..self.candidates.len())
			.map(|at| self.alone(at))
			.collect::<Vec<_>>();
		let links = self
			.links
			.iter()
			.map(|link| Hop::new(link, &self.workload, &self.weights))
			.collect::<Vec<_>>();
		let units = teams
			.iter()
			.map(|team| self.unit(team, &alone))
			.collect::<Vec<_>>();
		let enter = match self.weights.form {
			Form::Printed => 0.0,
			Form::Transitions => f64::from(self.weights.entered_us) / 1e3,
		};
		let mut instance = Instance {
			layers: self.layers.len(),
			devices: self.candidates.len(),
			hop: self.table(teams, &links, |hops| {
				self.latency() * mean(hops, |hop| hop.data + hop.qos)
			}),
			hop_step: self.table(teams, &links, slowest),
			units,
			enter,
			bottleneck: self.bottleneck(),
			count: self.count,
			budgets: Vec::new(),
		};
		// What an impossible hop takes does not matter, but must be a number.
		for step in instance
			.hop_step
			.iter_mut()
			.filter(|step| step.is_infinite())
		{
			*step = 0.0;
		}
		let columns = teams.iter().map(Vec::len).max().unwrap_or(0);
		for column in 0..columns {
			instance
				.budgets
				.extend(self.budgets(teams, column, &alone, &links));
		}
		for budget in &mut instance.budgets {
			let times = [&mut budget.hop, &mut budget.start, &mut budget.finish];
			let times = times.into_iter().flatten();
			times.for_each(|time| *time = if time.is_finite() { *time } else { 0.0 });
		}
		instance
	}

	/// α.
	fn latency(&self) -> f64 {
		f64::from(self.weights.latency_milli) / 1e3
	}

	/// Milliseconds of cost for a millisecond of the slowest stage: γ·N·(slots − 1).
	fn bottleneck(&self) -> f64 {
		let waits = f64::from(self.workload.new_tokens) * f64::from(self.slots.saturating_sub(1));
		f64::from(self.weights.bottleneck_milli) / 1e3 * waits
	}

	/// Tokens of the job.
	fn tokens(&self) -> f64 {
		f64::from(self.workload.prompt_tokens) + f64::from(self.workload.new_tokens)
	}

	fn alone(&self, at: usize) -> Alone {
		let candidate = &self.candidates[at];
		let form = self.weights.form;
		let steps = f64::from(self.workload.new_tokens);
		let migration = f64::from(self.weights.migration_milli) / 1e3;
		let fetching = 1e3 / candidate.figures.download_bytes_per_second as f64;
		let mut alone = Alone::default();
		for (layer, held) in self.layers.iter().zip(&candidate.held) {
			let first = prefill(&candidate.figures, layer, &self.workload, form);
			let step = decode(&candidate.figures, layer, &self.workload, form);
			let fetch = match held {
				true => 0.0,
				false => migration * fetching * layer.bytes as f64,
			};
			alone
				.cost
				.push(self.latency() * (first + steps * step) + fetch);
			alone.prefill.push(first);
			alone.step.push(step);
		}
		let hops = |link: &LinkFigures| Hop::new(link, &self.workload, &self.weights);
		alone.into = candidate
			.entries
			.iter()
			.map(|(into, _)| hops(into))
			.collect();
		alone.out = candidate.entries.iter().map(|(_, out)| hops(out)).collect();
		alone
	}

	fn unit(&self, team: &Team, alone: &[Alone]) -> Unit {
		let dearest = team.iter().map(|at| self.candidates[*at].price).max();
		let rate = f64::from(self.weights.price_femtos_per_planck) / 1e12 / 1e9 * self.tokens();
		let price = dearest.unwrap_or(0) as f64 * rate;
		let counted = match self.weights.form {
			Form::Printed => f64::from(self.weights.entered_us) / 1e3,
			Form::Transitions => 0.0,
		};
		let layers = 0..self.layers.len();
		let cost = layers.clone().map(|layer| {
			let own = mean(team, |at| alone[*at].cost[layer]);
			own + price * self.layers[layer].flops_per_token as f64 + counted
		});
		let step = layers.clone().map(|layer| {
			let steps = team.iter().map(|at| alone[*at].step[layer]);
			steps.fold(0.0, f64::max)
		});
		Unit {
			devices: team.iter().map(|at| *at as u16).collect(),
			prefix: sums(cost),
			step: sums(step),
			reach: layers.map(|start| self.reach(team, start)).collect(),
			start: self.latency()
				* mean(team, |at| mean(&alone[*at].into, |hop| hop.data + hop.qos)),
			finish: self.latency()
				* mean(team, |at| mean(&alone[*at].out, |hop| hop.data + hop.qos)),
		}
	}

	/// End of the longest segment from `start` that fits every member and is none too long for any.
	fn reach(&self, team: &Team, start: usize) -> u16 {
		let room = team.iter().map(|at| {
			let candidate = &self.candidates[*at];
			candidate.memory.saturating_sub(candidate.arena)
		});
		let room = room.min().unwrap_or(0);
		let most = team.iter().map(|at| self.candidates[*at].most_layers);
		let most = most.min().unwrap_or(0);
		let mut need = 0u64;
		let mut end = start;
		for layer in self.layers[start..].iter().take(most) {
			need = need.saturating_add(self.layer_memory(layer));
			if need > room {
				break;
			}
			end += 1;
		}
		end as u16
	}

	/// Weights, and full caches of all slots, as [`dllm_primitives::plan::stage_memory`] counts them.
	fn layer_memory(&self, layer: &Shard) -> u64 {
		let rows = u64::from(self.context).saturating_mul(self.slots.into());
		layer
			.bytes
			.saturating_add(rows.saturating_mul(layer.kv_bytes_per_token.into()))
	}

	/// A figure of the hops between every two teams, row by row; infinite where they share a candidate.
	fn table(&self, teams: &[Team], links: &[Hop], figure: impl Fn(&[Hop]) -> f64) -> Vec<f64> {
		let mut table = Vec::with_capacity(teams.len() * teams.len());
		let mut hops = Vec::new();
		for from in teams {
			for to in teams {
				hops.clear();
				let pairs = from.iter().zip(to);
				hops.extend(pairs.map(|(from, to)| links[from * self.candidates.len() + to]));
				let apart = from.iter().all(|at| !to.contains(at));
				table.push(if apart { figure(&hops) } else { f64::INFINITY });
			}
		}
		table
	}

	/// The limits of one column.
	fn budgets(
		&self,
		teams: &[Team],
		column: usize,
		alone: &[Alone],
		links: &[Hop],
	) -> Vec<Budget> {
		let of = |team: &Team| team[column.min(team.len() - 1)];
		let table = |figure: fn(&Hop) -> f64| {
			let pairs = teams
				.iter()
				.flat_map(|from| teams.iter().map(move |to| (of(from), of(to))));
			let hops = pairs.map(|(from, to)| figure(&links[from * self.candidates.len() + to]));
			hops.collect::<Vec<_>>()
		};
		let ends = |pick: fn(&Alone) -> &Vec<Hop>, figure: fn(&Hop) -> f64| {
			let of_team = |team: &Team| {
				pick(&alone[of(team)])
					.iter()
					.map(figure)
					.fold(0.0, f64::max)
			};
			teams.iter().map(of_team).collect::<Vec<_>>()
		};
		let time =
			|name, limit: u64, times: fn(&Alone) -> &Vec<f64>, hop: fn(&Hop) -> f64| Budget {
				name,
				limit: limit as f64 / 1e3,
				prefix: teams
					.iter()
					.map(|team| sums(times(&alone[of(team)]).iter().copied()))
					.collect(),
				enter: vec![0.0; teams.len()],
				hop: table(hop),
				start: ends(|alone| &alone.into, hop),
				finish: ends(|alone| &alone.out, hop),
			};
		let first = self.limits.first_token_us.map(|limit| {
			time(
				"the time to the first token in ms",
				limit,
				|alone| &alone.prefill,
				|hop| hop.first_token,
			)
		});
		let token = self.limits.per_token_us.map(|limit| {
			time(
				"the time per token in ms",
				limit,
				|alone| &alone.step,
				|hop| hop.per_token,
			)
		});
		let risk = self.limits.failure_ppm.map(|limit| {
			let fails = |ppm: u32| -(-f64::from(ppm) / 1e6).ln_1p();
			let device = |team: &Team| self.candidates[of(team)].figures.failure_ppm;
			Budget {
				name: "the risk of failure, as -ln of the chance of none,",
				limit: fails(limit.min(999_999)),
				prefix: vec![vec![0.0; self.layers.len() + 1]; teams.len()],
				enter: teams.iter().map(|team| fails(device(team))).collect(),
				hop: vec![0.0; teams.len() * teams.len()],
				start: vec![0.0; teams.len()],
				finish: vec![0.0; teams.len()],
			}
		});
		[first, token, risk].into_iter().flatten().collect()
	}
}

/// Times of a candidate.
#[derive(Default)]
struct Alone {
	/// Cost of each layer without price.
	cost: Vec<f64>,
	prefill: Vec<f64>,
	step: Vec<f64>,
	into: Vec<Hop>,
	out: Vec<Hop>,
}

fn mean<T>(items: &[T], figure: impl Fn(&T) -> f64) -> f64 {
	match items.len() {
		0 => 0.0,
		count => items.iter().map(figure).sum::<f64>() / count as f64,
	}
}

fn slowest(hops: &[Hop]) -> f64 {
	hops.iter().map(|hop| hop.step).fold(0.0, f64::max)
}

fn sums(terms: impl Iterator<Item = f64>) -> Vec<f64> {
	let sums = terms.scan(0.0, |sum, term| {
		*sum += term;
		Some(*sum)
	});
	std::iter::once(0.0).chain(sums).collect()
}
