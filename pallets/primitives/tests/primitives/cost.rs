//! The cost model in integers: by hand, its limits, its order, and figures that cannot be true. That the
//! planner's floating point agrees is tested there.

use crate::specimens::{model, plan, Account};
use dllm_primitives::{
	cost::{
		decode_femtos, link::LinkFigures, prefill_femtos, score, CostError, DeviceFigures, Form,
		Limits, Measurements, Terms, Weights, Workload, FEMTOS_PER_MS, FEMTOS_PER_US,
	},
	ids::Digest,
	model::Shard,
};
use proptest::prelude::*;

const LINK: LinkFigures = LinkFigures {
	latency_us: 3_000,
	jitter_us: 2_000,
	loss_ppm: 0,
	bytes_per_second: 1_000_000,
	efficiency_ppm: 500_000,
};

const DEVICE: DeviceFigures = DeviceFigures {
	flops_per_second: 1_000_000_000,
	memory_bytes_per_second: 1_000_000_000,
	download_bytes_per_second: 1_000_000,
	failure_ppm: 10_000,
};

const WORKLOAD: Workload = Workload {
	prompt_tokens: 10,
	new_tokens: 4,
	sessions: 1,
	row_bytes: 500,
	packet_bytes: 1_000,
};

/// Only time counts, unscaled.
const TIME: Weights = Weights {
	entered_us: 0,
	bottleneck_milli: 0,
	price_femtos_per_planck: 0,
	migration_milli: 0,
	..Weights::PATENT_FIGURES
};

/// Equal workers, but for one.
struct Equal {
	device: DeviceFigures,
	link: LinkFigures,
	/// Has a device of its own.
	odd: Option<(Account, DeviceFigures)>,
}

impl Default for Equal {
	fn default() -> Self {
		Self {
			device: DEVICE,
			link: LINK,
			odd: None,
		}
	}
}

impl Measurements<Account> for Equal {
	fn device(&self, who: &Account) -> Option<DeviceFigures> {
		match self.odd {
			Some((odd, device)) if odd == *who => Some(device),
			_ => Some(self.device),
		}
	}

	fn link(&self, _: Option<&Account>, _: Option<&Account>) -> LinkFigures {
		self.link
	}

	fn price(&self, who: &Account) -> u128 {
		u128::from(*who) * 1_000
	}

	fn holds(&self, who: &Account, _: &Shard) -> bool {
		*who == 10
	}
}

/// A layer whose arithmetic takes a token a millisecond, and whose weights half a millisecond.
fn layer() -> Shard {
	Shard {
		hash: Digest::repeat_byte(1),
		bytes: 500_000,
		flops_per_token: 1_000_000,
		kv_bytes_per_token: 0,
	}
}

fn cost(weights: &Weights, limits: &Limits, measured: &Equal) -> Result<Terms, CostError> {
	let mut model = model(2);
	for shard in &mut model.layers {
		*shard = layer();
	}
	score(&plan(&[1, 1]), &model, &WORKLOAD, weights, limits, measured)
}

fn total(weights: &Weights, measured: &Equal) -> u128 {
	cost(weights, &Limits::default(), measured)
		.expect("plausible")
		.total()
}

#[test]
fn the_slower_of_arithmetic_and_memory_counts() {
	let layer = Shard {
		kv_bytes_per_token: 100_000,
		..layer()
	};
	let (prefill, decode) = (
		prefill_femtos(&DEVICE, &layer, &WORKLOAD, Form::Transitions),
		decode_femtos(&DEVICE, &layer, &WORKLOAD, Form::Transitions),
	);
	assert_eq!(prefill, 10 * FEMTOS_PER_MS);
	// 500 000 bytes of weights and 12 rows of 100 000 in the cache, on average: 1.7 ms.
	assert_eq!(decode, 1_700 * FEMTOS_PER_US);
	assert_eq!(
		decode_femtos(&DEVICE, &layer, &WORKLOAD, Form::Printed),
		FEMTOS_PER_MS
	);
}

#[test]
fn terms_by_hand() {
	let terms = cost(&TIME, &Limits::default(), &Equal::default()).expect("plausible");
	// Two layers: 10 ms for the prompt, 1 ms for each of 4 tokens.
	assert_eq!(terms.compute, 2 * 14 * FEMTOS_PER_MS);
	// Three hops, each five frames of 3 ms; 5 000 bytes at 500 000 bytes/s are 10 ms, 500 are 1 ms.
	assert_eq!(terms.data, 3 * (5 * 3 + 10 + 4) * FEMTOS_PER_MS);
	assert_eq!(terms.qos, 3 * 5 * 2 * FEMTOS_PER_MS);
	assert_eq!(terms.total(), terms.compute + terms.data + terms.qos);
}

#[test]
fn weights_by_hand() {
	let weights = Weights {
		entered_us: 1_000,
		bottleneck_milli: 2_000,
		price_femtos_per_planck: 7,
		migration_milli: 500,
		..TIME
	};
	let mut model = model(2);
	for shard in &mut model.layers {
		*shard = layer();
	}
	let mut plan = plan(&[1, 1]);
	plan.slots = 3;
	let terms = score(
		&plan,
		&model,
		&WORKLOAD,
		&weights,
		&Limits::default(),
		&Equal::default(),
	)
	.expect("plausible");
	assert_eq!(terms.entered, 2 * FEMTOS_PER_MS);
	// Behind two others, 4 tokens, a stage or frame of 1 ms, doubled.
	assert_eq!(terms.bottleneck, 2 * 4 * 2 * FEMTOS_PER_MS);
	// The dearest of workers 10, 11 and of 12, 13; 14 tokens of 10⁶ operations each.
	assert_eq!(terms.price, (11_000 + 13_000) * 14 / 1_000 * 7);
	// Half of 500 ms for each layer, but worker 10, leader of every other job, holds its layer.
	assert_eq!(terms.migration, (500 + 250) * FEMTOS_PER_MS / 2);
}

