//! What each pallet is configured with, one file a concern.

pub mod consensus;
pub mod economy;
pub mod pipeline;
pub mod system;
