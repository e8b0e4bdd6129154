//! What goes to the chain, without a chain: amounts, bids, the arguments and signatures of calls, defaults.

mod amounts;
mod bidding;
mod bids;
mod calls;
#[path = "../capacity/mod.rs"]
mod capacity;
mod example;
mod links;
mod metrics;
mod numbers;
mod planning;
mod retries;
