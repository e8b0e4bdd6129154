//! The entry of a job: turns the prompt into rows, the rows that come back into tokens, and each token
//! into the next row, until the reply ends.

use super::{
	handover::Handover,
	link_error, parting,
	pledge::{job_key, Pledge},
	recorder::Recorder,
	ring::{join, Ring},
	tallies::Mark,
	HostedEntry, PipelineError, Workshop,
};
use crate::{
	commitment::{origin, random_bytes, StageRecord},
	metrics::metrics,
	network::{
		frame::{Frame, Open, Rows, Side, MAX_PAYLOAD, MAX_ROWS},
		link::{out_of_turn, Link, LinkError, SEND_TIMEOUT},
	},
};
use codec::Encode;
use dllm_model::entry::{
	Entry, EntryError, Generation, Message, ReplyLimits, SamplingParams, Step,
};
use dllm_primitives::{
	api::{Prompt, Route},
	commitment::{result_hash, Roots},
	hop::Signature,
	ids::{Digest, ENTRY_STAGE, MAX_INLINE},
	job::Limits,
};
use libp2p::{bytes::Bytes, PeerId};
use std::{
	future::pending,
	ops::ControlFlow,
	sync::Arc,
	time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
	/// A user's text; the model's chat template goes around it.
	Text(String),
	/// Tokens as the model takes them.
	Tokens(Vec<u32>),
}

/// What else than its text is to be told of a reply. It changes neither the rows that run nor what is
/// recorded and committed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
	/// How many of the likeliest tokens are told with each one; nothing of likelihoods where none.
	pub likeliest: Option<usize>,
	/// Whether the rows of the prompt are pooled: they are kept in memory until the first token then.
	pub pooled: bool,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
	/// Sampled tokens, the ending one included.
	pub tokens: Vec<u32>,
	/// The reply.
	pub text: String,
	/// Rows that passed the ring.
	pub rows: u32,
	/// What the entry commits to.
	pub roots: Roots,
	/// The prompt as one vector of length 1, `[hidden]`, where that was wished for and the job was run now.
	pub pooled: Option<Vec<f32>>,
}

impl Question {
	/// The prompt of a public job.
	pub fn public(prompt: &Prompt) -> Result<Self, PipelineError> {
		let text = String::from_utf8(prompt.text.clone()).map_err(|_| PipelineError::NotText)?;
		Ok(Self::Text(text))
	}

	/// The tokens that go through the ring. A model without a chat template gets the bare text.
	pub fn tokens(&self, entry: &Entry) -> Result<Vec<u32>, EntryError> {
		let text = match self {
			Self::Tokens(tokens) => return Ok(tokens.clone()),
			Self::Text(text) => text,
		};
		match entry.tokenizer.prompt(&[Message::user(text.as_str())]) {
			Err(EntryError::NoChatTemplate) => entry.tokenizer.encode_plain(text),
			tokens => tokens,
		}
	}

	/// What is asked, within which limits, as bytes that nothing else has.
	pub(crate) fn asked_with(&self, limits: &Limits) -> Vec<u8> {
		match self {
			Self::Text(text) => (0u8, text, limits).encode(),
			Self::Tokens(tokens) => (1u8, tokens, limits).encode(),
		}
	}
}

/// Runs a job as its entry and records what will be committed to; `on_token` sees every token as it is
/// sampled. Where that was done before a restart, it only gives the answer again.
pub async fn run(
	workshop: &Workshop,
	route: Route,
	question: Question,
	limits: &Limits,
	mut on_token: impl FnMut(&Step) + Send,
) -> Result<Answer, PipelineError> {
	let told = |step: &Step| {
		on_token(step);
		ControlFlow::Continue(())
	};
	run_while(workshop, route, question, limits, Wishes::default(), told).await
}

