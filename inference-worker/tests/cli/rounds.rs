//! Capacity rounds on the command line: what is shown, what is refused, and plans for the winners, from a node
//! that the test plays.

use super::worker::{Folder, Ran};
pub use crate::capacity::account;
use crate::capacity::{self, model, worker};
use codec::Encode;
use dllm_primitives::{
	api::{
		BidState, ContenderView, LinksView, PipelineView, RoundPhase, RoundView, StageView,
		WorkerView,
	},
	capacity::Terms,
	ids::Digest,
	model::LayerRange,
	plan::PipelineState,
};
use dllm_worker::chain::{address, DLLM};
use jsonrpsee::{
	server::{Server, ServerHandle},
	types::ErrorObjectOwned,
	RpcModule,
};
use serde_json::{json, Value};
use tokio::runtime::Runtime;

/// What a chain knows, at block 7.
#[derive(Clone)]
pub struct Known {
	rounds: Vec<RoundView>,
	workers: Vec<WorkerView>,
	pub links: LinksView,
	pipelines: Vec<PipelineView>,
	/// Of whoever asks, in every round.
	bid: BidState,
}

/// The round of the model, of which four workers have won two layers each.
fn round() -> RoundView {
	RoundView {
		terms: Terms {
			deposit: 2 * DLLM,
			commit_blocks: 2,
			reveal_blocks: 2,
			plan_blocks: 10,
			..capacity::terms()
		},
		commit_until: 2,
		clears: 5,
		closes: 15,
		bidders: 5,
		..capacity::round()
	}
}

/// A pipeline of the first two winners that holds every layer.
fn pipeline(state: PipelineState, ready: &[u8]) -> PipelineView {
	let stage = |stage, layers, workers: &[u8], ready: &[u8]| StageView {
		stage,
		layers,
		workers: workers.iter().copied().map(account).collect(),
		ready: ready.iter().copied().map(account).collect(),
		price: 1,
	};
	let all = LayerRange { start: 0, end: 4 };
	PipelineView {
		id: 0,
		model: 4,
		state,
		slots: 2,
		open_jobs: 0,
		in_flight: 0,
		pace: None,
		stages: vec![
			stage(0, LayerRange::default(), &[], &[]),
			stage(1, all, &[1, 2], ready),
		],
	}
}

/// The four winners, and one that bid and did not win.
pub fn known() -> Known {
	Known {
		rounds: vec![round()],
		workers: (1..6).map(worker).collect(),
		links: LinksView {
			links: Vec::new(),
			silent: Vec::new(),
		},
		pipelines: Vec::new(),
		bid: BidState::Revealed,
	}
}

/// A node, as far as commands ask it that only read.
async fn node(known: Known) -> (String, ServerHandle) {
	let mut module = RpcModule::new(());
	let version = json!({
		"specName": "dllm", "implName": "dllm", "authoringVersion": 1, "specVersion": 1,
		"implVersion": 0, "apis": [], "transactionVersion": 1, "stateVersion": 1,
	});
	let header = json!({
		"parentHash": Digest::zero(), "number": "0x7", "stateRoot": Digest::zero(),
		"extrinsicsRoot": Digest::zero(), "digest": { "logs": [] },
	});
	let answers = [
		("state_getRuntimeVersion", version),
		("chain_getBlockHash", json!(Digest::repeat_byte(1))),
		("chain_getHeader", header),
	];
	for (method, answer) in answers {
		module
			.register_method(method, move |_, _, _| answer.clone())
			.expect("one method of that name");
	}
	let view = move |function: &str| match function {
		"DllmApi_rounds" => known.rounds.encode(),
		"DllmApi_models" => vec![model()].encode(),
		"DllmApi_workers" => known.workers.encode(),
		"DllmApi_worker" => known.workers.first().encode(),
		"DllmApi_links" => known.links.encode(),
		"DllmApi_bid" => Some(known.bid).encode(),
		"DllmApi_pipelines" => known.pipelines.encode(),
		other => panic!("{other} is not expected"),
	};
	let call = move |parameters: jsonrpsee::types::Params<'_>| {
		let function = parameters.sequence().next::<String>()?;
		Ok::<_, ErrorObjectOwned>(format!("0x{}", hex::encode(view(&function))))
	};
	module
		.register_method("state_call", move |parameters, _, _| call(parameters))
		.expect("one method of that name");
	let server = Server::builder().build("127.0.0.1:0").await;
	let server = server.expect("a port");
	let address = server.local_addr().expect("its address");
	(format!("ws://{address}"), server.start(module))
}

