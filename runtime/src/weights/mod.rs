//! Measured weights of our pallets, one generated file each: `make weights` writes them anew. The pallets of
//! the SDK keep those that their authors measured.

pub mod pallet_allocation;
pub mod pallet_auctions;
pub mod pallet_jobs;
pub mod pallet_miners;
pub mod pallet_models;
pub mod pallet_poaw;
pub mod pallet_verification;
