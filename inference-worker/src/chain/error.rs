//! What can go wrong between a worker and its node.

use subxt::{
	error::{
		BackendError, DispatchError, ExtrinsicError, OnlineClientAtBlockError, OnlineClientError,
		RpcError, StorageError, TokenError, TransactionEventsError, TransactionProgressError,
	},
	rpcs::{self, UserError},
};

/// JSON-RPC code of a transaction that the pool refuses.
const INVALID_TRANSACTION: i32 = 1010;
/// Codes of a transaction whose nonce is taken: already in the pool, or outbid there.
const NONCE_TAKEN: [i32; 2] = [1013, 1014];
/// What a node says of the state of a block that it keeps no longer (`sc-client-db`).
const DISCARDED: &str = "already discarded";

/// Why the chain cannot be asked, or did not do what it was asked.
#[derive(thiserror::Error, Debug)]
pub enum ChainError {
	/// Nobody answers at the node's address.
	#[error("cannot reach a node at {url} ({reason}): start the node, or correct `node` in the configuration or --chain")]
	Unreachable { url: String, reason: String },
	/// The connection was lost; it is being made again.
	#[error("the connection to the node was lost ({reason}): it is retried")]
	Lost { reason: String },
	/// The node runs another chain.
	#[error("the node at {url} runs {found:?}, not {expected:?}: give the address of a DLLM node")]
	WrongChain {
		url: String,
		found: String,
		expected: &'static str,
	},
	/// The node runs a DLLM chain, but not the one that this worker's data belongs to.
	#[error("the node's chain begins with {found}, the data folder belongs to {expected}: give the address of a node of that chain, or another data folder")]
	OtherGenesis { found: String, expected: String },
	/// The runtime and this program do not fit.
	#[error("the chain's runtime does not fit this worker ({reason}): use the version that belongs to the chain")]
	OtherVersion { reason: String },
	/// The node refused a request.
	#[error("the node refused {what}: {reason}; it is tried again where that can help, the node's log says more")]
	Refused { what: String, reason: String },
	/// The account cannot pay.
	#[error(
		"account {account} has too little money for {what}: send it some DLLM, or lower the price"
	)]
	InsufficientFunds { account: String, what: String },
	/// The call went into a block and failed there.
	#[error("{call} failed: {error}: {explanation}")]
	Failed {
		call: String,
		error: String,
		explanation: String,
	},
	/// The nonce was used by another transaction of the account.
	#[error(
		"another transaction of {account} took the nonce: run one program per account at a time"
	)]
	NonceTaken { account: String },
	/// The call found no place in a block in time.
	#[error("{call} was not included within {seconds} s: the node may be out of sync or its blocks full; look at `dllm-worker status`, then try again")]
	NotIncluded { call: String, seconds: u64 },
}

impl ChainError {
	/// Whether the same request can succeed later without anyone changing anything.
	pub fn is_retryable(&self) -> bool {
		matches!(
			self,
			Self::Unreachable { .. }
				| Self::Lost { .. }
				| Self::NonceTaken { .. }
				| Self::NotIncluded { .. }
				| Self::Refused { .. }
		)
	}

	/// Whether the node no longer has the state of the block that it was asked about.
	pub fn is_pruned(&self) -> bool {
		matches!(self, Self::Refused { reason, .. } if reason.contains(DISCARDED))
	}

	/// Name of the error where a call failed in a block, like `Jobs::NotFound`.
	pub fn dispatch_error(&self) -> Option<&str> {
		match self {
			Self::Failed { error, .. } => Some(error),
			_ => None,
		}
	}

	/// Whether a call failed in a block because the chain did not know there what the call was about: by the
	/// names that our pallets give to such errors, `Unknown…` and `…NotFound`.
	pub fn names_nothing_known(&self) -> bool {
		let name = self
			.dispatch_error()
			.and_then(|error| error.rsplit("::").next());
		name.is_some_and(|name| name.starts_with("Unknown") || name.ends_with("NotFound"))
	}

	pub(super) fn from_rpc(error: rpcs::Error, what: &str) -> Self {
		match error {
			rpcs::Error::User(error) => Self::refused(what, &error),
			rpcs::Error::Decode(_)
			| rpcs::Error::Deserialization(_)
			| rpcs::Error::Serialization(_) => Self::OtherVersion {
				reason: error.to_string(),
			},
			error => Self::Lost {
				reason: innermost(&error),
			},
		}
	}

	pub(super) fn from_backend(error: BackendError, what: &str) -> Self {
		match error {
			BackendError::Rpc(RpcError::ClientError(error)) => Self::from_rpc(error, what),
			error => Self::Lost {
				reason: error.to_string(),
			},
		}
	}

	pub(super) fn from_client(error: OnlineClientError) -> Self {
		match error {
			OnlineClientError::CannotGetGenesisHash(error) => {
				Self::from_backend(error, "the genesis")
			}
			error => Self::Lost {
				reason: error.to_string(),
			},
		}
	}

