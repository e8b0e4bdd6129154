//! What a bidder does after a block.
//!
//! It compares where its bids stand on chain with what is under way. One bid is sealed at a time, so that
//! money and memory are seen as the one before left them; every reveal that is due is sent. A call that
//! failed is repeated after a pause of blocks as long as the chain still asks for it.

use super::{
	offer, Auctioneer, Declined, Means, OnChain, Record, Rules, Safe, SafeError, Seen, Sight,
};
use crate::chain::ChainError;
use dllm_primitives::{
	api::{BidState, RoundPhase, RoundView},
	capacity::{slot_memory, RoundId},
	ids::Digest,
};
use std::collections::{BTreeSet, HashMap};
use tokio::task::{AbortHandle, JoinError, JoinSet};

/// Blocks after which a call that reached a block, and is not seen in the state, was undone by a fork for
/// good: before, the pool puts it into a block again by itself.
const UNDONE_AFTER: u32 = 2;
/// Longest pause before a call that failed is repeated, in blocks: short beside any window to reveal.
const LONGEST_PAUSE: u32 = 4;

/// What is to be done in a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
	/// Seal a bid.
	Seal,
	/// Reveal the bid of this seal.
	Reveal(Digest),
	/// Nothing now.
	Wait,
}

/// What the next block can hold of a worker's bid, after block `number`. `settled` says whether the
/// opening of the round is final.
pub fn step(round: &RoundView, bid: Option<BidState>, settled: bool, number: u32) -> Step {
	let next = number.saturating_add(1);
	match bid {
		None if settled && next <= round.commit_until => Step::Seal,
		Some(BidState::Sealed(seal)) if next > round.commit_until && next < round.clears => {
			Step::Reveal(seal)
		}
		_ => Step::Wait,
	}
}

/// Bids in the rounds of one chain, by the rules of one worker.
pub struct Bidder<A = OnChain> {
	auctioneer: A,
	safe: Safe,
	rules: Rules,
	calls: JoinSet<Ended>,
	states: HashMap<Key, State>,
	/// Why it does not bid in a round, as it was told last.
	declined: HashMap<RoundId, Declined>,
	/// Block of the last look.
	number: u32,
}

/// Names a call: there is one at most for each.
type Key = (RoundId, Said);
/// What a call came to: the block that holds it.
type Ended = (Key, Result<u32, ChainError>);

/// What a call says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Said {
	Sealed,
	Revealed,
}

/// Where a call stands.
enum State {
	/// Under way, after so many attempts that failed.
	Running { task: AbortHandle, failed: u32 },
	/// Repeated after that block, if it is still asked for.
	Failed { again: u32, failed: u32 },
	/// In that block.
	Done(u32),
}

impl<A: Auctioneer> Bidder<A> {
	/// A bidder with what `safe` holds from before.
	pub fn new(auctioneer: A, safe: Safe, rules: Rules) -> Self {
		Self {
			auctioneer,
			safe,
			rules,
			calls: JoinSet::new(),
			states: HashMap::new(),
			declined: HashMap::new(),
			number: 0,
		}
	}

	/// What it bids at.
	pub fn auctioneer(&self) -> &A {
		&self.auctioneer
	}

	/// Looks at every round and begins what is due. What goes wrong in one round is told, and hinders no
	/// other.
	pub async fn look(&mut self) -> Result<(), ChainError> {
		let sight = self.auctioneer.look().await?;
		self.number = sight.number;
		for seen in &sight.rounds {
			if let Step::Reveal(seal) = step(&seen.round, seen.bid, seen.settled, sight.number) {
				if let Err(error) = self.reveal(seen, seal).await {
					tracing::error!(round = seen.round.id, %error, "a bid cannot be revealed");
				}
			}
		}
		for seen in &sight.rounds {
			if step(&seen.round, seen.bid, seen.settled, sight.number) == Step::Seal {
				if let Err(error) = self.seal(seen, &sight).await {
					tracing::error!(round = seen.round.id, %error, "no bid is made");
				}
			}
		}
		self.clear_out(&sight).await
	}

