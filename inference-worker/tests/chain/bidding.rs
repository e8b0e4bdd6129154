//! A bidder and its rounds. The auctioneer is played by the test, which makes the blocks.

use crate::capacity::{self, DEVICE};
use dllm_primitives::{
	api::{BidState, ModelView, RoundPhase, RoundView, WinnerView, WorkerView},
	capacity::{seal, Offer, RoundId, Terms},
	ids::{Digest, ModelId},
	miner::Roles,
	model::ModelState,
};
use dllm_worker::{
	bidding::{
		offer, step, Auctioneer, Bidder, Declined, Means, Record, Rules, Safe, Seen, Sight, Step,
		FOR_FEES,
	},
	chain::{AccountId32, Amount, ChainError, DLLM},
};
use futures::FutureExt;
use std::{
	fs,
	path::PathBuf,
	sync::{Arc, Mutex, MutexGuard},
};
use tempfile::TempDir;
use tokio::task::yield_now;

const BIDDER: AccountId32 = AccountId32::new([7; 32]);
const MODEL: ModelId = 4;
const ROUND: RoundId = 3;
/// Windows of the round of the tests: sealed up to block 110, revealed in 111 to 119.
const COMMIT_UNTIL: u32 = 110;
const CLEARS: u32 = 120;
/// Bytes of a layer with two full caches of 100 rows.
const SLOT: u64 = 1_000_000 + 2 * 100 * 10;
const LAYERS: u32 = 6;

fn terms() -> Terms {
	Terms {
		reveal_blocks: 9,
		plan_blocks: 10,
		..capacity::terms()
	}
}

fn round(id: RoundId, model: ModelId) -> RoundView {
	RoundView {
		id,
		model,
		phase: RoundPhase::Committing,
		terms: terms(),
		commit_until: COMMIT_UNTIL,
		clears: CLEARS,
		closes: CLEARS + 10,
		bidders: 0,
		winners: Vec::new(),
		..capacity::round()
	}
}

fn model(id: ModelId) -> ModelView {
	let model = capacity::model();
	ModelView {
		id,
		layers: vec![model.embed; LAYERS as usize],
		..model
	}
}

fn seen(id: RoundId, of: ModelId) -> Seen {
	Seen {
		round: round(id, of),
		model: model(of),
		bid: None,
		settled: true,
	}
}

/// A newcomer: a quarter of the full rank, and memory for exactly four layers.
fn worker() -> WorkerView {
	WorkerView {
		account: BIDDER,
		operator: BIDDER,
		roles: Roles {
			miner: true,
			..Roles::default()
		},
		memory: 4 * SLOT * 100 / 80,
		..capacity::worker(7)
	}
}

fn rules() -> Rules {
	Rules {
		ask: 100,
		models: Vec::new(),
		layers: None,
		deposit: 10 * DLLM,
		reveal_blocks: 5,
		device: DEVICE,
		memory: u64::MAX,
	}
}

/// What was sent to the auctioneer.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Call {
	Seal(ModelId, Digest),
	Reveal(ModelId, Offer, Digest),
}

/// An auctioneer that puts what it is sent into the next block.
#[derive(Clone)]
struct House(Arc<Mutex<Notes>>);

struct Notes {
	safe: Safe,
	sight: Sight,
	pool: Vec<Call>,
	sent: Vec<Call>,
	/// What becomes of calls, if not a block.
	fate: Fate,
	over: Vec<RoundId>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
	Block,
	Lost,
	SaidBefore,
	Silence,
}

impl House {
	fn notes(&self) -> MutexGuard<'_, Notes> {
		self.0.lock().unwrap()
	}

	async fn take(&self, call: Call) -> Result<u32, ChainError> {
		let (fate, block) = {
			let mut notes = self.notes();
			notes.sent.push(call);
			if notes.fate == Fate::Block {
				notes.pool.push(call);
			}
			(notes.fate, notes.sight.number + 1)
		};
		match fate {
			Fate::Block => Ok(block),
			Fate::Lost => Err(ChainError::Lost {
				reason: "test".into(),
			}),
			Fate::SaidBefore => Err(ChainError::Failed {
				call: "auctions.commit".into(),
				error: "Auctions::AlreadySealed".into(),
				explanation: String::new(),
			}),
			Fate::Silence => std::future::pending().await,
		}
	}
}

impl Auctioneer for House {
	fn bidder(&self) -> &AccountId32 {
		&BIDDER
	}

