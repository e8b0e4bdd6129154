//! Placements by every method.

use crate::TOPOLOGY;
use dllm_netlab::{
	draw::draw,
	methods::{apportion, Lab, Measured, MethodError, Segment},
	topology::Topology,
};

fn measured() -> Measured {
	Measured {
		layers: 12,
		layer_ms: 2.0,
		row_ms: 0.4,
		hop_ms: 0.5,
		entry_ms: 3.0,
		row_bytes: 1_250,
		prompt_tokens: 16,
		new_tokens: 32,
	}
}

/// A placement as `host:start-end`.
fn words(segments: &[Segment]) -> Vec<String> {
	let words = segments.iter();
	let words = words.map(|Segment { host, start, end }| format!("{host}:{start}-{end}"));
	words.collect()
}

#[test]
fn the_near_machine_gets_everything_and_the_patents_text_does_not_see_why() {
	let topology = Topology::parse(TOPOLOGY).expect("it is right");
	let measured = measured();
	let placed = Lab {
		topology: &topology,
		measured: &measured,
	}
	.all()
	.expect("placements");
	assert_eq!(words(&placed["ours"].segments), ["h2:0-12"]);
	// Eight layers on the faster machine, wherever it is.
	let blind = &placed["patent-text"].segments;
	assert!(blind
		.iter()
		.any(|segment| segment.host == "h1" && segment.end - segment.start == 8));
	// 8 and 12 layers of memory; 1 and ½ of a processor.
	assert_eq!(words(&placed["memory"].segments), ["h1:0-5", "h2:5-12"]);
	assert_eq!(words(&placed["flops"].segments), ["h1:0-8", "h2:8-12"]);
}

#[test]
fn the_prediction_is_the_sum_of_its_parts() {
	let mut topology = Topology::parse(TOPOLOGY).expect("it is right");
	for link in &mut topology.links {
		link.loss = 0.0;
	}
	let measured = measured();
	let lab = Lab {
		topology: &topology,
		measured: &measured,
	};
	// Entry 3; 12 layers of 2 ms on half a processor; twice 5 + 0.5 and 1,250 bytes at 20 Mbit/s.
	let near = lab.predict(&[lab.segment("h2", 0, 12)]);
	assert!(
		(near - (3.0 + 48.0 + 2.0 * (5.5 + 0.5))).abs() < 1e-3,
		"{near}"
	);
	// Hops 100.5, 50.5 and 5.5 with 0.1, 0.1 and 0.5 of transfer; 8 layers of 2 ms and 4 of 4 ms.
	let both = lab.predict(&[lab.segment("h1", 0, 8), lab.segment("h2", 8, 12)]);
	assert!((both - (3.0 + 16.0 + 16.0 + 157.2)).abs() < 1e-3, "{both}");
	topology.links[1].loss = 0.1;
	let lossy = Lab {
		topology: &topology,
		measured: &measured,
	};
	assert!(lossy.predict(&[lossy.segment("h2", 0, 12)]) > near + 1.0);
}

#[test]
fn every_placement_covers_every_layer_once_within_memory() {
	let measured = measured();
	for seed in 1..=20 {
		let topology = draw(seed, &measured).expect("there is one");
		let lab = Lab {
			topology: &topology,
			measured: &measured,
		};
		let placed = lab.all().expect("placements");
		for (method, placed) in &placed {
			let mut next = 0;
			let mut hosts = Vec::new();
			for Segment { host, start, end } in &placed.segments {
				assert_eq!(*start, next, "{method} on topology {seed}");
				assert!(
					end - start <= topology.hosts[host].layers,
					"{method} on topology {seed}"
				);
				assert!(!hosts.contains(&host), "{method} on topology {seed}");
				next = *end;
				hosts.push(host);
			}
			assert_eq!(next, measured.layers, "{method} on topology {seed}");
		}
	}
}

#[test]
fn machines_without_enough_memory_are_told_of() {
	let topology = Topology::parse(&TOPOLOGY.replace("layers = 12", "layers = 3")).expect("right");
	let measured = measured();
	let lab = Lab {
		topology: &topology,
		measured: &measured,
	};
	let error = lab.all().expect_err("eleven layers are too few");
	assert!(matches!(error, MethodError::Search(_)), "{error}");
}

#[test]
fn portions_follow_shares_until_there_is_no_room() {
	assert_eq!(apportion(12, &[1.0, 1.0, 2.0], &[12, 12, 12]), [3, 3, 6]);
	assert_eq!(apportion(12, &[1.0, 1.0, 2.0], &[12, 12, 4]), [4, 4, 4]);
	assert_eq!(apportion(12, &[1.0, 0.01], &[11, 2]), [11, 1]);
}
