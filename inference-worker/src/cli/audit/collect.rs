//! Reads from a node what an audit needs of a job, and says where it cannot.
//!
//! Everything is read at the block that ended the job, or at the one before it: what the job and its events
//! became, and the plan, the prices and the bonds from which that followed.

use super::evidence::{
	Asked, Compared, Events, Evidence, Forfeited, Judged, Paid, Record, Refunded, Rerun, Settled,
	Slashed,
};
use crate::chain::{AccountId32, BestBlock, Chain, ChainError, PastEvent};
use codec::{Decode, Encode};
use dllm_primitives::{
	api::{PaymentView, Receipt, WorkerView},
	compare::Likeness,
	ids::{Digest, JobId, StageIndex},
	job::{Body, JobState, Refund},
	verdict::{Part, Verdict},
};
use std::collections::BTreeSet;

/// Why a job cannot be audited.
#[derive(thiserror::Error, Debug)]
pub enum AuditError {
	/// The node does not answer, or not as expected.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The chain never had it.
	#[error("the chain has no job {job}: take the number from the event Jobs.Submitted, or from the receipt")]
	Unknown { job: JobId },
	/// The chain has it no more.
	#[error("the chain has dropped the record of job {job} for its age: ask a node that keeps old states (--state-pruning archive), and name with --at a block of the hours after the job ended")]
	Dropped { job: JobId },
	/// It is not over.
	#[error("job {job} {state}, so there is no verdict yet: audit it when it is over; its deadline is block {deadline}, and verdicts can follow")]
	Open {
		job: JobId,
		state: String,
		deadline: u32,
	},
	/// A fork could still undo its end.
	#[error("job {job} ended in block {block}, which is not final yet: try again in some seconds")]
	NotFinal { job: JobId, block: u32 },
	/// The node has forgotten.
	#[error("the node has dropped the state of block {block}, with which job {job} is checked: ask with --chain a node that keeps old states (--state-pruning archive)")]
	Pruned { job: JobId, block: u32 },
	/// There is no such block.
	#[error("there is no final block {block}: name with --at one between the end of the job and block {last}")]
	NoBlock { block: u32, last: u32 },
	/// The node contradicts itself.
	#[error("the node tells of job {job} in block {block}, but not {what}: ask another node with --chain")]
	Incomplete {
		job: JobId,
		block: u32,
		what: &'static str,
	},
}

/// What an audit reads of a job, with the block that ended it. The record is looked up in the last final
/// block, or in block `at`.
pub async fn collect(
	chain: &Chain,
	job: JobId,
	at: Option<u32>,
) -> Result<(Evidence, BestBlock), AuditError> {
	let known = ended(chain, job, at).await?;
	let number = known.job.ended.unwrap_or_default();
	let block = past_block(chain, job, number).await?;
	let before = past_block(chain, job, number.saturating_sub(1)).await?;
	let reader = Reader {
		chain,
		job,
		block,
		before,
	};
	Ok((reader.evidence().await?, block))
}

/// The receipt of a job that is over for good.
async fn ended(chain: &Chain, job: JobId, at: Option<u32>) -> Result<Receipt, AuditError> {
	let last = chain.final_block().await?;
	let block = match at {
		None => last,
		Some(number) if number <= last.number => past_block(chain, job, number).await?,
		Some(block) => {
			let last = last.number;
			return Err(AuditError::NoBlock { block, last });
		}
	};
	let found = chain.receipt_at(block, job).await;
	let found = found.map_err(|error| pruned(error, job, block.number))?;
	let Some(receipt) = found else {
		return Err(missing(chain, job).await?);
	};
	if receipt.job.ended.is_some() {
		return Ok(receipt);
	}
	let best = match at {
		None => chain.receipt(job).await?,
		Some(_) => None,
	};
	Err(unfinished(receipt, best))
}

/// Why the final block does not know a job.
async fn missing(chain: &Chain, job: JobId) -> Result<AuditError, AuditError> {
	if let Some(receipt) = chain.receipt(job).await? {
		return Ok(unfinished(receipt.clone(), Some(receipt)));
	}
	Ok(match chain.has_dropped(job).await? {
		true => AuditError::Dropped { job },
		false => AuditError::Unknown { job },
	})
}

/// Why a job that the final block tells open cannot be audited; `best` is what the best block tells.
fn unfinished(receipt: Receipt, best: Option<Receipt>) -> AuditError {
	let job = receipt.job.id;
	if let Some(block) = best.and_then(|best| best.job.ended) {
		return AuditError::NotFinal { job, block };
	}
	let state = match receipt.job.state {
		JobState::Running { pipeline } => format!("runs on pipeline {pipeline}"),
		_ => "waits for a pipeline".into(),
	};
	let deadline = receipt.job.deadline;
	AuditError::Open {
		job,
		state,
		deadline,
	}
}

