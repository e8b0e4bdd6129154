//! Stake, sessions and weights in the real runtime, over whole blocks of the preset `fast`.

mod chain;
mod equivocation;
mod issuance;
mod sessions;
mod staking;
mod work;
