//! Tests of the allocation pallet, one file a feature.

mod accept;
mod book;
mod close;
mod invariants;
mod mock;
mod plans;
mod ready;
mod round;
mod walk;
