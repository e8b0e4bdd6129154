//! The ways in which the same rows can reach an engine. All must give the same bytes.

use anyhow::{ensure, Result};
use dllm_model::{
	engine::{Engine, OrtEngine},
	entry::Head,
};

/// Rows that every way can be told apart with.
pub const MIN_ROWS: u32 = 16;
/// Rows whose logits are taken: those at the end, which see all others.
const LOGIT_ROWS: usize = 3;
/// Sizes of the pieces of [`Way::Chunks`]; the last one repeats.
const CHUNKS: [usize; 6] = [1, 2, 3, 5, 8, 7];

/// How rows arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
	/// All at once.
	Prefill,
	/// One by one.
	Tokens,
	/// In pieces of unlike size.
	Chunks,
	/// One by one and in pieces, between the rows of two other sessions.
	Strangers,
	/// After other rows that were taken back.
	Rollback,
	/// Through two engines, each with a part of the layers.
	Segments,
	/// Through the graph of standard operators, where the engine usually runs one of its own.
	Standard,
}

impl Way {
	/// All of them; the first is the one that the others are compared with.
	pub const ALL: [Self; 7] = [
		Self::Prefill,
		Self::Tokens,
		Self::Chunks,
		Self::Strangers,
		Self::Rollback,
		Self::Segments,
		Self::Standard,
	];

	/// Its name in a record.
	pub fn name(self) -> &'static str {
		match self {
			Self::Prefill => "prefill",
			Self::Tokens => "tokens",
			Self::Chunks => "chunks",
			Self::Strangers => "strangers",
			Self::Rollback => "rollback",
			Self::Segments => "segments",
			Self::Standard => "standard operators",
		}
	}
}

/// A loaded model: whole, and in two parts where it has two layers.
pub struct Engines {
	/// All layers.
	pub whole: OrtEngine,
	/// The same layers cut in two.
	pub parts: Option<[OrtEngine; 2]>,
	/// All layers in standard operators, where the profile has a form of its own beside them.
	pub standard: Option<OrtEngine>,
	/// Rows to logits.
	pub head: Head,
}

impl Engines {
	/// The ways that this profile has.
	pub fn ways(&self) -> impl Iterator<Item = Way> + '_ {
		let has = |way: &Way| *way != Way::Standard || self.standard.is_some();
		Way::ALL.into_iter().filter(has)
	}
}

/// What came out.
pub struct Output {
	/// Hidden rows, `[rows, hidden]`.
	pub rows: Vec<f32>,
	/// Logits of the last rows, `[LOGIT_ROWS, vocab]`.
	pub logits: Vec<f32>,
}

/// Sends `rows` that way.
pub fn send(engines: &Engines, way: Way, rows: &[f32]) -> Result<Output> {
	let whole = &engines.whole;
	let output = match way {
		Way::Prefill => pieces(whole, rows, rows.len())?,
		Way::Tokens => pieces(whole, rows, whole.hidden())?,
		Way::Chunks => chunks(whole, rows)?,
		Way::Strangers => strangers(whole, rows)?,
		Way::Rollback => rollback(whole, rows)?,
		Way::Segments => match &engines.parts {
			Some([first, second]) => {
				let between = pieces(first, rows, rows.len())?;
				pieces(second, &between, rows.len())?
			}
			None => pieces(whole, rows, rows.len())?,
		},
		Way::Standard => chunks(engines.standard.as_ref().unwrap_or(whole), rows)?,
	};
	ensure!(output.len() == rows.len(), "rows were lost");
	let last = &output[output.len() - LOGIT_ROWS * whole.hidden()..];
	let logits = match way {
		// A row must not notice the company that it has in the head either.
		Way::Tokens | Way::Strangers => one_by_one(&engines.head, last, whole.hidden())?,
		_ => engines.head.logits(last)?,
	};
	Ok(Output {
		rows: output,
		logits,
	})
}

