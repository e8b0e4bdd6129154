//! What each pallet is configured with, one file a concern.

pub mod accounts;
pub mod consensus;
pub mod economy;
pub mod governance;
pub mod pipeline;
pub mod staking;
pub mod system;
pub mod work;
