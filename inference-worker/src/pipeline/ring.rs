//! The ring of a job as its members see it, and how a member joins its neighbours.
//!
//! A link is opened from the upstream side; only the last one, back to the entry, is opened by the
//! entry, so that an entry behind a router needs no open port. The opener repeats itself until the other
//! side has heard of the job too: the chain tells every member, but not in the same instant. Once a link stands, its
//! opener gives it a spare path, while rows pass already; without one it works as well, where no packet is lost.

use super::{link_error, PipelineError, Workshop};
use crate::network::{
	frame::{Frame, Open, Reason},
	link::{out_of_turn, Link, LinkError},
	spare::Second,
	Peer,
};
use dllm_primitives::{
	api::{AccountId32, Route},
	hop::{self, Hop},
	ids::{Digest, JobId, ModelId, StageIndex, ENTRY_STAGE, MAX_STAGES},
	model::LayerRange,
};
use libp2p::{swarm::ConnectionId, PeerId, StreamProtocol};
use std::time::Duration;
use tokio::{
	sync::oneshot,
	time::{sleep, Instant},
};

/// The protocol: `Open`, `Ready`, rows, `Signed`, `Close`, `Signed`; from the user of a sealed job `Signed` comes
/// before all rows too. Either side may abort.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/dllm/ring/1");
/// The protocol of a link's spare path: the same `Open`, then copies of frames in both directions
/// ([`crate::network::spare`]).
pub const COPIES_PROTOCOL: StreamProtocol = StreamProtocol::new("/dllm/ring/copies/1");
/// First and longest pause between two attempts to join.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// A job's ring, checked.
#[derive(Clone, Debug)]
pub struct Ring {
	/// The job.
	pub job: JobId,
	/// Its run: what was asked, and who stands where ([`hop::run`]).
	pub run: Digest,
	/// Its model.
	pub model: ModelId,
	/// Manifest root of the adapter that every segment adds to its layers.
	pub adapter: Option<Digest>,
	/// Rows at most.
	pub rows_ceiling: u32,
	members: Vec<Member>,
}

/// One place of a ring.
#[derive(Clone, Debug)]
pub struct Member {
	/// Its layers; empty for the entry.
	pub layers: LayerRange,
	/// Who stands there.
	pub peer: Peer,
	/// Its account; none where the user is the entry.
	pub account: Option<AccountId32>,
}

impl Ring {
	/// Reads what the chain says.
	pub fn read(route: &Route) -> Result<Self, PipelineError> {
		let bad = |what| PipelineError::BadRoute {
			job: route.job,
			what,
		};
		let stages = route.members.len();
		if !(2..=MAX_STAGES as usize).contains(&stages) {
			return Err(bad("the number of stages"));
		}
		let mut members = Vec::with_capacity(stages);
		for (at, member) in route.members.iter().enumerate() {
			if usize::from(member.stage) != at {
				return Err(bad("the order of the stages"));
			}
			if at > 0 && member.layers.is_empty() {
				return Err(bad("a stage without layers"));
			}
			let peer = Peer::from_chain(&member.peer_id, &member.addresses)?;
			members.push(Member {
				layers: member.layers,
				peer,
				account: member.worker.clone(),
			});
		}
		let placed = route.members.iter();
		let placed = placed.map(|of| {
			let named = of.worker.as_ref().map(|worker| (worker, &of.peer_id));
			(of.stage, of.layers, named)
		});
		if route.rows_ceiling == 0 {
			return Err(bad("the number of rows"));
		}
		let Route {
			job,
			model,
			adapter,
			rows_ceiling,
			..
		} = *route;
		Ok(Self {
			job,
			run: hop::run(route.asked, placed),
			model,
			adapter,
			rows_ceiling,
			members,
		})
	}

	/// A member.
	pub fn member(&self, stage: StageIndex) -> Result<&Member, PipelineError> {
		let what = "a stage that is asked for";
		let member = self.members.get(usize::from(stage));
		member.ok_or(PipelineError::BadRoute {
			job: self.job,
			what,
		})
	}

	/// The last stage, and the number of the boundary that leads back to the entry.
	pub fn last(&self) -> StageIndex {
		(self.members.len() - 1) as StageIndex
	}

	/// Whether the user is the entry.
	pub fn is_sealed(&self) -> bool {
		self.members
			.first()
			.is_some_and(|entry| entry.account.is_none())
	}

