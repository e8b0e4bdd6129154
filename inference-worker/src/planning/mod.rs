//! Plans for the chain: what the exact search ([`dllm_planning`]) places, in the chain's words, checked by the
//! chain's own rules.
//!
//! | file | duty |
//! |---|---|
//! | `plans` | a placement becomes a plan that the chain accepts |
//! | `tender` | a cleared round: its winners as candidates, the score of a plan, what a plan has to beat |

mod plans;
mod tender;

pub use plans::{add_entries, check, plan_of, sort_replicas, spec_of};
pub use tender::{leads, Loaded, Made, Tender};

use dllm_primitives::plan::PlanError;

/// Why there is no plan.
#[derive(thiserror::Error, Clone, PartialEq, Debug)]
pub enum PlanningError {
	/// The workers do not suffice for a plan.
	#[error("no plan: {reason}")]
	NoPlan { reason: String },
	/// The plan would not be accepted.
	#[error("the plan is not feasible: {0:?}")]
	Refused(PlanError),
	/// A list that the chain bounds.
	#[error("{what} is longer than the chain allows: shorten it")]
	TooLong { what: &'static str },
}
