//! The node as people run it: the real binary, on free ports, spoken to over JSON-RPC.

mod commands;
mod equivocations;
mod network;
mod process;
mod rotate;
mod rpc;
mod updates;
