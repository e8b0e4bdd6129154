//! Step `plan`: the pipeline holds the whole model with disjoint operators, the workers that led are those
//! that it names for this job, and those that checked are others that hold the same stage.

use super::{
	evidence::Evidence,
	shown::{part_of, went_unchecked, who},
	step::{Sheet, Step},
};
use crate::{
	chain::address,
	cli::{receipt::part_in_words, table::short},
};
use dllm_primitives::{
	api::{AccountId32, StageReceipt},
	flow::Award,
	job::Assurance,
	miner::Roles,
	plan::{self, Candidate, Plan},
	trial::{StageTrial, Trial},
	verdict::Part,
};
use std::collections::BTreeSet;

/// A stage as the chain's rule draws it.
pub(super) type Drawn = StageTrial<AccountId32, u32>;

/// The stages of the job as the chain's rule draws them from plan and number; none where the plan cannot
/// be read or drawn from.
pub(super) fn drawn(evidence: &Evidence) -> Option<Vec<Drawn>> {
	let (record, pipeline) = (&evidence.record, evidence.pipeline()?);
	let award = Award {
		job: evidence.job,
		client: record.client.clone(),
		pipeline,
		rows_ceiling: record.rows_ceiling,
		own_entry: record.own_entry,
		assurance: evidence.asked.assurance,
		run_until: record.deadline,
	};
	let trial = Trial::open(&award, &evidence.spec()?)?;
	Some(trial.stages.into_inner())
}

/// Checks pipeline, plan, operators and the choice of workers.
pub(super) fn plan(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"plan",
		"the plan covers the model with workers of different operators, and names those that led and checked",
	);
	let Some(id) = evidence.record.pipeline else {
		sheet.same("stages", evidence.receipt.stages.len(), 0);
		return sheet.nothing("no pipeline had the job");
	};
	let (Some(pipeline), Some(spec)) = (evidence.pipeline(), evidence.spec()) else {
		sheet.expect(false, || format!("pipeline {id} is no ring over a model"));
		return sheet.close("");
	};
	sheet.note(format!(
		"pipeline {id} of model {}: {} stages over {} layers",
		pipeline.plan.model,
		pipeline.plan.stages(),
		spec.layers.len()
	));
	sheet.same("number of the pipeline", pipeline.id, id);
	sheet.same("model", pipeline.plan.model, evidence.record.model);
	sheet.same(
		"number of the model",
		evidence.model.id,
		evidence.record.model,
	);
	let checked = plan::check(&pipeline.plan, &spec, |who| candidate(evidence, who));
	sheet.expect(checked.is_ok(), || {
		let error = checked.err();
		format!("the plan could not stand: {error:?}")
	});
	operators(&mut sheet, evidence, &pipeline.plan);
	match drawn(evidence) {
		None => sheet.expect(false, || "no trial can be drawn from the plan".into()),
		Some(drawn) => choice(&mut sheet, evidence, &drawn),
	}
	sheet.close("the plan passes the chain's check, and its draw for this job gives these workers")
}

/// A worker as the check of plans wants it. Memory, roles and prices are those of the time of the plan, which
/// a worker may change afterwards, so they are not held against it.
fn candidate(evidence: &Evidence, who: &AccountId32) -> Option<Candidate<AccountId32>> {
	let worker = evidence.worker(who)?;
	Some(Candidate {
		operator: worker.operator.clone(),
		active: true,
		roles: Roles {
			entry: true,
			miner: true,
			verifier: true,
		},
		memory: u64::MAX,
		price: 0,
	})
}

/// Who took part in a stage, a third worker included, is run by different operators.
fn operators(sheet: &mut Sheet, evidence: &Evidence, plan: &Plan<AccountId32>) {
	for stage in &evidence.receipt.stages {
		let mut operators = BTreeSet::new();
		for one in &stage.participants {
			let Some(worker) = evidence.worker(&one.worker) else {
				sheet.expect(false, || {
					format!("{} is no registered worker", address(&one.worker))
				});
				continue;
			};
			sheet.note(format!(
				"{} is run by {}",
				who(stage, one),
				short(&address(&worker.operator))
			));
			sheet.expect(operators.insert(&worker.operator), || {
				format!(
					"{} shares its operator with another one of the stage",
					who(stage, one)
				)
			});
			let holders = plan.workers_of(stage.stage);
			let planned = holders.contains(&one.worker);
			let active = |who: &AccountId32| {
				let worker = evidence.worker(who);
				worker.is_some_and(|worker| worker.active)
			};
			let may_be_other = match one.part {
				Part::Lead => false,
				// After one that got no rows; or where no other holder could be drawn.
				Part::Replica => {
					let after = stage.refused.iter().any(|first| *first != one.worker);
					let led = part_of(stage, Part::Lead).map(|lead| &lead.worker);
					let mut others = holders.iter().filter(|other| led != Some(*other));
					after || !others.any(active)
				}
				Part::Tiebreak => true,
			};
			sheet.expect(planned || may_be_other, || {
				format!("{} is not in the plan", who(stage, one))
			});
		}
	}
}

/// The lead of every stage is the one that the rule names. Who checks is drawn with randomness of blocks that
/// an audit does not read, or was summoned: there is somebody exactly where the chain says so.
fn choice(sheet: &mut Sheet, evidence: &Evidence, drawn: &[Drawn]) {
	let stages = &evidence.receipt.stages;
	sheet.same("stages on trial", stages.len(), drawn.len());
	for (stage, due) in stages.iter().zip(drawn) {
		sheet.same("stage", stage.stage, due.stage);
		sheet.same("layers of a stage", stage.layers, due.layers);
		named(sheet, stage, Part::Lead, &due.lead.worker);
	}
	let replicas = stages
		.iter()
		.filter(|stage| part_of(stage, Part::Replica).is_some())
		.count();
	match evidence.receipt.checked {
		None => sheet.same("checkers before any draw", replicas, 0),
		Some(false) => {
			sheet.note("nobody was summoned to check the job");
			sheet.same("checkers of an unchecked job", replicas, 0);
		}
		Some(true) => {
			sheet.note(format!("{replicas} workers were to check it"));
			let any = stages.iter().any(|stage| !went_unchecked(stage));
			sheet.expect(any, || "no stage had to be checked".into());
		}
	}
	let full = evidence.asked.assurance == Assurance::Full;
	let left = stages.iter().any(|stage| stage.chance > 0);
	sheet.expect(!(full && left), || "its user asked for a check".into());
}

fn named(sheet: &mut Sheet, stage: &StageReceipt, part: Part, due: &AccountId32) {
	let found = part_of(stage, part).map(|one| &one.worker);
	sheet.expect(found == Some(due), || {
		format!(
			"the {} of stage {} is due to {}",
			part_in_words(part),
			stage.stage,
			address(due)
		)
	});
}
