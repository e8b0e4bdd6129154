//! The lead of a segment: takes rows from the stage before, executes its layers, hands the rows on.

use super::{
	link_error,
	recorder::Recorder,
	ring::{join, Ring},
	session::Session,
	switchboard::{Arrival, Expectation},
	PipelineError, Segment, Workshop,
};
use crate::{
	commitment::StageRecord,
	network::{
		frame::{Frame, Open, Rows, Side},
		link::{out_of_turn, Link},
		Peer,
	},
};
use dllm_model::engine::Engine;
use dllm_primitives::{
	api::Route,
	commitment::Roots,
	ids::{Digest, JobId, StageIndex, ENTRY_STAGE},
};
use libp2p::{bytes::Bytes, PeerId};
use std::time::{Duration, Instant};

/// Leads a segment of a job to its end and records what it will commit to. Where that was done before a
/// restart, it only gives the roots again.
pub async fn lead(
	workshop: &Workshop,
	route: Route,
	stage: StageIndex,
) -> Result<Roots, PipelineError> {
	if let Some(opening) = workshop.ledger.opening(route.job, stage)? {
		return Ok(opening.roots);
	}
	let ring = Ring::read(&route)?;
	if stage == ENTRY_STAGE {
		return Err(PipelineError::BadRoute {
			job: ring.job,
			what: "the entry as a segment",
		});
	}
	let layers = ring.member(stage)?.layers;
	let segment = workshop.host.segment(ring.model, layers)?;
	let stage = Stage {
		workshop,
		ring: &ring,
		stage,
		segment: &segment,
	};
	workshop
		.run_until(ring.job, route.run_until, stage.run())
		.await
}

/// One segment of one job.
struct Stage<'a> {
	workshop: &'a Workshop,
	ring: &'a Ring,
	stage: StageIndex,
	segment: &'a Segment,
}

/// A link and who is at its other end.
struct Neighbour {
	peer: PeerId,
	link: Link,
}

/// Where the time of a session went.
#[derive(Default)]
struct Clock {
	compute: Duration,
	network: Duration,
}

impl Stage<'_> {
	async fn run(&self) -> Result<Roots, PipelineError> {
		let job = self.ring.job;
		let upstream = &self.ring.member(self.stage - 1)?.peer;
		let into = self.ring.boundary_into(self.stage);
		let expected = self.workshop.switchboard.expect(job, into, upstream.id);
		let downstream = Downstream::of(self)?;
		let Arrival { link, open } = expected.arrive(self.workshop.timings.join).await?;
		let mut up = Neighbour {
			peer: upstream.id,
			link,
		};

		let result = self.session(&mut up, &open, downstream).await;
		if let Err(error) = &result {
			up.link.abort(error.reason()).await;
		}
		result
	}

	/// Everything after the upstream link stands.
	async fn session(
		&self,
		up: &mut Neighbour,
		open: &Open,
		downstream: Downstream,
	) -> Result<Roots, PipelineError> {
		let job = self.ring.job;
		self.check_open(open, up.peer)?;
		let place = (job, self.stage);
		let rows = self.ring.rows_ceiling;
		let session = Session::open(self.workshop, self.segment, place, rows).await?;
		up.link
			.send(&Frame::Ready)
			.await
			.map_err(|error| link_error(job, up.peer, error))?;
		let mut down = downstream.stand(self, open).await?;

		let boundaries = (self.stage - 1, self.stage);
		let ledger = &self.workshop.ledger;
		let recorder = Recorder::start(ledger, self.stage, boundaries, open).await?;
		let mut clock = Clock::default();
		let passed = self
			.pass_rows(up, &mut down, &session, &recorder, &mut clock)
			.await;
		if let Err(error) = passed {
			down.link.abort(error.reason()).await;
			return Err(error);
		}
		drop(session);
		let peer = down.peer;
		down.link
			.finish()
			.await
			.map_err(|error| link_error(job, peer, error))?;

		let sums = recorder.finish().await?;
		let roots = Roots {
			class: self.segment.engine.profile_id(),
			weights: self.segment.weights,
			input: sums.input,
			output: sums.output,
			result: Digest::zero(),
			rows: sums.rows,
		};
		let record = StageRecord::new(roots, open.job_key, open.width, open.dtype);
		ledger.close(job, self.stage, &record)?;
		tracing::info!(
			job,
			stage = self.stage,
			rows = roots.rows,
			compute_ms = clock.compute.as_millis() as u64,
			network_ms = clock.network.as_millis() as u64,
			"segment done"
		);
		Ok(roots)
	}

	/// Passes rows until the upstream closes.
	async fn pass_rows(
		&self,
		up: &mut Neighbour,
		down: &mut Neighbour,
		session: &Session,
		recorder: &Recorder,
		clock: &mut Clock,
	) -> Result<(), PipelineError> {
		let job = self.ring.job;
		let idle = self.workshop.timings.idle;
		let mut rows = 0u32;
		loop {
			let waiting = Instant::now();
			let frame = tokio::select! {
				frame = up.link.receive(idle) => {
					frame.map_err(|error| link_error(job, up.peer, error))?
				}
				error = down.link.failure() => return Err(link_error(job, down.peer, error)),
			};
			clock.network += waiting.elapsed();
			let received = match frame {
				Frame::Rows(received) => received,
				Frame::Close { rows: closed } if closed == rows && rows > 0 => break,
				Frame::Close { .. } => return Err(wrong_rows(job, up.peer, "their number")),
				other => return Err(link_error(job, up.peer, out_of_turn(&other))),
			};
			self.check_rows(&received, rows, up.peer)?;
			let Rows {
				dtype,
				count,
				payload: input,
				..
			} = received;

			let started = Instant::now();
			let output = execute(session, rows, input.clone(), &mut up.link).await?;
			clock.compute += started.elapsed();

			let started = Instant::now();
			let payload = output.clone();
			let sent = Rows {
				session: job,
				position: rows,
				dtype,
				count,
				payload,
			};
			let sent = down.link.send(&Frame::Rows(sent)).await;
			sent.map_err(|error| link_error(job, down.peer, error))?;
			clock.network += started.elapsed();
			recorder.push(Side::Input, rows, input).await?;
			recorder.push(Side::Output, rows, output).await?;
			rows += u32::from(count);
		}
		let close = Frame::Close { rows };
		down.link
			.send(&close)
			.await
			.map_err(|error| link_error(job, down.peer, error))
	}

	/// The upstream must mean the session that the chain means.
	fn check_open(&self, open: &Open, peer: PeerId) -> Result<(), PipelineError> {
		let what = if open.rows_ceiling != self.ring.rows_ceiling {
			"number of rows"
		} else if open.width != self.segment.width {
			"width of a row"
		} else if open.dtype != self.segment.dtype {
			"type of the values"
		} else {
			return Ok(());
		};
		Err(PipelineError::OtherSession {
			job: self.ring.job,
			peer,
			what,
		})
	}

	fn check_rows(&self, rows: &Rows, position: u32, peer: PeerId) -> Result<(), PipelineError> {
		let row_bytes = self.segment.width as usize * self.segment.dtype.bytes();
		let count = u32::from(rows.count);
		let what = if rows.session != self.ring.job {
			"their session"
		} else if rows.position != position {
			"their position"
		} else if rows.dtype != self.segment.dtype {
			"their type"
		} else if rows.payload.len() != usize::from(rows.count) * row_bytes {
			"their width"
		} else if position.saturating_add(count) > self.ring.rows_ceiling {
			"more than the job allows"
		} else {
			return Ok(());
		};
		Err(wrong_rows(self.ring.job, peer, what))
	}
}

