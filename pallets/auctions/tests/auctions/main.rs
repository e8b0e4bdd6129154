//! Tests of the auctions pallet, one file a feature.

mod mock;
mod quote;
mod round;
mod weight;