fn one_by_one(head: &Head, rows: &[f32], width: usize) -> Result<Vec<f32>> {
	let mut logits = Vec::new();
	for row in rows.chunks(width) {
		logits.extend(head.logits(row)?);
	}
	Ok(logits)
}

/// A session that takes rows in pieces.
struct Session<'a> {
	engine: &'a OrtEngine,
	id: u64,
	position: u32,
	output: Vec<f32>,
}

impl<'a> Session<'a> {
	fn open(engine: &'a OrtEngine, id: u64, values: usize) -> Result<Self> {
		engine.open(id, (values / engine.hidden()) as u32)?;
		Ok(Self {
			engine,
			id,
			position: 0,
			output: Vec::new(),
		})
	}

	fn push(&mut self, rows: &[f32]) -> Result<()> {
		let count = rows.len() / self.engine.hidden();
		let output = match count {
			1 => self.engine.decode(self.id, self.position, rows)?,
			_ => self.engine.prefill(self.id, self.position, rows)?,
		};
		self.position += count as u32;
		self.output.extend(output);
		Ok(())
	}

	fn close(self) -> Vec<f32> {
		self.engine.close(self.id);
		self.output
	}
}

fn pieces(engine: &OrtEngine, rows: &[f32], values: usize) -> Result<Vec<f32>> {
	let mut session = Session::open(engine, 1, rows.len())?;
	for piece in rows.chunks(values) {
		session.push(piece)?;
	}
	Ok(session.close())
}

/// Cuts rows into [`CHUNKS`].
fn cut(rows: &[f32], width: usize) -> Vec<&[f32]> {
	let (mut left, mut cut) = (rows, Vec::new());
	let last = CHUNKS[CHUNKS.len() - 1];
	let sizes = CHUNKS.into_iter().chain(std::iter::repeat(last));
	for size in sizes {
		if left.is_empty() {
			break;
		}
		let (piece, rest) = left.split_at((size * width).min(left.len()));
		cut.push(piece);
		left = rest;
	}
	cut
}

fn chunks(engine: &OrtEngine, rows: &[f32]) -> Result<Vec<f32>> {
	let mut session = Session::open(engine, 1, rows.len())?;
	for piece in cut(rows, engine.hidden()) {
		session.push(piece)?;
	}
	Ok(session.close())
}

/// Rows of a stranger: other values, some of them far larger.
fn strange(rows: &[f32]) -> Vec<f32> {
	let spread = |at: usize| if at.is_multiple_of(13) { 9.0 } else { -1.5 };
	(0..)
		.zip(rows)
		.map(|(at, value)| value * spread(at) + 0.25)
		.collect()
}

fn strangers(engine: &OrtEngine, rows: &[f32]) -> Result<Vec<f32>> {
	let width = engine.hidden();
	let noise = strange(rows);
	let mut session = Session::open(engine, 1, rows.len())?;
	let mut longer = Session::open(engine, 2, rows.len())?;
	let mut shorter = Session::open(engine, 3, rows.len())?;
	for (number, (piece, other)) in cut(rows, width)
		.into_iter()
		.zip(cut(&noise, width))
		.enumerate()
	{
		longer.push(other)?;
		if number % 2 == 0 {
			for row in piece.chunks(width) {
				session.push(row)?;
				shorter.push(&noise[..width])?;
			}
		} else {
			session.push(piece)?;
		}
	}
	longer.close();
	shorter.close();
	Ok(session.close())
}

fn rollback(engine: &OrtEngine, rows: &[f32]) -> Result<Vec<f32>> {
	let width = engine.hidden();
	let (start, rest) = rows.split_at(rows.len() / width / 3 * width);
	let noise = strange(rest);
	let mut session = Session::open(engine, 1, rows.len())?;
	session.push(start)?;
	engine.prefill(session.id, session.position, &noise)?;
	engine.rollback(session.id, session.position)?;
	session.push(rest)?;
	Ok(session.close())
}
