//! The gateway without chain and network: what it reads, refuses, counts and answers.

mod damaged;
mod embeddings;
mod keys;
mod market;
mod places;
mod readers;
mod refusals;
mod replies;
mod requests;
mod roll;
mod spending;
