//! What happens between two integer matrix products, row by row.
//!
//! | kernel | from | to |
//! |---|---|---|
//! | [`prepare`] | residual row | codes and scale of its norm |
//! | [`scale`] | sums of a projection | its values |
//! | [`attention`], [`block`] | queries, keys, values | the attended row, one or many |
//! | [`gate`] | gate and up | codes and scale of silu(gate) · up |
//!
//! All follow `docs/exact-profile.md`, which numbers the steps.

pub mod attention;
pub mod block;
pub mod dispatch;
mod gate;
mod row;
pub mod tile;

pub use gate::gate;
pub use row::{add, prepare, quantise, rounded, scale, signed_codes};
