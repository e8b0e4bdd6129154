//! Honest workers, of one class and of unlike ones: nobody is ever slashed.

use super::roots;
use crate::{
	dice::Dice,
	report::{Kind, Line},
};
use anyhow::{ensure, Result};
use dllm_primitives::{
	ids::Digest,
	judge::{judge_stage, needs_tiebreak, Showing, StageShowings},
	verdict::Verdict,
};

/// Numerics classes among the workers.
const CLASSES: u64 = 4;

/// Every worker tells what its class gives for the same rows; a window is a stage of a job. Some miss a
/// deadline.
pub fn line(windows: u64, dice: &mut Dice) -> Result<Line> {
	let (weights, mut undecided) = (Digest::repeat_byte(2), 0u64);
	for _ in 0..windows {
		let outputs = [(); CLASSES as usize].map(|()| dice.digest());
		let mut shown = || {
			let class = dice.place(outputs.len());
			match dice.below(20) {
				0 => Showing::Silent,
				_ => {
					let name = Digest::from_low_u64_be(class as u64);
					Showing::Opened(roots(name, weights, outputs[class]))
				}
			}
		};
		let mut stage = StageShowings {
			lead: shown(),
			replica: Some(shown()),
			unchecked: false,
			tiebreak: None,
			dispute: None,
		};
		if needs_tiebreak(&stage) {
			stage.tiebreak = Some(shown());
		}
		let verdicts = judge_stage(&stage);
		let all = [Some(verdicts.lead), verdicts.replica, verdicts.tiebreak];
		let convicted = all.contains(&Some(Verdict::Cheat));
		ensure!(!convicted, "an honest worker is convicted: {stage:?}");
		undecided += u64::from(verdicts.lead == Verdict::Indeterminate);
	}
	let share = 100 * undecided / windows.max(1);
	Ok(Line {
		attack: format!("none: honest workers of {CLASSES} float classes ({share} % of windows undecided, none slashed)"),
		kind: Kind::Simulation,
		tried: windows,
		checked: 1.0,
		detected: 0.0,
		loss: 0.0,
		honest: 0.0,
		value: 0.0,
		limit: false,
	})
}
