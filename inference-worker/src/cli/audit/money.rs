//! Steps `fee` and `slashes`: who got how much, to the planck.

use super::{
	evidence::{Evidence, Forfeited, Slashed},
	plan::drawn,
	shown::{everybody, part_of, who},
	step::{Sheet, Step},
	verdicts::{ground, is_starved},
};
use crate::chain::{address, AccountId32, Amount};
use dllm_primitives::{
	api::{ParticipantView, PaymentView, StageReceipt},
	job::JobState,
	model::ModelSpec,
	payout::{self, Split},
	plan::Pipeline,
	slash::{self, Conviction, Ground},
	verdict::{Part, Verdict},
};
use std::collections::BTreeMap;

/// What earlier convictions in the same job did to a worker.
#[derive(Clone, Copy, Default)]
struct Earlier {
	/// What they took of its bond.
	taken: u128,
	/// How many of them were proved.
	proved: u32,
}

/// What the rules make the user pay.
struct Bill {
	/// What the pipeline charges.
	fee: u128,
	/// What is burned besides.
	surplus: u128,
	split: Split<AccountId32>,
}

/// The fee is that of the rows at the pipeline's prices, and was divided by the rule.
pub(super) fn fee(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"fee",
		"the charge is that of the rows at the pipeline's prices, divided by the rule to the planck",
	);
	let (receipt, record) = (&evidence.receipt, &evidence.record);
	if !evidence.is_settled() {
		let paid = receipt.miners.len() + receipt.verifiers.len();
		sheet.same("payments", paid, 0);
		sheet.same("fee", record.fee, 0);
		sheet.same("sunk", (receipt.treasury, receipt.burned), (0, 0));
		sheet.expect(evidence.events.paid.is_none(), || {
			"a payment was announced".into()
		});
		if let JobState::Rerun { by, .. } = record.state {
			let held = Amount(record.max_price);
			return sheet.nothing(format!(
				"nothing was charged; job {by} has {held} on hold now"
			));
		}
		return sheet.nothing(format!(
			"nothing was charged; {} came back",
			Amount(receipt.refunded)
		));
	}
	let (Some(pipeline), Some(spec)) = (evidence.pipeline(), evidence.spec()) else {
		sheet.expect(false, || {
			"the pipeline of a settled job is not known".into()
		});
		return sheet.close("");
	};
	let bill = bill(evidence, &pipeline, &spec);
	sheet.note(format!(
		"{} rows: fee {}, besides {} burned",
		record.rows,
		Amount(bill.fee),
		Amount(bill.surplus)
	));
	sheet.same("charge", record.fee, bill.fee.saturating_add(bill.surplus));
	let miners = lines(&mut sheet, "miner", &bill.split.miners, &receipt.miners);
	let verifiers = lines(
		&mut sheet,
		"verifier",
		&bill.split.verifiers,
		&receipt.verifiers,
	);
	sunk(
		&mut sheet,
		evidence,
		&bill,
		miners.saturating_add(verifiers),
	);
	announced(&mut sheet, evidence);
	sheet.close(format!(
		"{} divided without a planck more or less",
		Amount(record.fee)
	))
}

/// The bill of a settled job, from the functions of the primitives with which the chain makes it.
fn bill(evidence: &Evidence, pipeline: &Pipeline<AccountId32>, spec: &ModelSpec) -> Bill {
	let record = &evidence.record;
	let pay = |wanted: fn(Part) -> bool| {
		let passed = everybody(evidence).filter(|(_, one)| wanted(one.part) && is_paid(one));
		let line = |(stage, one): (&StageReceipt, &ParticipantView)| {
			let pay = pipeline.stage_pay(spec, stage.stage, record.rows);
			(one.worker.clone(), pay)
		};
		passed.map(line).collect::<Vec<_>>()
	};
	let fee = pipeline.fee(spec, record.rows, record.own_entry);
	let fee = fee.min(record.max_price);
	let surplus = payout::surplus_for(record.surplus, record.rows, record.rows_ceiling);
	Bill {
		fee,
		surplus: surplus.min(record.max_price.saturating_sub(fee)),
		split: payout::split(
			fee,
			&pay(|part| part == Part::Lead),
			&pay(|part| part != Part::Lead),
		),
	}
}