	pub(super) fn from_block(error: OnlineClientAtBlockError) -> Self {
		match error {
			OnlineClientAtBlockError::CannotGetCurrentBlock { reason }
			| OnlineClientAtBlockError::CannotGetBlockHeader { reason, .. }
			| OnlineClientAtBlockError::CannotGetSpecVersion { reason, .. } => {
				Self::from_backend(reason, "a block")
			}
			OnlineClientAtBlockError::CannotGetMetadata { reason, .. } => Self::Lost { reason },
			error => Self::OtherVersion {
				reason: error.to_string(),
			},
		}
	}

	pub(super) fn from_storage(error: StorageError, what: &str) -> Self {
		match error {
			StorageError::CannotFetchValue(error) => Self::from_backend(error, what),
			error => Self::OtherVersion {
				reason: format!("{what}: {error}"),
			},
		}
	}

	/// What submitting a transaction of `account` ran into.
	pub(super) fn from_submission(error: ExtrinsicError, call: &str, account: &str) -> Self {
		let backend = match error {
			ExtrinsicError::ErrorSubmittingTransaction(error)
			| ExtrinsicError::TransactionStatusStreamError(error) => error,
			ExtrinsicError::UnexpectedEndOfTransactionStatusStream => {
				return Self::Lost {
					reason: error.to_string(),
				}
			}
			error => {
				return Self::OtherVersion {
					reason: error.to_string(),
				}
			}
		};
		let BackendError::Rpc(RpcError::ClientError(rpcs::Error::User(user))) = &backend else {
			return Self::from_backend(backend, call);
		};
		let detail = user
			.data
			.as_ref()
			.map_or("", |data| data.get())
			.to_lowercase();
		let stale = user.code == INVALID_TRANSACTION
			&& (detail.contains("outdated") || detail.contains("stale"));
		if NONCE_TAKEN.contains(&user.code) || stale {
			return Self::NonceTaken {
				account: account.into(),
			};
		}
		if user.code == INVALID_TRANSACTION && detail.contains("pay some fees") {
			return Self::InsufficientFunds {
				account: account.into(),
				what: format!("the fee of {call}"),
			};
		}
		Self::refused(call, user)
	}

	/// What following a transaction ran into.
	pub(super) fn from_progress(error: TransactionProgressError, call: &str) -> Self {
		match error {
			TransactionProgressError::CannotGetNextProgressUpdate(error) => {
				Self::from_backend(error, call)
			}
			error => Self::Lost {
				reason: error.to_string(),
			},
		}
	}

	/// What an included transaction ran into.
	pub(super) fn from_events(error: TransactionEventsError, call: &str, account: &str) -> Self {
		match error {
			TransactionEventsError::ExtrinsicFailed(error) => {
				Self::from_dispatch(error, call, account)
			}
			TransactionEventsError::CannotFetchBlockBody { error, .. } => {
				Self::from_backend(error, "a block")
			}
			TransactionEventsError::CannotInstantiateClientAtBlock(error) => {
				Self::from_block(error)
			}
			TransactionEventsError::CannotDecodeDispatchError { error, .. } => Self::OtherVersion {
				reason: error.to_string(),
			},
			error => Self::Lost {
				reason: error.to_string(),
			},
		}
	}

	fn from_dispatch(error: DispatchError, call: &str, account: &str) -> Self {
		let call = call.to_string();
		match &error {
			DispatchError::Token(TokenError::FundsUnavailable)
			| DispatchError::Token(TokenError::NotExpendable)
			| DispatchError::Token(TokenError::CannotCreateHold) => Self::InsufficientFunds {
				account: account.into(),
				what: call,
			},
			DispatchError::Module(module) => {
				let explanation = module
					.details()
					.map(|details| details.variant.docs.join(" "));
				let explanation = explanation.unwrap_or_default();
				Self::Failed {
					call,
					error: module.details_string(),
					explanation: plain(&explanation),
				}
			}
			error => {
				let explanation = plain(&error.to_string());
				Self::Failed {
					call,
					error: "the runtime".into(),
					explanation,
				}
			}
		}
	}

	fn refused(what: &str, error: &UserError) -> Self {
		let detail = error
			.data
			.as_ref()
			.map(|data| format!(" ({})", data.get().trim_matches('"')));
		let reason = format!("{}{}", error.message, detail.unwrap_or_default());
		Self::Refused {
			what: what.into(),
			reason,
		}
	}
}

/// A sentence of the metadata as the end of a message: lower case, without a full stop.
fn plain(sentence: &str) -> String {
	let sentence = sentence.trim().trim_end_matches('.');
	let mut letters = sentence.chars();
	letters.next().map_or(String::new(), |first| {
		first.to_lowercase().chain(letters).collect()
	})
}

/// What happened, without the layers of libraries that it passed.
pub(super) fn innermost(error: &impl std::fmt::Display) -> String {
	const LAYERS: [&str; 3] = ["Backend error: ", "RPC error: ", "client error: "];
	let text = error.to_string();
	let mut rest = text.as_str();
	while let Some(inner) = LAYERS.iter().find_map(|layer| rest.strip_prefix(layer)) {
		rest = inner;
	}
	rest.into()
}
