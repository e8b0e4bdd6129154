//! Placement: which worker holds which layers, at provably least cost.
//!
//! The walk of a plan: measured links and workers (`topology`) and a model's shards become a
//! `problem`; its teams and links become numbers (`cost`, [`instance`]); the exact search
//! ([`search`], after [`preselect`] where there are many candidates) finds the placement, and
//! `replicas` adds those that execute every segment again. The chain recomputes the cost in integers
//! (`dllm_primitives::cost`). That the search is exact is shown by the workspace in `oracle/`, which
//! builds the bare search without the SDK.

#![forbid(unsafe_code)]

#[cfg(feature = "chain")]
pub mod cost;
pub mod instance;
pub mod preselect;
#[cfg(feature = "chain")]
pub mod problem;
pub mod replicas;
pub mod search;
pub mod second;
#[cfg(feature = "chain")]
pub mod topology;
#[cfg(feature = "chain")]
pub mod what_if;
