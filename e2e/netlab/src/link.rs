//! Links in user space: every IP packet of one host to another is lost, or waits for the link's bandwidth and
//! then for its delay.
//!
//! The kernel's netem does as much, and many kernels lack it; so there is one way for all of them. Unlike
//! netem's, this delay keeps packets in order, as the queue of a router does. Host `k` (from 1) is
//! `10.78.0.k`.

use crate::{random::Random, topology::Topology, tun};
use serde::Serialize;
use std::{
	cmp::Reverse,
	collections::BinaryHeap,
	fs::File,
	io::{self, Read, Write},
	path::Path,
	sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
	thread,
	time::{Duration, Instant},
};

/// Longest wait for bandwidth: a packet that would wait longer is dropped, as by a router with that much of a
/// queue.
pub const QUEUE: Duration = Duration::from_millis(200);
/// Longest packet: devices have 1,500 bytes.
const PACKET: usize = 2_048;
/// The network of the hosts.
const NETWORK: [u8; 3] = [10, 78, 0];

/// One direction of a link.
#[derive(Clone, Debug)]
pub struct Pipe {
	shortest: Duration,
	jitter: Duration,
	loss: f64,
	bytes_per_second: f64,
	/// When the last packet has left the queue.
	free: Instant,
	/// When the last packet arrives.
	last: Instant,
}

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
	/// It arrives then.
	Arrives(Instant),
	/// The link loses it.
	Lost,
	/// The queue was full.
	Overflowed,
}

impl Pipe {
	/// A direction with these figures, empty at `now`.
	pub fn new(rtt_ms: f64, jitter_ms: f64, loss: f64, mbit_per_second: f64, now: Instant) -> Self {
		let ms = |ms: f64| Duration::from_secs_f64(ms.max(0.0) / 1e3);
		Self {
			shortest: ms(rtt_ms / 2.0 - jitter_ms / 2.0),
			jitter: ms(jitter_ms),
			loss,
			bytes_per_second: mbit_per_second * 125e3,
			free: now,
			last: now,
		}
	}

	/// A packet of so many bytes enters. One that is lost has used the bandwidth all the same.
	pub fn enter(&mut self, bytes: usize, now: Instant, random: &mut Random) -> Fate {
		let begins = self.free.max(now);
		if begins.duration_since(now) > QUEUE {
			return Fate::Overflowed;
		}
		self.free = begins + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
		if random.unit() < self.loss {
			return Fate::Lost;
		}
		let delay = self.shortest + self.jitter.mul_f64(random.unit());
		self.last = self.last.max(self.free + delay);
		Fate::Arrives(self.last)
	}
}

/// What all links did.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
	/// Packets that were carried.
	pub carried: u64,
	/// Packets that were lost on purpose.
	pub lost: u64,
	/// Packets for which a queue was full.
	pub overflowed: u64,
}

/// A packet on its way. The number keeps those that arrive together in order.
type Travelling = Reverse<(Instant, u64, usize, Vec<u8>)>;

struct State {
	/// Row by row; none where two hosts cannot reach each other.
	pipes: Vec<Option<Pipe>>,
	travelling: BinaryHeap<Travelling>,
	entered: u64,
	counts: Counts,
	random: Random,
}

/// All links of a lab.
pub struct Links {
	hosts: Vec<String>,
	devices: Vec<File>,
	state: Mutex<State>,
	/// A packet entered that arrives before all others.
	sooner: Condvar,
}

impl Links {
	/// Opens the devices of these hosts, whose namespaces are named `prefix` and the host's name, and carries
	/// packets from then on: none, before [`Links::load`].
	pub fn start(prefix: &str, hosts: &[String]) -> io::Result<Arc<Self>> {
		let devices = hosts.iter().map(|host| {
			let namespace = format!("{prefix}{host}");
			tun::open(&Path::new("/run/netns").join(namespace))
		});
		let links = Arc::new(Self {
			hosts: hosts.to_vec(),
			devices: devices.collect::<io::Result<Vec<_>>>()?,
			state: Mutex::new(State {
				pipes: vec![None; hosts.len() * hosts.len()],
				travelling: BinaryHeap::new(),
				entered: 0,
				counts: Counts::default(),
				random: Random::new(1),
			}),
			sooner: Condvar::new(),
		});
		for from in 0..hosts.len() {
			let links = links.clone();
			thread::spawn(move || links.take(from));
		}
		let delivering = links.clone();
		thread::spawn(move || delivering.deliver());
		Ok(links)
	}

