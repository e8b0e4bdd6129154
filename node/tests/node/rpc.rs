//! What a development node answers.

use crate::process::{user_error, Node};
use dllm_node::rpc::dllm::{UNKNOWN_JOB, UNKNOWN_MODEL, UNKNOWN_ROUND};
use serde_json::{json, Value};
use subxt::rpcs::client::rpc_params;

/// Code of a method that may not be called from outside.
const METHOD_NOT_FOUND: i32 = -32601;
/// Alice of every development chain.
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

#[tokio::test]
async fn a_development_node_authors_finalises_and_answers() {
	let node = Node::start(&["--dev"]).await;
	node.best_reaches(3).await;
	node.finalised_reaches(1).await;

	assert_eq!(
		node.call("system_chain", vec![]).await,
		json!("DLLM Development")
	);
	let properties = node.call("system_properties", vec![]).await;
	assert_eq!(
		properties,
		json!({ "tokenSymbol": "DLLM", "tokenDecimals": 12, "ss58Format": 42 })
	);
	assert_eq!(
		node.call("system_accountNextIndex", vec![json!(ALICE)])
			.await,
		json!(0)
	);
	assert_eq!(
		node.call("grandpa_roundState", vec![]).await["best"]["totalWeight"],
		json!(1)
	);
	let light = node
		.call("sync_state_genSyncSpec", vec![json!(false)])
		.await;
	assert!(light["lightSyncState"]["finalizedBlockHeader"].is_string());

	market_is_empty(&node).await;
	weights_are_told(&node).await;
	unsafe_methods_are_closed(&node).await;
}

/// The only author of a fresh chain makes every block, by the weight of genesis.
async fn weights_are_told(node: &Node) {
	let poaw = node.call("dllm_poaw", vec![]).await;
	for authors in ["currentAuthors", "nextAuthors"] {
		let expected = json!([{ "account": ALICE, "weight": 1, "share": 1.0 }]);
		assert_eq!(poaw[authors], expected, "{poaw}");
	}
	assert_eq!(poaw["primary"], json!([2, 5]));
	assert_eq!(poaw["params"]["kappaMilli"], json!(2_000));
	let credit = node.call("dllm_poawCredit", vec![json!(ALICE)]).await;
	assert_eq!(credit, poaw["ledger"][0]);
	assert_eq!(credit["credit"], json!("0"));
	assert_eq!(credit["selfBond"], json!("100000000000000000"));
}

/// On a fresh chain there are no models and no jobs; the errors say so, and what to do.
async fn market_is_empty(node: &Node) {
	assert_eq!(node.call("dllm_models", vec![]).await, json!([]));
	assert_eq!(node.call("dllm_rounds", vec![]).await, json!([]));
	let genesis = node.call("chain_getBlockHash", vec![json!(0)]).await;
	assert_eq!(node.call("dllm_models", vec![genesis]).await, json!([]));

	for (method, parameters, code, advice) in [
		(
			"dllm_job",
			vec![json!(7)],
			UNKNOWN_JOB,
			"job 7 is not known",
		),
		(
			"dllm_receipt",
			vec![json!(7)],
			UNKNOWN_JOB,
			"jobs.Submitted",
		),
		(
			"dllm_pipelines",
			vec![json!(3)],
			UNKNOWN_MODEL,
			"dllm_models",
		),
		(
			"dllm_quote",
			vec![json!(3), json!(10), json!(20)],
			UNKNOWN_MODEL,
			"model 3 is not",
		),
		(
			"dllm_round",
			vec![json!(5)],
			UNKNOWN_ROUND,
			"round 5 is not in progress",
		),
	] {
		let (got, message) = node.try_call(method, parameters).await.expect_err(method);
		assert_eq!(got, code, "{method}: {message}");
		assert!(message.contains(advice), "{method}: {message}");
	}

	for (subscribe, parameters, unsubscribe, code) in [
		(
			"dllm_subscribeJob",
			rpc_params![7],
			"dllm_unsubscribeJob",
			UNKNOWN_JOB,
		),
		(
			"dllm_subscribeReceipt",
			rpc_params![7],
			"dllm_unsubscribeReceipt",
			UNKNOWN_JOB,
		),
		(
			"dllm_subscribePipelines",
			rpc_params![3],
			"dllm_unsubscribePipelines",
			UNKNOWN_MODEL,
		),
		(
			"dllm_subscribeQuote",
			rpc_params![3, 8, 8],
			"dllm_unsubscribeQuote",
			UNKNOWN_MODEL,
		),
	] {
		let subscription = node
			.rpc
			.subscribe::<Value>(subscribe, parameters, unsubscribe)
			.await;
		let Err(error) = subscription else {
			panic!("{subscribe} follows what does not exist")
		};
		assert_eq!(user_error(error).0, code, "{subscribe}");
	}
}

/// A development node answers every web page, so what could harm it needs a flag.
async fn unsafe_methods_are_closed(node: &Node) {
	for method in ["author_rotateKeys", "babe_epochAuthorship"] {
		let (code, message) = node.try_call(method, vec![]).await.expect_err(method);
		assert_eq!(code, METHOD_NOT_FOUND, "{method}: {message}");
		assert!(message.contains("unsafe"), "{method}: {message}");
	}
}

#[tokio::test]
async fn unsafe_methods_open_with_the_flag() {
	let node = Node::start(&["--dev", "--rpc-methods", "unsafe"]).await;
	let slots = node.call("babe_epochAuthorship", vec![]).await;
	assert!(
		slots.as_object().is_some_and(|slots| slots.len() == 1),
		"{slots}"
	);
}
