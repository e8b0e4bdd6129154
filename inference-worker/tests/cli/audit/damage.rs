//! Every field of the data is damaged, one at a time. Either the step that names it fails, or no rule reads
//! the field; those are listed here.

use super::{account, cases, failing};
use dllm_primitives::{
	api::{ParticipantView, StageReceipt},
	compare::Likeness,
	verdict::Verdict,
};
use dllm_worker::cli::audit::evidence::Evidence;
use serde_json::Value;

/// Fields of a model that no rule of a job reads: texts, and figures of memory.
const MODEL_UNREAD: [&str; 11] = [
	"owner",
	"state",
	"name",
	"licence",
	"manifestRoot",
	"tokenizerHash",
	"profile",
	"hiddenSize",
	"maxContext",
	"bytes",
	"kvBytesPerToken",
];
/// Fields of a pipeline that no rule of a job reads: they are about other jobs.
const PIPELINE_UNREAD: [&str; 5] = ["state", "slots", "openJobs", "inFlight", "pace"];

#[test]
fn every_damaged_field_of_a_settled_job_is_found() {
	assert!(damage_all(&cases::settled()) > 150);
}

#[test]
fn every_damaged_field_of_a_convicted_job_is_found() {
	assert!(damage_all(&cases::convicted()) > 100);
}

#[test]
fn every_damaged_field_of_a_job_that_is_run_again_is_found() {
	assert!(damage_all(&cases::rerun()) > 100);
}

#[test]
fn every_damaged_field_of_a_dispute_is_found() {
	assert!(damage_all(&cases::disputed()) > 100);
	assert!(damage_all(&cases::dismissed()) > 150);
}

#[test]
fn every_damaged_field_of_a_receipt_that_convicts_is_found() {
	assert!(damage_all(&cases::contradicted()) > 100);
}

#[test]
fn every_damaged_field_of_a_comparison_is_found() {
	assert!(damage_all(&cases::alike()) > 150);
	for likeness in [Likeness::Unlike, Likeness::Unshown] {
		assert!(damage_all(&cases::not_alike(likeness)) > 150);
	}
}

#[test]
fn every_damaged_field_of_a_copied_commitment_is_found() {
	assert!(damage_all(&cases::copied()) > 150);
}

#[test]
fn every_damaged_field_of_a_forfeit_is_found() {
	assert!(damage_all(&cases::withheld()) > 100);
}

#[test]
fn every_damaged_field_of_an_unserved_job_is_found() {
	assert!(damage_all(&cases::silent()) > 50);
	assert!(damage_all(&cases::idle()) > 50);
	assert!(damage_all(&cases::without_adapter()) > 50);
}

#[test]
fn every_damaged_field_of_a_sealed_job_is_found() {
	assert!(damage_all(&cases::sealed()) > 100);
}

#[test]
fn whatever_is_missing_is_found() {
	for evidence in [
		cases::settled(),
		cases::convicted(),
		cases::disputed(),
		cases::dismissed(),
		cases::copied(),
		cases::alike(),
	] {
		let whole = serde_json::to_value(&evidence).expect("JSON");
		for path in paths(&whole, |value| value.is_array() || value.is_object()) {
			let mut value = whole.clone();
			let place = value.pointer_mut(&path).expect("a place");
			match place.as_array_mut().map(Vec::pop) {
				// A list loses its last item, and a record all that it holds.
				Some(Some(_)) => {}
				Some(None) => continue,
				None => *place = Value::Null,
			}
			// Only what may be absent can be.
			let Ok(damaged) = serde_json::from_value::<Evidence>(value) else {
				continue;
			};
			// A comparison may have been announced in an earlier block.
			let unread = path.ends_with("/ready") || path == "/events/compared";
			assert!(
				unread || !failing(&damaged).is_empty(),
				"{path} is missing unnoticed"
			);
		}
	}
}

