//! Models, plans and workers that the tests take apart.

use dllm_primitives::{
	ids::Digest,
	miner::Roles,
	model::{LayerRange, ModelSpec, Profile, Shard},
	plan::{Candidate, Plan, Segment},
};
use std::collections::BTreeMap;

/// An account; its operator is itself unless a test says otherwise.
pub type Account = u32;
pub type Workers = BTreeMap<Account, Candidate<Account>>;

pub const MIB: u64 = 1 << 20;

pub fn shard(number: u64) -> Shard {
	Shard {
		hash: Digest::from_low_u64_be(number + 1),
		bytes: MIB,
		flops_per_token: 1_000_000 + number,
		kv_bytes_per_token: 1024,
	}
}

/// A model with so many layers.
pub fn model(layers: u16) -> ModelSpec {
	ModelSpec {
		name: b"tiny".to_vec().try_into().unwrap(),
		licence: b"Apache-2.0".to_vec().try_into().unwrap(),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(2),
		profile: Profile::F32,
		hidden_size: 64,
		max_context: 128,
		embed: shard(1_000),
		layers: (0..u64::from(layers))
			.map(shard)
			.collect::<Vec<_>>()
			.try_into()
			.unwrap(),
		head: shard(2_000),
		constants: None,
	}
}

/// An able worker that runs itself.
pub fn candidate(who: Account) -> Candidate<Account> {
	Candidate {
		operator: who,
		active: true,
		roles: Roles {
			entry: true,
			miner: true,
			verifier: false,
		},
		memory: 1 << 40,
		price: u128::from(who),
	}
}

pub fn segment(start: u16, end: u16, replicas: &[Account]) -> Segment<Account> {
	let layers = LayerRange { start, end };
	Segment {
		layers,
		replicas: replicas.to_vec().try_into().unwrap(),
	}
}

/// A plan with segments of the given lengths, two workers each, numbered from 10 on, and the entries 1
/// and 2.
pub fn plan(lengths: &[u16]) -> Plan<Account> {
	let mut start = 0;
	let segments = (10..).step_by(2).zip(lengths).map(|(first, len)| {
		let segment = segment(start, start + len, &[first, first + 1]);
		start += len;
		segment
	});
	Plan {
		model: 0,
		slots: 1,
		entries: vec![1, 2].try_into().unwrap(),
		segments: segments.collect::<Vec<_>>().try_into().unwrap(),
	}
}

/// Able workers for everybody that a plan names.
pub fn workers_of(plan: &Plan<Account>) -> Workers {
	plan.members()
		.map(|(_, who)| (*who, candidate(*who)))
		.collect()
}
