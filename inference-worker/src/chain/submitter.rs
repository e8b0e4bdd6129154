//! Signs calls of one account and follows them into a block.
//!
//! Nonces come from the node's pool, so they survive restarts, and are handed out one by one. A nonce
//! stays taken until its block is final: a fork takes a transaction back, and for a moment the pool
//! would give its nonce away to the next call, which then runs instead of it. A call whose connection is
//! lost after it was sent may or may not reach a block: the caller looks at the chain before it sends it
//! again, as the duties do at every block.

use super::{
	calls::Call,
	placed::{Event, Included, Numbered},
	Account, Chain, ChainError,
};
use std::{
	collections::BTreeSet,
	future::Future,
	sync::{Arc, Mutex, PoisonError},
	time::Duration,
};
use subxt::{
	config::{substrate::SubstrateConfig, Config, Header},
	ext::scale_value::Composite,
	transactions::{Signer, TransactionInBlock, TransactionStatus},
};
use tokio::sync::watch;

/// A transaction that is in no block after this time is given up.
const INCLUSION_TIMEOUT: Duration = Duration::from_secs(90);
/// A nonce is given free when its block is not final after this time.
const FINALITY_TIMEOUT: Duration = Duration::from_secs(300);
/// Attempts to find a free nonce, and the pause between them: the pool learns of a new block a moment
/// after the head does.
const NONCE_ATTEMPTS: u32 = 5;
const NONCE_PAUSE: Duration = Duration::from_millis(400);

/// Submits the calls of one account. Clones share its nonces.
#[derive(Clone)]
pub struct Submitter {
	chain: Chain,
	account: Account,
	/// Held from the choice of a nonce until the pool counts it.
	turn: Arc<tokio::sync::Mutex<()>>,
	sent: Sent,
}

/// Nonces of transactions that were sent and are in no final block yet.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<BTreeSet<u64>>>);

/// Which block a transaction is followed into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
	Best,
	Final,
}

/// Keeps a nonce until it is dropped.
struct Nonce {
	number: u64,
	sent: Sent,
}

type Client = subxt::client::OnlineClientAtBlockImpl<SubstrateConfig>;
type Progress = subxt::transactions::TransactionProgress<SubstrateConfig, Client>;

impl Submitter {
	/// Signs with `account`.
	pub fn new(chain: Chain, account: Account) -> Self {
		Self {
			chain,
			account,
			turn: Default::default(),
			sent: Default::default(),
		}
	}

	/// The account.
	pub fn account(&self) -> &Account {
		&self.account
	}

	/// Sends a call and waits until it has succeeded in a best block. A later fork can move it to
	/// another block; [`Self::submit_final`] waits for what no fork can change.
	pub async fn submit(&self, call: &Call) -> Result<Included, ChainError> {
		let (nonce, mut progress) = self.send(call).await?;
		let included = in_time(call, self.followed(call, &mut progress, Until::Best)).await?;
		tokio::spawn(self.clone().hold_until_final(nonce, progress, None));
		Ok(included)
	}

