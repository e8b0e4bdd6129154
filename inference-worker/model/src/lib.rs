//! What a model is, and how it runs on one machine; nothing of chain or network.
//!
//! | step | module |
//! |---|---|
//! | a model folder becomes shards and a manifest | [`splitter`], [`manifest`] |
//! | what a profile stores, and how it runs | [`numerics`] |
//! | a low-rank adapter changes what layers compute | [`adapter`] |
//! | a range of layers runs on this machine | [`engine`] |
//! | products with weights of 4 bits | [`blocks`] |
//! | the profile whose bytes are the same on every machine | [`exact`] |
//! | text becomes rows, rows become the next token | [`entry`] |
//! | what a profile costs in accuracy is measured | [`accuracy`] |
//! | functions that every machine computes to the same bits | [`portable_math`] |

#![deny(unsafe_code)]

pub mod accuracy;
pub mod adapter;
pub mod blocks;
pub mod engine;
pub mod entry;
pub mod exact;
pub mod manifest;
mod mapping;
pub mod numerics;
pub mod portable_math;
pub mod splitter;
