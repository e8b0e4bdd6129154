//! The whole walk of a prompt through the real pallets, block by block: registered, planned, asked,
//! awarded, committed, verified, settled; and every way in which it can go wrong.

mod adapters;
mod blocks;
mod breaker;
mod cast;
mod chain;
mod cheating;
mod credited;
mod drawing;
mod invariants;
mod links;
mod receipts;
mod rerun;
mod round;
mod routing;
mod settled;
mod summoning;
mod unserved;
