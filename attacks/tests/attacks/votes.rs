//! What two workers of one mind can do to a third that is honest, and what they get for it.

use crate::SEED;
use dllm_attacks::{
	court::{decide, Finding},
	dice::Dice,
	money::{Role, Sampling, Stake},
	simulation::{
		self,
		votes::{lines, outvoted, Drawn},
		Tries,
	},
};
use dllm_primitives::{
	commitment::Roots,
	dispute::{Outcome, Standing},
	ids::Digest,
	judge::{Showing, StageShowings},
	slash::Ground::{Proof, Votes},
	verdict::Verdict::{Cheat, Pass},
};

const TRIES: u64 = 40_000;
/// Half of the bonds, and of the outsiders, are friends'.
const HALF: (&str, &[u128], &[u128]) = ("1/2", &[1], &[1]);

fn is_near(value: f64, expected: f64, within: f64) -> bool {
	(value - expected).abs() < within
}

/// With S = 8 R, of which the user has R, and a share γ of the outsiders, a checker that lies gets
/// 0.07 + γ − (1 − γ)(0.13 + 7), and a lead that cheats 0.7 + (1 − γ)γ − (1 − γ)²(1 + 7). Were 30 % of S paid to those who
/// vote, it would be more by 2.4 γ and 2.4 (1 − γ)γ: 0.5 at least.
#[test]
fn who_outvotes_an_honest_worker_loses_by_it() {
	let (lead, cheat) = (
		"have an honest lead outvoted",
		"a lead cheats with a friend",
	);
	let expected = [
		(lead, "α = 1/3", -4.35, 2.67),
		(cheat, "α = 1/3", -2.63, 1.78),
		(lead, "α = 1/2", -3.0, 4.0),
		(cheat, "α = 1/2", -1.05, 2.0),
	];
	let lines = lines(TRIES, &mut Dice::new(SEED, "votes")).unwrap();
	assert_eq!(lines.len(), expected.len());
	for (line, (attack, share, value, honest)) in lines.iter().zip(expected) {
		let is_named = |text: &str| line.attack.contains(text);
		assert!(is_named(attack) && is_named(share), "{line}");
		assert!(
			line.value < 0.0 && is_near(line.value, value, 0.3),
			"{line}"
		);
		assert!(is_near(line.honest, honest, 0.3), "{line}");
		// Honest workers lose: it must not be said to be covered.
		assert!(line.limit && line.tried > 1_000, "{line}");
	}
}

/// Why the third worker is drawn late: who knows that it is a friend lies only then, at no risk. With what convictions
/// shared before it would have earned half of a slash by that, now the pay of the stage at most.
#[test]
fn who_knew_the_third_worker_would_lie_without_risk() {
	let line = |drawn| outvoted(HALF, drawn, TRIES, &mut Dice::new(SEED, "third")).unwrap();
	let (late, early) = (line(Drawn::Late), line(Drawn::Early));
	assert_eq!(early.detected, 0.0);
	assert!(early.value > 0.0 && late.value < 0.0, "{early}\n{late}");
	let most = Role::Checker.saved() + 1.0;
	assert!(early.value < most + 1e-9, "{early}");
	let stake = Stake::dearest_float();
	let before = early.value - stake.shared(Votes) + stake.shared(Proof);
	assert!(before > most, "{before}");
}

#[test]
fn votes_pay_nobody_who_cast_them() {
	for (stake, slash) in [(Stake::dearest(), 40.0), (Stake::dearest_float(), 8.0)] {
		assert_eq!(stake.slash(Votes), slash);
		// All that is not burned is the user's: what the stage would have cost it.
		assert_eq!(stake.shared(Votes), 1.0);
		assert_eq!(stake.lost(Votes), slash - 1.0);
		// A proof pays who convicts.
		assert_eq!(stake.shared(Proof), slash / 2.0);
		assert_eq!(stake.lost(Proof), slash * 0.8);
	}
}

#[test]
fn a_dispute_proves_and_a_third_worker_votes() {
	let truth = Roots {
		output: Digest::repeat_byte(7),
		rows: 3,
		..Roots::default()
	};
	let lie = Roots {
		output: Digest::repeat_byte(8),
		..truth
	};
	let stage = StageShowings {
		lead: Showing::Opened(lie),
		replica: Some(Showing::Opened(truth)),
		tiebreak: None,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	let found = |verdict, ground| Finding { verdict, ground };
	let ruling = decide(stage, truth);
	assert_eq!(ruling.lead, found(Cheat, Votes));
	assert_eq!(ruling.third.map(|third| third.verdict), Some(Pass));
	assert_eq!(decide(stage, lie).checker, found(Cheat, Votes));

	let disputed = |outcome| StageShowings {
		dispute: Some(Standing::Over(outcome)),
		..stage
	};
	let ruling = decide(disputed(Outcome::Convicted), truth);
	assert_eq!((ruling.lead, ruling.third), (found(Cheat, Proof), None));
	let ruling = decide(disputed(Outcome::Dismissed), truth);
	assert_eq!(ruling.checker, found(Cheat, Proof));
}

/// Who loses a dispute, or copies, loses all but the user's fifth of a whole bond, which is 40 R; who is outvoted all but
/// the pay of the stage, of 8 R.
#[test]
fn lines_rest_on_what_convicts() {
	let few = Tries {
		trials: 100,
		windows: 100,
		comparisons: 10,
		careers: 1,
	};
	let lines = simulation::all(few, Sampling::of_runtime(), SEED).unwrap();
	for (attack, lost) in [
		("verifier always accuses", 32.0),
		(
			"verifier always passes: tells rows that it did not compute, exact",
			32.0,
		),
		("verifier copies the lead's commitment", 32.0),
		("silence: a challenger abandons its dispute", 32.0),
		("verifier always passes, float profile", 7.0),
	] {
		let line = lines.iter().find(|line| line.attack == attack).unwrap();
		assert!(
			is_near(line.loss, Role::Checker.pay() + lost, 1e-6),
			"{line}"
		);
	}
}
