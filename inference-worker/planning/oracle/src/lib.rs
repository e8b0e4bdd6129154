//! What proves the planner's search: solvers of the same problem that share no code with it, and
//! random instances to solve. Tests and benches use this crate; no product does.

#![forbid(unsafe_code)]

pub mod brute;
pub mod crowd;
pub mod milp;
pub mod random;