	/// Waits for the end of a call and notes it; never ends while there is none.
	pub async fn ended(&mut self) {
		match self.calls.join_next().await {
			Some(ended) => self.note(ended),
			None => std::future::pending().await,
		}
	}

	/// Sends the reveal of a bid, unless it is under way.
	async fn reveal(&mut self, seen: &Seen, seal: Digest) -> Result<(), SafeError> {
		let key = (seen.round.id, Said::Revealed);
		if !self.is_due(&key) {
			return Ok(());
		}
		let record = self.safe.blocking(move |safe| safe.get(&seal)).await?;
		let Some(Record { offer, salt, .. }) = record else {
			let until = seen.round.clears.saturating_sub(1);
			tracing::error!(
				round = seen.round.id,
				until,
				"nothing on this disk opens the sealed bid, and its deposit will be lost: bring back the data folder that it was made in"
			);
			self.failed(key, 0);
			return Ok(());
		};
		let (auctioneer, model) = (self.auctioneer.clone(), seen.round.model);
		self.send(
			key,
			async move { auctioneer.reveal(model, offer, salt).await },
		);
		Ok(())
	}

	/// Makes an offer, keeps it, and only then seals it.
	async fn seal(&mut self, seen: &Seen, sight: &Sight) -> Result<(), SafeError> {
		let (id, model) = (seen.round.id, seen.round.model);
		let key = (id, Said::Sealed);
		if self.is_sealing() || !self.is_due(&key) {
			return Ok(());
		}
		let records = self.safe.blocking(|safe| safe.records()).await?;
		let means = Means {
			worker: sight.worker.as_ref(),
			free: sight.free,
			pledged: self.pledged(id, sight, &records),
		};
		let offer = match offer(&self.rules, &seen.round, &seen.model, &means) {
			Ok(offer) => offer,
			Err(why) => {
				self.decline(id, why);
				return Ok(());
			}
		};
		let same =
			|record: &Record| (record.round, record.model) == (id, model) && record.offer == offer;
		let known = records.iter().find(|(_, record)| same(record));
		let seal = match known {
			Some((seal, _)) => *seal,
			None => {
				let record = Record::new(id, model, offer);
				self.safe.blocking(move |safe| safe.put(&record)).await?
			}
		};
		self.declined.remove(&id);
		let (ask, layers) = (offer.ask, offer.capacity);
		let (from, until) = (
			seen.round.commit_until.saturating_add(1),
			seen.round.clears.saturating_sub(1),
		);
		tracing::info!(
			round = id,
			model,
			ask,
			layers,
			reveal_from = from,
			reveal_until = until,
			"bids; it has to run when the bid is revealed"
		);
		let auctioneer = self.auctioneer.clone();
		self.send(key, async move { auctioneer.seal(model, seal).await });
		Ok(())
	}

	/// Bytes that the worker's bids in other rounds may take: of rounds that collect bids what it offered, of
	/// cleared ones what it won.
	fn pledged(&self, but: RoundId, sight: &Sight, records: &[(Digest, Record)]) -> u64 {
		let own = self.auctioneer.bidder();
		let others = sight.rounds.iter().filter(|seen| seen.round.id != but);
		let bytes = others.map(
			|Seen {
			     round, model, bid, ..
			 }| {
				let layers = match (round.phase, bid) {
					(RoundPhase::Planning, _) => {
						let won = round.winners.iter().find(|winner| winner.worker == *own);
						won.map(|winner| winner.slots)
					}
					(_, Some(_)) => {
						let offered = records
							.iter()
							.filter(|(_, record)| record.round == round.id);
						offered.map(|(_, record)| record.offer.capacity).max()
					}
					(_, None) => None,
				};
				let slot = slot_memory(&model.layers, model.max_context, round.terms.jobs);
				slot.saturating_mul(layers.unwrap_or(0).into())
			},
		);
		bytes.fold(0, u64::saturating_add)
	}

