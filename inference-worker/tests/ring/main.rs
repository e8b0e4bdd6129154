//! Workers in one process, over real libp2p on loopback and the real ONNX Runtime, which
//! `scripts/fetch-onnxruntime.sh` installs.

mod adapters;
mod board;
mod comparing;
mod copies;
mod defence;
mod dispute;
mod hops;
mod job_walk;
mod lab;
mod memory;
mod partings;
mod pledges;
mod probes;
mod reach;
mod reachable;
mod recovery;
mod roll;
mod shards;
mod stalls;
