//! The lead of a segment: takes rows from the stage before, executes its layers, hands the rows on.
//!
//! A stage is recorded before it says good-bye to anybody, so that what was done is paid for whoever has
//! left by then. The user of a sealed job is no worker and commits to nothing: once its rows have run, its
//! leaving, its silence and its nonsense end the job like its `Close` would. Rows for which it does not sign are
//! nonsense: they are not executed.

use super::{
	link_error, parting,
	pledge::Pledge,
	recorder::Recorder,
	ring::{join, stand_ready, Ring},
	session::Session,
	switchboard::{Arrival, Expectation},
	tallies::Mark,
	PipelineError, Segment, Workshop,
};
use crate::{
	commitment::{origin, StageRecord},
	network::{
		frame::{Frame, Open, Rows, Side},
		link::{out_of_turn, Link, LinkError, SEND_TIMEOUT},
		Peer,
	},
};
use dllm_model::engine::{Engine, EngineError};
use dllm_primitives::{
	api::Route,
	commitment::Roots,
	hop::{HopReceipt, Signature},
	ids::{Digest, JobId, StageIndex, ENTRY_STAGE},
};
use libp2p::{bytes::Bytes, PeerId};
use std::{
	future::pending,
	time::{Duration, Instant},
};

/// What a close takes to pass one stage at most: each stage waits that much longer for rows than the one before, the
/// first one that much longer than the entry, so that it hears of an end before it takes the upstream for lost, and of
/// a ring that stands still from the entry.
const RELAY: Duration = Duration::from_secs(5);
/// Blocks before the last one for commitments in which a user's job is closed if the user has not done so:
/// one in which the stages hear of it, and two to get the commitments in.
const CLOSING_BLOCKS: u32 = 3;
/// Longest wait for the next stage to take in the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Leads a segment of a job to its end and records what it will commit to. `body` names what the job asks,
/// so that a job that a fork gave the same number is not taken for it. Where the stage was led before a
/// restart, this only gives the roots again.
pub async fn lead(
	workshop: &Workshop,
	route: Route,
	body: Digest,
	stage: StageIndex,
) -> Result<Roots, PipelineError> {
	let (job, origin) = (route.job, origin(&route, body.as_bytes()));
	let ring = Ring::read(&route)?;
	if stage == ENTRY_STAGE {
		return Err(PipelineError::BadRoute {
			job,
			what: "the entry as a segment",
		});
	}
	let recorded = workshop
		.ledger
		.blocking(move |ledger| ledger.record_of(job, stage, origin));
	if let Some(record) = recorded.await? {
		workshop.switchboard.refuse(job, ring.links_into(stage));
		return Ok(record.opening.roots);
	}
	let layers = ring.member(stage)?.layers;
	let segment = workshop
		.host
		.segment_for(ring.model, layers, ring.adapter)?;
	let stage = Stage {
		workshop,
		ring: &ring,
		stage,
		origin,
		close_at: route.run_until.saturating_sub(CLOSING_BLOCKS),
		segment: &segment,
		mark: workshop.tallies.begin(job, stage, ring.run),
	};
	let work = stage.run();
	let led = workshop.run_until(job, route.run_until, work).await;
	if led.as_ref().is_err_and(PipelineError::is_own) {
		workshop.tallies.fail(job, stage.stage);
	}
	led
}

/// One segment of one job.
struct Stage<'a> {
	workshop: &'a Workshop,
	ring: &'a Ring,
	stage: StageIndex,
	/// What is recorded as asked for.
	origin: Digest,
	/// Block after which a user's job is closed.
	close_at: u32,
	segment: &'a Segment,
	/// How far it came.
	mark: Mark,
}

/// A link and who is at its other end.
struct Neighbour {
	peer: PeerId,
	link: Link,
}

/// Both neighbours while rows pass.
struct Ends<'a> {
	up: &'a mut Neighbour,
	/// None once the user to whom it led has left.
	down: Option<Neighbour>,
	/// Follows what a user signs for; none where the upstream is a worker.
	pledge: Option<Pledge>,
	/// What the upstream has signed for the rows that were recorded: a worker before it closed.
	signed: Option<Signature>,
}

