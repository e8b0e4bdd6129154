//! The exact profile: the same rows give the same bytes on every processor, with any number of threads,
//! in any chunking and any company.
//!
//! Its rules stand in `docs/exact-profile.md`. Products are integers, and whatever is not an integer is
//! computed element by element with IEEE operations, each rounded once. Two forms of a model obey them:
//!
//! | form | module | for |
//! |---|---|---|
//! | standard ONNX operators | `standard` | the shards on disk, any other runtime, the linter |
//! | operators of our own | `fast`, `operators`, `attend`, [`kernels`] | serving |
//!
//! The splitter quantises ([`weights`]) and writes the first; the engine reads it back (`read`), refuses
//! what departs from the rules ([`linter`]), and runs the second. In a dispute [`trace`] records every value.

mod attend;
mod fast;
pub mod kernels;
pub mod linter;
pub(crate) mod operators;
mod read;
pub mod rules;
mod standard;
pub mod trace;
pub mod weights;
mod write;

pub use fast::{head as fast_head, Segment};
pub use linter::Refusal;
pub use read::{head as read_head, layer as read_layer};
pub use standard::{head as standard_head, layer as standard_layer};
pub use write::{head as write_head, layer as write_layer};
