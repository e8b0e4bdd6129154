//! Traces: what is right is proved right, what is not cannot be opened, and no claim is too long.

use crate::{
	dice::Dice,
	traces::{case, constants, elements, Case},
};
use codec::Encode;
use dllm_primitives::{
	commitment::{merkle_path, merkle_root, merkle_root_of, merkle_top},
	ids::Digest,
	trace::{
		layout::{Element, Layout, BLOCK_BITS, BLOCK_BYTES},
		opening::{open, Blocks, Evidence, Opening, Unproven, MAX_BYTES},
		shape::{Operator, Projection, Shape, LAYER, MAX_HIDDEN, MAX_INPUTS, MAX_ROWS},
		tree::{root, root_of, siblings_of, Tree},
		weights::{self, Weight},
		Held, Layer,
	},
};
use std::{collections::BTreeMap, sync::Arc, time::Instant};

fn judge(case: &Case, at: Element, opening: &Opening) -> Result<bool, Unproven> {
	let Case {
		subject,
		binding,
		trace,
		..
	} = case;
	opening.is_right(&trace.layout, &subject.layers, binding, trace.root(), at)
}

fn opened(case: &mut Case, at: Element) -> Opening {
	let layout = case.trace.layout.clone();
	open(&layout, &case.subject.layers, at, &mut case.trace).unwrap()
}

#[test]
fn every_value_of_an_honest_trace_is_right() {
	let mut case = case(4, &[u32::MAX, 2], 1);
	for at in elements(&case.trace.layout.clone()) {
		let opening = opened(&mut case, at);
		assert_eq!(judge(&case, at, &opening), Ok(true), "{at:?}");
	}
}

#[test]
fn another_value_is_wrong_wherever_it_stands() {
	let mut case = case(4, &[u32::MAX, 2], 2);
	let layout = case.trace.layout.clone();
	let mut random = Dice::new(3);
	for at in elements(&layout) {
		let width = at.operator.width().bytes();
		let byte = at.index * width + random.below(width.into()) as u32;
		let (place, offset) = layout.leaf(at.row, at.layer, at.operator, byte);
		let bit = 1 << random.below(8);
		let block = case.trace.trace(place).unwrap().to_vec();
		let offset = offset as usize;
		let binding = case.binding;
		let lie = block[offset] ^ bit;
		case.trace.set(&binding, place, offset, lie).unwrap();
		let opening = opened(&mut case, at);
		assert_eq!(judge(&case, at, &opening), Ok(false), "{at:?}");
		case.trace.set(&binding, place, offset, block[offset]);
	}
}

#[test]
fn a_changed_opening_leads_nowhere() {
	let mut case = case(5, &[u32::MAX, 3], 4);
	let all = elements(&case.trace.layout.clone());
	let mut random = Dice::new(5);
	for _ in 0..1_000 {
		let at = all[random.below(all.len() as u64) as usize];
		let mut opening = opened(&mut case, at);
		let of_trace = opening.weights.blocks.is_empty() || random.below(2) == 0;
		let (leaves, expected) = match of_trace {
			true => (&mut opening.trace, Unproven::Trace),
			false => (&mut opening.weights, Unproven::Weights),
		};
		let block = random.below(leaves.blocks.len() as u64) as usize;
		let bytes = &mut leaves.blocks[block].1;
		let byte = random.below(bytes.len() as u64) as usize;
		bytes[byte] ^= 1 << random.below(8);
		assert_eq!(judge(&case, at, &opening), Err(expected), "{at:?}");
	}
}

#[test]
fn an_opening_without_a_block_proves_nothing() {
	let mut case = case(3, &[u32::MAX], 6);
	for at in elements(&case.trace.layout.clone()) {
		let mut opening = opened(&mut case, at);
		opening.trace.blocks.pop();
		assert!(judge(&case, at, &opening).is_err(), "{at:?}");
	}
	let at = elements(&case.trace.layout)[0];
	let opening = opened(&mut case, at);
	let other = Element {
		row: at.row + 1,
		..at
	};
	assert_eq!(judge(&case, other, &opening), Err(Unproven::Missing));
	let mut long = opening;
	long.trace.siblings = vec![Some(Digest::zero()); MAX_BYTES / 33 + 1];
	assert_eq!(judge(&case, at, &long), Err(Unproven::TooLong));
}