async fn past_block(chain: &Chain, job: JobId, number: u32) -> Result<BestBlock, AuditError> {
	let block = chain.block(number).await?;
	block.ok_or(AuditError::Pruned { job, block: number })
}

fn pruned(error: ChainError, job: JobId, block: u32) -> AuditError {
	match error.is_pruned() {
		true => AuditError::Pruned { job, block },
		false => error.into(),
	}
}

/// Reads at the two blocks of an audit.
struct Reader<'a> {
	chain: &'a Chain,
	job: JobId,
	/// The block that ended the job.
	block: BestBlock,
	/// The one before it.
	before: BestBlock,
}

impl Reader<'_> {
	async fn evidence(&self) -> Result<Evidence, AuditError> {
		let (chain, job) = (self.chain, self.job);
		let receipt = chain.receipt_at(self.block, job).await;
		let receipt = self.found(receipt, "its receipt")?;
		let record = chain.job_record_at::<Record>(self.block, job).await;
		let record = self.found(record, "its record")?;
		let request = chain.request_at(self.block, job).await;
		let request = self.found(request, "its request")?;
		let digest = Digest::from(*blake3::hash(&request.encode()).as_bytes());
		let (body, limits, assurance, options) = request;
		let model = chain.model_at(self.before, record.model).await;
		let model = self.found(model, "its model")?;
		let pipelines = chain.pipelines_at(self.before, record.model).await;
		let pipelines = self.of_state(pipelines, self.before)?;
		let pipeline = pipelines
			.into_iter()
			.find(|pipeline| Some(pipeline.id) == record.pipeline);
		let planned = pipeline.iter().flat_map(|pipeline| &pipeline.stages);
		let planned = planned.flat_map(|stage| stage.workers.iter().cloned());
		let shown = receipt.stages.iter().flat_map(|stage| &stage.participants);
		let shown = shown.map(|one| one.worker.clone());
		let workers = planned.chain(shown).collect::<BTreeSet<AccountId32>>();
		let events = chain.events_at(self.block).await;
		let events = self.of_state(events, self.block)?;
		Ok(Evidence {
			job,
			block: self.block.number,
			asked: Asked {
				digest,
				rows_ceiling: limits.rows_ceiling(&body),
				sealed: matches!(body, Body::Sealed { .. }),
				assurance,
				on_failure: options.on_failure,
				adapter: options.adapter,
			},
			workers: self.workers(workers).await?,
			events: events_of(job, &events)?,
			receipt,
			record,
			model,
			pipeline,
		})
	}

	async fn workers(
		&self,
		accounts: BTreeSet<AccountId32>,
	) -> Result<Vec<WorkerView>, AuditError> {
		let mut workers = Vec::new();
		for account in accounts {
			let worker = self.chain.worker_at(self.before, &account).await;
			workers.extend(self.of_state(worker, self.before)?);
		}
		Ok(workers)
	}

	fn of_state<T>(&self, read: Result<T, ChainError>, at: BestBlock) -> Result<T, AuditError> {
		read.map_err(|error| pruned(error, self.job, at.number))
	}

	fn found<T>(
		&self,
		read: Result<Option<T>, ChainError>,
		what: &'static str,
	) -> Result<T, AuditError> {
		let (job, block) = (self.job, self.block.number);
		let read = self.of_state(read, self.block)?;
		read.ok_or(AuditError::Incomplete { job, block, what })
	}
}

/// What a block did about a job.
///
/// A slash, like a forfeit, names no job. The chain slashes before it announces the verdicts of a trial, so those of the job
/// stand between the verdicts of the trial that closed before it and its own first one.
pub fn events_of(job: JobId, block: &[PastEvent]) -> Result<Events, ChainError> {
	let mut events = Events::default();
	let (mut slashed, mut forfeited) = (Vec::new(), Vec::new());
	for event in block {
		match (event.pallet.as_str(), event.name.as_str()) {
			("Miners", "Slashed") => slashed.push(slash(event)?),
			("Miners", "Forfeited") => forfeited.push(forfeit(event)?),
			("Miners", "BondExtended" | "Acquitted") => {
				let (worker, _) = read::<(AccountId32, u128)>(event)?;
				events.bonds_changed.push(worker);
			}
			("Verification", "Judged") => {
				let slashed = std::mem::take(&mut slashed);
				let forfeited = std::mem::take(&mut forfeited);
				let (of, judged) = judged(event)?;
				if of == job {
					events.slashed.extend(slashed);
					events.forfeited.extend(forfeited);
					events.judged.push(judged);
				} else {
					let lost = slashed.into_iter().map(|one| one.worker);
					let lost = lost.chain(forfeited.into_iter().map(|one| one.worker));
					events.bonds_changed.extend(lost);
				}
			}
			_ if subject(event) == Some(job) => note(&mut events, event)?,
			_ => {}
		}
	}
	Ok(events)
}