	async fn look(&self) -> Result<Sight, ChainError> {
		Ok(self.notes().sight.clone())
	}

	async fn over(&self, rounds: Vec<RoundId>) -> Result<Vec<RoundId>, ChainError> {
		let over = self.notes().over.clone();
		Ok(rounds
			.into_iter()
			.filter(|round| over.contains(round))
			.collect())
	}

	async fn seal(&self, model: ModelId, seal: Digest) -> Result<u32, ChainError> {
		let kept = self
			.notes()
			.safe
			.get(&seal)
			.expect("a safe that can be read");
		assert!(kept.is_some(), "a bid is sealed that nothing on disk opens");
		self.take(Call::Seal(model, seal)).await
	}

	async fn reveal(&self, model: ModelId, offer: Offer, salt: Digest) -> Result<u32, ChainError> {
		self.take(Call::Reveal(model, offer, salt)).await
	}
}

/// A bidder, its auctioneer, and its data folder.
struct Desk {
	bidder: Bidder<House>,
	house: House,
	folder: TempDir,
}

impl Desk {
	/// At block 100, with the round of the tests.
	fn new() -> Self {
		Self::with(rules(), vec![seen(ROUND, MODEL)])
	}

	fn with(rules: Rules, rounds: Vec<Seen>) -> Self {
		let folder = tempfile::tempdir().expect("a temporary folder");
		let safe = Safe::open(folder.path().join("bids"), BIDDER).expect("a safe");
		let sight = Sight {
			number: 100,
			rounds,
			worker: Some(worker()),
			free: 5 * DLLM,
		};
		let house = House(Arc::new(Mutex::new(Notes {
			safe: safe.clone(),
			sight,
			pool: Vec::new(),
			sent: Vec::new(),
			fate: Fate::Block,
			over: Vec::new(),
		})));
		Self {
			bidder: Bidder::new(house.clone(), safe, rules),
			house,
			folder,
		}
	}

	/// Another process on the same data folder.
	fn restart(&mut self, rules: Rules) {
		let safe = self.house.notes().safe.clone();
		self.bidder = Bidder::new(self.house.clone(), safe, rules);
	}

	/// Makes blocks up to this one, and lets the bidder look at the last one only.
	fn skip_to(&mut self, number: u32) {
		while self.house.notes().sight.number < number {
			self.house.notes().make_block();
		}
	}

	/// Lets the bidder look at the block that is there; gives what it sent for it.
	async fn look(&mut self) -> Vec<Call> {
		let before = self.house.notes().sent.len();
		self.bidder.look().await.expect("the rounds can be read");
		// Calls are made when the runtime, which has one thread here, comes to them.
		for _ in 0..8 {
			yield_now().await;
		}
		while self.bidder.ended().now_or_never().is_some() {}
		self.house.notes().sent[before..].to_vec()
	}

	/// Makes blocks up to this one with a look at each; gives the calls by the block that they followed.
	async fn follow_to(&mut self, number: u32) -> Vec<(u32, Call)> {
		let mut calls = Vec::new();
		loop {
			let now = self.house.notes().sight.number;
			calls.extend(self.look().await.into_iter().map(|call| (now, call)));
			if now == number {
				return calls;
			}
			self.house.notes().make_block();
		}
	}

	/// The bids on disk.
	fn records(&self) -> Vec<(Digest, Record)> {
		self.house
			.notes()
			.safe
			.records()
			.expect("a safe that can be read")
	}

	fn bids(&self) -> PathBuf {
		self.folder.path().join("bids")
	}
}

impl Notes {
	fn make_block(&mut self) {
		self.sight.number += 1;
		for call in std::mem::take(&mut self.pool) {
			let (Call::Seal(model, _) | Call::Reveal(model, ..)) = call;
			let mut rounds = self.sight.rounds.iter_mut();
			let Some(seen) = rounds.find(|seen| seen.round.model == model) else {
				continue;
			};
			let next = match (call, seen.bid) {
				(Call::Seal(_, seal), None) => BidState::Sealed(seal),
				(Call::Reveal(_, offer, salt), Some(BidState::Sealed(sealed))) => {
					assert_eq!(seal(seen.round.id, &BIDDER, &offer, &salt), sealed);
					BidState::Revealed
				}
				(call, bid) => panic!("{call:?} upon {bid:?}"),
			};
			seen.bid = Some(next);
		}
		for seen in &mut self.sight.rounds {
			if seen.round.clears == self.sight.number {
				seen.round.phase = RoundPhase::Planning;
				seen.bid = seen.bid.filter(|bid| *bid != BidState::Revealed);
			}
		}
	}
}

