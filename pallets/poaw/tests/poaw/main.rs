//! Proof of AI work over a chain with sessions and BABE.

mod economy;
mod invariants;
mod ledger;
mod links;
mod mock;
mod pot;
mod rules;
mod sessions;
mod weighing;
