//! The game: whoever is honest wins, whatever the other does.

use crate::{
	dice::Dice,
	traces::{bound, case, compute, elements, Case, Owner},
};
use dllm_primitives::{
	dispute::{
		descent,
		players::{defend, Challenger, Rows},
		Game, Mismatch, Move, Outcome, Refusal, Side, State, Subject,
	},
	ids::Digest,
	trace::{
		layout::{Element, Layout, Step, BLOCK_BITS},
		opening::{open, Blocks, Evidence},
		shape::Shape,
		tree::siblings_of,
		Held,
	},
};
use std::collections::BTreeMap;

/// Disputes of each kind.
const DISPUTES: u64 = 50_000;
/// Moves of both sides after which a game must be over.
const MOVES: usize = 12;

/// How a cheating defender plays, besides its trace.
#[derive(Clone, Copy, PartialEq)]
enum Manners {
	/// As an honest one would.
	Smooth,
	/// Under another key of the rows.
	OtherKey,
	/// Damages one message, then says nothing.
	Damaged(u64),
}

/// Plays an honest challenger against a defender with these rows and this trace.
fn challenged(
	subject: &Subject,
	honest: (&Rows, &mut Held),
	cheating: (&Rows, &mut Held),
	manners: Manners,
	random: &mut Dice,
) -> (Outcome, usize) {
	let mut game = Game::new(subject).unwrap();
	let mut challenger = Challenger::new(subject, honest.0, honest.1).unwrap();
	for moves in 0..MOVES {
		let before = game.state;
		let Some(mut made) = defend(subject, &game, cheating.0, cheating.1) else {
			return (game.silence(), moves);
		};
		if manners == Manners::Damaged(moves as u64) {
			damage(&mut made, random);
		}
		if let (Manners::OtherKey, Move::Trace { job_key, .. }) = (manners, &mut made) {
			job_key[0] ^= 1;
		}
		if game.play(subject, &made).is_err() {
			return (game.silence(), moves);
		}
		let answer = challenger.answer(&before, &game, &made);
		let answer = answer.unwrap_or_else(|| panic!("no answer to {:?}", game.state));
		game.play(subject, &answer)
			.unwrap_or_else(|refusal| panic!("{refusal:?} of {answer:?}"));
		if let Some(outcome) = game.outcome() {
			return (outcome, moves + 1);
		}
	}
	panic!("no end in {MOVES} moves");
}

/// Changes one digest or byte.
fn damage(made: &mut Move, random: &mut Dice) {
	match made {
		Move::Trace { nodes, .. } | Move::Nodes(nodes) => {
			let at = random.below(nodes.len() as u64) as usize;
			nodes[at] = Digest::from_low_u64_be(random.next());
		}
		Move::Step(bytes) => {
			let at = random.below(bytes.len() as u64) as usize;
			bytes[at] ^= 1;
		}
		Move::Rows(rows) => rows.clear(),
		_ => {}
	}
}

/// Cheaters whose lie was carried on by the rules to the rows that they committed to.
fn liars(truth: &Case, count: u64) -> Vec<Case> {
	let all = elements(&truth.trace.layout);
	let mut random = Dice::new(21);
	let mut made = Vec::new();
	while (made.len() as u64) < count {
		let at = all[random.below(all.len() as u64) as usize];
		let mut trace = truth.trace.clone();
		let lie = (random.next() as i64) >> (64 - 8 * at.operator.width().bytes().min(4));
		compute(&mut trace, &truth.subject.layers, Some((at, lie)));
		let case = bound(Owner::any(), trace, truth.subject.layers.clone());
		if case.trace.root() != truth.trace.root() {
			made.push(case);
		}
	}
	made
}

#[test]
fn an_honest_challenger_always_wins() {
	let mut truth = case(9, &[u32::MAX, 3], 20);
	let mut liars = liars(&truth, 60);
	let places = truth.trace.places().collect::<Vec<_>>();
	let mut random = Dice::new(22);
	let mut endings = BTreeMap::<usize, u32>::new();
	for round in 0..DISPUTES {
		let manners = match random.below(10) {
			0 => Manners::OtherKey,
			1 => Manners::Damaged(random.below(3)),
			_ => Manners::Smooth,
		};
		let honest = (&truth.rows, &mut truth.trace);
		let (outcome, moves) = if round % 3 == 0 {
			let liar = random.below(liars.len() as u64) as usize;
			let liar = &mut liars[liar];
			let cheating = (&liar.rows, &mut liar.trace);
			challenged(&liar.subject, honest, cheating, manners, &mut random)
		} else {
			let mut trace = honest.1.clone();
			let mut rows = truth.rows.clone();
			let mut subject = truth.subject.clone();
			if round % 3 == 1 {
				let (place, bytes) = places[random.below(places.len() as u64) as usize];
				let byte = random.below(bytes as u64) as usize;
				let was = trace.trace(place).unwrap()[byte];
				let lie = was ^ (1 + random.below(255)) as u8;
				trace.set(&truth.binding, place, byte, lie).unwrap();
			} else {
				let row = random.below(rows.output.len() as u64) as usize;
				rows.output[row] = Digest::from_low_u64_be(random.next());
				subject.output = dllm_primitives::commitment::merkle_root(&rows.output);
			}
			challenged(&subject, honest, (&rows, &mut trace), manners, &mut random)
		};
		assert_eq!(outcome, Outcome::Convicted, "dispute {round}");
		*endings.entry(moves).or_default() += 1;
	}
	println!("disputes by rounds: {endings:?}");
	assert!(endings.keys().all(|rounds| *rounds <= 3), "{endings:?}");
}