/// Whether a worker's part in a served job is paid for.
fn is_paid(one: &ParticipantView) -> bool {
	matches!(one.verdict, Some(Verdict::Pass | Verdict::Unchecked))
}

/// Compares payments with what is due. Answers what could not be received: an account below the existential
/// deposit gets nothing, and its share goes to the treasury.
fn lines(sheet: &mut Sheet, what: &str, due: &[(AccountId32, u128)], paid: &[PaymentView]) -> u128 {
	let mut missing = 0u128;
	sheet.expect(due.len() == paid.len(), || {
		format!("{} {what}s were paid, {} are due", paid.len(), due.len())
	});
	for ((to, due), paid) in due.iter().zip(paid) {
		sheet.note(format!(
			"{what} {}: {} planck",
			address(&paid.to),
			paid.amount
		));
		sheet.expect(paid.to == *to, || {
			format!(
				"{what} {} was paid, {} is due",
				address(&paid.to),
				address(to)
			)
		});
		let refused = paid.amount == 0;
		sheet.expect(refused || paid.amount == *due, || {
			format!(
				"{what} {} got {} planck, {due} are due",
				address(to),
				paid.amount
			)
		});
		if refused {
			missing = missing.saturating_add(*due);
		}
	}
	missing
}

/// Checks treasury and fire, and that nothing is left.
fn sunk(sheet: &mut Sheet, evidence: &Evidence, bill: &Bill, missing: u128) {
	let receipt = &evidence.receipt;
	sheet.note(format!(
		"treasury {} planck, burned {} planck",
		receipt.treasury, receipt.burned
	));
	let to_burn = bill.split.burned.saturating_add(bill.surplus);
	let to_treasury = bill.split.treasury.saturating_add(missing);
	// A treasury that does not exist yet cannot receive: then its share is burned.
	let (treasury, burned) = match receipt.treasury {
		0 => (0, to_burn.saturating_add(to_treasury)),
		_ => (to_treasury, to_burn),
	};
	sheet.same("treasury", receipt.treasury, treasury);
	sheet.same("burned", receipt.burned, burned);
	let paid = receipt.miners.iter().chain(&receipt.verifiers);
	let total = paid.fold(
		receipt.treasury.saturating_add(receipt.burned),
		|sum, one| sum.saturating_add(one.amount),
	);
	sheet.same("sum of all parts", total, evidence.record.fee);
}

/// The event tells the same payments as the record.
fn announced(sheet: &mut Sheet, evidence: &Evidence) {
	let receipt = &evidence.receipt;
	let Some(paid) = &evidence.events.paid else {
		return sheet.expect(false, || "no event Rewards.Paid".into());
	};
	sheet.same(
		"Rewards.Paid, client",
		&paid.client,
		&evidence.record.client,
	);
	sheet.same("Rewards.Paid, miners", &paid.miners, &receipt.miners);
	sheet.same(
		"Rewards.Paid, verifiers",
		&paid.verifiers,
		&receipt.verifiers,
	);
	sheet.same("Rewards.Paid, treasury", paid.treasury, receipt.treasury);
	sheet.same("Rewards.Paid, burned", paid.burned, receipt.burned);
}