	/// Sends a call, waits until it has succeeded in a best block, and follows the number in `field` of an
	/// event, `[pallet, event, field]`, from fork to fork until the block is final.
	pub async fn submit_numbered(
		&self,
		call: &Call,
		field: [&'static str; 3],
	) -> Result<Numbered, ChainError> {
		let (nonce, mut progress) = self.send(call).await?;
		let included = in_time(call, self.followed(call, &mut progress, Until::Best)).await?;
		let (places, followed) = watch::channel(included);
		let told = Some((places, call.title()));
		tokio::spawn(self.clone().hold_until_final(nonce, progress, told));
		Ok(Numbered::new(followed, field))
	}

	/// Sends a call and waits until it has succeeded in a final block: for calls whose outcome others
	/// build on, like a number that the chain gave.
	pub async fn submit_final(&self, call: &Call) -> Result<Included, ChainError> {
		let (_nonce, mut progress) = self.send(call).await?;
		in_time(call, self.followed(call, &mut progress, Until::Final)).await
	}

	/// Gives the call to the pool, with a nonce that no other transaction has.
	async fn send(&self, call: &Call) -> Result<(Nonce, Progress), ChainError> {
		let mut attempt = 0;
		loop {
			let turn = self.turn.lock().await;
			let nonce = self.free_nonce().await?;
			match self.send_with(call, nonce.number).await {
				Ok(progress) => return Ok((nonce, progress)),
				Err(ChainError::NonceTaken { .. }) if attempt < NONCE_ATTEMPTS => attempt += 1,
				Err(error) => return Err(error),
			}
			drop((turn, nonce));
			tokio::time::sleep(NONCE_PAUSE * attempt).await;
		}
	}

	/// The first nonce that neither the pool nor this process has used.
	async fn free_nonce(&self) -> Result<Nonce, ChainError> {
		let id = self.account.account_id();
		let rpc = &self.chain.rpc;
		let next = self
			.chain
			.patient("a nonce", || rpc.system_account_next_index(&id))
			.await?;
		Ok(self.sent.take_from(next))
	}

	async fn send_with(&self, call: &Call, nonce: u64) -> Result<Progress, ChainError> {
		let at = self
			.chain
			.client
			.at_current_block()
			.await
			.map_err(ChainError::from_block)?;
		let birth = (at.block_number(), at.block_hash());
		let signed = call.sign(&self.account, nonce, birth, &at.transactions())?;
		let account = self.account.address();
		let sent = signed.submit_and_watch().await;
		sent.map_err(|error| ChainError::from_submission(error, &call.title(), &account))
	}

	/// Follows a transaction into a block and reads what it did there.
	async fn followed(
		&self,
		call: &Call,
		progress: &mut Progress,
		until: Until,
	) -> Result<Included, ChainError> {
		let title = call.title();
		let refused = |reason| ChainError::Refused {
			what: title.clone(),
			reason,
		};
		while let Some(status) = progress.next().await {
			match status.map_err(|error| ChainError::from_progress(error, &title))? {
				TransactionStatus::InBestBlock(block) if until == Until::Best => {
					return self.read(&title, block).await
				}
				TransactionStatus::InFinalizedBlock(block) => {
					return self.read(&title, block).await
				}
				TransactionStatus::Error { message }
				| TransactionStatus::Invalid { message }
				| TransactionStatus::Dropped { message } => return Err(refused(message)),
				_ => {}
			}
		}
		Err(ChainError::Lost {
			reason: "the node stopped reporting on a transaction".into(),
		})
	}

	async fn read(
		&self,
		call: &str,
		block: TransactionInBlock<SubstrateConfig, Client>,
	) -> Result<Included, ChainError> {
		let hash = block.block_hash();
		let found = block.wait_for_success().await;
		let found =
			found.map_err(|error| ChainError::from_events(error, call, &self.account.address()))?;
		let unreadable = |error: subxt::error::EventsError| ChainError::OtherVersion {
			reason: error.to_string(),
		};
		let mut events = Vec::new();
		for event in found.iter() {
			let event = event.map_err(unreadable)?;
			events.push(Event {
				pallet: event.pallet_name().into(),
				name: event.event_name().into(),
				fields: event
					.decode_fields_unchecked_as::<Composite<()>>()
					.map_err(unreadable)?,
			});
		}
		let rpc = &self.chain.rpc;
		let header = self
			.chain
			.patient("a block", || rpc.chain_get_header(Some(hash)))
			.await?;
		let number = header.map_or(0, |header: <SubstrateConfig as Config>::Header| {
			header.number()
		});
		Ok(Included {
			block: u32::try_from(number).unwrap_or(u32::MAX),
			hash,
			events,
		})
	}

	/// Keeps a nonce until its transaction is final, or can no longer become so. Tells `places` of every
	/// block that holds it meanwhile.
	async fn hold_until_final(
		self,
		nonce: Nonce,
		mut progress: Progress,
		places: Option<(watch::Sender<Included>, String)>,
	) {
		let settled = async {
			while let Some(Ok(status)) = progress.next().await {
				let (block, is_final) = match status {
					TransactionStatus::InBestBlock(block) => (block, false),
					TransactionStatus::InFinalizedBlock(block) => (block, true),
					TransactionStatus::Error { .. }
					| TransactionStatus::Invalid { .. }
					| TransactionStatus::Dropped { .. } => return,
					_ => continue,
				};
				if let Some((places, call)) = places.as_ref().filter(|(to, _)| !to.is_closed()) {
					match self.read(call, block).await {
						Ok(included) => drop(places.send_replace(included)),
						Err(error) => tracing::warn!(%error, "a block of a fork cannot be read"),
					}
				}
				if is_final {
					return;
				}
			}
		};
		if tokio::time::timeout(FINALITY_TIMEOUT, settled)
			.await
			.is_err()
		{
			tracing::warn!(
				nonce = nonce.number,
				"a transaction is not final yet; no longer waiting for it"
			);
		}
	}
}

/// Gives up a transaction that is in no block for too long.
async fn in_time(
	call: &Call,
	followed: impl Future<Output = Result<Included, ChainError>>,
) -> Result<Included, ChainError> {
	let followed = tokio::time::timeout(INCLUSION_TIMEOUT, followed).await;
	followed.unwrap_or_else(|_| {
		let (call, seconds) = (call.title(), INCLUSION_TIMEOUT.as_secs());
		Err(ChainError::NotIncluded { call, seconds })
	})
}

impl Sent {
	/// Takes the first nonce from `next` on that is not taken.
	fn take_from(&self, next: u64) -> Nonce {
		let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
		let number = (next..)
			.find(|number| taken.insert(*number))
			.unwrap_or(next);
		Nonce {
			number,
			sent: self.clone(),
		}
	}
}

impl Drop for Nonce {
	fn drop(&mut self) {
		self.sent
			.0
			.lock()
			.unwrap_or_else(PoisonError::into_inner)
			.remove(&self.number);
	}
}
