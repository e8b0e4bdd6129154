//! The calls that workers and users make, with their arguments in the chain's own types.
//!
//! Pallet and call are found by name in the chain's metadata, so their indices may change; arguments are
//! encoded from the types that chain and worker share. Before a call is signed it is read back through
//! the metadata, so a runtime that expects other arguments is noticed here.

use super::{Account, ChainError};
use codec::{Compact, Encode};
use dllm_primitives::{
	capacity::{Offer, Terms},
	commitment::{Opening, Roots},
	compare::ShownRow,
	dispute::Move,
	hop::Shown,
	ids::{AdapterId, Bytes, Digest, JobId, ModelId, PipelineId, StageIndex, MAX_INLINE},
	job::{Assurance, Body, Limits, Options},
	links::Links,
	miner::WorkerSpec,
	model::{AdapterSpec, ModelSpec},
	plan::Plan,
	stall::Tally,
	summons::Proof,
};
use sp_core::{crypto::AccountId32, H256};
use subxt::{
	client::OfflineClientAtBlockT,
	config::substrate::{SubstrateConfig, SubstrateExtrinsicParamsBuilder},
	ext::{
		scale_encode::{self, EncodeAsFields},
		scale_type_resolver::{FieldIter, TypeResolver},
	},
	transactions::{Payload, SubmittableTransaction, TransactionsClient},
};

/// Blocks for which a transaction stays valid: about ten minutes.
const MORTALITY: u64 = 200;

/// A call, ready to be signed.
#[derive(Clone, Debug)]
pub struct Call {
	pallet: &'static str,
	name: &'static str,
	arguments: Arguments,
}

/// Arguments as SCALE, one after the other.
#[derive(Clone, Debug)]
pub struct Arguments(Vec<u8>);

impl Call {
	fn new(pallet: &'static str, name: &'static str, arguments: impl Encode) -> Self {
		Self {
			pallet,
			name,
			arguments: Arguments(arguments.encode()),
		}
	}

	/// Name for messages, like `jobs.submit`.
	pub fn title(&self) -> String {
		format!("{}.{}", self.pallet.to_lowercase(), self.name)
	}

	/// Signs the call with a nonce, valid from the block `birth` on. What a transaction carries besides
	/// follows the metadata: extensions without content need nothing from here.
	pub fn sign<C: OfflineClientAtBlockT<SubstrateConfig>>(
		&self,
		account: &Account,
		nonce: u64,
		birth: (u64, H256),
		transactions: &TransactionsClient<SubstrateConfig, C>,
	) -> Result<SubmittableTransaction<SubstrateConfig, C>, ChainError> {
		self.check(transactions)?;
		let parameters = SubstrateExtrinsicParamsBuilder::<SubstrateConfig>::new()
			.nonce(nonce)
			.mortal_from_unchecked(MORTALITY, birth.0, birth.1)
			.build();
		let signable = transactions.create_signable_offline(self, parameters);
		let signed = signable.and_then(|mut signable| signable.sign(account));
		signed.map_err(|error| self.does_not_fit(error))
	}

	/// Fails unless the runtime reads the arguments to their last byte.
	fn check<C: OfflineClientAtBlockT<SubstrateConfig>>(
		&self,
		transactions: &TransactionsClient<SubstrateConfig, C>,
	) -> Result<(), ChainError> {
		let data = transactions.call_data(self);
		let read = data.and_then(|data| transactions.from_call_data_bytes(&data));
		read.map(|_| ()).map_err(|error| self.does_not_fit(error))
	}

	fn does_not_fit(&self, error: impl std::fmt::Display) -> ChainError {
		ChainError::OtherVersion {
			reason: format!("{}: {error}", self.title()),
		}
	}
}

impl Payload for Call {
	type CallData = Arguments;

	fn pallet_name(&self) -> &str {
		self.pallet
	}

	fn call_name(&self) -> &str {
		self.name
	}

	fn call_data(&self) -> &Arguments {
		&self.arguments
	}
}

impl EncodeAsFields for Arguments {
	fn encode_as_fields_to<R: TypeResolver>(
		&self,
		_fields: &mut dyn FieldIter<'_, R::TypeId>,
		_types: &R,
		out: &mut Vec<u8>,
	) -> Result<(), scale_encode::Error> {
		out.extend_from_slice(&self.0);
		Ok(())
	}
}

/// Registers a model.
pub fn register_model(spec: &ModelSpec) -> Call {
	Call::new("Models", "register", spec)
}

/// Registers an adapter of a model.
pub fn register_adapter(model: ModelId, spec: &AdapterSpec) -> Call {
	Call::new("Models", "register_adapter", (model, spec))
}

/// Ends an adapter's life.
pub fn retire_adapter(adapter: AdapterId) -> Call {
	Call::new("Models", "retire_adapter", adapter)
}

/// Lets a model take prompts and plans.
pub fn activate_model(model: ModelId) -> Call {
	Call::new("Models", "activate", model)
}

/// Ends a model's life.
pub fn retire_model(model: ModelId) -> Call {
	Call::new("Models", "retire", model)
}

/// Registers the signer as a worker; without an operator it is its own.
pub fn register_worker(operator: Option<&AccountId32>, spec: &WorkerSpec, bond: u128) -> Call {
	Call::new("Miners", "register", (operator, spec, bond))
}

/// Changes what the signer declared.
pub fn update_worker(spec: &WorkerSpec) -> Call {
	Call::new("Miners", "update", spec)
}

