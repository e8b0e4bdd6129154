//! Replicas: every segment on several workers of different operators and one numeric class.
//!
//! The primary ring is exact; each further ring is exact on what the ones before left, over the same
//! segments. Where there are few candidates, teams of replicas are searched jointly and exactly. The
//! cheaper of the two stands, with a bound: no ring costs less than the primary's optimum, and a
//! pipeline's cost is at least the mean of its rings'.

use crate::{
	instance::{Count, Instance, Piece},
	preselect::{most_promising, solve_any},
	problem::{Problem, Team},
	search::{Answer, Binding, Options, SearchError},
};

/// Teams that are searched jointly at most: 32 candidates in pairs.
const MOST_TEAMS: usize = 1_000;

/// How a placement was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
	/// One worker a segment.
	Single,
	/// Teams, jointly.
	Joint,
	/// The primary, then its shadows.
	Shadows,
}

/// A placement with replicas.
#[derive(Clone, Debug)]
pub struct Placement {
	/// First layer, end, and candidates of every segment.
	pub segments: Vec<(usize, usize, Team)>,
	/// Cost in milliseconds, replicas included.
	pub cost: f64,
	/// No placement costs less.
	pub bound: f64,
	/// How it was found.
	pub method: Method,
}

impl Placement {
	/// Share of the cost by which it may miss the optimum.
	pub fn gap(&self) -> f64 {
		((self.cost - self.bound) / self.cost.abs().max(f64::MIN_POSITIVE)).max(0.0)
	}
}

/// Places every layer on `replicas` candidates.
pub fn place(
	problem: &Problem,
	replicas: usize,
	options: &Options,
) -> Result<Placement, SearchError> {
	let singles = (0..problem.candidates.len())
		.map(|at| vec![at])
		.collect::<Vec<Team>>();
	let primary = solve_any(&problem.instance(&singles), options)?;
	if replicas <= 1 {
		return Ok(placement(&primary, &singles, Method::Single));
	}
	let shadows = shadows(problem, &primary, replicas, options);
	let jointly = match (few(problem, replicas), &shadows) {
		(true, _) => joint(problem, replicas, options),
		(false, Some(_)) => Err(SearchError::Infeasible(Binding::Ways)),
		// The primary leaves no room for its shadows: the most promising candidates, jointly.
		(false, None) => {
			let chosen = most_promising(&problem.instance(&singles), most_candidates(replicas));
			joint(&problem.subset(&chosen), replicas, options).map(|found| renamed(found, &chosen))
		}
	};
	match (jointly, shadows) {
		(Ok(joint), Some(shadows)) if joint.cost > shadows.cost => Ok(Placement {
			bound: joint.bound.max(primary.bound),
			..shadows
		}),
		(Ok(joint), _) if few(problem, replicas) => Ok(Placement {
			bound: joint.bound.max(primary.bound),
			..joint
		}),
		(Ok(joint), _) => Ok(Placement {
			bound: primary.bound,
			..joint
		}),
		(Err(_), Some(shadows)) => Ok(shadows),
		(Err(error), None) => Err(error),
	}
}

/// Whether all teams can be searched.
fn few(problem: &Problem, replicas: usize) -> bool {
	problem.candidates.len() <= most_candidates(replicas)
}

/// Candidates of which there are few enough teams: n·(n − 1)·…, `replicas` factors.
fn most_candidates(replicas: usize) -> usize {
	let teams = |candidates: usize| {
		let factors = (0..replicas).map(|taken| candidates.saturating_sub(taken));
		factors.product::<usize>()
	};
	let mut most = replicas;
	while teams(most + 1) <= MOST_TEAMS {
		most += 1;
	}
	most
}

fn joint(problem: &Problem, replicas: usize, options: &Options) -> Result<Placement, SearchError> {
	let teams = teams(problem, replicas);
	if teams.is_empty() {
		return Err(SearchError::Infeasible(Binding::Ways));
	}
	let answer = solve_any(&problem.instance(&teams), options)?;
	Ok(placement(&answer, &teams, Method::Joint))
}

/// Gives the candidates of a subset their own numbers.
fn renamed(mut placement: Placement, chosen: &[usize]) -> Placement {
	let members = placement.segments.iter_mut().flat_map(|(_, _, team)| team);
	members.for_each(|at| *at = chosen[*at]);
	placement
}

