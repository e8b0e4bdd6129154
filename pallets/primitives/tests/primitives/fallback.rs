//! The chain's own plan: it covers every layer with winners of different operators, each within what it won.

use crate::dice::Dice;
use dllm_primitives::{capacity::Won, cost::DeviceFigures, fallback::segments};
use std::collections::BTreeSet;

fn won(who: u8, operator: u8, slots: u32) -> Won<u8> {
	Won {
		who,
		operator,
		slots,
		price: 1,
		device: DeviceFigures {
			flops_per_second: 1,
			memory_bytes_per_second: 1,
			download_bytes_per_second: 1,
			failure_ppm: 0,
		},
	}
}

#[test]
fn whatever_it_makes_is_a_cover_by_winners() {
	let mut dice = Dice::new(21);
	let mut made = 0;
	for _ in 0..10_000 {
		let count = dice.below(12) as u8;
		let winners: Vec<_> = (0..count)
			.map(|who| won(who, dice.below(6) as u8, 1 + dice.below(8) as u32))
			.collect();
		let layers = 1 + dice.below(12) as u16;
		let replicas = 2 + dice.below(2) as u8;
		let Some(plan) = segments(layers, replicas, &winners) else {
			continue;
		};
		made += 1;
		let mut next = 0;
		let mut used = BTreeSet::new();
		for segment in &plan {
			assert_eq!(segment.layers.start, next);
			assert!(segment.layers.end > next);
			next = segment.layers.end;
			assert_eq!(segment.replicas.len(), usize::from(replicas));
			let mut operators = BTreeSet::new();
			for who in &segment.replicas {
				let winner = &winners[usize::from(*who)];
				assert!(winner.slots >= u32::from(segment.layers.len()));
				assert!(used.insert(*who) && operators.insert(winner.operator));
			}
		}
		assert_eq!(next, layers);
	}
	assert!(made > 1_000, "{made} plans");
}

/// Winners of one size that the layers are a multiple of always make a plan.
#[test]
fn covers_with_equal_winners() {
	let winners: Vec<_> = (0..6).map(|who| won(who, who, 4)).collect();
	let plan = segments(12, 2, &winners).expect("six winners of four layers suffice");
	let groups: Vec<_> = plan
		.iter()
		.map(|segment| segment.replicas.to_vec())
		.collect();
	assert_eq!(groups, [[0, 1], [2, 3], [4, 5]]);
	assert_eq!(segments(13, 2, &winners), None);
	assert_eq!(segments(12, 4, &winners), None);
}

#[test]
fn the_largest_come_first_and_operators_never_meet() {
	let winners = [
		won(0, 0, 1),
		won(1, 1, 5),
		won(2, 1, 4),
		won(3, 2, 3),
		won(4, 3, 2),
	];
	let plan = segments(5, 2, &winners).expect("suffices");
	let groups: Vec<_> = plan
		.iter()
		.map(|segment| (segment.layers.end, segment.replicas.to_vec()))
		.collect();
	assert_eq!(groups, [(3, vec![1, 3]), (5, vec![2, 4])]);
}