/// As [`run`], but with wishes, and `on_token` may end the reply early: the ring is closed then as at the
/// end of a whole reply, and paid for what ran.
pub async fn run_while(
	workshop: &Workshop,
	route: Route,
	question: Question,
	limits: &Limits,
	wishes: Wishes,
	on_token: impl FnMut(&Step) -> ControlFlow<()> + Send,
) -> Result<Answer, PipelineError> {
	let job = route.job;
	let origin = origin(&route, &question.asked_with(limits));
	let recorded = workshop
		.ledger
		.blocking(move |ledger| ledger.record_of(job, ENTRY_STAGE, origin));
	let recorded = recorded.await?;
	let ring = Ring::read(&route)?;
	if let Some(record) = recorded {
		expect_receipt(workshop, &ring, &record.opening.roots).await?;
		return Ok(answer(record));
	}
	let hosted = workshop.host.entry(ring.model)?;
	let talk = Talk {
		workshop,
		ring: &ring,
		hosted: &hosted,
		origin,
		wishes,
		handover: Handover::default(),
		// A user has nobody to tell.
		mark: match ring.is_sealed() {
			true => Mark::default(),
			false => workshop.tallies.begin(job, ENTRY_STAGE, ring.run),
		},
	};
	let limits = ReplyLimits {
		likeliest: wishes.likeliest,
		..reply_limits(limits)?
	};
	let work = talk.run(question, limits, on_token);
	let answered = workshop.run_until(job, route.run_until, work).await;
	if answered.as_ref().is_err_and(PipelineError::is_own) {
		workshop.tallies.fail(job, ENTRY_STAGE);
	}
	answered
}

/// The limits of a job as the sampler takes them.
pub(crate) fn reply_limits(limits: &Limits) -> Result<ReplyLimits, PipelineError> {
	let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| PipelineError::NotText);
	Ok(ReplyLimits {
		max_tokens: limits.max_tokens,
		sampling: SamplingParams {
			temperature_milli: limits.temperature_milli,
			top_p_milli: limits.top_p_milli,
			seed: limits.seed,
		},
		stop: limits
			.stop
			.iter()
			.map(|stop| text(stop))
			.collect::<Result<_, _>>()?,
		likeliest: None,
	})
}

/// Fails where prompt and reply could take more rows than the job allows.
pub(crate) fn check_ceiling(
	prompt: &[u32],
	limits: &ReplyLimits,
	ceiling: u32,
) -> Result<(), PipelineError> {
	let (prompt, reply) = (prompt.len() as u32, limits.max_tokens);
	// The last token of the reply is not sent.
	if prompt.saturating_add(reply).saturating_sub(1) > ceiling {
		return Err(PipelineError::PromptTooLong {
			prompt,
			reply,
			ceiling,
		});
	}
	Ok(())
}

/// One job.
struct Talk<'a> {
	workshop: &'a Workshop,
	ring: &'a Ring,
	hosted: &'a HostedEntry,
	/// What is recorded as asked for.
	origin: Digest,
	wishes: Wishes,
	handover: Handover,
	/// How far it came.
	mark: Mark,
}

/// A reply that is over.
struct Spoken {
	generation: Generation,
	text: String,
	pooled: Option<Vec<f32>>,
}

/// Both links of the entry.
struct Ends {
	first: PeerId,
	forward: Link,
	last: PeerId,
	back: Link,
	/// Signs for what goes forward; none where the entry is a worker, which signs at the end.
	pledge: Option<Pledge>,
}

/// A reply in the making and the row that its next token costs.
struct Turn {
	generation: Generation,
	step: Step,
	next: Option<Bytes>,
}

/// Where the time of a session went.
#[derive(Default)]
struct Clock {
	compute: Duration,
	network: Duration,
	first_token: Option<Duration>,
}

