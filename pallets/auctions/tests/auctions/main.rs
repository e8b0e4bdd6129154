//! Tests of the auctions pallet, one file a feature.

mod capacity;
mod clearing;
mod invariants;
mod mock;
mod quote;
mod round;
mod weight;
