//! Products of rows with weights of 4 bits, as an operator of our own.
//!
//! The shards say `MatMulNBits`, which any runtime has. Where the processor has AVX2, a range of layers runs
//! [`take`]n nodes here instead, as fast as their weights are read ([figures](../../../../docs/speed.md)).
//! Elsewhere the library's kernel stays.
//!
//! | step | module |
//! |---|---|
//! | weights of a shard in the order in which they are read | [`Packed`] |
//! | rows into codes of 8 bits, and their products | [`kernel`] |
//! | the node that calls them | `operator` |
//!
//! An output is `Σ_b (Σ_{i ∈ b} w_i · x_i) · (s_b · t_b)` over blocks b of 32 inputs: weight codes w from −8 to 7
//! with a scale s, codes x of the row from −127 to 127 with a scale t. The sum in a block is one of integers; the
//! outer one adds floats from the first block to the last, every operation rounded once. So a row gives the same
//! bits alone or among others, on any number of threads, and in plain Rust as in vectors of any width.

pub mod kernel;
mod operator;
mod packed;

pub use operator::{domain, take, DOMAIN, VERSION};
pub use packed::{Cell, Packed, TILE};
