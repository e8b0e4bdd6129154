//! Tests of the catalogue of models, one file a feature. Every run ends in try-state.

mod activate;
mod adapters;
mod catalogue;
mod invariants;
mod mock;
mod register;
mod retire;