/// Exactly the convicted, and those that were checked and did not open, lost of their bonds, and every planck of
/// it went where the rule sends it.
pub(super) fn slashes(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"slashes",
		"exactly the convicted were slashed, by what their conviction rests on, exactly who was checked and did not open forfeited, and what was taken was shared out to the planck",
	);
	let convicted = everybody(evidence)
		.filter(|(_, one)| one.verdict == Some(Verdict::Cheat))
		.collect::<Vec<_>>();
	let slashed = &evidence.events.slashed;
	let due = convicted.iter().map(|(_, one)| &one.worker);
	let same = due.eq(slashed.iter().map(|slashed| &slashed.worker));
	sheet.expect(same, || {
		format!(
			"{} workers were convicted, {} slashed, or others",
			convicted.len(),
			slashed.len()
		)
	});
	let mut known = BTreeMap::<_, Earlier>::new();
	for ((stage, one), slashed) in convicted.iter().zip(slashed) {
		let earlier = known.entry(&slashed.worker).or_default();
		slash(&mut sheet, evidence, (stage, one), (slashed, *earlier));
		let proved = ground(evidence, stage, one.part) == Some(Ground::Proof);
		earlier.taken = earlier.taken.saturating_add(slashed.amount);
		earlier.proved = earlier.proved.saturating_add(proved.into());
	}
	let withheld = forfeits(&mut sheet, evidence);
	if convicted.is_empty() && withheld == 0 {
		return sheet.nothing("nobody was convicted, and nobody slashed");
	}
	sheet.close(format!(
		"{} convicted, {} slashed; {withheld} withheld an opening or rows and forfeited",
		convicted.len(),
		slashed.len()
	))
}

/// Checks what leads lost that committed, were checked, and did not open, or handed out no rows; answers how
/// many there are.
fn forfeits(sheet: &mut Sheet, evidence: &Evidence) -> usize {
	let stages = evidence.receipt.stages.iter();
	let withheld = stages.filter_map(|stage| {
		let lead = part_of(stage, Part::Lead)?;
		let unopened = lead.commitment.is_some() && lead.opening.is_none();
		let silent = unopened || is_starved(stage);
		let blamed = lead.verdict == Some(Verdict::WorkerFault);
		(silent && blamed && part_of(stage, Part::Replica).is_some()).then_some((stage, lead))
	});
	let withheld = withheld.collect::<Vec<_>>();
	let forfeited = &evidence.events.forfeited;
	let due = withheld.iter().map(|(_, lead)| &lead.worker);
	let same = due.eq(forfeited.iter().map(|one| &one.worker));
	sheet.expect(same, || {
		format!(
			"{} leads were checked and did not open, or handed out no rows, {} forfeited, or others",
			withheld.len(),
			forfeited.len()
		)
	});
	for ((stage, lead), lost) in withheld.iter().zip(forfeited) {
		sheet.note(format!(
			"{} forfeited {}: {} to the user, {} burned",
			who(stage, lead),
			Amount(lost.amount),
			Amount(lost.to_user),
			Amount(lost.burned)
		));
		let parts = lost.to_user.checked_add(lost.burned);
		sheet.same("shares of the forfeit", parts, Some(lost.amount));
		forfeit(sheet, evidence, stage, lost);
	}
	withheld.len()
}

/// Checks how much was forfeited, where that alone changed the bond in its block.
fn forfeit(sheet: &mut Sheet, evidence: &Evidence, stage: &StageReceipt, lost: &Forfeited) {
	let (known, pay) = (evidence.worker(&lost.worker), pay_of(evidence, stage));
	let Some((worker, pay)) = known.zip(pay) else {
		return;
	};
	if losses(evidence, &lost.worker) == (0, 1) && !is_changed(evidence, &lost.worker) {
		let due = slash::withheld(worker.bond, pay);
		sheet.expect(lost.amount == due, || {
			format!(
				"{} forfeited {} planck, {due} are due",
				address(&lost.worker),
				lost.amount
			)
		});
	}
}

/// How often a worker was slashed in the job, and how often it forfeited.
fn losses(evidence: &Evidence, who: &AccountId32) -> (usize, usize) {
	let slashed = evidence.events.slashed.iter();
	let forfeited = evidence.events.forfeited.iter();
	(
		slashed.filter(|one| one.worker == *who).count(),
		forfeited.filter(|one| one.worker == *who).count(),
	)
}

/// Whether the block changed a bond, or the convictions, of a worker otherwise than by this job.
fn is_changed(evidence: &Evidence, who: &AccountId32) -> bool {
	evidence.events.bonds_changed.contains(who)
}

