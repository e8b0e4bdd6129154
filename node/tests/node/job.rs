//! A job as its owner follows it: `dllm_subscribeJob` from the submission to the end.

use crate::process::Node;
use dllm_primitives::{
	ids::{Digest, JobId, ModelId},
	job::{Body, Limits},
	model::{ModelSpec, Profile, Shard},
};
use dllm_worker::chain::{calls, Account, Chain, Submitter, DLLM};
use serde_json::{json, Value};
use std::time::Duration;
use subxt::rpcs::client::{rpc_params, RpcSubscription};
use tokio::time::timeout;

/// Time for a change to reach a subscriber: some blocks of 3 s.
const CHANGE_DEADLINE: Duration = Duration::from_secs(60);

/// A model that nobody serves.
fn model() -> ModelSpec {
	let shard = |number| Shard {
		hash: Digest::repeat_byte(number),
		bytes: 1000,
		flops_per_token: 2000,
		kv_bytes_per_token: 64,
	};
	ModelSpec {
		name: b"unserved".to_vec().try_into().expect("short"),
		licence: b"MIT".to_vec().try_into().expect("short"),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(2),
		profile: Profile::F32,
		hidden_size: 16,
		max_context: 512,
		embed: shard(3),
		layers: vec![shard(4)].try_into().expect("one layer"),
		head: shard(5),
	}
}

fn limits() -> Limits {
	Limits {
		max_tokens: 8,
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 0,
		stop: Default::default(),
	}
}

/// Registers and activates the model.
async fn offer(submitter: &Submitter) -> ModelId {
	let registered = submitter
		.submit_final(&calls::register_model(&model()))
		.await
		.expect("Alice can pay the deposit");
	let model = registered.number("Models", "Registered", "model");
	let model = ModelId::try_from(model.expect("it has a number")).expect("a small number");
	submitter
		.submit(&calls::activate_model(model))
		.await
		.expect("it is Alice's");
	model
}

/// The next view of the job, which must come in time.
async fn next(views: &mut RpcSubscription<Value>) -> Option<Value> {
	let view = timeout(CHANGE_DEADLINE, views.next()).await;
	view.expect("a view in time")
		.map(|view| view.expect("a view"))
}

#[tokio::test]
async fn a_job_is_followed_to_its_end() {
	let node = Node::start(&["--dev"]).await;
	let chain = Chain::connect(&node.url).await.expect("it is our chain");
	let alice = Account::load("//Alice").expect("a development account");
	let address = alice.address();
	let submitter = Submitter::new(chain, alice);
	let model = offer(&submitter).await;

	let body = Body::Inline(b"hello".to_vec().try_into().expect("short"));
	let call = calls::submit_job(model, &body, &limits(), DLLM, 50);
	let submitted = submitter.submit(&call).await.expect("Alice can pay");
	let job = submitted.number("Jobs", "Submitted", "job");
	let job = JobId::try_from(job.expect("it has a number")).expect("a small number");

	let mut views = node
		.rpc
		.subscribe::<Value>("dllm_subscribeJob", rpc_params![job], "dllm_unsubscribeJob")
		.await
		.expect("a job that exists can be followed");
	let waiting = next(&mut views).await.expect("what it is now");
	assert_eq!(waiting["id"], json!(job));
	assert_eq!(waiting["client"], json!(address));
	assert_eq!(waiting["state"]["kind"], "waiting");
	assert_eq!(waiting["maxPrice"], json!(DLLM.to_string()));

	submitter
		.submit(&calls::cancel_job(job))
		.await
		.expect("nobody serves it");
	let ended = next(&mut views).await.expect("what it became");
	assert_eq!(ended["state"]["kind"], "refunded");
	assert_eq!(ended["state"]["detail"], "cancelled");
}
