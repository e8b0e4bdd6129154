//! The command line as a person meets it: the real binary, its messages and its exit status.

mod audit;
#[path = "../capacity/mod.rs"]
mod capacity;
mod config;
mod gateway;
mod help;
mod init;
mod keys;
mod models;
mod node;
mod plan;
mod receipt;
mod rounds;
mod watch;
mod what_if;
mod worker;
