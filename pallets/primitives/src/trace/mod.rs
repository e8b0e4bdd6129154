//! The trace of a segment: every value that the exact profile computes for every row, in a tree whose
//! smallest leaves the chain computes again.
//!
//! Nobody keeps a trace while a job runs. Only in a dispute both sides compute it from the rows that both
//! committed to receiving, and the game of [`crate::dispute`] leads to the first value in which they
//! differ. What comes before it is the same on both sides, so its inputs are beyond dispute, and one
//! rule of `docs/exact-profile.md` decides.
//!
//! | file | says |
//! |---|---|
//! | [`shape`] | which operators a layer has, how many values each, and how they are stored |
//! | [`layout`] | where a value lies in the tree |
//! | [`tree`] | how digests become a root, and how leaves are opened |
//! | [`weights`] | the same for the constants of a layer |
//! | [`leaf`] | every rule: one value from values before it |
//! | [`opening`] | leaves with their way to the roots, as a claim carries them |
//! | [`held`] | a whole trace in memory, as its prover holds it |

pub mod held;
pub mod layout;
pub mod leaf;
pub mod opening;
pub mod shape;
pub mod tree;
pub mod weights;

pub use held::{Constants, Held};
pub use layout::{Element, Layout};
pub use leaf::recompute;
pub use opening::{Binding, Blocks, Opening};
pub use shape::{Operator, Shape};
pub use weights::Layer;
