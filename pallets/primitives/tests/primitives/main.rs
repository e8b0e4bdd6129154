//! Property tests of the pure functions that chain and worker share, one file a module.

mod auction;
mod commitment;
mod cost;
mod job;
mod model;
mod payout;
mod plan;
mod softfloat;
mod specimens;