/// What a stage would have paid for the most rows that the job may have; none where plan and model do not tell.
fn pay_of(evidence: &Evidence, stage: &StageReceipt) -> Option<u128> {
	let drawn = drawn(evidence)?;
	let due = drawn.iter().find(|due| due.stage == stage.stage)?;
	Some(due.pay)
}

/// Checks what was taken of the bond of who was convicted, and who got it, against what its conviction rests on.
fn slash(
	sheet: &mut Sheet,
	evidence: &Evidence,
	(stage, one): (&StageReceipt, &ParticipantView),
	(slashed, earlier): (&Slashed, Earlier),
) {
	let name = who(stage, one);
	let ground = ground(evidence, stage, one.part);
	let (Some(pay), Some(ground)) = (pay_of(evidence, stage), ground) else {
		return sheet.expect(false, || {
			format!("plan and model do not tell what {name} had to lose")
		});
	};
	let passed = |other: &&ParticipantView| other.verdict == Some(Verdict::Pass);
	let passed = stage.participants.iter().filter(passed);
	let convicted_by = passed.map(|other| other.worker.clone()).collect::<Vec<_>>();
	let conviction = Conviction {
		pay,
		ground,
		exact: evidence.is_exact(),
		user: &evidence.record.client,
		convicted_by: &convicted_by,
	};
	sheet.note(format!(
		"{name} {} and lost {}: {} to the user, {} to the {} that convicted it, {} burned",
		ground_in_words(ground),
		Amount(slashed.amount),
		Amount(slashed.to_user),
		Amount(slashed.to_convictors),
		convicted_by.len(),
		Amount(slashed.burned)
	));
	taken(sheet, evidence, &name, (&conviction, slashed, earlier));
	shares(sheet, &name, (&conviction, slashed));
}

/// Checks how much was taken, where only convictions of this job changed the bond in its block: else it may have been
/// another bond, and another number of earlier proofs, than the block before tells. Votes are not counted there.
fn taken(
	sheet: &mut Sheet,
	evidence: &Evidence,
	name: &str,
	(conviction, slashed, earlier): (&Conviction<AccountId32>, &Slashed, Earlier),
) {
	let Some(worker) = evidence.worker(&slashed.worker) else {
		return;
	};
	sheet.note(format!(
		"its bond was {} one block before, and {} convictions of it had been proved; the stage was worth {} at most",
		Amount(worker.bond),
		worker.cheats,
		Amount(conviction.pay)
	));
	let (_, forfeits) = losses(evidence, &slashed.worker);
	if forfeits == 0 && !is_changed(evidence, &slashed.worker) {
		let bond = worker.bond.saturating_sub(earlier.taken);
		let due = conviction.takes(bond, worker.cheats.saturating_add(earlier.proved));
		sheet.expect(slashed.amount == due, || {
			format!("{name} lost {} planck, {due} are due", slashed.amount)
		});
	}
}

/// Checks who got what was taken. Every share is paid whole, or burned where its account cannot receive it.
fn shares(
	sheet: &mut Sheet,
	name: &str,
	(conviction, slashed): (&Conviction<AccountId32>, &Slashed),
) {
	let parts = slashed.to_user.checked_add(slashed.to_convictors);
	let parts = parts.and_then(|sum| sum.checked_add(slashed.burned));
	sheet.same("shares of the slash", parts, Some(slashed.amount));
	let (to_user, each) = conviction.shares(slashed.amount);
	sheet.expect([0, to_user].contains(&slashed.to_user), || {
		format!(
			"of what {name} lost the user got {} planck, {to_user} are due",
			slashed.to_user
		)
	});
	let convictors = conviction.convicted_by.len();
	let mut sums = (0..=convictors as u128).map(|paid| each.saturating_mul(paid));
	sheet.expect(sums.any(|sum| sum == slashed.to_convictors), || {
		format!(
			"of what {name} lost the {convictors} that convicted it got {} planck, {each} are due to each",
			slashed.to_convictors
		)
	});
}

/// On what a conviction rests, for people.
fn ground_in_words(ground: Ground) -> &'static str {
	match ground {
		Ground::Proof => "was proved wrong",
		Ground::Votes => "was outvoted by two others",
	}
}