impl Talk<'_> {
	async fn run(
		&self,
		question: Question,
		limits: ReplyLimits,
		on_token: impl FnMut(&Step) -> ControlFlow<()> + Send,
	) -> Result<Answer, PipelineError> {
		let (generation, prompt) = self.begin(question, limits).await?;
		let open = self.open()?;
		let mut ends = self.join(open).await?;
		let boundaries = (self.ring.last(), ENTRY_STAGE);
		let ledger = &self.workshop.ledger;
		let recorder = Recorder::start(ledger, ENTRY_STAGE, boundaries, &open).await?;

		let mut clock = Clock::default();
		let spoken = self
			.speak(
				&mut ends, &recorder, generation, prompt, on_token, &mut clock,
			)
			.await;
		let Spoken {
			generation,
			text,
			pooled,
		} = match spoken {
			Ok(spoken) => spoken,
			Err(error) => {
				if matches!(&error, PipelineError::Link { peer, .. } if *peer == ends.first) {
					self.mark.lost_next();
				}
				let reason = error.reason();
				tokio::join!(ends.forward.abort(reason), ends.back.abort(reason));
				return Err(error);
			}
		};
		let sums = recorder.finish().await?;
		let roots = Roots {
			class: self.hosted.class,
			weights: self.hosted.weights,
			input: sums.input,
			output: sums.output,
			result: self.result(&generation, &text)?,
			rows: sums.rows,
		};
		let mut record = StageRecord::new(self.origin, roots, open.job_key, open.width, open.dtype);
		record.tokens = generation.tokens().to_vec();
		record.reply = text;
		// Recorded before the ring is told: whoever stops in between finds its reply again.
		let (job, kept) = (self.ring.job, record.clone());
		let closed = ledger.blocking(move |ledger| ledger.close(job, ENTRY_STAGE, &kept));
		closed.await?;
		self.close(ends, &roots).await;
		expect_receipt(self.workshop, self.ring, &roots).await?;
		tracing::info!(
			job = self.ring.job,
			tokens = record.tokens.len(),
			rows = roots.rows,
			first_token_ms = clock.first_token.unwrap_or_default().as_millis() as u64,
			compute_ms = clock.compute.as_millis() as u64,
			network_ms = clock.network.as_millis() as u64,
			"reply done"
		);
		Ok(Answer {
			pooled,
			..answer(record)
		})
	}

	/// Tokens and rows of the prompt.
	async fn begin(
		&self,
		question: Question,
		limits: ReplyLimits,
	) -> Result<(Generation, Bytes), PipelineError> {
		let (entry, dtype) = (self.hosted.entry.clone(), self.hosted.dtype);
		let ceiling = self.ring.rows_ceiling;
		let begun = spawn_blocking(move || {
			let tokens = question.tokens(&entry)?;
			check_ceiling(&tokens, &limits, ceiling)?;
			let generation = Generation::new(entry.tokenizer.clone(), &tokens, limits)?;
			let rows = dtype.encode(&entry.embedder.embed(&tokens)?)?;
			Ok((generation, Bytes::from(rows)))
		});
		begun.await.map_err(|_| self.interrupted())?
	}

	fn open(&self) -> Result<Open, PipelineError> {
		Ok(Open {
			job: self.ring.job,
			boundary: ENTRY_STAGE,
			job_key: match self.ring.is_sealed() {
				true => job_key(self.workshop, self.ring)?,
				false => random_bytes(),
			},
			rows_ceiling: self.ring.rows_ceiling,
			width: self.hosted.width,
			dtype: self.hosted.dtype,
		})
	}

	/// Joins the first and the last segment.
	async fn join(&self, open: Open) -> Result<Ends, PipelineError> {
		let boundary = self.ring.last();
		let first = &self.ring.member(ENTRY_STAGE + 1)?.peer;
		let last = &self.ring.member(boundary)?.peer;
		let forward = async {
			let forward = join(self.workshop, first, open).await;
			let forward = forward.inspect_err(|_| self.mark.lost_next())?;
			self.mark.sent(0);
			Ok::<_, PipelineError>(forward)
		};
		let back = async {
			let back = join(self.workshop, last, Open { boundary, ..open }).await?;
			self.mark.received(0);
			Ok(back)
		};
		let (forward, back) = tokio::try_join!(forward, back)?;
		Ok(Ends {
			first: first.id,
			forward,
			last: last.id,
			back,
			pledge: self.ring.is_sealed().then(|| Pledge::new(self.ring, &open)),
		})
	}

	/// Sends the prompt, then token by token; gives the finished reply.
	async fn speak(
		&self,
		ends: &mut Ends,
		recorder: &Recorder,
		mut generation: Generation,
		prompt: Bytes,
		mut on_token: impl FnMut(&Step) -> ControlFlow<()> + Send,
		clock: &mut Clock,
	) -> Result<Spoken, PipelineError> {
		if !self.workshop.conduct.passes_on(ENTRY_STAGE, 0) {
			return pending().await;
		}
		let started = Instant::now();
		let mut text = String::new();
		let mut position = self.count(&prompt);
		let (mut row, kept) = self.prefill(ends, recorder, prompt).await?;
		clock.network += started.elapsed();
		let pooled = match self.wishes.pooled {
			true => Some(self.pool(kept).await?),
			false => None,
		};
		loop {
			let sampling = Instant::now();
			let turn = self.sample(generation, row).await?;
			clock.compute += sampling.elapsed();
			clock.first_token.get_or_insert_with(|| started.elapsed());
			generation = turn.generation;
			metrics().tokens.inc();
			let told = on_token(&turn.step);
			text.push_str(&turn.step.text);
			let Some(next) = turn.next.filter(|_| told.is_continue()) else {
				break;
			};

			let sent = Instant::now();
			self.send(ends, position, next.clone()).await?;
			recorder.push(Side::Output, position, next).await?;
			let (count, rows) = self.receive_or_fail(ends, position).await?;
			clock.network += sent.elapsed();
			if count != 1 {
				return Err(self.wrong_rows(ends.last, "more rows than were sent"));
			}
			recorder.push(Side::Input, position, rows.clone()).await?;
			row = rows;
			position += 1;
		}
		Ok(Spoken {
			generation,
			text,
			pooled,
		})
	}

	/// Sends the rows of the prompt while those that come back are taken in; gives the last of these, and all
	/// of them where they are to be pooled.
	async fn prefill(
		&self,
		ends: &mut Ends,
		recorder: &Recorder,
		prompt: Bytes,
	) -> Result<(Bytes, Vec<Bytes>), PipelineError> {
		let row_bytes = self.row_bytes();
		let frame_bytes = (MAX_PAYLOAD / row_bytes).clamp(1, MAX_ROWS) * row_bytes;
		let total = self.count(&prompt);
		let Ends {
			first,
			forward,
			last,
			back,
			pledge,
		} = ends;

		let sending = async {
			let mut position = 0;
			for start in (0..prompt.len()).step_by(frame_bytes) {
				let rows = prompt.slice(start..prompt.len().min(start + frame_bytes));
				let count = self.count(&rows);
				let sent = self.pass(forward, *first, pledge, position, rows.clone());
				if let Err(error) = sent.await {
					return error;
				}
				if let Err(error) = recorder.push(Side::Output, position, rows).await {
					return error;
				}
				position += count;
			}
			link_error(self.ring.job, *first, forward.failure().await)
		};
		let receiving = async {
			let mut position = 0;
			let (mut row, mut kept) = (Bytes::new(), Vec::new());
			while position < total {
				let (count, rows) = self.receive(back, *last, position).await?;
				if count > total - position {
					return Err(self.wrong_rows(*last, "more rows than were sent"));
				}
				recorder.push(Side::Input, position, rows.clone()).await?;
				row = rows.slice(rows.len() - row_bytes..);
				position += count;
				if self.wishes.pooled {
					kept.push(rows);
				}
			}
			Ok((row, kept))
		};
		tokio::select! {
			error = sending => Err(error),
			rows = receiving => rows,
		}
	}

	/// The rows of a prompt as one vector.
	async fn pool(&self, frames: Vec<Bytes>) -> Result<Vec<f32>, PipelineError> {
		let (entry, dtype) = (self.hosted.entry.clone(), self.hosted.dtype);
		let pooled = spawn_blocking(move || {
			let mut pool = entry.head.norm().pool();
			for rows in frames {
				pool.push(&dtype.decode(&rows))?;
			}
			Ok::<_, PipelineError>(pool.finish())
		});
		pooled.await.map_err(|_| self.interrupted())?
	}

	/// Chooses the next token and looks up its row.
	async fn sample(&self, mut generation: Generation, row: Bytes) -> Result<Turn, PipelineError> {
		let (entry, dtype) = (self.hosted.entry.clone(), self.hosted.dtype);
		let mut turn = self.handover.start(true, move || {
			let step = next_step(&entry, &mut generation, &dtype.decode(&row))?;
			let next = match step.finish {
				Some(_) => None,
				None => Some(Bytes::from(
					dtype.encode(&entry.embedder.embed(&[step.token])?)?,
				)),
			};
			Ok(Turn {
				generation,
				step,
				next,
			})
		});
		turn.result().await.map_err(|_| self.interrupted())?
	}

	async fn send(&self, ends: &mut Ends, position: u32, row: Bytes) -> Result<(), PipelineError> {
		let (forward, pledge) = (&mut ends.forward, &mut ends.pledge);
		self.pass(forward, ends.first, pledge, position, row).await
	}

	/// Sends rows to the first segment; those of a user with its signature, without which nobody executes them.
	async fn pass(
		&self,
		forward: &mut Link,
		first: PeerId,
		pledge: &mut Option<Pledge>,
		position: u32,
		rows: Bytes,
	) -> Result<(), PipelineError> {
		let frame = self.rows_frame(position, rows.clone());
		self.mark.sent(position + self.count(&rows));
		let sent = match pledge {
			Some(pledge) => {
				let signed = pledge.sign(self.workshop, position, &rows).await?;
				forward
					.send_both(&Frame::Signed(Box::new(signed)), &frame)
					.await
			}
			None => forward.send(&frame).await,
		};
		sent.map_err(|error| link_error(self.ring.job, first, error))
	}

	/// The next rows, unless the first segment gives up before.
	async fn receive_or_fail(
		&self,
		ends: &mut Ends,
		position: u32,
	) -> Result<(u32, Bytes), PipelineError> {
		tokio::select! {
			rows = self.receive(&mut ends.back, ends.last, position) => rows,
			error = ends.forward.failure() => Err(link_error(self.ring.job, ends.first, error)),
		}
	}

	/// The next rows of the last segment.
	async fn receive(
		&self,
		back: &mut Link,
		last: PeerId,
		position: u32,
	) -> Result<(u32, Bytes), PipelineError> {
		let failed = |error| link_error(self.ring.job, last, error);
		let rows = match back
			.receive(self.workshop.timings.idle)
			.await
			.map_err(failed)?
		{
			Frame::Rows(rows) => rows,
			other => return Err(failed(out_of_turn(&other))),
		};
		let what = if rows.session != self.ring.job {
			"their session"
		} else if rows.position != position {
			"their position"
		} else if rows.dtype != self.hosted.dtype {
			"their type"
		} else if rows.payload.len() != usize::from(rows.count) * self.row_bytes() {
			"their width"
		} else {
			self.mark.received(position + u32::from(rows.count));
			return Ok((rows.count.into(), rows.payload));
		};
		Err(self.wrong_rows(last, what))
	}

	/// Tells the ring that the reply is over and takes the receipts of both hops. The answer stands whether or
	/// not the ring hears it.
	async fn close(&self, mut ends: Ends, roots: &Roots) {
		let (job, last) = (self.ring.job, self.ring.last());
		let forward = self.ring.hop(ENTRY_STAGE, roots.rows, roots.output);
		let back = self.ring.hop(last, roots.rows, roots.input);
		let told = parting::close(self.workshop, &mut ends.forward, &forward, SEND_TIMEOUT).await;
		let heard = self.hear_end(&mut ends.back, roots.rows).await;
		let answered = parting::answered(&mut ends.forward, &forward, ends.first).await;
		let sent = parting::sent(self.workshop, forward, answered.as_ref().ok().copied());
		let closed = async {
			parting::keep(self.workshop, ENTRY_STAGE, Side::Output, sent).await?;
			let signed = heard.map_err(|error| link_error(job, ends.last, error))?;
			let received = parting::received(self.workshop, self.ring, back, signed)?;
			parting::keep(self.workshop, ENTRY_STAGE, Side::Input, received).await?;
			parting::answer(&mut ends.back, &received)
				.await
				.map_err(|error| link_error(job, ends.last, error))?;
			let gone = told.and(answered.map(|_| ()));
			gone.map_err(|error| link_error(job, ends.first, error))
		};
		if let Err(error) = closed.await {
			tracing::warn!(job, %error, "the ring did not close; the reply is whole");
		}
		// Who does not hear this has recorded its stage.
		let _ = tokio::join!(ends.forward.finish(), ends.back.finish());
	}

	/// Waits for the last segment to close the ring; gives what it signed before.
	async fn hear_end(&self, back: &mut Link, rows: u32) -> Result<Option<Signature>, LinkError> {
		let mut signed = None;
		loop {
			match back.receive(self.workshop.timings.ready).await? {
				Frame::Signed(signature) if signed.is_none() => signed = Some(*signature),
				Frame::Close { rows: closed } if closed == rows => return Ok(signed),
				other => return Err(out_of_turn(&other)),
			}
		}
	}

	/// What the chain can compare with the posted reply; a user posts none.
	fn result(&self, generation: &Generation, text: &str) -> Result<Digest, PipelineError> {
		Ok(match self.ring.member(ENTRY_STAGE)?.account {
			Some(_) => result_of(generation.tokens(), text),
			None => Digest::zero(),
		})
	}

	fn rows_frame(&self, position: u32, payload: Bytes) -> Frame {
		let count = self.count(&payload) as u16;
		let (session, dtype) = (self.ring.job, self.hosted.dtype);
		Frame::Rows(Rows {
			session,
			position,
			dtype,
			count,
			payload,
		})
	}

	/// Rows in a payload.
	fn count(&self, payload: &[u8]) -> u32 {
		(payload.len() / self.row_bytes()) as u32
	}

	fn row_bytes(&self) -> usize {
		self.hosted.width as usize * self.hosted.dtype.bytes()
	}

	fn wrong_rows(&self, peer: PeerId, what: &'static str) -> PipelineError {
		PipelineError::WrongRows {
			job: self.ring.job,
			peer,
			what,
		}
	}

	fn interrupted(&self) -> PipelineError {
		PipelineError::Interrupted { job: self.ring.job }
	}
}

