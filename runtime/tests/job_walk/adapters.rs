//! A job that names an adapter: registered for its model, told to every worker of the ring, verified and paid
//! like any other job.

use crate::{
	cast::*,
	chain::{account, Chain},
};
use dllm_primitives::{
	api::{Duty, Route},
	ids::{AdapterId, Digest},
	job::{JobState, Options, Refund},
	model::{AdapterSpec, Profile},
	plan::PipelineState,
	verdict::Part,
};
use dllm_runtime::{views, Runtime, RuntimeCall};
use sp_runtime::DispatchError;

const ROOT: Digest = Digest::repeat_byte(0xAD);

fn adapter() -> AdapterSpec {
	AdapterSpec {
		name: b"pirate".to_vec().try_into().unwrap(),
		licence: b"MIT".to_vec().try_into().unwrap(),
		manifest_root: ROOT,
		rank: 8,
		bytes: 4_096,
	}
}

fn register(model: u32) -> RuntimeCall {
	let spec = adapter();
	pallet_models::Call::register_adapter { model, spec }.into()
}

fn asking(adapter: AdapterId) -> (&'static str, RuntimeCall) {
	submit_public_with(Options {
		adapter: Some(adapter),
		..Default::default()
	})
}

/// The ring of the first duty of a worker that is about the job.
fn told(chain: &mut Chain, who: &str) -> (Route, Option<Part>) {
	let duties = chain.read(|| views::duties(&account(who)));
	let told = duties.into_iter().find_map(|duty| match duty {
		Duty::Run { route, .. } => Some((route, None)),
		Duty::Check { route, part, .. } => Some((route, Some(part))),
		_ => None,
	});
	told.expect("the worker has a part in the job")
}

#[test]
fn every_worker_of_the_ring_is_told_and_the_job_is_paid_like_any_other() {
	let mut chain = with_pipeline();
	chain.block([("Bob", register(MODEL))]);
	chain.block([asking(0)]);
	for lead in ["Entry1", "Miner1", "Miner3"] {
		assert_eq!(told(&mut chain, lead).0.adapter, Some(ROOT), "{lead}");
	}
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	drawn(&mut chain);
	for checker in ["Entry2", "Miner2", "Miner4"] {
		let (route, part) = told(&mut chain, checker);
		assert_eq!((route.adapter, part), (Some(ROOT), Some(Part::Replica)));
	}
	chain.block([
		commit("Entry2", JOB, 0, roots(0)),
		commit("Miner2", JOB, 1, roots(1)),
		commit("Miner4", JOB, 2, roots(2)),
	]);
	chain.block([
		reveal("Entry1", JOB, 0, roots(0)),
		reveal("Miner1", JOB, 1, roots(1)),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Entry2", JOB, 0, roots(0)),
		reveal("Miner2", JOB, 1, roots(1)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
	let view = chain.read(|| views::job(JOB)).unwrap();
	assert_eq!((view.state, view.adapter), (JobState::Settled, Some(0)));
}

#[test]
fn nobody_is_blamed_for_an_adapter_that_no_worker_can_add() {
	let mut chain = with_pipeline();
	chain.block([("Bob", register(MODEL))]);
	let user = {
		chain.block([asking(0)]);
		wealth(&mut chain, &account(USER))
	};
	// More jobs than failures that close a pipeline.
	for job in 0..4 {
		overdue_in_silence(&mut chain, job);
		let state = chain.read(|| views::job(job).unwrap().state);
		assert_eq!(state, JobState::Refunded(Refund::Unserved), "{job}");
		if job == 0 {
			assert_eq!(wealth(&mut chain, &account(USER)), user);
		}
		if job < 3 {
			chain.block([asking(0)]);
		}
	}
	for worker in ["Entry1", "Miner1", "Miner2", "Miner3", "Miner4"] {
		let view = chain.read(|| views::worker(&account(worker)).unwrap());
		assert_eq!(
			(view.faults, view.cheats, view.bond),
			(0, 0, BOND),
			"{worker}"
		);
	}
	let pipelines = chain.read(|| views::pipelines(MODEL));
	assert_eq!(pipelines[0].state, PipelineState::Live);
}

#[test]
fn who_stays_silent_while_others_deliver_is_late_all_the_same() {
	let mut chain = with_pipeline();
	chain.block([("Bob", register(MODEL))]);
	chain.block([asking(0)]);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	overdue_in_silence(&mut chain, JOB);
	let view = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!((view.faults, view.cheats, view.bond), (1, 0, BOND));
}

#[test]
fn a_plain_job_beside_it_is_told_none() {
	let mut chain = with_pipeline();
	chain.block([("Bob", register(MODEL))]);
	chain.block([submit_public()]);
	assert_eq!(told(&mut chain, "Miner1").0.adapter, None);
	assert_eq!(chain.read(|| views::job(JOB)).unwrap().adapter, None);
}

#[test]
fn the_catalogue_shows_the_adapters_of_each_model() {
	let mut chain = with_pipeline();
	let mut other = model();
	other.manifest_root = Digest::repeat_byte(0xAB);
	let other = pallet_models::Call::register { spec: other };
	chain.block([("Alice", other.into()), ("Bob", register(MODEL))]);
	let models = chain.read(views::models);
	let [shown] = models[0].adapters.as_slice() else {
		panic!("{:?}", models[0].adapters)
	};
	assert_eq!((shown.id, &shown.owner), (0, &account("Bob")));
	assert_eq!(
		(shown.name.as_str(), shown.licence.as_str()),
		("pirate", "MIT")
	);
	assert_eq!(
		(shown.manifest_root, shown.rank, shown.bytes),
		(ROOT, 8, 4_096)
	);
	assert!(!shown.retired && models[1].adapters.is_empty());
	assert_eq!(chain.read(|| views::model(MODEL)).unwrap(), models[0]);
}

#[test]
fn no_job_is_taken_for_an_adapter_that_cannot_be_added() {
	use pallet_jobs::Error;
	let mut chain = with_pipeline();
	let mut other = model();
	other.manifest_root = Digest::repeat_byte(0xAB);
	let other = pallet_models::Call::register { spec: other };
	chain.block([("Alice", other.into()), ("Bob", register(1))]);
	let refused = |chain: &mut Chain, id, error: Error<Runtime>| {
		let (who, call) = asking(id);
		assert_eq!(chain.refuse(who, call), DispatchError::from(error));
	};
	refused(&mut chain, 0, Error::AdapterOfOtherModel);
	refused(&mut chain, 1, Error::UnknownAdapter);
}

#[test]
fn a_retired_adapter_serves_the_jobs_that_named_it_and_no_others() {
	let mut chain = with_pipeline();
	chain.block([("Bob", register(MODEL))]);
	chain.block([asking(0)]);
	let retire = pallet_models::Call::retire_adapter { adapter: 0 };
	chain.block([("Bob", retire.into())]);
	assert_eq!(told(&mut chain, "Miner1").0.adapter, Some(ROOT));
	let (who, call) = asking(0);
	let error = DispatchError::from(pallet_jobs::Error::<Runtime>::AdapterRetired);
	assert_eq!(chain.refuse(who, call), error);
}

#[test]
fn a_model_of_profile_exact_takes_no_adapter() {
	let mut chain = Chain::new();
	let mut exact = model();
	exact.profile = Profile::Exact;
	let exact = pallet_models::Call::register { spec: exact };
	chain.block([("Alice", exact.into())]);
	let error = DispatchError::from(pallet_models::Error::<Runtime>::ExactModel);
	assert_eq!(chain.refuse("Bob", register(MODEL)), error);
}
