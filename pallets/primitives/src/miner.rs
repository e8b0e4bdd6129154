//! Workers as the chain knows them.

use crate::ids::{Addresses, PeerId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What a worker offers to do. A worker may take several roles.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
)]
#[serde(rename_all = "camelCase", default)]
pub struct Roles {
	/// Serves public prompts: tokenizer, embedding, head, sampler.
	pub entry: bool,
	/// Hosts a segment of layers.
	pub miner: bool,
	/// May be drawn to break a tie about a segment or an entry that it does not host.
	pub verifier: bool,
}

/// What a worker declares when it registers.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct WorkerSpec {
	/// libp2p identity.
	pub peer_id: PeerId,
	/// Where it can be dialled.
	pub addresses: Addresses,
	/// What it offers to do.
	pub roles: Roles,
	/// Memory for weights, caches and buffers, in bytes.
	pub memory: u64,
	/// Its price in planck per GFLOP (10⁹ operations).
	pub price: u128,
}

/// Whether a worker may be given work.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub enum WorkerState<BlockNumber> {
	/// Named an operator that has not yet confirmed it.
	Pending,
	/// May be planned and drawn.
	Active,
	/// Asked for its bond back; the bond is free from this block on.
	Unbonding(BlockNumber),
	/// Convicted twice by proof; never again.
	Banned,
}

/// A registered worker.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Worker<AccountId, Balance, BlockNumber> {
	/// Who runs it: replicas of a segment never share an operator.
	pub operator: AccountId,
	/// Whether it may be given work.
	pub state: WorkerState<BlockNumber>,
	/// Bond on hold.
	pub bond: Balance,
	/// What it declared.
	pub spec: WorkerSpec,
	/// Trials that it is part of; it cannot unbond above 0.
	pub open_jobs: u32,
	/// Stages that it finished with a Pass.
	pub passed: u32,
	/// Deadlines that it missed.
	pub faults: u32,
	/// Convictions that were proved; to be outvoted is none.
	pub cheats: u32,
}
