//! Starts and stops the binary, and waits for what it says.

use serde_json::Value;
use std::{
	collections::BTreeMap,
	env,
	fs::{create_dir_all, remove_dir_all, write},
	io::{BufRead, BufReader},
	path::{Path, PathBuf},
	process::{Child, Command, Output, Stdio},
	sync::{
		atomic::{AtomicU32, Ordering},
		mpsc, Arc, Mutex,
	},
	thread,
	time::Duration,
};
use subxt::rpcs::client::{rpc_params, RpcClient};
use tokio::time::timeout;

/// Time in which a node must serve RPC: it executes genesis once, on a loaded machine.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// Time in which a chain with 3 s slots must reach a low block number.
const BLOCK_DEADLINE: Duration = Duration::from_secs(120);
/// What the log says before the RPC address.
const RPC_LINE: &str = "Running JSON-RPC server: addr=";

/// The binary under test.
fn binary() -> Command {
	Command::new(env!("CARGO_BIN_EXE_dllm-node"))
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
	binary()
		.args(arguments)
		.stdin(Stdio::null())
		.output()
		.expect("the binary starts")
}

/// Runs the binary to its end, which must be a good one, and returns what it printed.
pub fn run_well(arguments: &[&str]) -> String {
	let output = run(arguments);
	let errors = String::from_utf8_lossy(&output.stderr);
	assert!(
		output.status.success(),
		"`dllm-node {}` failed:\n{errors}",
		arguments.join(" ")
	);
	String::from_utf8(output.stdout).expect("output is text")
}

/// Raw specification of a preset, made once for all tests: each makes the binary compile the
/// runtime twice, which takes seconds.
pub fn raw_specification(preset: &'static str) -> Arc<String> {
	static MADE: Mutex<BTreeMap<&'static str, Arc<String>>> = Mutex::new(BTreeMap::new());
	let mut made = MADE.lock().expect("no panic");
	let make = || Arc::new(run_well(&["export-chain-spec", "--raw", "--chain", preset]));
	made.entry(preset).or_insert_with(make).clone()
}

/// A folder that is removed when the test ends.
pub struct Folder(PathBuf);

impl Folder {
	pub fn new() -> Self {
		static NEXT: AtomicU32 = AtomicU32::new(0);
		let number = NEXT.fetch_add(1, Ordering::Relaxed);
		let name = format!("dllm-node-test-{}-{number}", std::process::id());
		let path = env::temp_dir().join(name);
		create_dir_all(&path).expect("the temporary folder can be written");
		Self(path)
	}

	pub fn path(&self) -> &Path {
		&self.0
	}

	/// Writes the raw specification of a preset here, and returns the file's path: a node starts
	/// from it without making the first block's state anew.
	pub fn specification(&self, preset: &'static str) -> String {
		let file = self.0.join(format!("{preset}.json"));
		write(&file, raw_specification(preset).as_bytes()).expect("the folder can be written");
		file.to_str()
			.expect("the temporary folder has a plain name")
			.to_string()
	}

	pub fn text(&self) -> &str {
		self.0
			.to_str()
			.expect("the temporary folder has a plain name")
	}
}

impl Drop for Folder {
	fn drop(&mut self) {
		let _ = remove_dir_all(&self.0);
	}
}

/// A running node. It is killed when the value is dropped.
pub struct Node {
	child: Child,
	pub rpc: RpcClient,
	log: Arc<Mutex<Vec<String>>>,
}

impl Node {
	/// Starts a node on free ports and connects to its RPC.
	pub async fn start(arguments: &[&str]) -> Self {
		let mut child = binary()
			.args(arguments)
			.args([
				"--port",
				"0",
				"--rpc-port",
				"0",
				"--no-prometheus",
				"--no-telemetry",
			])
			.stdin(Stdio::null())
			.stdout(Stdio::null())
			.stderr(Stdio::piped())
			.spawn()
			.expect("the binary starts");
		let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
		let log = Arc::new(Mutex::new(Vec::new()));
		let address = watch_log(stderr, log.clone()).recv_timeout(START_DEADLINE);
		let Ok(address) = address else {
			let _ = child.kill();
			panic!(
				"the node served no RPC:\n{}",
				log.lock().expect("no panic").join("\n")
			);
		};
		let rpc = RpcClient::from_insecure_url(format!("ws://{address}"))
			.await
			.expect("the RPC answers at the address in the log");
		Self { child, rpc, log }
	}