/// Who receives a stage's rows.
enum Downstream {
	/// The next stage, which is dialled.
	Next(Peer),
	/// The entry, which dials.
	Back(Expectation, PeerId),
}

impl Downstream {
	/// Gets ready for it before the upstream comes.
	fn of(stage: &Stage<'_>) -> Result<Self, PipelineError> {
		let (ring, workshop) = (stage.ring, stage.workshop);
		if stage.stage == ring.last() {
			let entry = ring.member(ENTRY_STAGE)?.peer.id;
			let expected = workshop.switchboard.expect(ring.job, stage.stage, entry);
			return Ok(Self::Back(expected, entry));
		}
		let next = ring.member(stage.stage + 1)?.peer.clone();
		let (network, peer) = (workshop.network.clone(), next.clone());
		tokio::spawn(async move {
			if let Err(error) = network.connect(&peer).await {
				tracing::debug!(%error, "the next stage cannot be reached yet");
			}
		});
		Ok(Self::Next(next))
	}

	/// The link, once both ends stand ready.
	async fn stand(self, stage: &Stage<'_>, open: &Open) -> Result<Neighbour, PipelineError> {
		let open = Open {
			boundary: stage.stage,
			..*open
		};
		let (expected, peer) = match self {
			Self::Next(peer) => {
				let link = join(stage.workshop, &peer, open).await?;
				return Ok(Neighbour {
					peer: peer.id,
					link,
				});
			}
			Self::Back(expected, peer) => (expected, peer),
		};
		let arrival = expected.arrive(stage.workshop.timings.join).await?;
		let mut link = arrival.link;
		if arrival.open != open {
			let (job, what) = (open.job, "other keys or sizes at its two ends");
			return Err(PipelineError::OtherSession { job, peer, what });
		}
		link.send(&Frame::Ready)
			.await
			.map_err(|error| link_error(open.job, peer, error))?;
		Ok(Neighbour { peer, link })
	}
}

/// Executes rows, and reads the next ones meanwhile.
async fn execute(
	session: &Session,
	position: u32,
	input: Bytes,
	up: &mut Link,
) -> Result<Bytes, PipelineError> {
	let mut execution = session.execute(position, input);
	tokio::select! {
		output = execution.output() => return output,
		// A link that fails fails again when the next frame is due.
		_ = up.read_ahead() => {}
	}
	execution.output().await
}

fn wrong_rows(job: JobId, peer: PeerId, what: &'static str) -> PipelineError {
	PipelineError::WrongRows { job, peer, what }
}
