//! Tests of the jobs pallet, one file a feature.

mod adapters;
mod award;
mod cancel;
mod conclusion;
mod invariants;
mod mock;
mod rerun;
mod submit;
mod upkeep;
mod walk;