/// Blocks full of one byte and digests out of nothing: a trace of any size, to measure openings.
struct Endless {
	layout: Layout,
	block: Vec<u8>,
	whole: Vec<u8>,
}

impl Blocks for Endless {
	fn trace(&mut self, place: u64) -> Option<&[u8]> {
		let step = self.layout.step(place >> BLOCK_BITS)?;
		let slot = self.layout.slot(step.slot)?;
		Some(match self.layout.is_whole(slot.layer, slot.operator) {
			true => &self.whole,
			false => &self.block,
		})
	}

	fn weights(&mut self, _: u16, _: u64) -> Option<&[u8]> {
		Some(&self.block)
	}
}

impl Evidence for Endless {
	fn trace_node(&mut self, _: u32, _: u64) -> Digest {
		Digest::repeat_byte(1)
	}

	fn weights_node(&mut self, _: u16, _: u32, _: u64) -> Digest {
		Digest::repeat_byte(1)
	}
}

/// The largest shape, longest trace and last row, every operator: nothing is known to be zero.
#[test]
fn no_opening_is_too_long() {
	let shape = Shape {
		hidden: MAX_HIDDEN,
		heads: 56,
		kv_heads: 56,
		head_dim: 256,
		inner: MAX_INPUTS,
		bias: true,
		head_norm: true,
		epsilon: 0,
		factor: 0,
	};
	let layers = [Layer {
		window: u32::MAX,
		weights: Digest::zero(),
	}; 2];
	let layout = Layout::new(shape, 2, MAX_ROWS).unwrap();
	let mut endless = Endless {
		layout: layout.clone(),
		block: vec![1; BLOCK_BYTES as usize],
		whole: vec![1; 4 * MAX_HIDDEN as usize],
	};
	let mut largest = (0, None);
	for layer in 0..2 {
		for operator in LAYER {
			let count = layout.elements(operator);
			for index in [0, count / 2, count - 1] {
				let at = Element {
					row: MAX_ROWS - 1,
					layer,
					operator,
					index,
				};
				let opening = open(&layout, &layers, at, &mut endless).unwrap();
				largest = largest.max((opening.encoded_size(), Some(format!("{at:?}"))));
			}
		}
	}
	println!("largest opening: {largest:?}");
	assert!(largest.0 <= MAX_BYTES, "{largest:?}");
	assert!(Layout::new(shape, 2, MAX_ROWS + 1).is_none());
	let wider = Shape {
		hidden: MAX_HIDDEN + 2,
		..shape
	};
	assert!(Layout::new(wider, 2, 1).is_none());
}

/// The longest product of all: 14,336 codes by 14,336, against a sum made here.
#[test]
fn the_longest_product_is_judged() {
	let shape = Shape {
		hidden: 8,
		heads: 1,
		kv_heads: 1,
		head_dim: 2,
		inner: MAX_INPUTS,
		bias: false,
		head_norm: false,
		epsilon: 0,
		factor: 0,
	};
	let mut random = Dice::new(8);
	let constants = Arc::new(constants(&shape, 1, &mut random));
	let layer = Layer {
		window: u32::MAX,
		weights: constants.root(),
	};
	let layout = Layout::new(shape, 1, 1).unwrap();
	let mut trace = Held::new(layout.clone(), vec![constants]);
	let codes = (0..MAX_INPUTS).map(|_| random.below(255) as u8);
	let codes = codes.collect::<Vec<_>>();
	let output = 5;
	let kind = Weight::Codes(Projection::Down);
	let stride = u64::from(kind.stride(&shape).unwrap());
	let weight = |trace: &mut Held, input: usize| {
		let byte = output * stride + input as u64;
		let (place, offset) = weights::leaf(&shape, kind, byte);
		i64::from(trace.weights(0, place).unwrap()[offset as usize] as i8)
	};
	let sum = (0..codes.len())
		.map(|input| i64::from(codes[input] as i8) * weight(&mut trace, input))
		.sum::<i64>();
	let sums = (0..shape.hidden).flat_map(|_| (sum as i32).to_le_bytes());
	let sums = sums.collect::<Vec<_>>();
	trace.put(0, 0, Operator::Codes(Projection::Down), &codes);
	trace.put(0, 0, Operator::Sums(Projection::Down), &sums);
	let binding = case(1, &[u32::MAX], 1).binding;
	trace.bind(&binding);
	let layers = [layer];
	let judge = |trace: &mut Held, index: u32| {
		let at = Element {
			row: 0,
			layer: 0,
			operator: Operator::Sums(Projection::Down),
			index,
		};
		let opening = open(&layout, &layers, at, trace).unwrap();
		let start = Instant::now();
		let judged = opening.is_right(&layout, &layers, &binding, trace.root(), at);
		println!(
			"{} bytes, judged in {} µs",
			opening.encoded_size(),
			start.elapsed().as_micros()
		);
		judged
	};
	assert_eq!(judge(&mut trace, output as u32), Ok(true));
	assert_eq!(judge(&mut trace, output as u32 - 1), Ok(false));
}