/// The call of a block, where there is exactly one.
fn only(calls: &[(u32, Call)]) -> (u32, Call) {
	assert_eq!(calls.len(), 1, "{calls:?}");
	calls[0]
}

#[test]
fn steps_keep_to_the_windows() {
	let round = round(ROUND, MODEL);
	let digest = Digest::repeat_byte(5);
	let sealed = Some(BidState::Sealed(digest));
	let at = |bid, number| step(&round, bid, true, number);
	assert_eq!(at(None, COMMIT_UNTIL - 1), Step::Seal);
	assert_eq!(at(None, COMMIT_UNTIL), Step::Wait);
	assert_eq!(
		step(&round, None, false, 100),
		Step::Wait,
		"the opening is not final"
	);
	assert_eq!(at(sealed, COMMIT_UNTIL - 1), Step::Wait);
	assert_eq!(at(sealed, COMMIT_UNTIL), Step::Reveal(digest));
	assert_eq!(at(sealed, CLEARS - 2), Step::Reveal(digest));
	assert_eq!(at(sealed, CLEARS - 1), Step::Wait);
	assert_eq!(at(sealed, CLEARS + 5), Step::Wait);
	assert_eq!(at(Some(BidState::Revealed), COMMIT_UNTIL), Step::Wait);
	assert_eq!(
		step(&round, sealed, false, COMMIT_UNTIL),
		Step::Reveal(digest)
	);
}

#[tokio::test]
async fn a_bid_is_sealed_once_and_revealed_once() {
	let mut desk = Desk::new();
	let sealed = desk.follow_to(COMMIT_UNTIL - 1).await;
	let (block, call) = only(&sealed);
	assert_eq!(block, 100);
	let records = desk.records();
	let [(seal, record)] = &records[..] else {
		panic!("one record");
	};
	assert_eq!(call, Call::Seal(MODEL, *seal));
	assert_eq!((record.round, record.model), (ROUND, MODEL));
	assert_eq!((record.offer.ask, record.offer.capacity), (100, 4));
	assert_eq!(record.offer.device, DEVICE);

	let revealed = desk.follow_to(CLEARS + 5).await;
	let reveal = Call::Reveal(MODEL, record.offer, record.salt);
	assert_eq!(only(&revealed), (COMMIT_UNTIL, reveal));
}

#[tokio::test]
async fn salts_differ() {
	let (mut one, mut other) = (Desk::new(), Desk::new());
	assert_ne!(one.look().await, other.look().await);
}

#[tokio::test]
async fn nothing_is_sealed_that_cannot_be_kept() {
	let mut desk = Desk::new();
	fs::remove_dir(desk.bids()).expect("an empty folder");
	fs::write(desk.bids(), "in the way").expect("the file is written");
	assert!(desk.look().await.is_empty());
	fs::remove_file(desk.bids()).expect("the file is removed");
	fs::create_dir(desk.bids()).expect("the folder is made");
	assert_eq!(desk.look().await.len(), 1, "once there is a place for it");

	let safe = Safe::open(desk.folder.path().join("gone"), BIDDER).expect("a safe");
	fs::remove_dir(desk.folder.path().join("gone")).expect("an empty folder");
	let record = desk.records()[0].1.clone();
	let error = safe.put(&record).expect_err("there is no folder");
	assert!(
		error.to_string().contains("free space on the disk"),
		"{error}"
	);
}

#[tokio::test]
async fn a_restart_reveals_what_was_sealed_before() {
	let mut desk = Desk::new();
	desk.look().await;
	let (_, record) = desk.records()[0].clone();
	let other = Rules {
		ask: 50,
		layers: Some(1),
		models: vec!["none".into()],
		..rules()
	};
	desk.restart(other);
	let revealed = desk.follow_to(CLEARS).await;
	let reveal = Call::Reveal(MODEL, record.offer, record.salt);
	assert_eq!(only(&revealed), (COMMIT_UNTIL, reveal));
}