fn placement(answer: &Answer, teams: &[Team], method: Method) -> Placement {
	let segments = answer.path.iter();
	let segments = segments.map(|piece| (piece.start, piece.end, teams[piece.unit].clone()));
	Placement {
		segments: segments.collect(),
		cost: answer.cost,
		bound: answer.bound,
		method,
	}
}

/// Every ordered team of candidates of different operators and one class.
/// Which ring of a pipeline is called the first does not matter, but which replicas follow each other does.
fn teams(problem: &Problem, replicas: usize) -> Vec<Team> {
	let mut teams: Vec<Team> = vec![Vec::new()];
	for _ in 0..replicas {
		let longer = teams.iter().flat_map(|team| {
			let fitting = (0..problem.candidates.len()).filter(|at| joins(problem, team, *at));
			fitting.map(|at| [team.as_slice(), &[at]].concat())
		});
		teams = longer.collect();
	}
	teams
}

/// Whether a candidate may stand beside a team.
fn joins(problem: &Problem, team: &Team, at: usize) -> bool {
	let new = &problem.candidates[at];
	team.iter().all(|member| {
		let member = &problem.candidates[*member];
		member.operator != new.operator && member.class == new.class
	})
}

/// Adds ring after ring to the primary's segments, each exact on what is left.
fn shadows(
	problem: &Problem,
	primary: &Answer,
	replicas: usize,
	options: &Options,
) -> Option<Placement> {
	let mut segments = primary
		.path
		.iter()
		.map(|piece| (piece.start, piece.end, vec![piece.unit]))
		.collect::<Vec<_>>();
	for _ in 1..replicas {
		let ring = ring(problem, &segments, options)?;
		for ((_, _, team), at) in segments.iter_mut().zip(ring) {
			team.push(at);
		}
	}
	// What the teams cost together.
	let teams = segments
		.iter()
		.map(|(_, _, team)| team.clone())
		.collect::<Vec<_>>();
	let instance = problem.instance(&teams);
	let path = segments
		.iter()
		.enumerate()
		.map(|(unit, (start, end, _))| Piece {
			unit,
			start: *start,
			end: *end,
		});
	let path = path.collect::<Vec<_>>();
	instance.is_feasible(&path).then(|| Placement {
		cost: instance.cost(&path),
		segments,
		bound: primary.bound,
		method: Method::Shadows,
	})
}

/// The cheapest further ring over the segments: an instance whose layers are the segments.
fn ring(
	problem: &Problem,
	segments: &[(usize, usize, Team)],
	options: &Options,
) -> Option<Vec<usize>> {
	let singles = (0..problem.candidates.len())
		.map(|at| vec![at])
		.collect::<Vec<Team>>();
	let mut instance = problem.instance(&singles);
	let busy = |at: usize| segments.iter().any(|(_, _, team)| team.contains(&at));
	for at in 0..singles.len() {
		let full = instance.units[at].reach.clone();
		let fits = |(start, end, team): &(usize, usize, Team)| {
			usize::from(full[*start]) >= *end && !busy(at) && joins(problem, team, at)
		};
		instance.units[at].reach = (0u16..)
			.zip(segments)
			.map(|(stage, segment)| stage + u16::from(fits(segment)))
			.collect();
	}
	collapse(&mut instance, segments);
	let answer = solve_any(&instance, options).ok()?;
	Some(answer.path.iter().map(|piece| piece.unit).collect())
}

/// Makes one layer of each segment.
fn collapse(instance: &mut Instance, segments: &[(usize, usize, Team)]) {
	let at_bounds = |sums: &[f64]| {
		let ends = segments.iter().map(|(_, end, _)| sums[*end]);
		std::iter::once(sums[0]).chain(ends).collect::<Vec<_>>()
	};
	for unit in &mut instance.units {
		unit.prefix = at_bounds(&unit.prefix);
		unit.step = at_bounds(&unit.step);
	}
	for budget in &mut instance.budgets {
		for sums in &mut budget.prefix {
			*sums = at_bounds(sums);
		}
	}
	instance.layers = segments.len();
	instance.count = Count::Any;
}
