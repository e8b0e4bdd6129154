//! The command, where there is nothing that it could audit.

use super::cases;
use crate::worker::Folder;
use codec::Encode;
use dllm_primitives::{api::Receipt, job::JobState};
use jsonrpsee::{
	server::{Server, ServerHandle},
	types::ErrorObjectOwned,
	RpcModule,
};
use serde_json::{json, Value};
use tokio::runtime::Runtime;

/// Number of the node's last final block.
const FINAL: u32 = 40;

/// A node as far as an audit asks one before it reads what is stored: it tells `receipt` of every job, and
/// has dropped the states before block `kept`.
struct Node {
	receipt: Receipt,
	kept: u32,
}

fn hash(block: u32) -> String {
	format!("0x{block:064x}")
}

fn number(hash: &str) -> u32 {
	u32::from_str_radix(&hash[58..], 16).expect("a hash of this node")
}

fn header(block: u32) -> Value {
	json!({
		"parentHash": hash(block - 1), "number": format!("0x{block:x}"), "stateRoot": hash(0),
		"extrinsicsRoot": hash(0), "digest": { "logs": [] },
	})
}

impl Node {
	fn call(&self, method: &str, at: Option<String>) -> Result<String, ErrorObjectOwned> {
		assert_eq!(method, "DllmApi_receipt");
		let at = at.unwrap_or(hash(FINAL));
		if number(&at) < self.kept {
			let reason = format!("Client error: UnknownBlock: State already discarded for {at}");
			return Err(ErrorObjectOwned::owned(4003, reason, None::<()>));
		}
		let told = Some(&self.receipt).encode();
		Ok(format!("0x{}", hex(&told)))
	}

	/// Starts it; it lives as long as its handle.
	async fn start(self) -> (String, ServerHandle) {
		let mut module = RpcModule::new(self);
		let methods: [(&'static str, fn(&[Value]) -> Value); 4] = [
			("state_getRuntimeVersion", |_| {
				json!({
					"specName": "dllm", "implName": "dllm", "authoringVersion": 1, "specVersion": 1,
					"implVersion": 0, "apis": [], "transactionVersion": 1, "stateVersion": 1,
				})
			}),
			("chain_getFinalizedHead", |_| hash(FINAL).into()),
			("chain_getHeader", |_| header(FINAL)),
			("chain_getBlockHash", |asked| {
				let block = asked
					.first()
					.and_then(Value::as_u64)
					.unwrap_or(FINAL.into());
				hash(block as u32).into()
			}),
		];
		for (name, answer) in methods {
			let answered = module.register_method(name, move |asked, _, _| {
				answer(&asked.parse::<Vec<Value>>().unwrap_or_default())
			});
			answered.expect("one of a name");
		}
		module
			.register_method("state_call", |asked, node, _| {
				let (method, _, at) = asked.parse::<(String, String, Option<String>)>()?;
				node.call(&method, at)
			})
			.expect("one of a name");
		let server = Server::builder().build("127.0.0.1:0").await;
		let server = server.expect("a port");
		let address = server.local_addr().expect("its address");
		(format!("ws://{address}"), server.start(module))
	}
}

fn hex(bytes: &[u8]) -> String {
	bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs `audit` against a node; it has to fail with all the parts.
#[track_caller]
fn refused(node: Node, arguments: &[&str], parts: &[&str]) {
	let folder = Folder::new();
	let runtime = Runtime::new().expect("threads");
	let (url, _server) = runtime.block_on(node.start());
	let ran = folder.run(&[&["--chain", url.as_str(), "audit"][..], arguments].concat());
	ran.fails_with(parts);
}

fn told(change: impl FnOnce(&mut Receipt)) -> Node {
	let mut receipt = cases::settled().receipt;
	change(&mut receipt);
	Node { receipt, kept: 0 }
}

#[test]
fn a_job_that_runs_has_no_verdict_yet() {
	let node = told(|receipt| {
		receipt.job.state = JobState::Running { pipeline: 4 };
		receipt.job.ended = None;
	});
	let parts = ["job 1 runs on pipeline 4", "no verdict yet", "block 43"];
	refused(node, &["1"], &parts);
}

#[test]
fn a_job_that_waits_has_no_verdict_yet() {
	let node = told(|receipt| {
		receipt.job.state = JobState::Waiting;
		receipt.job.ended = None;
	});
	refused(
		node,
		&["1"],
		&["job 1 waits for a pipeline", "no verdict yet"],
	);
}

#[test]
fn a_node_that_dropped_the_state_is_named() {
	let node = Node {
		kept: 30,
		..told(|_| {})
	};
	let parts = [
		"dropped the state of block 26",
		"--state-pruning archive",
		"--chain",
	];
	refused(node, &["1"], &parts);
}

#[test]
fn a_block_that_is_not_final_is_refused() {
	refused(
		told(|_| {}),
		&["1", "--at", "41"],
		&["no final block 41", "block 40"],
	);
}

#[test]
fn a_job_is_named_by_its_number() {
	let folder = Folder::new();
	folder.run(&["audit"]).fails_with(&["<JOB>"]);
	folder
		.run(&["audit", "first"])
		.fails_with(&["'first'", "<JOB>"]);
}