/// An entry that is a worker says nothing of rows for which the last segment did not sign: that one could keep
/// them from the checkers of the entry. A user needs no receipt.
async fn expect_receipt(
	workshop: &Workshop,
	ring: &Ring,
	roots: &Roots,
) -> Result<(), PipelineError> {
	let job = ring.job;
	if ring.is_sealed() {
		return Ok(());
	}
	let kept = workshop
		.ledger
		.blocking(move |ledger| ledger.receipt(job, ENTRY_STAGE, Side::Input));
	match kept.await? {
		Some(receipt) if receipt.hop == ring.hop(ring.last(), roots.rows, roots.input) => Ok(()),
		_ => Err(PipelineError::WrongRows {
			job,
			peer: ring.member(ring.last())?.peer.id,
			what: "not signed for",
		}),
	}
}

/// The part of a reply that is posted: all that fits on chain, cut at a character.
pub fn posted(reply: &str) -> &str {
	let most = reply.len().min(MAX_INLINE as usize);
	let cut = (0..=most).rev().find(|at| reply.is_char_boundary(*at));
	&reply[..cut.unwrap_or(0)]
}

/// Digest of a reply as it is posted.
pub(crate) fn result_of(tokens: &[u32], reply: &str) -> Digest {
	result_hash(tokens.len() as u32, posted(reply).as_bytes())
}

/// The token that follows a row; the same for the entry and for whoever checks it.
pub(crate) fn next_step(
	entry: &Arc<Entry>,
	generation: &mut Generation,
	row: &[f32],
) -> Result<Step, EntryError> {
	generation.next(&entry.head.logits(row)?)
}

fn answer(record: StageRecord) -> Answer {
	let roots = record.opening.roots;
	Answer {
		tokens: record.tokens,
		text: record.reply,
		rows: roots.rows,
		roots,
		pooled: None,
	}
}
