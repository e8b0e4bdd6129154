//! What is loaded at once fits into the worker's memory.

use crate::lab::*;
use dllm_primitives::model::LayerRange;
use dllm_worker::pipeline::{Honest, Host, HostError};
use std::{
	sync::{Arc, Barrier},
	thread,
};

/// Loads both ranges at the same time, each on a thread of its own; how many of them stand.
fn load_together(host: &Arc<Host>, ranges: [LayerRange; 2]) -> [Result<(), HostError>; 2] {
	let together = Arc::new(Barrier::new(2));
	let loads = ranges.map(|layers| {
		let (host, together) = (host.clone(), together.clone());
		thread::spawn(move || {
			together.wait();
			host.ensure(MODEL, model(), layers, 1).map(|_| ())
		})
	});
	loads.map(|load| load.join().unwrap())
}

/// Bytes that layers take for one session.
fn need(layers: LayerRange) -> u64 {
	let host = Host::new(u64::MAX, Arc::new(Honest));
	host.ensure(MODEL, model(), layers, 1).unwrap();
	let taken = u64::MAX - host.memory_left();
	// One more session is reserved where memory allows.
	let manifest = manifest();
	let rows = u64::from(manifest.config.max_context) + 1;
	let files = &manifest.layers[usize::from(layers.start)..usize::from(layers.end)];
	let per_row = files
		.iter()
		.map(|file| u64::from(file.kv_bytes_per_token))
		.sum::<u64>();
	taken - per_row * rows
}

#[test]
fn two_loads_at_once_do_not_take_the_same_memory() {
	let ranges = [range(0, 1), range(1, 2)];
	let memory = need(ranges[0]).max(need(ranges[1]));
	for round in 0..3 {
		let host = Arc::new(Host::new(memory, Arc::new(Honest)));
		let loads = load_together(&host, ranges);
		let stand = ranges.map(|layers| host.segment(MODEL, layers).is_ok());
		assert_ne!(stand[0], stand[1], "round {round}: {loads:?}");
		let refused = loads.into_iter().find_map(Result::err).unwrap();
		assert!(
			matches!(refused, HostError::TooLittleMemory { .. }),
			"{refused}"
		);
	}
}

#[test]
fn the_same_layers_are_charged_once() {
	let layers = range(0, 1);
	let host = Arc::new(Host::new(u64::MAX, Arc::new(Honest)));
	host.ensure(MODEL, model(), layers, 1).unwrap();
	let once = host.memory_left();
	assert!(host.release(MODEL, layers));
	let loads = load_together(&host, [layers, layers]);
	assert!(loads.iter().all(Result::is_ok));
	assert_eq!(host.memory_left(), once);
}
