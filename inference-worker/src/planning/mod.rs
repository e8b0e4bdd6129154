//! Plans for the chain: what the exact search ([`dllm_planning`]) places, in the chain's words, checked by the
//! chain's own rules; and a worker that makes them by itself for the capacity rounds in which it has won.
//!
//! | file | duty |
//! |---|---|
//! | `plans` | a placement becomes a plan that the chain accepts |
//! | `tender` | a cleared round: its winners as candidates, the score of a plan, what a plan has to beat |
//! | `options` | what the configuration says |
//! | `planner` | what is to be done after a block |
//! | `desk` | the chain, as the planner sees it |

mod desk;
mod options;
mod planner;
mod plans;
mod tender;

pub use desk::{Contest, Desk, OnChain, View};
pub use options::{Options, Rules};
pub use planner::{step, turn, Planner, Step};
pub use plans::{add_entries, check, plan_of, sort_replicas, spec_of};
pub use tender::{leads, Loaded, Made, Tender};

use crate::chain::next_look;
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

/// Plans at every block; never ends. Without a planner it only waits.
pub async fn follow(planner: Option<Planner>) {
	let Some(mut planner) = planner else {
		return std::future::pending().await;
	};
	let mut best = planner.desk().chain.best();
	loop {
		best.borrow_and_update();
		if let Err(error) = planner.look().await {
			tracing::warn!(%error, "the plans of capacity rounds cannot be read");
		}
		next_look(&mut best, planner.ended()).await;
	}
}
