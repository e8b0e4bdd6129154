//! Replicas: every segment on several workers of different operators and one numeric class.
//!
//! The primary ring is exact; each further ring is exact on what the ones before left, over the same
//! segments. Where there are few candidates, teams of replicas are searched jointly and exactly. The
//! cheaper of the two stands, with a bound: no ring costs less than the primary's optimum, and a
//! pipeline's cost is at least the mean of its rings'.

use crate::{
	instance::{Count, Instance, Piece},
	preselect::{most_promising, solve_any},
	search::{Answer, Binding, Options, SearchError},
};

/// Candidates by number; the same layers are on all of them, in the order in which they lead.
pub type Team = Vec<usize>;

/// Candidates of which teams are made.
pub trait Pool {
	/// How many there are.
	fn candidates(&self) -> usize;
	/// The placement of layers on these teams.
	fn instance(&self, teams: &[Team]) -> Instance;
	/// Whether a candidate may stand beside a team, of which it is no member: another operator, the same class.
	fn joins(&self, team: &Team, at: usize) -> bool;
	/// Some of the candidates, in this order.
	fn subset(&self, chosen: &[usize]) -> Self;
}

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
pub fn place<P: Pool>(
	pool: &P,
	replicas: usize,
	options: &Options,
) -> Result<Placement, SearchError> {
	let singles = singles(pool);
	let primary = solve_any(&pool.instance(&singles), options)?;
	if replicas <= 1 {
		return Ok(placement(&primary, &singles, Method::Single));
	}
	let shadows = shadows(pool, &primary, replicas, options);
	if few(pool, replicas) {
		let joint = jointly(pool, replicas, options);
		return best(joint, shadows, primary.bound);
	}
	match shadows {
		Some(shadows) => Ok(shadows),
		// The primary leaves no room for its shadows.
		None => Ok(Placement {
			bound: primary.bound,
			..of_most_promising(pool, replicas, options)?
		}),
	}
}

/// Teams of replicas, searched jointly: exact where the search is not cut short.
pub fn jointly<P: Pool>(
	pool: &P,
	replicas: usize,
	options: &Options,
) -> Result<Placement, SearchError> {
	let teams = teams(pool, replicas).map_err(SearchError::Infeasible)?;
	let answer = solve_any(&pool.instance(&teams), options)?;
	Ok(placement(&answer, &teams, Method::Joint))
}

/// The exact primary, then ring after ring over its segments, each exact on the candidates that are left; none
/// where too few are.
pub fn shadowed<P: Pool>(
	pool: &P,
	replicas: usize,
	options: &Options,
) -> Result<Option<Placement>, SearchError> {
	let primary = solve_any(&pool.instance(&singles(pool)), options)?;
	Ok(shadows(pool, &primary, replicas, options))
}

/// The cheaper of two placements, with the better of both bounds.
fn best(
	joint: Result<Placement, SearchError>,
	shadows: Option<Placement>,
	primary: f64,
) -> Result<Placement, SearchError> {
	match (joint, shadows) {
		(Ok(joint), shadows) => {
			let bound = joint.bound.max(primary);
			let cheaper = shadows.filter(|shadows| shadows.cost < joint.cost);
			Ok(Placement {
				bound,
				..cheaper.unwrap_or(joint)
			})
		}
		(Err(_), Some(shadows)) => Ok(shadows),
		(Err(error), None) => Err(error),
	}
}

/// A joint search of as many candidates as have few enough teams.
fn of_most_promising<P: Pool>(
	pool: &P,
	replicas: usize,
	options: &Options,
) -> Result<Placement, SearchError> {
	let count = most_candidates(replicas);
	let chosen = most_promising(&pool.instance(&singles(pool)), count);
	match jointly(&pool.subset(&chosen), replicas, options) {
		Ok(found) => Ok(renamed(found, &chosen)),
		Err(SearchError::Infeasible(_)) => {
			let most = largest_team(pool, replicas);
			Err(match most < replicas {
				true => SearchError::Infeasible(Binding::Team { most, replicas }),
				false => SearchError::Unsettled { candidates: count },
			})
		}
		Err(error) => Err(error),
	}
}

/// Every candidate as a team of its own.
fn singles<P: Pool>(pool: &P) -> Vec<Team> {
	(0..pool.candidates()).map(|at| vec![at]).collect()
}

/// Whether all teams can be searched.
fn few<P: Pool>(pool: &P, replicas: usize) -> bool {
	pool.candidates() <= most_candidates(replicas)
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

/// Gives the candidates of a subset their own numbers.
pub(crate) fn renamed(mut placement: Placement, chosen: &[usize]) -> Placement {
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

/// Every ordered team of candidates that may stand beside each other; how many may at most where too few do.
/// Which ring of a pipeline is called the first does not matter, but which replicas follow each other does.
fn teams<P: Pool>(pool: &P, replicas: usize) -> Result<Vec<Team>, Binding> {
	let mut teams: Vec<Team> = vec![Vec::new()];
	for most in 0..replicas {
		let longer = teams.iter().flat_map(|team| {
			let fitting = (0..pool.candidates()).filter(|at| joins(pool, team, *at));
			fitting.map(|at| [team.as_slice(), &[at]].concat())
		});
		teams = longer.collect();
		if teams.is_empty() {
			return Err(Binding::Team { most, replicas });
		}
	}
	Ok(teams)
}

/// The size of the largest team that is filled up greedily from each candidate, up to `replicas`: exact, as
/// operators and classes divide the candidates.
fn largest_team<P: Pool>(pool: &P, replicas: usize) -> usize {
	let filled = (0..pool.candidates()).map(|first| {
		let mut team = vec![first];
		for at in 0..pool.candidates() {
			if team.len() < replicas && joins(pool, &team, at) {
				team.push(at);
			}
		}
		team.len()
	});
	filled.max().unwrap_or(0)
}

/// Whether a candidate may stand beside a team.
fn joins<P: Pool>(pool: &P, team: &Team, at: usize) -> bool {
	!team.contains(&at) && pool.joins(team, at)
}

/// Adds ring after ring to the primary's segments, each exact on what is left.
fn shadows<P: Pool>(
	pool: &P,
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
		let ring = ring(pool, &segments, options)?;
		for ((_, _, team), at) in segments.iter_mut().zip(ring) {
			team.push(at);
		}
	}
	// What the teams cost together.
	let teams = segments
		.iter()
		.map(|(_, _, team)| team.clone())
		.collect::<Vec<_>>();
	let instance = pool.instance(&teams);
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
fn ring<P: Pool>(
	pool: &P,
	segments: &[(usize, usize, Team)],
	options: &Options,
) -> Option<Vec<usize>> {
	let singles = singles(pool);
	let mut instance = pool.instance(&singles);
	let busy = |at: usize| segments.iter().any(|(_, _, team)| team.contains(&at));
	for at in 0..singles.len() {
		let full = instance.units[at].reach.clone();
		let fits = |(start, end, team): &(usize, usize, Team)| {
			usize::from(full[*start]) >= *end && !busy(at) && joins(pool, team, at)
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
