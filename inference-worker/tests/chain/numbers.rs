//! The number that the chain gave to a transaction, followed from fork to fork.

use dllm_worker::chain::{ChainError, Event, Included, Numbered, H256};
use subxt::ext::scale_value::{Composite, Value};
use tokio::{runtime::Builder, sync::watch};

const FIELD: [&str; 3] = ["Jobs", "Submitted", "job"];

fn event(pallet: &str, name: &str, job: u64) -> Event {
	Event {
		pallet: pallet.into(),
		name: name.into(),
		fields: Composite::named([("job", Value::u128(job.into()))]),
	}
}

/// A block in which the transaction got that number, among events that name others.
fn included(block: u32, job: u64) -> Included {
	let events = vec![
		event("Jobs", "Cancelled", 900),
		event("Jobs", "Submitted", job),
		event("Other", "Submitted", 901),
	];
	let hash = H256::from_low_u64_be(block.into());
	Included {
		block,
		hash,
		events,
	}
}

fn block_on<T>(work: impl std::future::Future<Output = T>) -> T {
	let runtime = Builder::new_current_thread().enable_all().build();
	runtime.expect("a runtime").block_on(work)
}

#[test]
fn the_number_is_that_of_the_block_that_holds_the_transaction_now() {
	let (places, followed) = watch::channel(included(10, 4));
	let mut number = Numbered::new(followed, FIELD);
	assert_eq!(number.now().expect("it is there"), (4, 10));
	block_on(async {
		let moving = async {
			// The same number in another block is no news.
			places.send_replace(included(11, 4));
			tokio::task::yield_now().await;
			places.send_replace(included(12, 6));
		};
		let (moved, ()) = tokio::join!(number.other_than(4), moving);
		assert_eq!(moved.expect("it moved"), 6);
	});
	// The number of the final block stays readable when nobody follows the transaction any more.
	places.send_replace(included(13, 5));
	drop(places);
	assert_eq!(number.now().expect("it is there"), (5, 13));
	let moved = block_on(number.other_than(6));
	assert_eq!(moved.expect("it moved"), 5);
}

#[test]
fn a_block_without_the_event_is_noticed() {
	let mut nothing = included(10, 4);
	nothing.events.remove(1);
	let (_places, followed) = watch::channel(nothing);
	let error = Numbered::new(followed, FIELD).now().expect_err("no event");
	assert!(matches!(error, ChainError::OtherVersion { .. }), "{error}");
}
