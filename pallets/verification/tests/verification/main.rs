//! Tests of the trials: one file a feature, on a mock chain whose neighbours write down what they hear.

mod agenda;
mod calls;
mod cheaters;
mod judge;
mod mock;
mod play;
mod property;
mod silence;
mod state;
mod views;
mod walk;
