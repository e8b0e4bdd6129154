//! Property tests of everything that a peer's bytes run through: frames, the codec of rows, and links.

mod copies;
mod damaged;
mod frames;
mod links;
mod rows;
mod slots;
