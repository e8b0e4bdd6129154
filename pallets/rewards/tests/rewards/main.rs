//! Tests of payments, one file a feature. Every run ends in try-state and counts all money.

mod conservation;
mod mock;
mod pay;
mod record;