/// Confirms, as its operator, that one runs a worker.
pub fn accept_worker(worker: &AccountId32) -> Call {
	Call::new("Miners", "accept_worker", worker)
}

/// Asks for the bond back.
pub fn unbond() -> Call {
	Call::new("Miners", "unbond", ())
}

/// Takes the request for the bond back and stays.
pub fn rebond() -> Call {
	Call::new("Miners", "rebond", ())
}

/// Takes the bond back, once the delay is over.
pub fn withdraw() -> Call {
	Call::new("Miners", "withdraw", ())
}

/// Says what the signer measured of its links.
pub fn report_links(links: &Links<AccountId32>) -> Call {
	Call::new("Miners", "report_links", links)
}

/// Submits a plan.
pub fn submit_plan(plan: &Plan<AccountId32>) -> Call {
	Call::new("Allocation", "submit_plan", plan)
}

/// Lets a plan compete for a capacity round, with its score in femtoseconds.
pub fn compete(plan: &Plan<AccountId32>, score: u128) -> Call {
	Call::new("Allocation", "compete", (plan, Compact(score)))
}

/// Opens a capacity round for a model of the signer.
pub fn open_round(model: ModelId, terms: &Terms) -> Call {
	Call::new("Auctions", "open_round", (model, terms))
}

/// Seals the signer's bid in a capacity round.
pub fn seal_bid(model: ModelId, seal: Digest) -> Call {
	Call::new("Auctions", "commit", (model, seal))
}

/// Reveals it.
pub fn reveal_bid(model: ModelId, offer: &Offer, salt: Digest) -> Call {
	Call::new("Auctions", "reveal", (model, offer, salt))
}

/// Says that the signer has loaded the shards of its stages in a pipeline.
pub fn ready(pipeline: PipelineId) -> Call {
	Call::new("Allocation", "ready", pipeline)
}

/// Pays for a prompt.
pub fn submit_job(
	model: ModelId,
	body: &Body,
	limits: &Limits,
	max_price: u128,
	deadline_blocks: u32,
	assurance: Assurance,
) -> Call {
	Call::new(
		"Jobs",
		"submit",
		(model, body, limits, max_price, deadline_blocks, assurance),
	)
}

/// The same with what a job may ask for besides; without any of it the plain call.
pub fn submit_job_with(
	model: ModelId,
	body: &Body,
	limits: &Limits,
	max_price: u128,
	deadline_blocks: u32,
	(assurance, options): (Assurance, Options),
) -> Call {
	if options == Options::default() {
		return submit_job(model, body, limits, max_price, deadline_blocks, assurance);
	}
	let plain = (model, body, limits, max_price, deadline_blocks, assurance);
	Call::new("Jobs", "submit_with", (plain, options))
}

/// Ceiling of the price of a job that may be run again, in planck, from the quote of the cheapest pipeline: half
/// more, so that a dearer one can take it too. It is charged what its pipeline asks all the same.
pub fn rerun_ceiling(quote: u128) -> u128 {
	quote.saturating_add(quote / 2)
}

/// Takes a waiting job back.
pub fn cancel_job(job: JobId) -> Call {
	Call::new("Jobs", "cancel", job)
}

/// Commits to a stage.
pub fn commit(job: JobId, stage: StageIndex, commitment: Digest) -> Call {
	Call::new("Verification", "commit", (job, stage, commitment))
}

/// Commits to the entry stage and posts the reply.
pub fn commit_reply(
	job: JobId,
	commitment: Digest,
	tokens: u32,
	reply: &Bytes<MAX_INLINE>,
) -> Call {
	Call::new(
		"Verification",
		"commit_reply",
		(job, commitment, tokens, reply),
	)
}

/// Opens a commitment.
pub fn reveal(job: JobId, stage: StageIndex, opening: &Opening) -> Call {
	Call::new("Verification", "reveal", (job, stage, opening))
}

/// Shows, as a holder of a stage, that its lot won.
pub fn summon(job: JobId, stage: StageIndex, proof: &Proof) -> Call {
	Call::new("Verification", "summon", (job, stage, proof))
}

/// Says, as the checker of a stage, that neither end of the hop into it hands out the rows.
pub fn report_withheld(job: JobId, stage: StageIndex) -> Call {
	Call::new("Verification", "report_withheld", (job, stage))
}

/// Tells how far a stage came that was led, where its job did not come to its end in time.
pub fn report_tally(job: JobId, stage: StageIndex, tally: Tally) -> Call {
	Call::new("Verification", "report_tally", (job, stage, tally))
}

/// Shows the receipt of a hop, with the signature of each end that told other rows than it signed for.
pub fn show_receipt(job: JobId, receipt: &Shown) -> Call {
	Call::new("Verification", "show_receipt", (job, receipt))
}

/// Shows rows of a stage, as its lead or its checker, to be compared with those of another numerics class.
pub fn show_rows(job: JobId, stage: StageIndex, rows: &[ShownRow]) -> Call {
	Call::new("Verification", "show_rows", (job, stage, rows))
}

/// Makes the signer's next move in the dispute about a stage.
pub fn dispute(job: JobId, stage: StageIndex, made: &Move) -> Call {
	Call::new("Verification", "dispute", (job, stage, made))
}

/// Says, as a third worker, what a stage gives.
pub fn attest(job: JobId, stage: StageIndex, roots: &Roots) -> Call {
	Call::new("Verification", "attest", (job, stage, roots))
}
