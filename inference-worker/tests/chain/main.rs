//! What goes to the chain, without a chain: amounts, accounts and the arguments of calls.

mod amounts;
mod calls;
