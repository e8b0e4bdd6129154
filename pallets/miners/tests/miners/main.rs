//! Tests of the pool of workers, one file a feature. Every run ends in try-state.

mod bonding;
mod draw;
mod invariants;
mod links;
mod mock;
mod operator;
mod pool;
mod register;
mod slash;
mod update;
