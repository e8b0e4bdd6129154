//! The DLLM node: it keeps the chain on which prompts are paid, answered, checked and settled.
//!
//! It authors blocks with BABE, finalises them with GRANDPA and serves JSON-RPC. It depends on the
//! runtime and on the shared words of `dllm-primitives`, never on a pallet or on the worker: models
//! run in `dllm-worker`, a process of its own, so that a crash there never stops a validator.

#![forbid(unsafe_code)]

pub mod block_share;
pub mod chain_spec;
pub mod cli;
pub mod command;
pub mod rotate;
pub mod rpc;
pub mod service;
