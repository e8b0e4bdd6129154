//! Floats in integers against the machine's own.

use crate::dice::Dice;
use dllm_primitives::softfloat::Float;

/// Random pairs for every operation of two operands.
const PAIRS: u64 = 12_000_000;

fn soft(value: f32) -> Float {
	Float::from_bits(value.to_bits())
}

/// Equal bits, where a NaN stands for all.
#[track_caller]
fn same(soft: Float, hard: f32, what: &str, operands: [f32; 2]) {
	let equal = match hard.is_nan() {
		true => soft == Float::NAN,
		false => soft.to_bits() == hard.to_bits(),
	};
	assert!(
		equal,
		"{what} of {operands:?}: {:08x}, the machine has {:08x}",
		soft.to_bits(),
		hard.to_bits()
	);
}

fn compare(a: f32, b: f32) {
	let (x, y, both) = (soft(a), soft(b), [a, b]);
	same(x.plus(y), a + b, "sum", both);
	same(x.minus(y), a - b, "difference", both);
	same(x.times(y), a * b, "product", both);
	same(x.over(y), a / b, "quotient", both);
	assert_eq!(x.is_less(y), a < b, "{a} below {b}");
	compare_one(a);
}

fn compare_one(a: f32) {
	let (x, both) = (soft(a), [a, a]);
	same(x.square_root(), a.sqrt(), "root", both);
	same(x.round(), a.round_ties_even(), "whole number", both);
	assert_eq!(x.to_integer(), a as i64, "integer of {a}");
	assert_eq!((x.is_nan(), x.is_finite()), (a.is_nan(), a.is_finite()));
	if !a.is_nan() {
		same(x.magnitude(), a.abs(), "magnitude", both);
		same(x.negated(), -a, "negation", both);
		same(
			x.clip(soft(-127.0), soft(127.0)),
			a.clamp(-127.0, 127.0),
			"clip",
			both,
		);
	}
}

/// Zeros, the ends of every range, the neighbours of powers of two, halves, and what has no value.
fn boundaries() -> Vec<f32> {
	let mut bits = vec![
		0,
		1,
		2,
		3,
		0x007f_ffff,
		0x7f80_0000,
		0x7f80_0001,
		0x7fc0_0000,
	];
	for exponent in 0..255u32 {
		let power = exponent << 23;
		bits.extend([
			power,
			power + 1,
			power + 0x0040_0000,
			power + 0x0040_0001,
			power + 0x007f_ffff,
		]);
	}
	let halves = (0..12).map(|n| (n as f32 + 0.5).to_bits());
	bits.extend(halves);
	let signed = bits.iter().flat_map(|bits| [*bits, bits | 1 << 31]);
	signed.map(f32::from_bits).collect()
}

/// Bits of every class: any, near one another, small integers, and few bits set.
fn random(random: &mut Dice) -> [f32; 2] {
	let drawn = random.next();
	let (a, b) = (drawn as u32, (drawn >> 32) as u32);
	match random.below(4) {
		0 => [a, b].map(f32::from_bits),
		1 => [a, a ^ (b & 0x8180_00ff)].map(f32::from_bits),
		2 => [a as i32 >> 12, b as i32 >> 18].map(|value| value as f32 / 4.0),
		_ => [a & (a >> 5) & 0xff80_ffff, b & 0x807f_ffff].map(f32::from_bits),
	}
}

#[test]
fn random_operands_give_what_the_machine_gives() {
	let mut source = Dice::new(6);
	for _ in 0..PAIRS {
		let [a, b] = random(&mut source);
		compare(a, b);
	}
}

#[test]
fn all_pairs_of_boundaries_give_what_the_machine_gives() {
	let all = boundaries();
	for a in &all {
		for b in &all {
			compare(*a, *b);
		}
	}
}

#[test]
fn integers_become_the_nearest_float() {
	let mut source = Dice::new(7);
	let edges = (0..63).flat_map(|bit| [-1, 0, 1].map(|step| (1i64 << bit) + step));
	let edges = edges.chain([0, i64::MAX, i64::MIN]).collect::<Vec<_>>();
	let drawn = (0..1_000_000).map(|_| (source.next() as i64) >> source.below(64));
	for value in edges.into_iter().chain(drawn) {
		for value in [value, value.wrapping_neg()] {
			let hard = (value as f32).to_bits();
			assert_eq!(Float::from_integer(value).to_bits(), hard, "{value}");
		}
	}
}