	/// Calls a method that must succeed.
	pub async fn call(&self, method: &str, parameters: Vec<Value>) -> Value {
		let answer = self.try_call(method, parameters).await;
		answer.unwrap_or_else(|(code, message)| panic!("{method}: {code} {message}"))
	}

	/// Calls a method; an error is its code and message.
	pub async fn try_call(
		&self,
		method: &str,
		parameters: Vec<Value>,
	) -> Result<Value, (i32, String)> {
		let mut params = rpc_params![];
		for parameter in parameters {
			params.push(parameter).expect("JSON is JSON");
		}
		self.rpc.request(method, params).await.map_err(user_error)
	}

	/// Waits until the best block has this number or a higher one.
	pub async fn best_reaches(&self, number: u64) {
		self.reaches(
			"chain_subscribeNewHeads",
			"chain_unsubscribeNewHeads",
			number,
		)
		.await
	}

	/// Waits until the finalised block has this number or a higher one.
	pub async fn finalised_reaches(&self, number: u64) {
		self.reaches(
			"chain_subscribeFinalizedHeads",
			"chain_unsubscribeFinalizedHeads",
			number,
		)
		.await
	}

	async fn reaches(&self, subscribe: &str, unsubscribe: &str, number: u64) {
		let wait = async {
			let mut heads = self
				.rpc
				.subscribe::<Value>(subscribe, rpc_params![], unsubscribe)
				.await
				.expect("heads can be followed");
			while let Some(head) = heads.next().await {
				if block_number(&head.expect("heads are readable")) >= number {
					return;
				}
			}
			panic!("the node closed {subscribe}:\n{}", self.log());
		};
		if timeout(BLOCK_DEADLINE, wait).await.is_err() {
			panic!(
				"no block {number} from {subscribe} in time:\n{}",
				self.log()
			);
		}
	}

	/// Asks the node to stop, and waits until it has.
	pub fn stop(mut self) {
		let pid = self.child.id().to_string();
		let asked = Command::new("sh")
			.args(["-c", &format!("kill -TERM {pid}")])
			.status();
		assert!(
			asked.is_ok_and(|status| status.success()),
			"the node can be asked to stop"
		);
		let status = self.child.wait().expect("the node is our child");
		assert!(
			status.success(),
			"the node stopped with {status}:\n{}",
			self.log()
		);
	}

	pub fn log(&self) -> String {
		self.log.lock().expect("no panic").join("\n")
	}
}

impl Drop for Node {
	fn drop(&mut self) {
		let _ = self.child.kill();
		let _ = self.child.wait();
	}
}

/// Keeps the log, and sends the RPC address once it appears.
fn watch_log(
	stderr: impl BufRead + Send + 'static,
	log: Arc<Mutex<Vec<String>>>,
) -> mpsc::Receiver<String> {
	let (sender, receiver) = mpsc::channel();
	thread::spawn(move || {
		for line in stderr.lines().map_while(Result::ok) {
			if let Some((_, addresses)) = line.split_once(RPC_LINE) {
				let first = addresses.split(',').next().unwrap_or_default();
				let _ = sender.send(first.trim().to_string());
			}
			log.lock().expect("no panic").push(line);
		}
	});
	receiver
}

/// Number of a header as the RPC writes it, in hex.
pub fn block_number(header: &Value) -> u64 {
	let hex = header["number"].as_str().expect("a header has a number");
	u64::from_str_radix(hex.trim_start_matches("0x"), 16).expect("numbers are hex")
}

/// Code and message of an error that the node sent.
pub fn user_error(error: subxt::rpcs::Error) -> (i32, String) {
	match error {
		subxt::rpcs::Error::User(error) => (error.code, error.message),
		other => panic!("the node sent no error of its own: {other}"),
	}
}
