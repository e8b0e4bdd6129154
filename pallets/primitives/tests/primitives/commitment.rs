//! Digests: every input changes them, and none can stand for another.

use codec::Encode;
use dllm_primitives::{
	commitment::{
		commitment, merkle_root, result_hash, roots_hash, row_key, row_leaf, shards_root,
		GrowingRoot, Opening, Roots,
	},
	ids::Digest,
};
use proptest::{array::uniform32, collection::vec, prelude::*};
use std::collections::BTreeSet;

fn digest() -> impl Strategy<Value = Digest> {
	uniform32(any::<u8>()).prop_map(Digest::from)
}

fn roots() -> impl Strategy<Value = Roots> {
	(
		digest(),
		digest(),
		digest(),
		digest(),
		digest(),
		any::<u32>(),
	)
		.prop_map(|(class, weights, input, output, result, rows)| Roots {
			class,
			weights,
			input,
			output,
			result,
			rows,
		})
}

fn opening() -> impl Strategy<Value = Opening> {
	(digest(), roots()).prop_map(|(salt, roots)| Opening { salt, roots })
}

/// The digest with one bit changed.
fn flipped(digest: Digest, bit: u8) -> Digest {
	let mut bytes = digest.0;
	bytes[usize::from(bit) / 8] ^= 1 << (bit % 8);
	bytes.into()
}

proptest! {
	#[test]
	fn a_commitment_is_bound_to_all_that_it_is_about(
		job: u64,
		stage: u8,
		worker in uniform32(any::<u8>()),
		opening in opening(),
		bit: u8,
	) {
		let truth = commitment(job, stage, &worker, &opening);
		prop_assert_eq!(truth, commitment(job, stage, &worker, &opening));

		let mut others = BTreeSet::new();
		others.insert(commitment(job ^ 1 << (bit % 64), stage, &worker, &opening));
		others.insert(commitment(job, stage ^ 1 << (bit % 8), &worker, &opening));
		others.insert(commitment(job, stage, flipped(worker.into(), bit).as_bytes(), &opening));
		others.insert(commitment(job, stage, &worker[..31], &opening));
		let Opening { salt, roots } = opening;
		others.insert(commitment(job, stage, &worker, &Opening { salt: flipped(salt, bit), roots }));
		for spoil in spoiled(roots, bit) {
			others.insert(commitment(job, stage, &worker, &Opening { salt, roots: spoil }));
		}
		prop_assert_eq!(others.len(), 5 + 6);
		prop_assert!(!others.contains(&truth));
		prop_assert!(!others.contains(&roots_hash(&roots)) && roots_hash(&roots) != truth);
	}

	#[test]
	fn roots_are_told_apart_by_every_part(roots in roots(), bit: u8) {
		let others: BTreeSet<_> = spoiled(roots, bit).iter().map(roots_hash).collect();
		prop_assert_eq!(others.len(), 6);
		prop_assert!(!others.contains(&roots_hash(&roots)));
	}

	#[test]
	fn a_row_is_bound_to_its_place(
		key in uniform32(any::<u8>()),
		job: u64,
		boundary: u8,
		position: u32,
		wire in vec(any::<u8>(), 1..256),
		bit: u8,
	) {
		let leaf = row_leaf(&key, job, boundary, position, &wire);
		let mut altered = wire.clone();
		altered[0] ^= 1 << (bit % 8);
		let others = BTreeSet::from([
			row_leaf(&flipped(key.into(), bit).0, job, boundary, position, &wire),
			row_leaf(&key, job ^ 1 << (bit % 64), boundary, position, &wire),
			row_leaf(&key, job, boundary ^ 1 << (bit % 8), position, &wire),
			row_leaf(&key, job, boundary, position ^ 1 << (bit % 32), &wire),
			row_leaf(&key, job, boundary, position, &altered),
			row_leaf(&key, job, boundary, position, &wire[1..]),
			Digest::from(row_key(&key, boundary, position)),
		]);
		prop_assert_eq!(others.len(), 7);
		prop_assert!(!others.contains(&leaf));
	}

	#[test]
	fn a_tree_is_told_apart_by_every_leaf_and_their_number(
		leaves in vec(digest(), 1..40),
		at in any::<prop::sample::Index>(),
		bit: u8,
	) {
		let root = merkle_root(&leaves);
		prop_assert_eq!(root, merkle_root(&leaves));
		let mut altered = leaves.clone();
		let at = at.index(leaves.len());
		altered[at] = flipped(altered[at], bit);
		prop_assert_ne!(root, merkle_root(&altered));

		let mut longer = leaves.clone();
		longer.push(leaves[leaves.len() - 1]);
		prop_assert_ne!(root, merkle_root(&longer));
		prop_assert_ne!(root, merkle_root(&leaves[1..]));
		prop_assert_ne!(root, leaves[0]);
		// A root is no leaf: a tree cannot be grafted into another.
		prop_assert_ne!(root, merkle_root(&[root]));
	}

	#[test]
	fn a_root_that_grows_is_that_of_the_leaves_so_far(leaves in vec(digest(), 0..80)) {
		let mut growing = GrowingRoot::default();
		for so_far in 0..=leaves.len() {
			prop_assert_eq!(growing.root(), merkle_root(&leaves[..so_far]));
			if let Some(leaf) = leaves.get(so_far) {
				growing.push(*leaf);
			}
		}
	}

	#[test]
	fn a_tree_is_told_apart_by_the_order_of_its_leaves(leaves in vec(digest(), 2..40)) {
		let mut turned = leaves.clone();
		turned.reverse();
		prop_assume!(turned != leaves);
		prop_assert_ne!(merkle_root(&leaves), merkle_root(&turned));
	}

	#[test]
	fn shards_and_tokens_are_told_apart_by_order_and_number(
		shards in vec(digest(), 2..20),
		tokens in 1..u32::MAX,
		reply in vec(any::<u8>(), 2..20),
	) {
		prop_assume!(shards[0] != shards[1]);
		let mut shards_turned = shards.clone();
		shards_turned.swap(0, 1);
		let digests = BTreeSet::from([
			shards_root(&shards),
			shards_root(&shards_turned),
			shards_root(&shards[1..]),
			result_hash(tokens, &reply),
			result_hash(tokens - 1, &reply),
			result_hash(tokens, &reply[1..]),
		]);
		prop_assert_eq!(digests.len(), 6);
	}
}