/// Damages every field that a rule reads, and answers how many there are.
fn damage_all(evidence: &Evidence) -> usize {
	assert!(failing(evidence).is_empty());
	let whole = serde_json::to_value(evidence).expect("JSON");
	let mut found = 0;
	for path in paths(&whole, |value| !(value.is_array() || value.is_object())) {
		let mut value = whole.clone();
		let place = value.pointer_mut(&path).expect("a place");
		if place.is_null() {
			continue;
		}
		let Some(step) = step_of(&path, evidence) else {
			continue;
		};
		*place = damaged(&path, place, evidence);
		let Ok(damaged) = serde_json::from_value::<Evidence>(value) else {
			// A reason without the state that it belongs to is no state at all.
			assert!(path.ends_with("/kind"), "{path} cannot be read");
			continue;
		};
		let failing = failing(&damaged);
		assert!(failing.contains(&step), "{path}: {failing:?}, not {step}");
		found += 1;
	}
	found
}

/// Pointers to everything in `value` that `wanted` takes.
fn paths(value: &Value, wanted: fn(&Value) -> bool) -> Vec<String> {
	let mut found = Vec::new();
	let mut open = vec![(String::new(), value)];
	while let Some((path, value)) = open.pop() {
		if !path.is_empty() && wanted(value) {
			found.push(path.clone());
		}
		match value {
			Value::Array(list) => {
				let items = list.iter().enumerate();
				open.extend(items.map(|(at, item)| (format!("{path}/{at}"), item)));
			}
			Value::Object(fields) => {
				let fields = fields.iter();
				open.extend(fields.map(|(name, field)| (format!("{path}/{name}"), field)));
			}
			_ => {}
		}
	}
	found
}

/// The step that has to find a damaged field; none where no rule reads it.
fn step_of(path: &str, evidence: &Evidence) -> Option<&'static str> {
	let names = path.split('/').skip(1).collect::<Vec<_>>();
	let last = names[names.len() - 1];
	let is_settled = evidence.events.settled.is_some();
	match names[0] {
		// What the ends of a hop signed is looked at where a receipt convicts.
		"asked" if last == "digest" => is_contradicted(evidence).then_some("verdicts"),
		"job" | "block" | "asked" => Some("record"),
		"record" => step_of_record(last, is_settled),
		"receipt" => step_of_receipt(&names[1..], evidence),
		"model" => step_of_model(&names[1..], evidence),
		"pipeline" => match last {
			_ if PIPELINE_UNREAD.contains(&last) || names.contains(&"ready") => None,
			"price" if names[2] == "0" && evidence.record.own_entry => None,
			"price" if is_settled => Some("fee"),
			"price" => {
				let stage = outvoted_in(evidence).or_else(|| forfeited_in(evidence));
				let stage = stage.map(|stage| stage.stage.to_string());
				(stage.as_deref() == Some(names[2])).then_some("slashes")
			}
			_ => Some("plan"),
		},
		"workers" => step_of_worker(&names[1..], evidence),
		"events" => step_of_event(&names[1..]),
		other => panic!("{other} is not known to the test"),
	}
}

fn is_contradicted(evidence: &Evidence) -> bool {
	let mut stages = evidence.receipt.stages.iter();
	stages.any(|stage| stage.contradiction.is_some())
}

/// The stage in which a worker was convicted by the word of two others alone: what it costs is the most that its user
/// gets.
fn outvoted_in(evidence: &Evidence) -> Option<&StageReceipt> {
	let mut stages = evidence.receipt.stages.iter();
	stages.find(|stage| {
		let opened = |one: &ParticipantView| one.opening.is_some();
		let cheat = |one: &ParticipantView| one.verdict == Some(Verdict::Cheat) && opened(one);
		let voted = stage.dispute.is_none() && stage.contradiction.is_none();
		voted && stage.participants.iter().any(cheat)
	})
}

/// The stage whose lead forfeited: that is a multiple of what the stage costs.
fn forfeited_in(evidence: &Evidence) -> Option<&StageReceipt> {
	let lost = &evidence.events.forfeited.first()?.worker;
	let mut stages = evidence.receipt.stages.iter();
	stages.find(|stage| stage.participants[0].worker == *lost)
}

