//! Tests of the trials: one file a feature, on a mock chain whose neighbours write down what they hear.

mod agenda;
mod appointing;
mod breaker;
mod calls;
mod cheaters;
mod comparing;
#[allow(dead_code)]
#[path = "../../../primitives/tests/primitives/dice.rs"]
mod dice;
mod disputes;
mod drawing;
mod judge;
mod mock;
mod play;
mod property;
mod receipts;
mod silence;
mod state;
mod summoning;
mod tally;
#[allow(dead_code)]
#[path = "../../../primitives/tests/primitives/traces.rs"]
mod traces;
mod views;
mod walk;
mod withheld;
