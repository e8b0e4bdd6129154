//! Weak networks on one machine: what the lab's processes share.
//!
//! One file ([`topology`]) says what hosts and links are like. [`link`] makes the links so, packet by packet,
//! between network namespaces whose devices [`tun`] opens; [`methods`] places a model's layers on the very same
//! figures, by our planner and by those it is compared with, and predicts the time of a token; [`draw`] invents
//! topologies. Namespaces, processes and measurements are `lab.mjs`'s.

pub mod draw;
pub mod link;
pub mod methods;
pub mod petals;
pub mod random;
pub mod topology;
pub mod tun;