/// Of a bond that was slashed its size counts, and, where that was proved, how often that was so before.
fn step_of_worker(names: &[&str], evidence: &Evidence) -> Option<&'static str> {
	let [at, field] = names else {
		return None;
	};
	let worker = &evidence.workers[at.parse::<usize>().expect("a place")];
	let mut slashed = evidence.events.slashed.iter();
	let slashed = slashed.any(|slashed| slashed.worker == worker.account);
	match *field {
		"account" | "operator" => Some("plan"),
		"bond" => slashed.then_some("slashes"),
		"cheats" => (slashed && outvoted_in(evidence).is_none()).then_some("slashes"),
		_ => None,
	}
}

fn step_of_record(field: &str, is_settled: bool) -> Option<&'static str> {
	match field {
		"surplus" => is_settled.then_some("fee"),
		_ => Some("record"),
	}
}

fn step_of_receipt(names: &[&str], evidence: &Evidence) -> Option<&'static str> {
	match names {
		["job", "reply"] => match evidence.receipt.stages[0].participants[0].opening {
			// Nobody answers for the reply of a job that was not verified.
			None => None,
			Some(_) => Some("reply"),
		},
		["job", ..] | ["pipeline"] | ["refunded"] => Some("record"),
		["checked"] => Some("plan"),
		["miners" | "verifiers" | "treasury" | "burned", ..] => Some("fee"),
		["stages", _, "stage"] | ["stages", _, "layers", _] => Some("plan"),
		// What a lot is drawn with cannot be told from elsewhere.
		["stages", stage, "chance"] => {
			let stage = &evidence.receipt.stages[stage.parse::<usize>().expect("a place")];
			(stage.chance == 0).then_some("summons")
		}
		// Where the first stage has not lost the next one nobody asks who else did.
		["stages", stage, "tally", "lostNext"] => (*stage == "0").then_some("verdicts"),
		["stages", _, "tally", _] => Some("verdicts"),
		// Which one the chain had when the rows were drawn, no receipt tells.
		["stages", _, "comparison", "tolerance", _] => None,
		["stages", _, "comparison", ..] => Some("verdicts"),
		["stages", _, "dispute", _] | ["stages", _, "contradiction", _] => Some("verdicts"),
		["stages", stage, "participants", at, rest @ ..] => {
			let stage = &evidence.receipt.stages[stage.parse::<usize>().expect("a place")];
			let one = &stage.participants[at.parse::<usize>().expect("a place")];
			match rest {
				["worker"] => Some("plan"),
				["part"] | ["verdict"] => Some("verdicts"),
				["commitment", "0"] if one.opening.is_some() => Some("commitments"),
				// Nobody can say what it would have opened to; only a copy is known as such.
				["commitment", "0"] => {
					let copied = evidence.events.slashed.iter();
					copied
						.map(|slashed| &slashed.worker)
						.any(|worker| *worker == one.worker)
						.then_some("verdicts")
				}
				["commitment", _] => Some("order"),
				// A third worker that tells the same may do so in any class; else it is part of a commitment.
				["opening", "roots", "class"] if one.commitment.is_none() => None,
				["opening", "roots", ..] if one.commitment.is_none() => Some("verdicts"),
				["opening", ..] => Some("commitments"),
				other => panic!("{other:?} is not known to the test"),
			}
		}
		other => panic!("{other:?} is not known to the test"),
	}
}

fn step_of_model(names: &[&str], evidence: &Evidence) -> Option<&'static str> {
	let (is_settled, own_entry) = (evidence.events.settled.is_some(), evidence.record.own_entry);
	let in_entry = matches!(names[0], "embed" | "head");
	let last = names[names.len() - 1];
	let passed = evidence.events.served.is_some() || !evidence.events.slashed.is_empty();
	match last {
		_ if MODEL_UNREAD.contains(&last) => None,
		"id" => Some("plan"),
		_ if in_entry && own_entry => None,
		// Where a signature alone convicts, nobody need have passed in the stage.
		"hash" if is_contradicted(evidence) && !in_entry => Some("verdicts"),
		"hash" => passed.then_some("shards"),
		"flopsPerToken" if is_settled => Some("fee"),
		"flopsPerToken" => {
			let stage = outvoted_in(evidence).or_else(|| forfeited_in(evidence))?;
			let layer = names[1].parse::<u16>().ok()?;
			let executed = stage.layers.start..stage.layers.end;
			executed.contains(&layer).then_some("slashes")
		}
		other => panic!("{other} is not known to the test"),
	}
}