/// A move out of a random place of a true trace, or one that is damaged.
fn accusation(case: &mut Case, game: &Game, all: &[Element], random: &mut Dice) -> Move {
	let layout = case.trace.layout.clone();
	match game.state {
		State::Choosing(node, first) if random.below(10) > 0 => {
			if first && random.below(8) == 0 {
				let top = Digest::from_low_u64_be(random.next());
				let top = match random.below(2) {
					0 => top,
					_ => dllm_primitives::commitment::merkle_top(&case.rows.output).unwrap(),
				};
				return Move::Demand {
					group: 0,
					top,
					path: Vec::new(),
				};
			}
			let bits = descent(&layout, node.bits);
			let index = random.below(1 << bits);
			let height = layout.depth() - node.bits - bits;
			let from = node.place << bits;
			let siblings = siblings_of(bits, &[index], |above, place| {
				let place = (node.place << (bits - above)) + place;
				case.trace.trace_node(height + above, place)
			});
			Move::Choose {
				index: index as u16,
				node: case.trace.trace_node(height, from + index),
				siblings,
			}
		}
		State::Claiming(step) if random.below(10) > 0 => {
			let slot = layout.slot(step.slot).unwrap();
			let width = slot.operator.width().bytes();
			let index = slot.from / width + random.below((slot.bytes / width).into()) as u32;
			let at = Element {
				row: step.row,
				layer: slot.layer,
				operator: slot.operator,
				index,
			};
			let at = match random.below(8) {
				0 => all[random.below(all.len() as u64) as usize],
				_ => at,
			};
			let opening = open(&layout, &case.subject.layers, at, &mut case.trace);
			let mut opening = opening.unwrap_or_default();
			if random.below(3) == 0 && !opening.trace.blocks.is_empty() {
				let block = random.below(opening.trace.blocks.len() as u64) as usize;
				let bytes = &mut opening.trace.blocks[block].1;
				let byte = random.below(bytes.len() as u64) as usize;
				bytes[byte] ^= 1 << random.below(8);
			}
			Move::Claim { index, opening }
		}
		_ => mismatch(case, random),
	}
}

/// A pair of rows that are the same, or of which one is another row.
fn mismatch(case: &mut Case, random: &mut Dice) -> Move {
	let layout = case.trace.layout.clone();
	let sent = random.below(2) == 0;
	let row = random.below(layout.rows.into()) as u32;
	let slot = match sent {
		true => layout.output_slot(),
		false => 0,
	};
	let place = layout.place(Step { row, slot });
	let depth = layout.depth() - BLOCK_BITS;
	let siblings = siblings_of(depth, &[place], |height, place| {
		case.trace.trace_node(BLOCK_BITS + height, place)
	});
	let leaves = match sent {
		true => &case.rows.output,
		false => &case.rows.input,
	};
	let other = random.below(layout.rows.into()) as u32;
	let leaf_row = match random.below(2) {
		0 => row,
		_ => other,
	};
	Move::Mismatch(Mismatch {
		row,
		sent,
		step: case.trace.trace_node(BLOCK_BITS, place),
		siblings,
		leaf: leaves[leaf_row as usize],
		path: dllm_primitives::commitment::merkle_path(leaves, leaf_row),
	})
}

#[test]
fn an_honest_defender_is_never_convicted() {
	let mut truth = case(9, &[u32::MAX, 3], 30);
	let all = elements(&truth.trace.layout);
	let mut random = Dice::new(31);
	let mut claims = 0;
	for dispute in 0..DISPUTES {
		let subject = truth.subject.clone();
		let rows = truth.rows.clone();
		let mut game = Game::new(&subject).unwrap();
		let mut refused = 0;
		while game.outcome().is_none() {
			if game.turn() == Some(Side::Defender) {
				let made = defend(&subject, &game, &rows, &mut truth.trace).unwrap();
				game.play(&subject, &made).unwrap();
				continue;
			}
			let made = accusation(&mut truth, &game, &all, &mut random);
			if game.play(&subject, &made).is_err() {
				refused += 1;
			} else if matches!(made, Move::Claim { .. }) {
				claims += 1;
			}
			if refused == 4 {
				game.silence();
			}
		}
		assert_eq!(
			game.outcome(),
			Some(Outcome::Dismissed),
			"dispute {dispute}"
		);
	}
	// Claims that were judged, not only refused.
	println!("{claims} claims were judged");
	assert!(claims > DISPUTES / 20);
}