/// The job of an event that begins with one.
fn subject(event: &PastEvent) -> Option<JobId> {
	let about_jobs = matches!(
		(event.pallet.as_str(), event.name.as_str()),
		("Jobs", "Settled" | "Refunded" | "Rerun" | "PaymentFailed")
			| ("Rewards", "Paid")
			| ("Verification", "Compared" | "Served" | "Failed")
	);
	about_jobs
		.then(|| JobId::decode(&mut event.fields.as_slice()).ok())
		.flatten()
}

fn note(events: &mut Events, event: &PastEvent) -> Result<(), ChainError> {
	match event.name.as_str() {
		"Settled" => events.settled = Some(settled(event)?),
		"Refunded" => {
			let (_, client, reason, amount) = read::<(JobId, AccountId32, Refund, u128)>(event)?;
			events.refunded = Some(Refunded {
				client,
				reason,
				amount,
			});
		}
		"Rerun" => {
			let (_, by, client, reason) = read::<(JobId, JobId, AccountId32, Refund)>(event)?;
			events.rerun = Some(Rerun { by, client, reason });
		}
		"PaymentFailed" => events.payment_failed = true,
		"Paid" => events.paid = Some(paid(event)?),
		"Compared" => {
			let (_, stage, likeness) = read::<(JobId, StageIndex, Likeness)>(event)?;
			events.compared.push(Compared { stage, likeness });
		}
		"Served" => events.served = Some(read::<(JobId, u32)>(event)?.1),
		_ => events.failed = Some(read::<(JobId, Refund)>(event)?.1),
	}
	Ok(())
}

fn settled(event: &PastEvent) -> Result<Settled, ChainError> {
	type Fields = (JobId, AccountId32, u32, u32, u128, u128, Digest);
	let (_, client, rows, tokens, fee, refunded, result) = read::<Fields>(event)?;
	Ok(Settled {
		client,
		rows,
		tokens,
		fee,
		refunded,
		result,
	})
}

fn paid(event: &PastEvent) -> Result<Paid, ChainError> {
	type Lines = Vec<(AccountId32, u128)>;
	let views = |lines: Lines| {
		let view = |(to, amount)| PaymentView { to, amount };
		lines.into_iter().map(view).collect()
	};
	let (_, client, miners, verifiers, treasury, burned) =
		read::<(JobId, AccountId32, Lines, Lines, u128, u128)>(event)?;
	Ok(Paid {
		client,
		miners: views(miners),
		verifiers: views(verifiers),
		treasury,
		burned,
	})
}

fn judged(event: &PastEvent) -> Result<(JobId, Judged), ChainError> {
	let (job, stage, worker, part, verdict) =
		read::<(JobId, StageIndex, AccountId32, Part, Verdict)>(event)?;
	let judged = Judged {
		stage,
		worker,
		part,
		verdict,
	};
	Ok((job, judged))
}

fn slash(event: &PastEvent) -> Result<Slashed, ChainError> {
	let (worker, amount, to_user, to_convictors, burned) =
		read::<(AccountId32, u128, u128, u128, u128)>(event)?;
	Ok(Slashed {
		worker,
		amount,
		to_user,
		to_convictors,
		burned,
	})
}

fn forfeit(event: &PastEvent) -> Result<Forfeited, ChainError> {
	let (worker, amount, to_user, burned) = read::<(AccountId32, u128, u128, u128)>(event)?;
	Ok(Forfeited {
		worker,
		amount,
		to_user,
		burned,
	})
}

/// The fields of an event, all of them.
fn read<T: Decode>(event: &PastEvent) -> Result<T, ChainError> {
	let mut input = event.fields.as_slice();
	let decoded = T::decode(&mut input).ok().filter(|_| input.is_empty());
	decoded.ok_or_else(|| ChainError::OtherVersion {
		reason: format!("{}.{} has other fields", event.pallet, event.name),
	})
}