#[tokio::test]
async fn a_restart_before_the_bid_is_seen_keeps_both_bids() {
	let mut desk = Desk::new();
	desk.look().await;
	// The first call is still on its way, and the ask is another one now.
	desk.restart(Rules { ask: 50, ..rules() });
	let sent = desk.look().await;
	assert_eq!(sent.len(), 1);
	let records = desk.records();
	assert_eq!(records.len(), 2);
	// The first one reached the block after all.
	let first = desk.house.notes().sent[0];
	desk.house.notes().pool = vec![first];
	let revealed = desk.follow_to(CLEARS).await;
	let Call::Seal(_, seal) = first else {
		panic!("{first:?}")
	};
	let (_, record) = records
		.iter()
		.find(|(other, _)| *other == seal)
		.expect("kept");
	let reveal = Call::Reveal(MODEL, record.offer, record.salt);
	assert_eq!(only(&revealed), (COMMIT_UNTIL, reveal));
}

#[tokio::test]
async fn the_last_block_of_the_window_still_reveals_and_none_after_it() {
	for (back_at, reveals) in [(CLEARS - 2, 1), (CLEARS - 1, 0), (CLEARS + 1, 0)] {
		let mut desk = Desk::new();
		desk.look().await;
		desk.skip_to(back_at);
		desk.restart(rules());
		assert_eq!(
			desk.follow_to(CLEARS + 3).await.len(),
			reveals,
			"back at {back_at}"
		);
	}
}

#[tokio::test]
async fn a_call_that_is_under_way_is_not_sent_again() {
	let mut desk = Desk::new();
	desk.house.notes().fate = Fate::Silence;
	assert_eq!(desk.follow_to(COMMIT_UNTIL - 1).await.len(), 1);
	let Call::Seal(_, seal) = desk.house.notes().sent[0] else {
		panic!("a seal")
	};
	desk.house.notes().sight.rounds[0].bid = Some(BidState::Sealed(seal));
	assert_eq!(desk.follow_to(CLEARS).await.len(), 1);
}

#[tokio::test]
async fn a_call_that_fails_is_repeated_after_a_pause() {
	let mut desk = Desk::new();
	desk.look().await;
	desk.skip_to(COMMIT_UNTIL);
	desk.house.notes().fate = Fate::Lost;
	let blocks = desk.follow_to(CLEARS).await;
	let blocks = blocks.iter().map(|(block, _)| *block);
	assert_eq!(blocks.collect::<Vec<_>>(), [110, 111, 113, 116]);
}

#[tokio::test]
async fn a_bid_that_was_sealed_before_a_lost_connection_is_not_an_error() {
	let mut desk = Desk::new();
	desk.house.notes().fate = Fate::SaidBefore;
	let blocks = desk.follow_to(103).await;
	let blocks = blocks.iter().map(|(block, _)| *block);
	assert_eq!(
		blocks.collect::<Vec<_>>(),
		[100, 103],
		"no sooner than a fork is certain"
	);
}

#[tokio::test]
async fn a_fork_that_undoes_a_bid_has_it_sealed_again_from_the_same_record() {
	let mut desk = Desk::new();
	let first = desk.look().await;
	desk.skip_to(101);
	assert!(desk.look().await.is_empty());
	desk.house.notes().sight.rounds[0].bid = None;
	let again = desk.follow_to(105).await;
	assert_eq!(only(&again), (104, first[0]));
	assert_eq!(desk.records().len(), 1);
}

#[tokio::test]
async fn a_fork_that_undoes_a_reveal_has_it_revealed_again() {
	let mut desk = Desk::new();
	let Call::Seal(_, seal) = desk.look().await[0] else {
		panic!("a seal")
	};
	desk.skip_to(COMMIT_UNTIL);
	assert_eq!(desk.look().await.len(), 1);
	desk.skip_to(COMMIT_UNTIL + 1);
	desk.house.notes().sight.rounds[0].bid = Some(BidState::Sealed(seal));
	let again = desk.follow_to(CLEARS).await;
	assert_eq!(only(&again).0, COMMIT_UNTIL + 4);
}

#[tokio::test]
async fn a_round_of_the_same_number_costs_no_salt() {
	let mut desk = Desk::new();
	let first = desk.look().await;
	// A fork gives the number to the round of another model, and the bid is gone.
	desk.house.notes().pool.clear();
	desk.house.notes().sight.rounds = vec![seen(ROUND, MODEL + 1)];
	desk.restart(rules());
	assert_eq!(desk.look().await.len(), 1);
	assert_eq!(desk.records().len(), 2);
	// And then the first chain wins.
	let mut back = seen(ROUND, MODEL);
	let Call::Seal(_, seal) = first[0] else {
		panic!("{first:?}")
	};
	back.bid = Some(BidState::Sealed(seal));
	desk.house.notes().pool.clear();
	desk.house.notes().sight.rounds = vec![back];
	let revealed = desk.follow_to(CLEARS).await;
	assert_eq!(only(&revealed).0, COMMIT_UNTIL);
}