/// The roots, each with another part spoiled.
fn spoiled(roots: Roots, bit: u8) -> [Roots; 6] {
	[
		Roots {
			class: flipped(roots.class, bit),
			..roots
		},
		Roots {
			weights: flipped(roots.weights, bit),
			..roots
		},
		Roots {
			input: flipped(roots.input, bit),
			..roots
		},
		Roots {
			output: flipped(roots.output, bit),
			..roots
		},
		Roots {
			result: flipped(roots.result, bit),
			..roots
		},
		Roots {
			rows: roots.rows ^ 1 << (bit % 32),
			..roots
		},
	]
}

#[test]
fn digests_of_nothing_differ_by_what_they_are_of() {
	let empty: [Digest; 0] = [];
	let digests = BTreeSet::from([
		merkle_root(&[]),
		shards_root(&empty),
		result_hash(0, &[]),
		roots_hash(&Roots::default()),
		commitment(0, 0, &[], &Opening::default()),
		row_leaf(&[0; 32], 0, 0, 0, &[]),
		Digest::from(row_key(&[0; 32], 0, 0)),
	]);
	assert_eq!(digests.len(), 7);
	assert!(merkle_root(&[]).is_zero());
}

#[test]
fn a_lonely_leaf_moves_up_but_its_tree_knows_its_size() {
	let leaf = Digest::repeat_byte;
	let three = merkle_root(&[leaf(1), leaf(2), leaf(3)]);
	let four = merkle_root(&[leaf(1), leaf(2), leaf(3), leaf(3)]);
	assert_ne!(three, four);
	let same: BTreeSet<_> = (1..20)
		.map(|len| merkle_root(&vec![leaf(7); len]))
		.collect();
	assert_eq!(same.len(), 19);
}

#[test]
fn an_inner_node_is_no_leaf() {
	let leaf = Digest::repeat_byte;
	let node = blake3::hash(&[b"dllm/node/v1".as_slice(), &[1; 32], &[2; 32]].concat());
	let grafted = [Digest::from(*node.as_bytes()), leaf(3)];
	assert_ne!(
		merkle_root(&grafted),
		merkle_root(&[leaf(1), leaf(2), leaf(3)])
	);
}

#[test]
fn an_account_is_named_by_its_scale_encoding() {
	let account = sp_runtime::AccountId32::new([7; 32]);
	let opening = Opening::default();
	assert_eq!(
		commitment(1, 2, &account.encode(), &opening),
		commitment(1, 2, &[7u8; 32], &opening)
	);
}
