//! A cleared capacity round with its model and workers, as a node tells them: for the targets that need one.

use dllm_primitives::{
	api::{ModelView, RoundPhase, RoundView, WinnerView, WorkerView},
	capacity::Terms,
	cost::{link::LinkFigures, DeviceFigures, Workload},
	ids::Digest,
	miner::Roles,
	model::{ModelState, Profile, Shard},
};
use dllm_worker::chain::{AccountId32, DLLM};

pub const DEVICE: DeviceFigures = DeviceFigures {
	flops_per_second: 1_000_000_000,
	memory_bytes_per_second: 1_000_000_000,
	download_bytes_per_second: 1_000_000,
	failure_ppm: 0,
};

pub fn account(number: u8) -> AccountId32 {
	AccountId32::new([number; 32])
}

/// A model of four layers.
pub fn model() -> ModelView {
	let shard = |number: u8| Shard {
		hash: Digest::repeat_byte(number),
		bytes: 1_000_000,
		flops_per_token: 1_000_000,
		kv_bytes_per_token: 10,
	};
	ModelView {
		id: 4,
		owner: account(99),
		state: ModelState::Active,
		name: "tiny".into(),
		licence: "MIT".into(),
		manifest_root: Digest::zero(),
		tokenizer_hash: Digest::zero(),
		profile: Profile::F32,
		hidden_size: 16,
		max_context: 100,
		embed: shard(100),
		layers: (1..5).map(shard).collect(),
		head: shard(101),
		constants: None,
		adapters: Vec::new(),
	}
}

/// A newcomer of its own operator, in every role.
pub fn worker(number: u8) -> WorkerView {
	WorkerView {
		account: account(number),
		operator: account(number),
		active: true,
		state: "active".into(),
		bond: DLLM,
		roles: Roles {
			entry: true,
			miner: true,
			verifier: true,
		},
		memory: 1 << 30,
		promised: 0,
		price: 5,
		peer_id: Vec::new(),
		addresses: Vec::new(),
		open_jobs: 0,
		passed: 0,
		faults: 0,
		cheats: 0,
		rank: 250_000,
	}
}

pub fn terms() -> Terms {
	Terms {
		replicas: 2,
		jobs: 2,
		reserve: 1_000,
		deposit: DLLM,
		commit_blocks: 10,
		reveal_blocks: 10,
		plan_blocks: 40,
		workload: Workload {
			prompt_tokens: 10,
			new_tokens: 10,
			sessions: 1,
			row_bytes: 64,
			packet_bytes: 1_200,
		},
		link: LinkFigures {
			latency_us: 10,
			jitter_us: 1,
			loss_ppm: 0,
			bytes_per_second: 1_000_000,
			efficiency_ppm: 900_000,
		},
	}
}

/// The round of the model, cleared in block 100. Four workers have won two layers each, by their number the
/// dearer.
pub fn round() -> RoundView {
	let winner = |number: u8| WinnerView {
		worker: account(number),
		operator: account(number),
		slots: 2,
		price: u128::from(number) * 100,
		device: DEVICE,
	};
	RoundView {
		id: 3,
		model: 4,
		phase: RoundPhase::Planning,
		terms: terms(),
		commit_until: 90,
		clears: 100,
		closes: 140,
		bidders: 4,
		revealed: 0,
		winners: (1..5).map(winner).collect(),
		plan: None,
		incumbent: None,
	}
}