#[tokio::test]
async fn memory_is_offered_once_and_one_bid_is_sealed_at_a_time() {
	let mut desk = Desk::with(
		Rules {
			layers: Some(3),
			..rules()
		},
		vec![
			seen(ROUND, MODEL),
			seen(ROUND + 1, MODEL + 1),
			seen(ROUND + 2, MODEL + 2),
		],
	);
	let sealed = desk.follow_to(COMMIT_UNTIL - 1).await;
	let blocks = sealed.iter().map(|(block, _)| *block);
	assert_eq!(blocks.collect::<Vec<_>>(), [100, 101]);
	let mut offered = desk
		.records()
		.iter()
		.map(|(_, record)| (record.round, record.offer.capacity))
		.collect::<Vec<_>>();
	offered.sort_unstable();
	// Four layers fit: three for the first round, one for the second, none for the third.
	assert_eq!(offered, [(ROUND, 3), (ROUND + 1, 1)]);
}

#[tokio::test]
async fn what_was_won_is_not_offered_again() {
	let mut cleared = seen(ROUND, MODEL);
	cleared.round.phase = RoundPhase::Planning;
	(cleared.round.commit_until, cleared.round.clears) = (80, 90);
	cleared.round.winners = vec![WinnerView {
		worker: BIDDER,
		operator: BIDDER,
		slots: 3,
		price: 9,
		device: DEVICE,
	}];
	let mut desk = Desk::with(rules(), vec![cleared, seen(ROUND + 1, MODEL + 1)]);
	assert_eq!(desk.look().await.len(), 1);
	assert_eq!(desk.records()[0].1.offer.capacity, 1);
}

#[tokio::test]
async fn a_bid_that_is_not_made_sends_nothing() {
	let mut desk = Desk::new();
	desk.house.notes().sight.free = DLLM + FOR_FEES - 1;
	assert!(desk.follow_to(104).await.is_empty());
	assert!(desk.records().is_empty());
	desk.house.notes().sight.free += 1;
	assert_eq!(desk.look().await.len(), 1);
}

/// What is offered in the round of the tests after a change of everything that counts.
fn offered(
	change: impl FnOnce(&mut Rules, &mut RoundView, &mut ModelView, &mut WorkerView, &mut u128),
) -> Result<Offer, Declined> {
	let (mut rules, mut round, mut model, mut worker, mut free) = (
		rules(),
		round(ROUND, MODEL),
		model(MODEL),
		worker(),
		5 * DLLM,
	);
	change(&mut rules, &mut round, &mut model, &mut worker, &mut free);
	let means = Means {
		worker: Some(&worker),
		free,
		pledged: 0,
	};
	offer(&rules, &round, &model, &means)
}

#[test]
fn capacity_is_what_memory_model_and_options_allow() {
	let capacity = |change: fn(&mut Rules, &mut WorkerView)| {
		offered(|rules, _, _, worker, _| change(rules, worker)).map(|offer| offer.capacity)
	};
	assert_eq!(capacity(|_, _| {}), Ok(4));
	assert_eq!(capacity(|rules, _| rules.layers = Some(2)), Ok(2));
	assert_eq!(capacity(|rules, _| rules.layers = Some(5)), Ok(4));
	assert_eq!(capacity(|_, worker| worker.memory *= 100), Ok(LAYERS));
	assert_eq!(capacity(|_, worker| worker.promised = 1), Ok(3));
	assert_eq!(capacity(|_, worker| worker.promised = 3 * SLOT), Ok(1));
	let none = Err(Declined::Memory { slot: SLOT });
	assert_eq!(capacity(|_, worker| worker.promised = 4 * SLOT), none);
	// What a new registration would declare counts as well.
	assert_eq!(
		capacity(|rules, worker| rules.memory = worker.memory / 2),
		Ok(2)
	);
}

