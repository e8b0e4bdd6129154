//! What happens between two integer matrix products, row by row.
//!
//! | kernel | from | to |
//! |---|---|---|
//! | [`prepare`] | residual row | codes and scale of its norm |
//! | [`scale`] | sums of a projection | its values |
//! | [`attention`] | queries, keys, values | the attended row |
//! | [`gate`] | gate and up | codes and scale of silu(gate) · up |
//!
//! All follow `docs/exact-profile.md`, which numbers the steps.

pub mod attention;
pub mod dispatch;
mod gate;
mod row;

pub use gate::gate;
pub use row::{add, prepare, quantise, rounded, scale, signed_codes};