fn step_of_event(names: &[&str]) -> Option<&'static str> {
	Some(match names[0] {
		"settled" | "refunded" | "rerun" => "record",
		"paymentFailed" | "served" | "failed" => "outcome",
		"paid" => "fee",
		"judged" | "compared" => "verdicts",
		"slashed" | "forfeited" => "slashes",
		other => panic!("{other} is not known to the test"),
	})
}

/// Another value of the same kind.
fn damaged(path: &str, value: &Value, evidence: &Evidence) -> Value {
	match value {
		Value::Bool(flag) => (!flag).into(),
		Value::Number(number) => {
			// Blocks of a phase may be several: only one outside of it is wrong.
			let far = if path.contains("/commitment/") {
				1_000
			} else {
				1
			};
			(number.as_u64().expect("a whole number") + far).into()
		}
		Value::String(text) if path.ends_with("/operator") => accomplice(path, text, evidence),
		Value::String(text) if path.ends_with("/surplus") || path.ends_with("/price") => {
			dearer(text)
		}
		Value::String(text) => damaged_text(text).into(),
		other => panic!("{other} at {path} is no field"),
	}
}

fn damaged_text(text: &str) -> String {
	let other = |text: &str, from: &str, to: &str| (text == from).then(|| to.to_string());
	let pairs = [
		("pass", "cheat"),
		("cheat", "pass"),
		("workerFault", "pass"),
		("indeterminate", "pass"),
		("lead", "replica"),
		("replica", "tiebreak"),
		("tiebreak", "lead"),
		("closed", "running"),
		("settled", "waiting"),
		("refunded", "settled"),
		("cheated", "unserved"),
		("unserved", "cheated"),
		("receiver", "sender"),
		("convicted", "dismissed"),
		("standard", "full"),
		("refund", "rerun"),
		("rerun", "refund"),
		("dismissed", "convicted"),
		("alike", "unlike"),
		("unlike", "alike"),
		("unshown", "alike"),
	];
	if let Some(found) = pairs.iter().find_map(|(from, to)| other(text, from, to)) {
		return found;
	}
	if let Ok(planck) = text.parse::<u128>() {
		return (planck + 1).to_string();
	}
	if let Some(digits) = text.strip_prefix("0x") {
		let turned = if digits.ends_with('0') { '1' } else { '0' };
		return format!("0x{}{turned}", &digits[..digits.len() - 1]);
	}
	if text.starts_with('5') {
		return dllm_worker::chain::address(&account(77));
	}
	format!("{text}x")
}

/// So much more that it shows in planck of the few rows and operations of the job.
fn dearer(price: &str) -> Value {
	const MORE: u128 = 1_000;
	let price = price.parse::<u128>().expect("an amount");
	let more = MORE * u128::from(cases::ROWS_CEILING);
	(price + more).to_string().into()
}

/// The operator of another worker of the same stage: who runs a worker is declared, so any other would do.
fn accomplice(path: &str, own: &str, evidence: &Evidence) -> Value {
	let at = path
		.split('/')
		.nth(2)
		.and_then(|at| at.parse::<usize>().ok());
	let account = &evidence.workers[at.expect("a place")].account;
	let planned = evidence
		.pipeline
		.as_ref()
		.expect("a pipeline")
		.stages
		.iter();
	let planned = planned.map(|stage| stage.workers.clone());
	let shown = evidence.receipt.stages.iter();
	let shown = shown.map(|stage| {
		let workers = stage.participants.iter();
		workers.map(|one| one.worker.clone()).collect()
	});
	let team = planned
		.chain(shown)
		.find(|team: &Vec<_>| team.contains(account));
	let team = team.expect("a stage");
	let other = evidence
		.workers
		.iter()
		.find(|other| team.contains(&other.account) && other.account != *account)
		.expect("another worker");
	let operator = serde_json::to_value(&other.operator).expect("an address");
	assert_ne!(operator, own);
	operator
}