#[test]
fn bids_that_could_not_be_revealed_or_cannot_win_are_not_made() {
	let ask = |ask| offered(move |rules, _, _, _, _| rules.ask = ask);
	// A quarter of the reserve of 1 000.
	assert!(ask(250).is_ok());
	assert_eq!(
		ask(251),
		Err(Declined::AboveReserve {
			ask: 251,
			highest: 250
		})
	);
	let convicted = offered(|rules, _, _, worker, _| (rules.ask, worker.rank) = (0, 0));
	assert_eq!(
		convicted,
		Err(Declined::AboveReserve { ask: 0, highest: 0 })
	);

	let models = |names: &[&str]| {
		let names = names.iter().map(|name| name.to_string()).collect();
		offered(|rules, _, _, _, _| rules.models = names)
	};
	assert!(models(&["tiny"]).is_ok() && models(&["other", "4"]).is_ok());
	assert_eq!(models(&["other", "5"]), Err(Declined::OtherModel));

	let retired = offered(|_, _, model, _, _| model.state = ModelState::Retired);
	assert_eq!(retired, Err(Declined::ModelNotActive));
	let leaving = offered(|_, _, _, worker, _| worker.active = false);
	assert_eq!(leaving, Err(Declined::NotMiner));
	let verifier = offered(|_, _, _, worker, _| worker.roles.miner = false);
	assert_eq!(verifier, Err(Declined::NotMiner));

	let dear =
		offered(|_, round, _, _, free| (round.terms.deposit, *free) = (10 * DLLM + 1, 99 * DLLM));
	assert_eq!(dear, Err(Declined::Deposit(Amount(10 * DLLM + 1))));
	assert!(
		offered(|_, round, _, _, free| (round.terms.deposit, *free) = (10 * DLLM, 99 * DLLM))
			.is_ok()
	);
	let short = offered(|_, round, _, _, _| round.terms.reveal_blocks = 4);
	assert_eq!(short, Err(Declined::ShortReveal(4)));
	assert!(offered(|_, round, _, _, _| round.terms.reveal_blocks = 5).is_ok());
	let poor = offered(|_, _, _, _, free| *free = DLLM + FOR_FEES - 1);
	assert!(matches!(poor, Err(Declined::Funds { .. })), "{poor:?}");

	let means = Means {
		worker: None,
		free: 5 * DLLM,
		pledged: 0,
	};
	let nobody = offer(&rules(), &round(ROUND, MODEL), &model(MODEL), &means);
	assert_eq!(nobody, Err(Declined::NotMiner));
}

#[tokio::test]
async fn records_go_once_their_round_is_over_for_good() {
	let mut desk = Desk::new();
	desk.follow_to(CLEARS + 2).await;
	desk.house.notes().sight.rounds.clear();
	desk.look().await;
	assert_eq!(desk.records().len(), 1, "a fork could bring the round back");
	desk.house.notes().over = vec![ROUND + 1];
	desk.look().await;
	assert_eq!(desk.records().len(), 1);
	desk.house.notes().over = vec![ROUND];
	desk.look().await;
	assert!(desk.records().is_empty());
	let left = fs::read_dir(desk.bids()).expect("the folder").count();
	assert_eq!(left, 0);
}

#[tokio::test]
async fn a_damaged_record_opens_nothing() {
	let mut desk = Desk::new();
	desk.look().await;
	let (seal, _) = desk.records()[0];
	let file = fs::read_dir(desk.bids()).expect("the folder").next();
	let path = file.expect("a record").expect("a file").path();
	let mut bytes = fs::read(&path).expect("the record");
	let last = bytes.len() - 1;
	bytes[last] ^= 1;
	fs::write(&path, &bytes).expect("the record is damaged");
	let error = desk
		.house
		.notes()
		.safe
		.get(&seal)
		.expect_err("another salt");
	assert!(error.to_string().contains("is damaged"), "{error}");
	assert!(desk.follow_to(CLEARS).await.is_empty());
}

#[tokio::test]
async fn a_bid_that_nothing_opens_is_told_and_not_sent() {
	let mut desk = Desk::new();
	desk.look().await;
	let (seal, _) = desk.records()[0];
	desk.house
		.notes()
		.safe
		.remove(&seal)
		.expect("the record is removed");
	assert!(desk.follow_to(CLEARS).await.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_sealed_offer_is_read_by_its_owner_only() {
	use std::os::unix::fs::PermissionsExt;
	let mut desk = Desk::new();
	desk.look().await;
	let file = fs::read_dir(desk.bids()).expect("the folder").next();
	let metadata = file.expect("a record").expect("a file").metadata();
	let mode = metadata.expect("its metadata").permissions().mode();
	assert_eq!(mode & 0o777, 0o600);
}
