//! Two keys of one operator as lead and checker of each other: no such plan stands.

use crate::{
	dice::Dice,
	money::Role,
	report::{Kind, Line},
};
use anyhow::{ensure, Result};
use dllm_primitives::{
	ids::Digest,
	miner::Roles,
	model::{LayerRange, ModelSpec, Profile, Shard},
	plan::{check, Candidate, Plan, PlanError, Segment},
};

/// Plans that are tried.
const PLANS: u64 = 1_000;
/// Accounts from which plans take their workers.
const ACCOUNTS: u64 = 8;

/// Every plan with two accounts of one operator in a stage is refused; the same plan with operators of their
/// own stands.
pub fn line(dice: &mut Dice) -> Result<Line> {
	let model = model()?;
	for _ in 0..PLANS {
		let first = dice.below(ACCOUNTS);
		let second = (first + 1 + dice.below(ACCOUNTS - 1)) % ACCOUNTS;
		let plan = plan([first, second])?;
		let one = check(&plan, &model, |_| Some(candidate(0)));
		ensure!(one == Err(PlanError::OperatorTwice), "{one:?}");
		let two = check(&plan, &model, |who| Some(candidate(*who)));
		ensure!(two.is_ok(), "{two:?}");
	}
	Ok(Line {
		attack: "two keys of one operator as holders of a stage: no plan stands".into(),
		kind: Kind::Simulation,
		tried: PLANS,
		checked: 1.0,
		detected: 1.0,
		loss: Role::Lead.saved(),
		honest: 0.0,
		value: 0.0,
		limit: false,
	})
}

fn candidate(operator: u64) -> Candidate<u64> {
	Candidate {
		operator,
		active: true,
		roles: Roles {
			entry: false,
			miner: true,
			verifier: true,
		},
		memory: 1 << 40,
		price: 1,
	}
}

fn plan(replicas: [u64; 2]) -> Result<Plan<u64>> {
	let all = anyhow::anyhow!("too many workers");
	let replicas = replicas.to_vec().try_into().map_err(|_| all)?;
	let layers = LayerRange { start: 0, end: 1 };
	let segment = Segment { layers, replicas };
	let segments = vec![segment].try_into();
	Ok(Plan {
		model: 0,
		slots: 1,
		entries: Default::default(),
		segments: segments.map_err(|_| anyhow::anyhow!("too many segments"))?,
	})
}

/// A model of one layer.
fn model() -> Result<ModelSpec> {
	let shard = Shard {
		hash: Digest::repeat_byte(1),
		bytes: 1 << 20,
		flops_per_token: 1_000_000,
		kv_bytes_per_token: 1_024,
	};
	let layers = vec![shard].try_into();
	Ok(ModelSpec {
		name: Default::default(),
		licence: Default::default(),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(2),
		profile: Profile::Exact,
		hidden_size: 64,
		max_context: 128,
		embed: shard,
		layers: layers.map_err(|_| anyhow::anyhow!("too many layers"))?,
		head: shard,
		constants: None,
	})
}
