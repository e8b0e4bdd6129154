//! `dllm_poaw`: who may author how much. Weights of this session and the next, the ledger behind them, and
//! the share of blocks that each author can expect.

use super::dllm::RUNTIME_CALL;
use crate::{
	block_share,
	service::{FullClient, Hash},
};
use dllm_primitives::poaw::{
	AccountId32, AuthorView, CreditView, PoawApi as RuntimePoawApi, PoawView,
};
use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use sc_client_api::HeaderBackend;
use serde::{Deserialize, Serialize};
use sp_api::{ApiError, ProvideRuntimeApi};
use std::sync::Arc;

/// An author and what it can expect.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Author {
	/// Its account.
	pub account: AccountId32,
	/// Its weight in the draw.
	pub weight: u64,
	/// Part of all blocks that it authors on average while all authors are online, 0 to 1.
	pub share: f64,
}

/// Weights, ledger and shares.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Poaw {
	/// Authors of this session, in the order of the validators.
	pub current_authors: Vec<Author>,
	/// Authors of the next session, as announced.
	pub next_authors: Vec<Author>,
	/// The runtime's own view.
	#[serde(flatten)]
	pub view: PoawView,
}

impl From<PoawView> for Poaw {
	fn from(view: PoawView) -> Self {
		Self {
			current_authors: authors(&view.current, view.primary),
			next_authors: authors(&view.next, view.primary),
			view,
		}
	}
}

fn authors(views: &[AuthorView], primary: (u64, u64)) -> Vec<Author> {
	let weights: Vec<_> = views.iter().map(|author| author.weight).collect();
	let shares = block_share::expected(&weights, primary);
	let pairs = views.iter().zip(shares);
	pairs
		.map(|(author, share)| Author {
			account: author.account.clone(),
			weight: author.weight,
			share,
		})
		.collect()
}

/// Proof of AI work, in the `dllm` namespace.
#[rpc(client, server, namespace = "dllm")]
pub trait PoawApi {
	/// Weights, ledger and expected shares at a block, or at the best one.
	#[method(name = "poaw", blocking)]
	fn poaw(&self, at: Option<Hash>) -> RpcResult<Poaw>;

	/// What the ledger knows of a validator, in the set or not.
	#[method(name = "poawCredit", blocking)]
	fn poaw_credit(&self, who: AccountId32, at: Option<Hash>) -> RpcResult<CreditView>;
}

/// Answers from the runtime.
pub struct Work {
	client: Arc<FullClient>,
}

impl Work {
	/// Answers from the client's state.
	pub fn new(client: Arc<FullClient>) -> Self {
		Self { client }
	}

	fn block(&self, at: Option<Hash>) -> Hash {
		at.unwrap_or_else(|| self.client.info().best_hash)
	}
}

impl PoawApiServer for Work {
	fn poaw(&self, at: Option<Hash>) -> RpcResult<Poaw> {
		let view = self.client.runtime_api().poaw(self.block(at));
		Ok(view.map_err(runtime_call)?.into())
	}

	fn poaw_credit(&self, who: AccountId32, at: Option<Hash>) -> RpcResult<CreditView> {
		let view = self.client.runtime_api().poaw_credit(self.block(at), who);
		view.map_err(runtime_call)
	}
}

fn runtime_call(error: ApiError) -> ErrorObjectOwned {
	ErrorObject::owned(
		RUNTIME_CALL,
		"the weights could not be read at this block; ask for a younger block, or a node that keeps \
		 old state (--state-pruning archive)",
		Some(error.to_string()),
	)
}