	/// The links that others open to a stage: from the one before, and to the last one from the entry.
	pub fn links_into(&self, stage: StageIndex) -> Vec<StageIndex> {
		let back = (stage == self.last()).then_some(stage);
		[self.boundary_into(stage)]
			.into_iter()
			.chain(back)
			.collect()
	}

	/// What the ends of a link sign for.
	pub fn hop(&self, boundary: StageIndex, rows: u32, root: Digest) -> Hop {
		let (job, run) = (self.job, self.run);
		Hop {
			job,
			run,
			boundary,
			rows,
			root,
		}
	}

	/// The stage that receives over a boundary.
	pub fn receiver(&self, boundary: StageIndex) -> StageIndex {
		match boundary == self.last() {
			true => ENTRY_STAGE,
			false => boundary + 1,
		}
	}

	/// The boundary over which a stage receives.
	pub fn boundary_into(&self, stage: StageIndex) -> StageIndex {
		match stage {
			ENTRY_STAGE => self.last(),
			stage => stage - 1,
		}
	}
}

/// Opens a link to `peer` and waits until it stands ready.
pub(super) async fn join(
	workshop: &Workshop,
	peer: &Peer,
	open: Open,
) -> Result<Link, PipelineError> {
	let deadline = Instant::now() + workshop.timings.join;
	let mut pause = PAUSES.0;
	loop {
		let error = match attempt(workshop, peer, open).await {
			Ok(link) => return Ok(link),
			Err(error) => error,
		};
		if is_refusal(&error) || !error.is_retryable() || Instant::now() + pause > deadline {
			return Err(error);
		}
		tracing::debug!(job = open.job, peer = %peer.id, %error, "joining the ring again");
		sleep(pause).await;
		pause = (pause * 2).min(PAUSES.1);
	}
}

async fn attempt(workshop: &Workshop, peer: &Peer, open: Open) -> Result<Link, PipelineError> {
	let failed = |error| link_error(open.job, peer.id, error);
	let mut link = Link::new(workshop.network.open(peer, PROTOCOL).await?);
	link.send(&Frame::Open(open)).await.map_err(failed)?;
	match link.receive(workshop.timings.ready).await.map_err(failed)? {
		Frame::Ready => {}
		other => return Err(failed(out_of_turn(&other))),
	}
	let copies = workshop.network.copies();
	if let Some(connection) = link.connection().filter(|_| copies > 0) {
		let second = open_second(workshop, peer.clone(), open, connection);
		link.expect_spare(second, copies);
	}
	Ok(link)
}

/// Opens the second stream of a link whose first one goes over `beside`.
fn open_second(
	workshop: &Workshop,
	peer: Peer,
	open: Open,
	beside: ConnectionId,
) -> oneshot::Receiver<Second> {
	let network = workshop.network.clone();
	let (coming, second) = oneshot::channel();
	tokio::spawn(async move {
		let opened = network.open_beside(&peer, beside, COPIES_PROTOCOL).await;
		let sent = match opened.map(Link::new) {
			Ok(mut link) => match link.send(&Frame::Open(open)).await {
				Ok(()) => Ok(link),
				Err(error) => Err(error.to_string()),
			},
			Err(error) => Err(error.to_string()),
		};
		match sent {
			// The link may have ended meanwhile.
			Ok(link) => drop(coming.send(link.into_second())),
			Err(error) => {
				tracing::debug!(job = open.job, peer = %peer.id, error, "a link has no spare path")
			}
		}
	});
	second
}

/// Stands ready for rows on a link that `peer` opened.
pub(super) async fn stand_ready(
	workshop: &Workshop,
	peer: PeerId,
	link: &mut Link,
	open: Open,
) -> Result<(), PipelineError> {
	let copies = workshop.network.copies();
	if copies > 0 && link.connection().is_some() {
		link.expect_spare(workshop.switchboard.second(peer, open), copies);
	}
	let sent = link.send(&Frame::Ready).await;
	sent.map_err(|error| link_error(open.job, peer, error))
}

/// Whether the peer knows the job and does not want this worker in it.
fn is_refusal(error: &PipelineError) -> bool {
	let PipelineError::Link { error, .. } = error else {
		return false;
	};
	matches!(error, LinkError::Aborted(Reason::Refused))
}
