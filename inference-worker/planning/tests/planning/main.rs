//! The planner: its cost model against the chain's, golden figures, replicas, measurements, bad input.

mod agreement;
mod golden;
mod infeasible;
mod measurements;
mod placements;
mod second;
mod specimens;
