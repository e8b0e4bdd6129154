//! The worker: it splits models into shards, runs the shards that a plan gives it, and speaks to the
//! chain and to the other workers of a ring.
//!
//! | step of the walk | module |
//! |---|---|
//! | a model folder becomes shards and a manifest | [`splitter`], [`manifest`] |
//! | a range of layers runs on this machine | [`engine`] |
//! | text becomes rows, rows become the next token | [`entry`] |
//! | streams and frames between workers, shards from peers | [`network`] |
//! | a job's rows go round the ring | [`pipeline`] |
//! | what crossed the ring is recorded and committed to | [`commitment`] |
//! | another worker's stage is executed again | [`verification`] |
//! | what the chain asks and is told | [`chain`] |
//! | what the chain expects of this worker becomes tasks | [`duties`], [`daemon`] |
//! | what a person asks of it | [`cli`], [`config`] |

#![deny(unsafe_code)]

pub mod chain;
pub mod cli;
pub mod commitment;
pub mod config;
pub mod daemon;
pub mod duties;
pub mod engine;
pub mod entry;
pub mod manifest;
pub mod network;
pub mod pipeline;
pub mod portable_math;
pub mod splitter;
pub mod verification;
