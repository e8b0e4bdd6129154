//! A challenger that accuses at random: out of any place of a true trace, or one that it damages.

use crate::dice::Dice;
use dllm_primitives::{
	commitment::{merkle_path, merkle_top},
	dispute::{descent, players::Rows, Game, Mismatch, Move, State, Subject},
	trace::{
		layout::{Element, Layout, Step, BLOCK_BITS},
		opening::{open, Evidence},
		shape::LAYER,
		tree::siblings_of,
		Held,
	},
};

/// An accusation that fits what is awaited, or does not. None where no dispute is possible.
pub fn accusation(
	subject: &Subject,
	game: &Game,
	rows: &Rows,
	trace: &mut Held,
	dice: &mut Dice,
) -> Option<Move> {
	let layout = subject.layout().ok()?;
	match game.state {
		State::Choosing(_, true) if dice.below(10) == 0 => Some(demand(rows, dice)),
		State::Choosing(node, _) if dice.below(10) > 0 => {
			let bits = descent(&layout, node.bits);
			let index = dice.below(1 << bits);
			let height = layout.depth() - node.bits - bits;
			let from = node.place << bits;
			let siblings = siblings_of(bits, &[index], |above, place| {
				trace.trace_node(height + above, (node.place << (bits - above)) + place)
			});
			Some(Move::Choose {
				index: u16::try_from(index).ok()?,
				node: trace.trace_node(height, from + index),
				siblings,
			})
		}
		State::Claiming(step) if dice.below(10) > 0 => claim(subject, &layout, step, trace, dice),
		_ => Some(mismatch(&layout, rows, trace, dice)),
	}
}

fn demand(rows: &Rows, dice: &mut Dice) -> Move {
	let top = match dice.below(2) {
		0 => merkle_top(&rows.output).unwrap_or_default(),
		_ => dice.digest(),
	};
	Move::Demand {
		group: 0,
		top,
		path: Vec::new(),
	}
}

/// A claim about a value of the step, or about another; a third of them with a damaged opening.
fn claim(
	subject: &Subject,
	layout: &Layout,
	step: Step,
	trace: &mut Held,
	dice: &mut Dice,
) -> Option<Move> {
	let slot = layout.slot(step.slot)?;
	let width = slot.operator.width().bytes();
	let index = slot.from / width + dice.below((slot.bytes / width).into()) as u32;
	let at = match dice.below(8) {
		0 => any_element(layout, dice),
		_ => Element {
			row: step.row,
			layer: slot.layer,
			operator: slot.operator,
			index,
		},
	};
	let mut opening = open(layout, &subject.layers, at, trace).unwrap_or_default();
	if dice.below(3) == 0 && !opening.trace.blocks.is_empty() {
		let block = dice.place(opening.trace.blocks.len());
		let bytes = &mut opening.trace.blocks[block].1;
		let byte = dice.place(bytes.len());
		bytes[byte] ^= 1 << dice.below(8);
	}
	Some(Move::Claim { index, opening })
}

/// A pair of rows that are the same, or of which one is another row.
fn mismatch(layout: &Layout, rows: &Rows, trace: &mut Held, dice: &mut Dice) -> Move {
	let sent = dice.below(2) == 0;
	let row = dice.below(layout.rows.into()) as u32;
	let (slot, leaves) = match sent {
		true => (layout.output_slot(), &rows.output),
		false => (0, &rows.input),
	};
	let place = layout.place(Step { row, slot });
	let depth = layout.depth() - BLOCK_BITS;
	let siblings = siblings_of(depth, &[place], |height, place| {
		trace.trace_node(BLOCK_BITS + height, place)
	});
	let other = dice.below(layout.rows.into()) as u32;
	let leaf_row = match dice.below(2) {
		0 => row,
		_ => other,
	};
	Move::Mismatch(Mismatch {
		row,
		sent,
		step: trace.trace_node(BLOCK_BITS, place),
		siblings,
		leaf: leaves.get(leaf_row as usize).copied().unwrap_or_default(),
		path: merkle_path(leaves, leaf_row),
	})
}

/// A value of any operator, each as likely as another.
pub fn any_element(layout: &Layout, dice: &mut Dice) -> Element {
	let given = LAYER.into_iter().filter(|one| layout.elements(*one) > 0);
	let given = given.collect::<Vec<_>>();
	let operator = given[dice.place(given.len())];
	Element {
		row: dice.below(layout.rows.into()) as u32,
		layer: dice.below(layout.layers.into()) as u16,
		operator,
		index: dice.below(layout.elements(operator).into()) as u32,
	}
}
