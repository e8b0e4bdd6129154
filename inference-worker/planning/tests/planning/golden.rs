//! The patent's penalty, as its two figures show it, in both arithmetics; and loss by hand.

use dllm_planning::cost::{expected_rounds, penalty};
use dllm_primitives::cost::{
	link::{self, LinkFigures},
	Weights, FEMTOS_PER_MS,
};

/// Milliseconds of transfer, probability of loss, jitter, penalty: `research/patent.md`.
const FIGURES: [(u32, f64, u32, f64); 10] = [
	(10, 0.001, 5, 5.02),
	(10, 0.005, 5, 5.30),
	(10, 0.01, 5, 6.10),
	(250, 0.01, 5, 8.50),
	(10, 0.02, 5, 9.20),
	(250, 0.02, 5, 14.00),
	(10, 0.05, 5, 30.50),
	(250, 0.05, 5, 42.50),
	(10, 0.05, 55, 80.50),
	(250, 0.05, 55, 92.50),
];

fn link(loss: f64, jitter_ms: u32) -> LinkFigures {
	LinkFigures {
		latency_us: 0,
		jitter_us: jitter_ms * 1_000,
		loss_ppm: (loss * 1e6).round() as u32,
		bytes_per_second: 100,
		efficiency_ppm: 300_000,
	}
}

#[test]
fn the_figures_of_the_patent() {
	let weights = Weights::PATENT_FIGURES;
	for (transfer, loss, jitter, expected) in FIGURES {
		let link = link(loss, jitter);
		let float = penalty(&link, transfer.into(), 1.0, &weights);
		assert!((float - expected).abs() < 1e-9, "{float} for {expected}");
		let femtos = u128::from(transfer) * FEMTOS_PER_MS;
		let loss = link.loss_penalty(femtos, 1, &weights.loss);
		let jitter = u128::from(jitter) * FEMTOS_PER_MS;
		let wanted = (expected * 1_000.0).round() as u128 * (FEMTOS_PER_MS / 1_000);
		assert_eq!(loss + jitter, wanted);
	}
}

#[test]
fn the_text_weighs_jitter_ten_times() {
	let link = link(0.01, 5);
	let text = penalty(&link, 10.0, 1.0, &Weights::PATENT_TEXT);
	// 10·5 + 1·10·0.01 + 10 000·0.01²
	assert!((text - 51.1).abs() < 1e-9, "{text}");
}

#[test]
fn one_packet_is_lost_p_over_one_minus_p_times() {
	for loss in [0.000_001, 0.01, 0.1, 0.5] {
		let rounds = expected_rounds(loss, 1.0);
		assert!((rounds - loss / (1.0 - loss)).abs() < 1e-12, "{rounds}");
	}
}

#[test]
fn rounds_of_two_packets_by_hand() {
	// Longest of two geometric waits: 2·p/(1−p) − p²/(1−p²), for p = 1/10: 2/9 − 1/99 = 7/33.
	let rounds = expected_rounds(0.1, 2.0);
	assert!((rounds - 7.0 / 33.0).abs() < 1e-12, "{rounds}");
	let integer = link::expected_rounds(100_000, 2) as f64 / link::ONE as f64;
	assert!((integer - 7.0 / 33.0).abs() < 1e-12, "{integer}");
}

#[test]
fn half_of_the_packets_lost_is_one_round_more() {
	// Σ 2⁻ᵏ = 1: the greatest loss that is let in, where rounding must not keep the sum from ending.
	let rounds = link::expected_rounds(500_000, 1) as f64 / link::ONE as f64;
	assert!((rounds - 1.0).abs() < 1e-12, "{rounds}");
}