/// Runs a command against a chain that knows this.
pub fn run(known: Known, command: &[&str]) -> Ran {
	run_in(&Folder::new(), known, command)
}

/// The same in a folder.
pub fn run_in(folder: &Folder, known: Known, command: &[&str]) -> Ran {
	let runtime = Runtime::new().expect("threads");
	let (url, _server) = runtime.block_on(node(known));
	let common = ["--account", "//Alice", "--chain", &url];
	folder.run(&[&common[..], command].concat())
}

pub fn json_of(ran: &Ran) -> Value {
	serde_json::from_str(ran.printed()).expect("JSON")
}

#[test]
fn rounds_are_shown_with_winners_and_best_plan() {
	let mut chain = known();
	chain.rounds[0].plan = Some(ContenderView {
		submitter: account(9),
		score: 2_500_000_000_000,
		stages: Vec::new(),
	});
	let ran = run(chain.clone(), &["rounds"]);
	let text = ran.printed();
	for part in [
		"at block 7",
		"plans compete",
		"2 DLLM",
		"2.500 ms",
		"winners of round 3",
		"400",
	] {
		assert!(text.contains(part), "{part:?} is not in: {text}");
	}
	let shown = json_of(&run(chain, &["rounds", "--json"]));
	assert_eq!(shown[0]["phase"], "planning");
	assert_eq!(shown[0]["terms"]["reserve"], "1000");
	assert_eq!(shown[0]["winners"][3]["price"], "400");
	assert_eq!(shown[0]["plan"]["score"], "2500000000000");
}

#[test]
fn a_chain_without_rounds_says_so() {
	let mut chain = known();
	chain.rounds.clear();
	let ran = run(chain.clone(), &["rounds"]);
	assert_eq!(ran.printed(), "no capacity round is in progress at block 7");
	assert_eq!(json_of(&run(chain, &["rounds", "--json"])), json!([]));
}

#[test]
fn a_plan_names_winners_within_what_they_won() {
	let shown = json_of(&run(
		known(),
		&["plan", "--round", "3", "--dry-run", "--json"],
	));
	assert_eq!(shown["round"], 3);
	assert_eq!(shown["slots"], 2);
	assert!(shown["block"].is_null() && shown["pipeline"].is_null());
	let score = shown["score"].as_str().expect("a score").parse::<u128>();
	let total = shown["cost"]["totalMs"].as_f64().expect("a total");
	assert!((score.expect("a number") as f64 / 1e12 - total).abs() < 1e-6);
	let stages = shown["stages"].as_array().expect("stages");
	assert_eq!(stages.len(), 3, "an entry and two segments of two layers");
	let mut named = Vec::new();
	for stage in &stages[1..] {
		let layers = &stage["layers"];
		assert_eq!(
			layers["end"].as_u64(),
			layers["start"].as_u64().map(|start| start + 2)
		);
		let workers = stage["workers"].as_array().expect("workers");
		let dearest = workers.iter().map(|who| {
			let number = (1..5).find(|number| *who == address(&account(*number)));
			let number = number.expect("a winner");
			named.push(number);
			u32::from(number) * 100
		});
		assert_eq!(
			stage["price"],
			dearest.max().expect("two workers").to_string()
		);
	}
	named.sort_unstable();
	assert_eq!(named, [1, 2, 3, 4]);
	assert_eq!(
		stages[0]["workers"].as_array().map(Vec::len),
		Some(2),
		"entries"
	);
}

#[test]
fn a_round_that_cannot_be_planned_now_is_named() {
	let plan = ["plan", "--round", "3"];
	run(known(), &["plan", "--round", "8"])
		.fails_with(&["capacity round 8 is not in progress", "dllm-worker rounds"]);
	let mut early = known();
	early.rounds[0].phase = RoundPhase::Revealing;
	run(early, &plan).fails_with(&["not cleared yet", "from block 5 to block 14"]);

	let mut left = known();
	left.workers[2].active = false;
	run(left, &plan).fails_with(&["no plan: 3 winners, 2 of different operators"]);
	// A promise of memory to another pipeline counts.
	let mut full = known();
	full.workers[0].promised = full.workers[0].memory;
	run(full, &plan).fails_with(&["no plan: 4 winners"]);
}

