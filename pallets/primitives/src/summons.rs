//! Who is summoned to check a stage where the chain does not say so itself: each of its other holders draws a lot
//! that only it can draw, and shows it where it wins.
//!
//! A lot is the output of a verifiable random function (VRF: sr25519, as schnorrkel has it) under the key of the
//! holder's account, over the seed of the job's draw, the job and the stage. Nobody else can compute it, its holder
//! can neither choose nor change it, and everybody can verify it once it is shown. So neither who leads the stage nor
//! who makes blocks knows whether a job is going to be checked before the holder says so.
//!
//! With `L(p) = −ln(1 − p)` a holder with a share `b` of the bonds wins with probability `L(p) · b`. Then all of them
//! lose with probability `∏ (1 − L(p) · bᵢ) ≤ e^(−L(p)) = 1 − p`, however the bonds are spread.

use crate::{
	draw::WHOLE,
	ids::{Digest, JobId, StageIndex},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{
	crypto::VrfPublic,
	sr25519::{
		vrf::{VrfSignature, VrfTranscript},
		Public,
	},
	H512,
};

const DOMAIN: &[u8] = b"dllm/summons/v1";
const LOT: &[u8] = b"dllm/lot/v1";
/// What the fixed point of [`log_of`] may lack at most: less than one for each of its terms, in 2⁻⁶⁴.
const ROUNDING: u128 = 64;

/// Probability above which a check is not left to chance, in parts per million.
pub const MOST_SECRET: u32 = WHOLE / 2;

/// A lot, as its holder shows it.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
	/// Pre-output of the function: a compressed Ristretto point.
	pub output: Digest,
	/// That it is the one of the holder's key: challenge and response.
	pub proof: H512,
}

impl From<&VrfSignature> for Proof {
	fn from(signature: &VrfSignature) -> Self {
		let mut proof = H512::zero();
		proof.0.copy_from_slice(&signature.proof.0.to_bytes());
		Self {
			output: Digest::from(*signature.pre_output.0.as_bytes()),
			proof,
		}
	}
}

/// A lot that won.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Summons<AccountId> {
	/// Whose it is.
	pub worker: AccountId,
	/// What the lot had to be below, of 2⁶⁴.
	pub threshold: u64,
	/// The lot.
	pub proof: Proof,
}

/// `−ln(1 − p)` of 2⁶⁴ for a probability in parts per million, at most [`MOST_SECRET`]: at least the true value, and
/// above it by less than 2⁻⁵⁷.
pub fn log_of(ppm: u32) -> u64 {
	let ppm = u128::from(ppm.min(MOST_SECRET));
	let p = (ppm << 64) / u128::from(WHOLE);
	let (mut power, mut sum) = (p, 0u128);
	// p ≤ 1/2, so a power has gone below 2⁻⁶⁴ after 64 terms.
	for term in 1..=64u128 {
		sum = sum.saturating_add(power.checked_div(term).unwrap_or(0));
		power = power.saturating_mul(p) >> 64;
	}
	let rounding = match ppm {
		0 => 0,
		_ => ROUNDING,
	};
	u64::try_from(sum.saturating_add(rounding)).unwrap_or(u64::MAX)
}

/// What the lot of a holder has to be below, of 2⁶⁴, so that one holder at least of those that have `total` bonds
/// together wins with probability `ppm`; none of them where the holder has no bond.
pub fn threshold(ppm: u32, bond: u128, total: u128) -> u64 {
	if bond == 0 {
		return 0;
	}
	// 64 bits of the bonds are left; what is dropped of them is to the holder's favour.
	let excess = 64u32.saturating_sub(total.leading_zeros());
	let dropped = (1u128 << excess).saturating_sub(1);
	let bond = bond.min(total).saturating_add(dropped) >> excess;
	let share = u128::from(log_of(ppm)).checked_mul(bond);
	let due = share.map(|share| share.div_ceil((total >> excess).max(1)));
	due.and_then(|due| u64::try_from(due).ok())
		.unwrap_or(u64::MAX)
}

/// What a holder signs with its function.
pub fn transcript(seed: Digest, job: JobId, stage: StageIndex) -> VrfTranscript {
	VrfTranscript::new(
		DOMAIN,
		&[
			(b"seed", seed.as_bytes()),
			(b"job", &job.to_le_bytes()),
			(b"stage", &[stage]),
		],
	)
}

/// The lot of an account, of 2⁶⁴; none where the proof is not by its key, of this draw, job and stage, or the account
/// has no such key.
pub fn lot(
	seed: Digest,
	(job, stage): (JobId, StageIndex),
	account: &[u8],
	proof: &Proof,
) -> Option<u64> {
	let public = Public::from_raw(account.try_into().ok()?);
	let signature = VrfSignature::decode(&mut proof.encode().as_slice()).ok()?;
	let input = transcript(seed, job, stage);
	if !public.vrf_verify(&input.clone().into_sign_data(), &signature) {
		return None;
	}
	let bytes = public.make_bytes::<8>(LOT, &input, &signature.pre_output);
	bytes.ok().map(u64::from_le_bytes)
}
