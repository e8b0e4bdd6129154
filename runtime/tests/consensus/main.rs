//! Stake, sessions and weights in the real runtime, over whole blocks of the preset `fast`.

mod accounts;
mod chain;
mod chambers;
mod equivocation;
mod governance;
mod issuance;
mod sessions;
mod staking;
mod work;