/// What a stage has recorded.
struct Recorded {
	roots: Roots,
	/// The receipt of the rows that came in.
	receipt: HopReceipt,
}

/// What the upstream said last.
enum Heard {
	/// Rows, with a user's signature for them and those before.
	Rows(Rows, Option<Signature>),
	/// No more rows come; with the error by which the user left, if it did not close.
	End(Option<PipelineError>),
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
		stand_ready(self.workshop, up.peer, &mut up.link, *open).await?;
		self.mark.received(0);
		let standing = downstream.stand(self, open).await;
		let down = Some(standing.inspect_err(|_| self.mark.lost_next())?);
		self.mark.sent(0);

		let boundaries = (self.stage - 1, self.stage);
		let ledger = &self.workshop.ledger;
		let recorder = Recorder::start(ledger, self.stage, boundaries, open).await?;
		let mut ends = Ends {
			up,
			down,
			pledge: self.comes_from_user().then(|| Pledge::new(self.ring, open)),
			signed: None,
		};
		let mut clock = Clock::default();
		let passed = self
			.pass_rows(&mut ends, &session, &recorder, &mut clock)
			.await;
		drop(session);
		let recorded = match passed {
			Ok(left) => self
				.record(recorder, open, ends.signed, &clock)
				.await
				.map(|recorded| (recorded, left)),
			Err(error) => Err(error),
		};
		let (recorded, left) = match recorded {
			Ok(recorded) => recorded,
			Err(error) => {
				if let Some(mut down) = ends.down {
					down.link.abort(error.reason()).await;
				}
				return Err(error);
			}
		};
		let links = self.ring.links_into(self.stage);
		self.workshop.switchboard.refuse(job, links);
		self.say_good_bye(ends, &recorded, left).await;
		Ok(recorded.roots)
	}

	/// Passes rows until the upstream closes; gives the error by which the user left, if it did not close.
	async fn pass_rows(
		&self,
		ends: &mut Ends<'_>,
		session: &Session,
		recorder: &Recorder,
		clock: &mut Clock,
	) -> Result<Option<PipelineError>, PipelineError> {
		let mut rows = 0u32;
		loop {
			let waiting = Instant::now();
			let heard = self.hear(ends, rows).await?;
			clock.network += waiting.elapsed();
			let (received, signed) = match heard {
				Heard::Rows(received, signed) => (received, signed),
				Heard::End(left) => return Ok(left),
			};
			let Rows {
				dtype,
				count,
				payload: came,
				..
			} = received;
			let (conduct, job) = (&self.workshop.conduct, self.ring.job);
			let other = conduct.input_rows(job, self.stage, &came);
			let input = other.map_or(came, Bytes::from);

			let started = Instant::now();
			let executed = execute(session, rows, input.clone(), &mut ends.up.link).await;
			let output = match executed {
				Ok(output) => output,
				// Rows that no layer can take: those of a user end its job, as wrong frames do.
				Err(error) if is_not_finite(&error) && self.ends_with_user(rows) => {
					return Ok(Some(error))
				}
				Err(error) => return Err(error),
			};
			clock.compute += started.elapsed();
			let passed = rows + u32::from(count);
			self.mark.received(passed);

			if !self.workshop.conduct.passes_on(self.stage, rows) {
				return pending().await;
			}
			self.mark.sent(passed);
			let started = Instant::now();
			let sent = Rows {
				session: self.ring.job,
				position: rows,
				dtype,
				count,
				payload: output.clone(),
			};
			self.send(ends, &Frame::Rows(sent)).await?;
			clock.network += started.elapsed();
			recorder.push(Side::Input, rows, input).await?;
			recorder.push(Side::Output, rows, output).await?;
			ends.signed = signed;
			rows = passed;
		}
	}

	/// The next rows, or the end. `rows` have passed.
	async fn hear(&self, ends: &mut Ends<'_>, rows: u32) -> Result<Heard, PipelineError> {
		let user = ends.up.peer;
		match self.listen(ends, rows).await {
			Err(error) if self.ends_with_user(rows) && is_about(&error, user) => {
				Ok(Heard::End(Some(error)))
			}
			heard => heard,
		}
	}

	async fn listen(&self, ends: &mut Ends<'_>, rows: u32) -> Result<Heard, PipelineError> {
		let (job, peer) = (self.ring.job, ends.up.peer);
		let idle = self.workshop.timings.idle + RELAY * u32::from(self.stage);
		let mut signed = None;
		let frame = loop {
			tokio::select! {
				frame = ends.up.link.receive(idle) => {
					match frame.map_err(|error| link_error(job, peer, error))? {
						Frame::Signed(signature) if signed.is_none() => signed = Some(*signature),
						frame => break frame,
					}
				}
				error = failure(&mut ends.down) => self.lose(ends, error)?,
				() = self.workshop.past(self.close_at), if self.ends_with_user(rows) => {
					let block = self.close_at;
					return Ok(Heard::End(Some(PipelineError::Overdue { job, block })));
				}
			}
		};
		match frame {
			Frame::Rows(received) if signed.is_none() || ends.pledge.is_some() => {
				self.check_rows(&received, rows, peer)?;
				if let Some(pledge) = &mut ends.pledge {
					pledge.expect(peer, rows, &received.payload, signed).await?;
				}
				Ok(Heard::Rows(received, signed))
			}
			Frame::Close { rows: closed } if closed == rows && rows > 0 => {
				if ends.pledge.is_none() {
					ends.signed = signed;
				}
				Ok(Heard::End(None))
			}
			Frame::Close { .. } => Err(wrong_rows(job, peer, "their number")),
			other => Err(link_error(job, peer, out_of_turn(&other))),
		}
	}

	/// Hands a frame on. Between workers it may take longer than to a user, whom the next stage may be
	/// waiting for meanwhile.
	async fn send(&self, ends: &mut Ends<'_>, frame: &Frame) -> Result<(), PipelineError> {
		let within = match self.leads_to_user() {
			true => SEND_TIMEOUT,
			false => SEND_TIMEOUT * 2,
		};
		let Some(down) = &mut ends.down else {
			return Ok(());
		};
		match down.link.send_within(frame, within).await {
			Ok(()) => Ok(()),
			Err(error) => self.lose(ends, error),
		}
	}

	/// The downstream is lost. Where that is a user, the stage goes on: what the stages before it have
	/// begun is recorded by all of them.
	fn lose(&self, ends: &mut Ends<'_>, error: LinkError) -> Result<(), PipelineError> {
		let job = self.ring.job;
		let Some(down) = ends.down.take() else {
			return Ok(());
		};
		if !self.leads_to_user() {
			let peer = down.peer;
			self.mark.lost_next();
			ends.down = Some(down);
			return Err(link_error(job, peer, error));
		}
		tracing::warn!(job, stage = self.stage, %error, "the user takes no more rows; what it sent is executed");
		Ok(())
	}

	/// Writes what this stage will commit to, and the receipt of the rows that came in: where the sender did not
	/// sign for them none are recorded, as it could keep them from the checkers of this stage.
	async fn record(
		&self,
		recorder: Recorder,
		open: &Open,
		signed: Option<Signature>,
		clock: &Clock,
	) -> Result<Recorded, PipelineError> {
		let sums = recorder.finish().await?;
		let into = self.ring.boundary_into(self.stage);
		let hop = self.ring.hop(into, sums.rows, sums.input);
		let receipt = parting::received(self.workshop, self.ring, hop, signed)?;
		parting::keep(self.workshop, self.stage, Side::Input, receipt).await?;
		let roots = Roots {
			class: self.segment.engine.profile_id(),
			weights: self.segment.weights,
			input: sums.input,
			output: sums.output,
			result: Digest::zero(),
			rows: sums.rows,
		};
		let roots = self.workshop.conduct.told(self.stage, roots);
		let record = StageRecord::new(self.origin, roots, open.job_key, open.width, open.dtype);
		let (job, stage) = (self.ring.job, self.stage);
		let ledger = &self.workshop.ledger;
		let closed = ledger.blocking(move |ledger| ledger.close(job, stage, &record));
		closed.await?;
		tracing::info!(
			job,
			stage,
			rows = roots.rows,
			compute_ms = clock.compute.as_millis() as u64,
			network_ms = clock.network.as_millis() as u64,
			"segment done"
		);
		Ok(Recorded { roots, receipt })
	}

	/// Tells both neighbours that the job is over. What was recorded stands whether or not they hear it.
	async fn say_good_bye(&self, ends: Ends<'_>, recorded: &Recorded, left: Option<PipelineError>) {
		let (job, stage) = (self.ring.job, self.stage);
		let Ends { up, down, .. } = ends;
		let back = async {
			if let Some(error) = left {
				tracing::warn!(job, stage, %error, "the user left without a word; what it sent is recorded");
				up.link.abort(error.reason()).await;
			} else if let Err(error) = parting::answer(&mut up.link, &recorded.receipt).await {
				tracing::debug!(job, stage, %error, "the stage before did not wait for the receipt");
			}
		};
		let on = async {
			let Some(down) = down else { return };
			let peer = down.peer;
			if let Err(error) = self.part(down, &recorded.roots).await {
				tracing::warn!(job, stage, %peer, %error, "the next stage did not hear the end, or did not sign for it; this one is recorded");
			}
		};
		// A neighbour that takes nothing does not hold up the other one.
		tokio::join!(back, on);
	}

	/// Signs for the rows that were sent, and keeps what the next stage signs.
	async fn part(&self, mut down: Neighbour, roots: &Roots) -> Result<(), LinkError> {
		let (workshop, job) = (self.workshop, self.ring.job);
		let hop = self.ring.hop(self.stage, roots.rows, roots.output);
		parting::close(workshop, &mut down.link, &hop, FAREWELL).await?;
		let answered = parting::answered(&mut down.link, &hop, down.peer).await;
		let receipt = parting::sent(workshop, hop, answered.as_ref().ok().copied());
		if let Err(error) = parting::keep(workshop, self.stage, Side::Output, receipt).await {
			tracing::warn!(job, stage = self.stage, %error, "the receipt of the rows that were sent is not kept");
		}
		answered?;
		down.link.finish().await
	}

	/// Whether the rows come from the user of a sealed job, and some of them have run.
	fn ends_with_user(&self, rows: u32) -> bool {
		rows > 0 && self.comes_from_user()
	}

	/// Whether the rows come from the user of a sealed job.
	fn comes_from_user(&self) -> bool {
		self.stage == ENTRY_STAGE + 1 && self.ring.is_sealed()
	}

	/// Whether the rows go back to the user of a sealed job.
	fn leads_to_user(&self) -> bool {
		self.stage == self.ring.last() && self.ring.is_sealed()
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
		stand_ready(stage.workshop, peer, &mut link, open).await?;
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
		biased;
		output = execution.output() => return output,
		// A link that fails fails again when the next frame is due.
		_ = up.read_ahead() => {}
	}
	execution.output().await
}

/// Resolves once the downstream fails; never where there is none any more.
async fn failure(down: &mut Option<Neighbour>) -> LinkError {
	match down {
		Some(down) => down.link.failure().await,
		None => std::future::pending().await,
	}
}

/// Whether a peer is to blame for an error.
fn is_about(error: &PipelineError, who: PeerId) -> bool {
	match error {
		PipelineError::Link { peer, .. } | PipelineError::WrongRows { peer, .. } => *peer == who,
		_ => false,
	}
}

fn is_not_finite(error: &PipelineError) -> bool {
	matches!(
		error,
		PipelineError::NotFinite(_) | PipelineError::Engine(EngineError::NotFinite { .. })
	)
}

fn wrong_rows(job: JobId, peer: PeerId, what: &'static str) -> PipelineError {
	PipelineError::WrongRows { job, peer, what }
}
