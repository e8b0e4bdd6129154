//! Where a transaction stands while forks move it: the block that holds it now and what it did there.
//!
//! A number that the chain gave in a best block may be another one after a fork. It is read from the
//! events of the transaction itself, so it is always its own, and never somebody else's who got the old
//! number.

use super::ChainError;
use sp_core::H256;
use subxt::ext::scale_value::{At, Composite};
use tokio::sync::watch;

/// A call that succeeded in a block.
#[derive(Clone, Debug)]
pub struct Included {
	/// Number of the block.
	pub block: u32,
	/// Hash of the block.
	pub hash: H256,
	/// What the call did there.
	pub events: Vec<Event>,
}

/// Something that a call did.
#[derive(Clone, Debug)]
pub struct Event {
	/// Pallet of the event.
	pub pallet: String,
	/// Its name.
	pub name: String,
	/// Its fields.
	pub fields: Composite<()>,
}

/// A number that the chain gave to a transaction, followed until its block is final.
#[derive(Clone, Debug)]
pub struct Numbered {
	places: watch::Receiver<Included>,
	/// Pallet, event and field that hold the number.
	field: [&'static str; 3],
}

impl Included {
	/// A number in an event of the call.
	pub fn number(&self, pallet: &str, event: &str, field: &str) -> Result<u128, ChainError> {
		let found = self
			.events
			.iter()
			.find(|e| e.pallet == pallet && e.name == event);
		let value = found
			.and_then(|event| event.fields.at(field))
			.and_then(|value| value.as_u128());
		value.ok_or_else(|| ChainError::OtherVersion {
			reason: format!("no number {field:?} in an event {pallet}.{event}"),
		})
	}
}

impl Numbered {
	/// Reads the number in `[pallet, event, field]` wherever the transaction goes.
	pub fn new(places: watch::Receiver<Included>, field: [&'static str; 3]) -> Self {
		Self { places, field }
	}

	/// The number now, and the block that gave it.
	pub fn now(&self) -> Result<(u128, u32), ChainError> {
		let included = self.places.borrow();
		let [pallet, event, field] = self.field;
		Ok((included.number(pallet, event, field)?, included.block))
	}

	/// Waits until the number is another one than `known`; for ever, once its block is final.
	pub async fn other_than(&mut self, known: u128) -> Result<u128, ChainError> {
		loop {
			let (number, _) = self.now()?;
			if number != known {
				return Ok(number);
			}
			if self.places.changed().await.is_err() {
				// Nothing moves it any more. The last place may have come in the same moment.
				let (number, _) = self.now()?;
				match number == known {
					true => std::future::pending::<()>().await,
					false => return Ok(number),
				}
			}
		}
	}
}
