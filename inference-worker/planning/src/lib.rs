//! Placement: which worker holds which layers, at provably least cost.
//!
//! The walk of a plan: measured links and workers ([`topology`]) and a model's shards become a
//! [`problem`]; its teams and links become numbers ([`cost`], [`instance`]); the exact search
//! ([`search`], after [`preselect`] where there are many candidates) finds the placement, and
//! [`replicas`] adds those that execute every segment again. The chain recomputes the cost in integers
//! (`dllm_primitives::cost`). That the search is exact is shown in the crate `dllm-planning-oracle`.

#![forbid(unsafe_code)]

pub mod cost;
pub mod instance;
pub mod preselect;
pub mod problem;
pub mod replicas;
pub mod search;
pub mod topology;
