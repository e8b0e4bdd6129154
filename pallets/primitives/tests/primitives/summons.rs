//! Lots: the fixed point against floating point, at least one winner as often as is due, and a lot that is bound to its
//! holder, draw, job and stage.

use codec::{Decode, Encode};
use dllm_primitives::{
	draw::WHOLE,
	ids::Digest,
	summons::{log_of, lot, threshold, transcript, Proof, MOST_SECRET},
};
use proptest::prelude::*;
use sp_core::{crypto::VrfSecret, sr25519::Pair, Pair as _};

const TWO_64: f64 = 18_446_744_073_709_551_616.0;

fn share(of: u64) -> f64 {
	of as f64 / TWO_64
}

fn proof(who: &Pair, seed: Digest, job: u64, stage: u8) -> Proof {
	Proof::from(&who.vrf_sign(&transcript(seed, job, stage).into_sign_data()))
}

fn lot_of(who: &Pair, at: (Digest, u64, u8), proof: &Proof) -> Option<u64> {
	lot(at.0, (at.1, at.2), who.public().as_ref(), proof)
}

#[test]
fn the_logarithm_is_that_of_floating_point() {
	for ppm in (1..=MOST_SECRET)
		.step_by(997)
		.chain([1, 100_000, MOST_SECRET])
	{
		let p = f64::from(ppm) / f64::from(WHOLE);
		let exact = -(-p).ln_1p();
		assert!((share(log_of(ppm)) - exact).abs() < 1e-15, "{ppm}");
	}
	assert_eq!(log_of(0), 0);
	// ln 2 to 2⁻⁵⁷, from above.
	let ln_2 = 0xB172_17F7_D1CF_79ABu64;
	assert!(log_of(MOST_SECRET).checked_sub(ln_2).unwrap() < 128);
}

/// Lots of many draws: of three holders at least one wins as often as is due, and each by its bond.
#[test]
fn somebody_wins_as_often_as_is_due() {
	const DRAWS: u64 = 4_000;
	let bonds = [1_000u128, 3_000, 6_000];
	let holders = [1, 2, 3].map(|n| Pair::from_seed(&[n; 32]));
	let ppm = 300_000;
	let (mut any, mut each) = (0u64, [0u64; 3]);
	for job in 0..DRAWS {
		let at = (Digest::from_low_u64_be(9), job, 2);
		let mut won = false;
		for (place, holder) in holders.iter().enumerate() {
			let shown = proof(holder, at.0, at.1, at.2);
			let wins = lot_of(holder, at, &shown).unwrap() < threshold(ppm, bonds[place], 10_000);
			each[place] += u64::from(wins);
			won |= wins;
		}
		any += u64::from(won);
	}
	let log = 0.7f64.ln().abs();
	let due = bonds.map(|bond| log * bond as f64 / 10_000.0);
	let least = 1.0 - due.iter().map(|p| 1.0 - p).product::<f64>();
	assert!(least > 0.3);
	for (seen, p) in each.into_iter().zip(due).chain([(any, least)]) {
		let expected = DRAWS as f64 * p;
		let deviation = (expected * (1.0 - p)).sqrt();
		assert!(
			(seen as f64 - expected).abs() < 3.9 * deviation,
			"{seen} of {expected}"
		);
	}
}

#[test]
fn a_lot_is_bound_to_holder_draw_job_and_stage_and_is_always_the_same() {
	let holder = Pair::from_seed(&[1; 32]);
	let at = (Digest::repeat_byte(1), 7, 1);
	let shown = proof(&holder, at.0, at.1, at.2);
	let own = lot_of(&holder, at, &shown).unwrap();
	assert_eq!(
		lot_of(&holder, at, &proof(&holder, at.0, at.1, at.2)),
		Some(own)
	);
	for other in [(Digest::repeat_byte(2), 7, 1), (at.0, 8, 1), (at.0, 7, 2)] {
		assert_eq!(lot_of(&holder, other, &shown), None);
		let theirs = proof(&holder, other.0, other.1, other.2);
		assert_ne!(lot_of(&holder, other, &theirs), Some(own));
	}
	let other = Pair::from_seed(&[2; 32]);
	assert_eq!(lot_of(&other, at, &shown), None);
	assert_eq!(lot(at.0, (at.1, at.2), &[1; 31], &shown), None);
	assert_eq!(lot(at.0, (at.1, at.2), &[0xff; 32], &shown), None, "no key");
	for byte in 0..96 {
		let mut bent = shown.encode();
		bent[byte] ^= 1;
		let bent = Proof::decode(&mut bent.as_slice()).unwrap();
		assert_eq!(lot_of(&holder, at, &bent), None, "byte {byte}");
	}
}

proptest! {
	#[test]
	fn all_together_have_what_is_due(
		ppm in 1..=MOST_SECRET, bonds in prop::collection::vec(1..u128::MAX / 8, 1..5),
	) {
		let total = bonds.iter().sum::<u128>();
		let sum = bonds.iter().map(|bond| u128::from(threshold(ppm, *bond, total))).sum::<u128>();
		let due = u128::from(log_of(ppm));
		prop_assert!(sum >= due);
		// Rounding is to the holders' favour: 2⁻⁶⁰ each at most.
		prop_assert!(sum - due <= 16 * bonds.len() as u128, "{}", sum - due);
	}

	#[test]
	fn more_bond_and_more_probability_never_win_less(
		ppm in 0..=MOST_SECRET, more in 0..1_000u32, bond in 0..u128::MAX / 2, extra in 0..u128::MAX / 2,
	) {
		let total = bond + extra;
		let own = threshold(ppm, bond, total);
		prop_assert!(threshold(ppm, total, total) >= own);
		prop_assert!(threshold(ppm + more, bond, total) >= own);
		prop_assert_eq!(threshold(ppm, 0, total), 0);
	}
}