#[test]
fn a_leaf_opens_at_its_own_place_only() {
	let digest = |n: u64| Digest::from_low_u64_be(n + 1);
	for (depth, used) in [(0, 1), (3, 5), (4, 16)] {
		let leaves = (0..used).map(digest).collect::<Vec<_>>();
		let tree = Tree::new(
			depth,
			(0..used).zip(leaves.clone()).collect::<BTreeMap<_, _>>(),
		);
		assert_eq!(tree.root(), root(depth, &leaves));
		for place in 0..used {
			let siblings = siblings_of(depth, &[place], |height, at| tree.node(height, at));
			for claimed in 0..1 << depth {
				let led = root_of(depth, &[(claimed, digest(place))], &siblings);
				assert_eq!(led == Some(tree.root()), claimed == place);
			}
		}
		let twice = [(0, digest(0)), (0, digest(0))];
		assert_eq!(root_of(depth, &twice, &Vec::new()), None);
		assert_eq!(
			root_of(depth, &[(1 << depth, digest(0))], &Vec::new()),
			None
		);
		let mut other = tree.clone();
		other.set(used - 1, digest(99));
		assert_ne!(other.root(), tree.root());
		other.set(used - 1, digest(used - 1));
		assert_eq!(other.root(), tree.root());
	}
}

#[test]
fn rows_lead_to_their_root() {
	let digest = |n: u32| Digest::from_low_u64_be(u64::from(n) + 1);
	for count in 1..40 {
		let leaves = (0..count).map(digest).collect::<Vec<_>>();
		for index in 0..count {
			let path = merkle_path(&leaves, index);
			let led = merkle_root_of(digest(index), index, count, &path);
			assert_eq!(led, Some(merkle_root(&leaves)));
			let longer = [&path[..], &[digest(0)]].concat();
			assert_eq!(merkle_root_of(digest(index), index, count, &longer), None);
			let other = (index + 1) % count;
			let led = merkle_root_of(digest(index), other, count, &path);
			assert!(other == index || led != Some(merkle_root(&leaves)));
		}
		assert_eq!(merkle_root_of(digest(0), count, count, &[]), None);
	}
}

/// What the defender of a long session shows of its committed rows.
#[test]
fn groups_of_rows_are_whole_subtrees() {
	const GROUP: u32 = 1 << 3;
	let digest = |n: u32| Digest::from_low_u64_be(u64::from(n) + 1);
	for count in 1..=3 * GROUP {
		let leaves = (0..count).map(digest).collect::<Vec<_>>();
		let groups = leaves.chunks(GROUP as usize);
		let tops = groups.clone().map(|group| merkle_top(group).unwrap());
		let tops = tops.collect::<Vec<_>>();
		assert_eq!(merkle_top(&tops), merkle_top(&leaves));
		for (number, group) in (0..).zip(groups) {
			for within in 0..group.len() as u32 {
				let mut path = merkle_path(group, within);
				path.extend(merkle_path(&tops, number));
				let index = number * GROUP + within;
				let led = merkle_root_of(digest(index), index, count, &path);
				assert_eq!(led, Some(merkle_root(&leaves)));
			}
		}
	}
}
