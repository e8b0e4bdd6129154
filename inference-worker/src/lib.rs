//! The worker: it splits models into shards, runs the shards that a plan gives it, and speaks to the
//! chain and to the other workers of a ring.
//!
//! | step of the walk | module |
//! |---|---|
//! | a model is split, its layers run, text becomes rows and back | the crate `dllm-model` |
//! | streams and frames between workers, shards from peers | [`network`] |
//! | a job's rows go round the ring | [`pipeline`] |
//! | what crossed the ring is recorded and committed to | [`commitment`] |
//! | another worker's stage is executed again | [`verification`] |
//! | it differs: the first other value is looked for | [`dispute`] |
//! | what the chain asks and is told | [`chain`] |
//! | what the chain expects of this worker becomes tasks | [`duties`], [`daemon`] |
//! | the layers that it offers are bid for | [`bidding`] |
//! | its winners get a plan | [`planning`] |
//! | the way to other workers is measured and reported | [`links`] |
//! | OpenAI's clients ask, and this machine pays | [`gateway`] |
//! | what is counted on the way | [`metrics`] |
//! | what a person asks of it | [`cli`], [`config`] |

#![deny(unsafe_code)]

pub mod bidding;
pub mod chain;
pub mod cli;
pub mod commitment;
pub mod config;
pub mod daemon;
pub mod dispute;
pub mod duties;
pub mod gateway;
pub mod links;
pub mod memory;
pub mod metrics;
pub mod network;
pub mod pipeline;
pub mod planning;
pub mod verification;