	/// Whether a bid is on its way that the state does not show yet.
	fn is_sealing(&self) -> bool {
		self.states.iter().any(|((_, said), state)| {
			let on_its_way = match state {
				State::Running { .. } => true,
				State::Done(block) => *block > self.number,
				State::Failed { .. } => false,
			};
			*said == Said::Sealed && on_its_way
		})
	}

	/// Whether a call that the chain asks for has to be sent now.
	fn is_due(&self, key: &Key) -> bool {
		match self.states.get(key) {
			None => true,
			Some(State::Running { .. }) => false,
			Some(State::Failed { again, .. }) => *again <= self.number,
			Some(State::Done(block)) => block.saturating_add(UNDONE_AFTER) < self.number,
		}
	}

	fn send(
		&mut self,
		key: Key,
		call: impl std::future::Future<Output = Result<u32, ChainError>> + Send + 'static,
	) {
		let failed = match self.states.get(&key) {
			Some(State::Failed { failed, .. }) => *failed,
			_ => 0,
		};
		let task = self.calls.spawn(async move { (key, call.await) });
		self.states.insert(key, State::Running { task, failed });
	}

	fn note(&mut self, ended: Result<Ended, JoinError>) {
		/// What the chain answers where an earlier attempt, or the same one before a lost connection,
		/// reached a block.
		const SAID: [&str; 2] = ["Auctions::AlreadySealed", "Auctions::NoSealedBid"];
		let Ok((key, result)) = ended else {
			let panicked =
				|state: &State| matches!(state, State::Running { task, .. } if task.is_finished());
			self.states.retain(|_, state| !panicked(state));
			return;
		};
		let (round, said) = key;
		match result {
			Ok(block) => {
				match said {
					Said::Sealed => tracing::info!(round, block, "bid sealed"),
					Said::Revealed => tracing::info!(round, block, "bid revealed"),
				}
				self.states.insert(key, State::Done(block));
			}
			Err(error)
				if error
					.dispatch_error()
					.is_some_and(|name| SAID.contains(&name)) =>
			{
				self.states.insert(key, State::Done(self.number));
			}
			Err(error) => {
				let failed = match self.states.get(&key) {
					Some(State::Running { failed, .. }) => *failed,
					_ => 0,
				};
				tracing::warn!(round, ?said, %error, "a bid could not be sent");
				self.failed(key, failed);
			}
		}
	}

	/// Notes a failure after so many others.
	fn failed(&mut self, key: Key, before: u32) {
		let failed = before.saturating_add(1);
		let again = self.number.saturating_add(failed.min(LONGEST_PAUSE));
		self.states.insert(key, State::Failed { again, failed });
	}

	fn decline(&mut self, round: RoundId, why: Declined) {
		if self.declined.get(&round) != Some(&why) {
			tracing::info!(round, %why, "does not bid");
			self.declined.insert(round, why);
		}
	}

	/// Forgets rounds that are gone; records only once no fork brings the round back.
	async fn clear_out(&mut self, sight: &Sight) -> Result<(), ChainError> {
		let going_on = sight.rounds.iter().map(|seen| seen.round.id);
		let going_on = going_on.collect::<BTreeSet<_>>();
		self.declined.retain(|round, _| going_on.contains(round));
		self.states.retain(|(round, _), state| {
			going_on.contains(round) || matches!(state, State::Running { .. })
		});
		let records = match self.safe.blocking(|safe| safe.records()).await {
			Ok(records) => records,
			Err(error) => {
				tracing::warn!(%error, "old bids are not cleared out");
				return Ok(());
			}
		};
		let gone = records.iter().map(|(_, record)| record.round);
		let gone = gone.filter(|round| !going_on.contains(round));
		let gone = gone.collect::<BTreeSet<_>>();
		if gone.is_empty() {
			return Ok(());
		}
		let over = self.auctioneer.over(gone.into_iter().collect()).await?;
		for (seal, record) in records {
			if over.contains(&record.round) {
				let removed = self.safe.blocking(move |safe| safe.remove(&seal)).await;
				if let Err(error) = removed {
					tracing::warn!(%error, "an old bid is not cleared out");
				}
			}
		}
		Ok(())
	}
}
