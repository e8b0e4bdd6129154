//! Property tests of the pure functions that chain and worker share, one file a module.

mod auction;
mod bids;
mod breaker;
mod capacity;
mod commitment;
mod cost;
mod dice;
mod dispute;
mod draw;
mod fallback;
mod hop;
mod job;
mod links;
mod load;
mod model;
mod payout;
mod plan;
mod rank;
mod routing;
mod slash;
mod softfloat;
mod specimens;
mod stall;
mod summons;
mod trace;
mod traces;