	/// Makes the links those of a topology, and answers what they did since the last time. Packets on their way
	/// arrive as they would have.
	pub fn load(&self, topology: &Topology) -> Counts {
		let now = Instant::now();
		let pairs = self
			.hosts
			.iter()
			.flat_map(|from| self.hosts.iter().map(move |to| (from, to)));
		let pipes = pairs.map(|(from, to)| {
			let link = topology.link(from, to)?;
			let (rtt, jitter) = (link.rtt_ms, link.jitter_ms);
			Some(Pipe::new(rtt, jitter, link.loss, link.mbit_per_second, now))
		});
		let pipes = pipes.collect();
		let mut state = self.state();
		state.pipes = pipes;
		std::mem::take(&mut state.counts)
	}

	fn state(&self) -> MutexGuard<'_, State> {
		// Whoever died left packets and counts that are whole.
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Takes what a host sends, until its device is gone.
	fn take(&self, from: usize) {
		let mut buffer = [0; PACKET];
		while let Ok(length) = (&self.devices[from]).read(&mut buffer) {
			let packet = &buffer[..length];
			if let Some(to) = destination(packet).filter(|to| *to < self.hosts.len()) {
				self.enter(from, to, packet);
			}
		}
	}

	fn enter(&self, from: usize, to: usize, packet: &[u8]) {
		let mut guard = self.state();
		let state = &mut *guard;
		let Some(pipe) = &mut state.pipes[from * self.hosts.len() + to] else {
			return;
		};
		let at = match pipe.enter(packet.len(), Instant::now(), &mut state.random) {
			Fate::Arrives(at) => at,
			Fate::Lost => return state.counts.lost += 1,
			Fate::Overflowed => return state.counts.overflowed += 1,
		};
		state.counts.carried += 1;
		state.entered += 1;
		let next = state.travelling.peek().map(|Reverse((at, ..))| *at);
		let number = state.entered;
		state
			.travelling
			.push(Reverse((at, number, to, packet.to_vec())));
		if next.is_none_or(|next| at < next) {
			self.sooner.notify_one();
		}
	}

	/// Hands packets over when they arrive.
	fn deliver(&self) {
		loop {
			let (to, packet) = self.arrived();
			// A host that is gone, or whose queue is full, loses it.
			let _ = (&self.devices[to]).write(&packet);
		}
	}

	/// Waits for the next packet that has arrived.
	fn arrived(&self) -> (usize, Vec<u8>) {
		let mut state = self.state();
		loop {
			let now = Instant::now();
			let next = state.travelling.peek().map(|Reverse((at, ..))| *at);
			state = match next {
				Some(at) if at <= now => {
					if let Some(Reverse((_, _, to, packet))) = state.travelling.pop() {
						return (to, packet);
					}
					state
				}
				Some(at) => {
					let waited = self.sooner.wait_timeout(state, at - now);
					waited.unwrap_or_else(PoisonError::into_inner).0
				}
				None => self
					.sooner
					.wait(state)
					.unwrap_or_else(PoisonError::into_inner),
			};
		}
	}
}

/// Which host an IPv4 packet is for.
pub fn destination(packet: &[u8]) -> Option<usize> {
	let is_ip4 = packet.first()? >> 4 == 4;
	let [a, b, c, host] = *packet.get(16..20)? else {
		return None;
	};
	(is_ip4 && [a, b, c] == NETWORK).then(|| usize::from(host).checked_sub(1))?
}
