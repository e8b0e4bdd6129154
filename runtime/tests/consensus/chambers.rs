//! How council and technical committee decide: a member proposes, members vote, and the motion is closed,
//! all by the calls that a wallet makes.

use crate::chain::{By, Chain, VALIDATORS};
use dllm_runtime::{
	configs::governance::{CouncilInstance, MaxMotionWeight, TechnicalInstance},
	Hash, Runtime, RuntimeCall, RuntimeEvent,
};
use sp_runtime::{
	traits::{BlakeTwo256, Hash as _},
	DispatchResult,
};

/// Who votes: the four validators in both cases.
#[derive(Clone, Copy)]
pub enum Chamber {
	/// The council.
	Council,
	/// The technical committee.
	Committee,
}

/// Passes a motion with so many of four votes, two at least; answers what its call came to.
pub fn pass(chain: &mut Chain, chamber: Chamber, ayes: usize, call: RuntimeCall) -> DispatchResult {
	let hash = BlakeTwo256::hash_of(&call);
	let index = chain.read(|| chamber.motions());
	let voters = &VALIDATORS[..ayes];
	let mut calls = vec![(By::Account(voters[0]), chamber.propose(ayes as u32, call))];
	for voter in voters {
		calls.push((By::Account(*voter), chamber.vote(hash, index)));
	}
	calls.push((By::Account(voters[0]), chamber.close(hash, index)));
	let (results, events) = chain.block(calls);
	assert!(results.iter().all(Result::is_ok), "{results:?}");
	let came_to = events.iter().find_map(|event| chamber.executed(event));
	came_to.expect("the motion has its votes")
}

impl Chamber {
	/// Motions so far: the number of the next one.
	fn motions(self) -> u32 {
		match self {
			Self::Council => pallet_collective::ProposalCount::<Runtime, CouncilInstance>::get(),
			Self::Committee => {
				pallet_collective::ProposalCount::<Runtime, TechnicalInstance>::get()
			}
		}
	}

	fn propose(self, threshold: u32, proposal: RuntimeCall) -> RuntimeCall {
		let proposal = Box::new(proposal);
		let length_bound = u32::MAX;
		match self {
			Self::Council => pallet_collective::Call::<Runtime, CouncilInstance>::propose {
				threshold,
				proposal,
				length_bound,
			}
			.into(),
			Self::Committee => pallet_collective::Call::<Runtime, TechnicalInstance>::propose {
				threshold,
				proposal,
				length_bound,
			}
			.into(),
		}
	}

	fn vote(self, proposal: Hash, index: u32) -> RuntimeCall {
		let approve = true;
		match self {
			Self::Council => pallet_collective::Call::<Runtime, CouncilInstance>::vote {
				proposal,
				index,
				approve,
			}
			.into(),
			Self::Committee => pallet_collective::Call::<Runtime, TechnicalInstance>::vote {
				proposal,
				index,
				approve,
			}
			.into(),
		}
	}

	fn close(self, proposal_hash: Hash, index: u32) -> RuntimeCall {
		let proposal_weight_bound = MaxMotionWeight::get();
		let length_bound = u32::MAX;
		match self {
			Self::Council => pallet_collective::Call::<Runtime, CouncilInstance>::close {
				proposal_hash,
				index,
				proposal_weight_bound,
				length_bound,
			}
			.into(),
			Self::Committee => pallet_collective::Call::<Runtime, TechnicalInstance>::close {
				proposal_hash,
				index,
				proposal_weight_bound,
				length_bound,
			}
			.into(),
		}
	}

	/// What a passed motion came to, where the event tells it.
	fn executed(self, event: &RuntimeEvent) -> Option<DispatchResult> {
		use pallet_collective::Event::Executed;
		match (self, event) {
			(Self::Council, RuntimeEvent::Council(Executed { result, .. })) => Some(*result),
			(Self::Committee, RuntimeEvent::TechnicalCommittee(Executed { result, .. })) => {
				Some(*result)
			}
			_ => None,
		}
	}
}
