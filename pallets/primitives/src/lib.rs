//! What the chain and the worker share: the words of the walk, with one checker for two callers.
//!
//! Nothing here has storage. A pallet and the worker call the same pure functions
//! ([`plan::check`], [`commitment::commitment`], [`auction::award`], [`judge::judge_stage`], [`payout::split`]), so that they
//! cannot disagree. Pallets meet only through the traits of [`flow`]; the outside world reads the
//! chain through the views of [`api`].

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod api;
pub mod auction;
pub mod breaker;
pub mod capacity;
pub mod commitment;
pub mod compare;
pub mod cost;
pub mod dispute;
pub mod draw;
pub mod fade;
pub mod fallback;
pub mod flow;
pub mod hop;
pub mod ids;
pub mod job;
pub mod judge;
pub mod links;
pub mod load;
pub mod miner;
pub mod model;
pub mod payout;
pub mod plan;
pub mod poaw;
pub mod rank;
pub mod slash;
pub mod softfloat;
pub mod stall;
pub mod summons;
pub mod trace;
pub mod trial;
pub mod verdict;
