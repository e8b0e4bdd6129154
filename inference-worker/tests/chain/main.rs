//! What goes to the chain, without a chain: amounts, the arguments and signatures of calls, defaults.

mod amounts;
mod calls;
mod example;
mod metrics;
mod numbers;
