//! The worker: it splits models into shards, runs the shards that a plan gives it, and speaks to the
//! chain and to the other workers of a ring.
//!
//! | step of the walk | module |
//! |---|---|
//! | a model folder becomes shards and a manifest | [`splitter`], [`manifest`] |
//! | a range of layers runs on this machine | [`engine`] |
//! | text becomes rows, rows become the next token | [`entry`] |

#![deny(unsafe_code)]

pub mod engine;
pub mod entry;
pub mod manifest;
pub mod portable_math;
pub mod splitter;
