//! `register`, `unregister`, `accept`: a worker joins the pool and leaves it.

use super::{CliError, Context};
use crate::{
	chain::{address, calls, parse_address, AccountId32, Amount, Chain, Included, Submitter},
	config::Config,
	daemon::NETWORK_KEY,
	network::identity,
};
use clap::Args;
use dllm_primitives::{
	api::BidState,
	ids::{Address, Addresses},
	miner::WorkerSpec,
};
use libp2p::multiaddr::{Multiaddr, Protocol};
use serde::Serialize;
use std::process::ExitCode;

/// Register this worker, or change what it declared.
#[derive(Args, Debug)]
pub struct Register {
	/// Bond; the least that the chain asks for where left out.
	#[arg(long, value_name = "AMOUNT")]
	bond: Option<Amount>,
	/// Account of who runs this worker, over `operator` of the configuration; it has to accept the
	/// worker unless it is the worker's own.
	#[arg(long, value_name = "ADDRESS")]
	operator: Option<String>,
}

/// Leave: ask for the bond back, and take it once the delay is over.
#[derive(Args, Debug)]
pub struct Unregister {}

/// Confirm, as its operator, that one runs a worker.
#[derive(Args, Debug)]
pub struct Accept {
	/// Address of the worker.
	worker: String,
}

/// What a command did, and where.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
	did: &'static str,
	worker: String,
	block: u32,
}

impl Register {
	/// For the least bond, and the operator of the configuration.
	pub fn with_least_bond() -> Self {
		Self {
			bond: None,
			operator: None,
		}
	}

	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let (chain, submitter) = context.submitter().await?;
		let spec = declared(&context.config)?;
		let own = submitter.account().id();
		let (did, included) = match chain.worker(own).await? {
			Some(worker) => {
				if spec.memory < worker.memory || !spec.roles.miner {
					no_sealed_bid(&chain, own).await?;
				}
				("updated", update(&submitter, &spec).await?)
			}
			None => (
				"registered",
				self.join(context, &chain, &submitter, &spec).await?,
			),
		};
		done(context, did, address(own), included.block)
	}

	async fn join(
		&self,
		context: &Context,
		chain: &Chain,
		submitter: &Submitter,
		spec: &WorkerSpec,
	) -> Result<Included, CliError> {
		let own = submitter.account().id();
		let operator = self
			.operator(&context.config)?
			.filter(|operator| operator != own);
		let bond = match self.bond {
			Some(Amount(bond)) => bond,
			None => bond_of(chain).await?,
		};
		let included = submitter
			.submit(&calls::register_worker(operator.as_ref(), spec, bond))
			.await?;
		if let Some(operator) = &operator {
			eprintln!(
				"operator {} has to accept this worker now",
				address(operator)
			);
		}
		Ok(included)
	}

	fn operator(&self, config: &Config) -> Result<Option<AccountId32>, CliError> {
		let named = self.operator.as_ref().or(config.operator.as_ref());
		Ok(named.map(|text| parse_address(text)).transpose()?)
	}
}

impl Unregister {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let (chain, submitter) = context.submitter().await?;
		let own = submitter.account().id();
		let account = address(own);
		let worker = chain.worker(own).await?;
		let worker = worker.ok_or_else(|| CliError::NotRegistered {
			account: account.clone(),
		})?;
		let (did, call) = match worker.active {
			true => {
				no_sealed_bid(&chain, own).await?;
				("unbonding", calls::unbond())
			}
			false => ("withdrawn", calls::withdraw()),
		};
		let included = submitter.submit(&call).await?;
		if worker.active {
			eprintln!("the bond is free after the chain's delay: then run this again to take it");
		}
		done(context, did, account, included.block)
	}
}

impl Accept {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let worker = parse_address(&self.worker)?;
		let (_, submitter) = context.submitter().await?;
		let included = submitter.submit(&calls::accept_worker(&worker)).await?;
		done(context, "accepted", address(&worker), included.block)
	}
}

/// Fails while a bid of a worker is sealed: who leaves, or declares less, could not reveal it.
async fn no_sealed_bid(chain: &Chain, own: &AccountId32) -> Result<(), CliError> {
	let block = *chain.best().borrow();
	for round in chain.rounds_at(block).await? {
		let bid = chain.bid_at(block, round.model, own).await?;
		if matches!(bid, Some(BidState::Sealed(_))) && block.number < round.clears {
			return Err(CliError::BidSealed {
				round: round.id,
				clears: round.clears,
			});
		}
	}
	Ok(())
}

/// Changes what was declared; a worker that was leaving stays.
async fn update(submitter: &Submitter, spec: &WorkerSpec) -> Result<Included, CliError> {
	let call = calls::update_worker(spec);
	match submitter.submit(&call).await {
		Err(error) if error.dispatch_error() == Some("Miners::Leaving") => {
			submitter.submit(&calls::rebond()).await?;
			Ok(submitter.submit(&call).await?)
		}
		done => Ok(done?),
	}
}

/// Least bond of a worker, in planck.
pub async fn bond_of(chain: &Chain) -> Result<u128, CliError> {
	Ok(chain.constant("Miners", "MinBond").await?)
}

/// What the configuration says of this worker, as the chain holds it.
pub fn declared(config: &Config) -> Result<WorkerSpec, CliError> {
	let keypair = identity::load_or_create(&config.data.join(NETWORK_KEY))?;
	let peer_id = keypair.public().to_peer_id().to_bytes();
	Ok(WorkerSpec {
		peer_id: peer_id.try_into().map_err(|_| CliError::TooLong {
			what: "the peer id",
		})?,
		addresses: addresses(&config.reachable_at())?,
		roles: config.roles,
		memory: config.memory,
		price: config.price.0,
	})
}

fn addresses(reachable: &[Multiaddr]) -> Result<Addresses, CliError> {
	let too_long = |_| CliError::TooLong { what: "an address" };
	let addresses = reachable.iter().map(|address| {
		let text = for_others(address).to_string();
		Address::try_from(text.into_bytes()).map_err(too_long)
	});
	let addresses = addresses.collect::<Result<Vec<_>, _>>()?;
	addresses.try_into().map_err(|_| CliError::TooLong {
		what: "the list of addresses",
	})
}

/// "Any address of this machine" is only good for listening; to others on it, it is the loopback. The worker's
/// own name at the end is left out, as the chain has it; that of a relay stays.
fn for_others(address: &Multiaddr) -> Multiaddr {
	let part = |part: Protocol<'_>| match part {
		Protocol::Ip4(ip) if ip.is_unspecified() => Protocol::Ip4([127, 0, 0, 1].into()),
		Protocol::Ip6(ip) if ip.is_unspecified() => Protocol::Ip6([0, 0, 0, 0, 0, 0, 0, 1].into()),
		other => other.acquire(),
	};
	let named = matches!(address.iter().last(), Some(Protocol::P2p(_)));
	let parts = address.iter().count() - usize::from(named);
	address.iter().take(parts).map(part).collect()
}

fn done(
	context: &Context,
	did: &'static str,
	worker: String,
	block: u32,
) -> Result<ExitCode, CliError> {
	let done = Done { did, worker, block };
	context.print(&done, || format!("{did} {} in block {block}", done.worker))?;
	Ok(ExitCode::SUCCESS)
}
