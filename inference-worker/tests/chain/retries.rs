//! Which failures of a duty are worth another try soon: what a fork has undone for a moment is unknown in one
//! block, and known again in the next.

use dllm_worker::{chain::ChainError, duties::DutyError};

/// A call that met an error of a pallet in its block.
fn failed(error: &str) -> DutyError {
	DutyError::Chain(ChainError::Failed {
		call: "allocation.ready".into(),
		error: error.into(),
		explanation: String::new(),
	})
}

#[test]
fn what_the_chain_did_not_know_in_one_block_is_tried_again_in_the_next() {
	for error in [
		"Allocation::UnknownPipeline",
		"Verification::NotFound",
		"Models::AdapterNotFound",
	] {
		assert!(failed(error).is_retryable(), "{error}");
	}
}

#[test]
fn what_the_chain_refused_is_not() {
	// The last two hold the words, in places where they mean something else.
	for error in [
		"Allocation::NotAMember",
		"Verification::AlreadyCommitted",
		"Unknown::NotAMember",
		"Verification::NotFoundTwice",
	] {
		assert!(!failed(error).is_retryable(), "{error}");
	}
}
