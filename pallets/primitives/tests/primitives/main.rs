//! Property tests of the pure functions that chain and worker share, one file a module.

mod auction;
mod commitment;
mod cost;
mod dispute;
mod job;
mod model;
mod payout;
mod plan;
mod softfloat;
mod specimens;
mod trace;
mod traces;