#[test]
fn a_plan_that_would_not_lead_is_not_submitted() {
	let plan = ["plan", "--round", "3"];
	let score = |chain: Known| {
		let shown = json_of(&run(
			chain,
			&["plan", "--round", "3", "--dry-run", "--json"],
		));
		let score = shown["score"].as_str().expect("a score").parse::<u128>();
		score.expect("a number")
	};
	let mut led = known();
	led.rounds[0].plan = Some(ContenderView {
		submitter: account(9),
		score: score(known()),
		stages: Vec::new(),
	});
	run(led, &plan).fails_with(&["leads round 3", "the best that was found has"]);

	// Who is about to say that it has loaded its layers makes the score another one.
	let mut loading = known();
	loading.pipelines = vec![pipeline(PipelineState::Preparing, &[1])];
	run(loading, &plan).fails_with(&["just being loaded or closed", "dllm-worker status"]);
	let mut closing = known();
	closing.pipelines = vec![pipeline(PipelineState::Draining, &[1, 2])];
	run(closing, &plan).fails_with(&["just being loaded or closed"]);

	let mut live = known();
	live.pipelines = vec![pipeline(PipelineState::Live, &[1, 2])];
	assert!(
		score(live) < score(known()),
		"what is loaded need not be fetched"
	);
}

#[test]
fn options_that_a_round_fixes_are_refused_beside_it() {
	let folder = Folder::new();
	for option in ["--model", "--replicas", "--slots", "--links", "--max-token"] {
		let ran = folder.run(&["plan", "--round", "3", option, "2"]);
		ran.fails_with(&["cannot be used with", option]);
	}
}

#[test]
fn terms_on_which_no_round_can_be_held_are_named_before_the_node_is_asked() {
	let open = |options: &[&str]| {
		let folder = Folder::new();
		let command = [
			"--account",
			"//Alice",
			"--chain",
			"ws://127.0.0.1:1",
			"round",
			"open",
		];
		folder.run(&[&command[..], options].concat())
	};
	open(&[]).fails_with(&["--reserve <AMOUNT>"]);
	open(&["--reserve", "0"]).fails_with(&["--reserve", "between 1 and"]);
	open(&["--reserve", "18446745 DLLM"]).fails_with(&["--reserve", "18446744073709551615"]);
	open(&["--reserve", "5", "--deposit", "0"]).fails_with(&["--deposit", "need not reveal"]);
	open(&["--reserve", "5", "--replicas", "5"]).fails_with(&["5 is not in 2..=4"]);
	open(&["--reserve", "5", "--slots", "9"]).fails_with(&["9 is not in 1..=8"]);
	open(&["--reserve", "5", "--plan-blocks", "0"]).fails_with(&["0 is not in 1..=28800"]);
	open(&["--reserve", "5", "--links", "nowhere.json"]).fails_with(&["nowhere.json"]);
	open(&["--reserve", "5"]).fails_with(&["cannot reach a node"]);
}

#[test]
fn figures_that_no_machine_has_are_named_before_anything_starts() {
	let folder = Folder::new();
	let serve = |text: &str| {
		folder.write("worker.toml", text);
		folder.run(&["--account", "//Miner1", "serve"])
	};
	serve("[bidding]\nenabled = true\ngflops = 5e12\n").fails_with(&[
		"bidding.gflops = 5000000000000",
		"check the number and its unit",
	]);
	serve("[bidding]\nenabled = true\nask = \"18446745 DLLM\"\n")
		.fails_with(&["lower bidding.ask"]);
	serve("[bidding]\nbid = true\n").fails_with(&["worker.toml:2:", "bid"]);
}

#[test]
fn nobody_leaves_or_declares_less_while_a_bid_is_sealed() {
	let mut sealed = known();
	sealed.bid = BidState::Sealed(Digest::zero());
	sealed.rounds[0].phase = RoundPhase::Revealing;
	sealed.rounds[0].clears = 9;
	let refusal = ["a bid in capacity round 3 is sealed", "after block 9"];
	run(sealed.clone(), &["unregister"]).fails_with(&refusal);
	// The default of 2 GiB is more than was declared; a worker that declared more would declare less.
	sealed.workers[0].memory = 3 << 30;
	run(sealed.clone(), &["register"]).fails_with(&refusal);
	// What is sealed for good in a cleared round is lost already.
	sealed.rounds[0].clears = 7;
	let free = run(sealed, &["unregister"]);
	assert!(!free.stderr.contains("is sealed"), "{}", free.stderr);
}