#[test]
fn who_is_silent_loses() {
	let mut truth = case(3, &[u32::MAX], 40);
	let subject = truth.subject.clone();
	let mut game = Game::new(&subject).unwrap();
	assert_eq!(
		(game.turn(), game.clone().silence()),
		(Some(Side::Defender), Outcome::Convicted)
	);
	let made = defend(&subject, &game, &truth.rows, &mut truth.trace).unwrap();
	game.play(&subject, &made).unwrap();
	assert_eq!(game.turn(), Some(Side::Challenger));
	assert_eq!(game.play(&subject, &made), Err(Refusal::NotAwaited));
	assert_eq!(game.silence(), Outcome::Dismissed);
	assert_eq!((game.turn(), game.silence()), (None, Outcome::Dismissed));
	assert_eq!(game.play(&subject, &made), Err(Refusal::NotAwaited));
}

#[test]
fn what_does_not_exist_cannot_be_asked_for() {
	let mut truth = case(3, &[u32::MAX], 41);
	let subject = truth.subject.clone();
	let layout = subject.layout().unwrap();
	let mut game = Game::new(&subject).unwrap();
	let made = defend(&subject, &game, &truth.rows, &mut truth.trace).unwrap();
	game.play(&subject, &made).unwrap();
	let bits = descent(&layout, 0);
	let height = layout.depth() - bits;
	let last = (1 << bits) - 1;
	let siblings = siblings_of(bits, &[last], |above, place| {
		truth.trace.trace_node(height + above, place)
	});
	let choose = |node| Move::Choose {
		index: last as u16,
		node,
		siblings: siblings.clone(),
	};
	assert_eq!(
		game.play(&subject, &choose(Digest::zero())),
		Err(Refusal::NotThere)
	);
	let other = choose(Digest::repeat_byte(1));
	assert_eq!(game.play(&subject, &other), Err(Refusal::NotLeading));
}

/// Else a defender could lead a challenger to where nothing differs.
#[test]
fn what_does_not_exist_cannot_be_shown() {
	let mut truth = case(9, &[u32::MAX, 3], 43);
	let subject = truth.subject.clone();
	let game = Game::new(&subject).unwrap();
	let made = defend(&subject, &game, &truth.rows, &mut truth.trace).unwrap();
	let Move::Trace {
		job_key,
		groups,
		nodes,
	} = made
	else {
		panic!("{made:?}");
	};
	let played = |nodes: Vec<Digest>, groups: Vec<Digest>| {
		let mut game = game;
		let made = Move::Trace {
			job_key,
			groups,
			nodes,
		};
		game.play(&subject, &made)
	};
	assert_eq!(played(nodes.clone(), groups.clone()), Ok(()));
	let mut stray = nodes.clone();
	*stray.last_mut().unwrap() = Digest::repeat_byte(1);
	assert_eq!(played(stray, groups.clone()), Err(Refusal::NotThere));
	let shorter = nodes[1..].to_vec();
	assert_eq!(played(shorter, groups.clone()), Err(Refusal::WrongLength));
	let other = vec![Digest::repeat_byte(1)];
	assert_eq!(played(nodes.clone(), other), Err(Refusal::NotLeading));
	assert_eq!(played(nodes, Vec::new()), Err(Refusal::WrongLength));
}

#[test]
fn a_segment_without_a_layer_or_with_too_wide_rows_is_not_disputable() {
	let truth = case(3, &[u32::MAX], 42);
	let shape = Shape {
		inner: 14_337,
		..truth.subject.shape
	};
	let refused = [
		Subject {
			layers: Vec::new(),
			..truth.subject.clone()
		},
		Subject {
			stage: 0,
			..truth.subject.clone()
		},
		Subject {
			shape,
			..truth.subject.clone()
		},
		Subject {
			rows: 0,
			..truth.subject
		},
	];
	for subject in refused {
		assert_eq!(Game::new(&subject), Err(Refusal::NotDisputable));
	}
}

/// A window of 512 rows of eight layers of a model of eight billion weights takes three rounds, and
/// messages of rows and steps.
#[test]
fn a_real_segment_takes_three_rounds() {
	let shape = Shape {
		hidden: 4_096,
		heads: 32,
		kv_heads: 8,
		head_dim: 128,
		inner: 14_336,
		bias: false,
		head_norm: false,
		epsilon: 0,
		factor: 0,
	};
	let layout = Layout::new(shape, 8, 512).unwrap();
	let rows = descent(&layout, 0);
	assert_eq!(rows, layout.row_bits());
	assert_eq!(descent(&layout, rows), layout.step_bits());
	println!("{} steps of a row", layout.steps());
	let longest = Layout::new(shape, 126, 8_192).unwrap();
	let mut known = 0;
	let mut levels = 0;
	while known < longest.row_bits() + longest.step_bits() {
		known += descent(&longest, known);
		levels += 1;
	}
	assert_eq!(
		(known, levels),
		(longest.row_bits() + longest.step_bits(), 3)
	);
}