#[test]
fn the_printed_form_is_blind_to_links() {
	let far = Equal {
		link: LinkFigures {
			latency_us: 300_000,
			..LINK
		},
		..Equal::default()
	};
	let (near, far) = (
		total(&Weights::PATENT_TEXT, &Equal::default()),
		total(&Weights::PATENT_TEXT, &far),
	);
	assert_eq!(near, far);
	// Compute, and w_c for each of the layers.
	assert_eq!(near, (2 * 14 + 2) * FEMTOS_PER_MS);
}

#[test]
fn limits_hold_for_the_worst_ring() {
	let slow = Equal {
		odd: Some((
			13,
			DeviceFigures {
				flops_per_second: 500_000_000,
				..DEVICE
			},
		)),
		..Equal::default()
	};
	// Three frames of 15 ms and the prompt through both layers; the odd worker takes 10 ms longer.
	let first = |us| Limits {
		first_token_us: Some(us),
		..Limits::default()
	};
	assert!(cost(&TIME, &first(65_000), &Equal::default()).is_ok());
	assert_eq!(
		cost(&TIME, &first(64_999), &Equal::default()),
		Err(CostError::FirstToken)
	);
	assert_eq!(
		cost(&TIME, &first(65_000), &slow),
		Err(CostError::FirstToken)
	);
	let token = |us| Limits {
		per_token_us: Some(us),
		..Limits::default()
	};
	assert!(cost(&TIME, &token(20_000), &Equal::default()).is_ok());
	assert_eq!(cost(&TIME, &token(20_000), &slow), Err(CostError::PerToken));
	// Two workers of 1 % each: 1.99 %.
	let failure = |ppm| Limits {
		failure_ppm: Some(ppm),
		..Limits::default()
	};
	assert!(cost(&TIME, &failure(19_901), &Equal::default()).is_ok());
	assert_eq!(
		cost(&TIME, &failure(19_899), &Equal::default()),
		Err(CostError::Reliability)
	);
}

#[test]
fn figures_that_cannot_be_true_have_no_cost() {
	let cases = [
		(
			DEVICE,
			LinkFigures {
				bytes_per_second: 0,
				..LINK
			},
			CostError::Link,
		),
		(
			DEVICE,
			LinkFigures {
				loss_ppm: 900_000,
				..LINK
			},
			CostError::Link,
		),
		(
			DEVICE,
			LinkFigures {
				efficiency_ppm: 0,
				..LINK
			},
			CostError::Link,
		),
		(
			DeviceFigures {
				flops_per_second: 0,
				..DEVICE
			},
			LINK,
			CostError::Device,
		),
		(
			DeviceFigures {
				memory_bytes_per_second: u64::MAX,
				..DEVICE
			},
			LINK,
			CostError::Device,
		),
		(
			DeviceFigures {
				failure_ppm: 1_000_000,
				..DEVICE
			},
			LINK,
			CostError::Device,
		),
	];
	for (device, link, error) in cases {
		let measured = Equal {
			device,
			link,
			odd: None,
		};
		assert_eq!(cost(&TIME, &Limits::default(), &measured), Err(error));
	}
}

proptest! {
	#[test]
	fn worse_links_never_cost_less(
		latency_us in 0..1_000_000u32,
		jitter_us in 0..1_000_000u32,
		loss_ppm in 0..400_000u32,
		slower in 1..1_000u64,
	) {
		for weights in [Weights::DLLM, Weights::PATENT_FIGURES] {
			let measured = |link| total(&weights, &Equal { link, ..Equal::default() });
			let link = LinkFigures { latency_us, jitter_us, loss_ppm, ..LINK };
			let base = measured(link);
			let worse = [
				LinkFigures { latency_us: latency_us + 1, ..link },
				LinkFigures { jitter_us: jitter_us + 1, ..link },
				LinkFigures { loss_ppm: loss_ppm + 1, ..link },
				LinkFigures { bytes_per_second: link.bytes_per_second - slower, ..link },
			];
			for link in worse {
				prop_assert!(measured(link) >= base, "{link:?}");
			}
		}
	}

	/// No figures that are let in may overflow, and the most extreme ones still have a cost.
	#[test]
	fn extremes_do_not_panic(
		flops in proptest::sample::select(vec![1_000_000u64, 1_000_000_000_000_000_000]),
		bytes in proptest::sample::select(vec![100u64, 1_000_000_000_000]),
		loss_ppm in proptest::sample::select(vec![0u32, 1, 500_000]),
		tokens in proptest::sample::select(vec![0u32, 1, u32::MAX]),
		row_bytes in proptest::sample::select(vec![0u32, u32::MAX]),
	) {
		let measured = Equal {
			device: DeviceFigures { flops_per_second: flops, ..DEVICE },
			link: LinkFigures { bytes_per_second: bytes, loss_ppm, ..LINK },
			odd: None,
		};
		let workload = Workload {
			prompt_tokens: tokens,
			new_tokens: tokens,
			sessions: tokens,
			row_bytes,
			packet_bytes: 0,
		};
		let scored = score(&plan(&[1, 1]), &model(2), &workload, &Weights::DLLM, &Limits::default(), &measured);
		prop_assert!(scored.is_ok());
	}
}
