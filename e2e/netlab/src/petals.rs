//! Placement as Petals does it: servers choose their blocks by themselves, the client routes through them.
//!
//! A server that joins takes as many consecutive blocks as it holds, where the swarm's throughput is least: the
//! window whose throughputs in ascending order are the least; then servers move as long as that changes anything.
//! The client takes the cheapest route: half a round trip and 18 ms an edge, and the time of the blocks. Both see
//! round trips and speeds, neither bandwidth nor jitter nor loss (Petals' `block_selection.py` and
//! `sequence_manager.py`).

use crate::methods::{Lab, MethodError, Segment};
use std::cmp::Ordering;

/// Milliseconds that the client adds to every edge.
const EDGE_MS: f64 = 18.0;
/// Rounds in which servers move: they settle sooner, or go round in circles.
const ROUNDS: usize = 10;

/// A server: its name, milliseconds a block, and blocks.
#[derive(Clone, Debug)]
struct Server<'a> {
	name: &'a str,
	block_ms: f64,
	room: usize,
	start: usize,
}

impl Server<'_> {
	fn holds(&self, block: usize) -> bool {
		(self.start..self.start + self.room).contains(&block)
	}
}

/// The route of a client through servers that joined in the order of their names.
pub fn place(lab: &Lab) -> Result<Vec<Segment>, MethodError> {
	let blocks = lab.measured.layers;
	let machines = lab.topology.machines();
	let mut servers: Vec<Server> = Vec::new();
	for (name, host) in machines {
		let room = host.layers.min(blocks);
		let block_ms = lab.layer_ms(name);
		let start = choose(&throughputs(&servers, None, blocks), room);
		servers.push(Server {
			name,
			block_ms,
			room,
			start,
		});
	}
	for _ in 0..ROUNDS {
		for at in 0..servers.len() {
			servers[at].start = choose(&throughputs(&servers, Some(at), blocks), servers[at].room);
		}
	}
	let uncovered = (0..blocks).find(|block| !servers.iter().any(|server| server.holds(*block)));
	if let Some(block) = uncovered {
		return Err(MethodError::Uncovered(block));
	}
	let mut search = Search {
		lab,
		servers: &servers,
		best: f64::INFINITY,
		route: Vec::new(),
	};
	search.go_on(0, 0.0, &mut Vec::new());
	let route = search.route.iter();
	let segments = route.map(|(at, start, end)| lab.segment(servers[*at].name, *start, *end));
	Ok(segments.collect())
}

/// Blocks a millisecond of every block, but for one server.
fn throughputs(servers: &[Server], without: Option<usize>, blocks: usize) -> Vec<f64> {
	let of = |block: usize| {
		let others = servers
			.iter()
			.enumerate()
			.filter(|(at, _)| Some(*at) != without);
		let holding = others.filter(|(_, server)| server.holds(block));
		holding.map(|(_, server)| 1.0 / server.block_ms).sum()
	};
	(0..blocks).map(of).collect()
}

/// First block of the window of `room` blocks that needs a server most.
fn choose(throughputs: &[f64], room: usize) -> usize {
	let window = |start: usize| {
		let mut window = throughputs[start..start + room].to_vec();
		window.sort_by(f64::total_cmp);
		window
	};
	let starts = 0..=throughputs.len() - room;
	let least = starts.min_by(|a, b| ascending(&window(*a), &window(*b)));
	least.unwrap_or(0)
}

fn ascending(a: &[f64], b: &[f64]) -> Ordering {
	let pairs = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
	pairs.fold(Ordering::Equal, Ordering::then)
}

/// The cheapest route, by trying all that may still be cheaper.
struct Search<'a> {
	lab: &'a Lab<'a>,
	servers: &'a [Server<'a>],
	best: f64,
	route: Vec<(usize, usize, usize)>,
}

impl Search<'_> {
	fn go_on(&mut self, next: usize, cost: f64, route: &mut Vec<(usize, usize, usize)>) {
		if cost >= self.best {
			return;
		}
		if next == self.lab.measured.layers {
			self.best = cost;
			self.route.clone_from(route);
			return;
		}
		for at in 0..self.servers.len() {
			let server = &self.servers[at];
			if !server.holds(next) || route.iter().any(|(used, ..)| *used == at) {
				continue;
			}
			let edge = self.edge(route.last().map(|(at, ..)| *at), at);
			for end in next + 1..=server.start + server.room {
				let blocks = (end - next) as f64 * server.block_ms;
				route.push((at, next, end));
				self.go_on(end, cost + edge + blocks, route);
				route.pop();
			}
		}
	}

	fn edge(&self, from: Option<usize>, to: usize) -> f64 {
		let from = from.map_or(self.lab.topology.user(), |at| self.servers[at].name);
		let link = self.lab.topology.link(from, self.servers[to].name);
		link.map_or(f64::INFINITY, |link| link.rtt_ms / 2.0 + EDGE_MS)
	}
}
