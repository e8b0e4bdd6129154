//! Benchmarks: every call in its costliest form, where it is the last of its phase, on rings of two to
//! all stages, and deadlines that end a trial. What a verdict costs is mostly what the neighbours do with
//! it, so a runtime prepares the worker, the pipeline and the escrow that it reaches.

mod arguments;
mod comparisons;

use self::{
	arguments::{arguing, argument, longest_claim, subject, widest},
	comparisons::comparing,
};
use crate::{
	phases::{StageOf, TrialOf},
	trial::{Drawn, Participant, Trial},
	Agenda, Breakers, Call, Config, Event, Pallet, TakenLately, Trials, AGENDA_WINDOW as WINDOW,
	MAX_CLASSES_OF_JOB, MAX_TAKEN,
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use dllm_primitives::{
	breaker::{Breaker, Scope, Taken},
	commitment::{commitment, counted, merkle_top, result_hash, Opening, Roots},
	dispute::{self, Game, Move, Outcome, Standing, Subject},
	flow::Award,
	hop::Shown,
	ids::{
		Bytes, Digest, JobId, StageIndex, ENTRY_STAGE, MAX_INLINE, MAX_LAYERS, MAX_REPLICAS,
		MAX_STAGES,
	},
	job::Assurance,
	model::{LayerRange, ModelSpec, Profile, Shard},
	plan::{Pipeline, PipelineState, Plan, Segment},
	slash::Ground,
	summons::{Proof, MOST_SECRET},
	trace::{shape::MAX_ROWS, Layer},
	verdict::{Part, Phase},
};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{ConstU32, EnsureOrigin, Get},
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_runtime::traits::{One, Saturating};

/// What a runtime prepares for the benchmarks.
pub trait BenchmarkSetup<AccountId, BlockNumber> {
	/// The awarded job runs: its price is on hold, its model is in the catalogue, its pipeline closes with
	/// it, and every worker of the pipeline has a bond. The lead and the replica of a stage are active, its
	/// other workers are not.
	fn running(award: &Award<AccountId, BlockNumber>, model: ModelSpec);
	/// A worker with a bond, as a third one.
	fn bonded(worker: &AccountId);
	/// So many candidates for a third opinion that no two draws meet, none of them fit for it.
	fn unfit_candidates();
}

/// For mocks, in which benchmarks are not run.
impl<AccountId, BlockNumber> BenchmarkSetup<AccountId, BlockNumber> for () {
	fn running(_: &Award<AccountId, BlockNumber>, _: ModelSpec) {}
	fn bonded(_: &AccountId) {}
	fn unfit_candidates() {}
}

/// Identity of a peer and a signature by its key, of another message (RFC 8032, 7.1, test 2): to find that out
/// takes as long as to find a signature good.
const PEER: [u8; 38] = [
	0x00, 0x24, 0x08, 0x01, 0x12, 0x20, 0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7,
	0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd,
	0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c,
];
const SIGNATURE: [u8; 64] = [
	0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
	0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda,
	0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
	0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00,
];
/// A holder by its sr25519 key, and its lot over the entry of job 0 where the draw's seed is zero: it wins with an eighth
/// of the bonds and more.
const SUMMONED: [u8; 32] = [
	0x98, 0xeb, 0x42, 0x2c, 0x44, 0xae, 0x7f, 0x2e, 0xff, 0xe5, 0x1f, 0xc2, 0x71, 0x51, 0x4c, 0xa3,
	0xd5, 0xb6, 0xce, 0x61, 0xd0, 0x0c, 0x26, 0xd4, 0x3f, 0x23, 0x94, 0x4d, 0x8e, 0x38, 0xa4, 0x54,
];
const LOT: [u8; 32] = [
	0x1a, 0xde, 0xf5, 0xfc, 0xa0, 0x17, 0x3d, 0x15, 0x40, 0xd2, 0x79, 0xb5, 0xda, 0x38, 0xb9, 0x1d,
	0x09, 0x0f, 0xee, 0x4e, 0xd4, 0x43, 0xf9, 0xdb, 0xc8, 0x12, 0x53, 0x18, 0x5b, 0xb0, 0xe6, 0x7f,
];
const LOT_PROOF: [u8; 64] = [
	0x02, 0x67, 0x85, 0xea, 0x16, 0x42, 0x35, 0x10, 0x7a, 0x66, 0xeb, 0x62, 0x35, 0xab, 0x58, 0x02,
	0xaf, 0x5d, 0xca, 0x83, 0x4b, 0x6d, 0xc5, 0x37, 0x0d, 0x44, 0x21, 0x0e, 0x7a, 0x97, 0xc7, 0x0b,
	0x70, 0x14, 0x3d, 0xac, 0x2b, 0x12, 0x4b, 0xaa, 0x4c, 0x3f, 0x09, 0xb6, 0x90, 0x0c, 0xce, 0x72,
	0x91, 0xaf, 0x71, 0x2f, 0x27, 0xba, 0xe3, 0x23, 0x79, 0x06, 0x61, 0x43, 0x4c, 0xb3, 0xc9, 0x09,
];
const JOB: JobId = 0;
/// Jobs that fill the agenda; none of them has a trial.
const CROWD: JobId = 1_000;
/// Planck for a GFLOP: so much that every share of the fee is paid.
const PRICE: u128 = 1_000_000_000;
const ROWS: u32 = 64;

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn commit(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let trial = started::<T>(s)?;
		let last = last_of::<T>(&trial)?;
		for stage in 0..last {
			let lead = lead_of::<T>(&trial, stage)?;
			commit_as::<T>(&lead, stage, opening::<T>(&trial, stage))?;
		}
		let lead = lead_of::<T>(&trial, last)?;
		let digest = digest_of::<T>(&lead, last, &opening::<T>(&trial, last));
		crowd_agenda::<T>(T::DrawBlocks::get())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(lead), JOB, last, digest);

		assert_eq!(phase::<T>(), Some(Phase::Drawing));
		Ok(())
	}

	#[benchmark]
	fn commit_reply(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let trial = started::<T>(s)?;
		for stage in 1..=last_of::<T>(&trial)? {
			let lead = lead_of::<T>(&trial, stage)?;
			commit_as::<T>(&lead, stage, opening::<T>(&trial, stage))?;
		}
		let lead = lead_of::<T>(&trial, ENTRY_STAGE)?;
		let digest = digest_of::<T>(&lead, ENTRY_STAGE, &opening::<T>(&trial, ENTRY_STAGE));
		let reply = full_reply()?;
		crowd_agenda::<T>(T::DrawBlocks::get())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(lead), JOB, digest, 1, reply);

		assert_eq!(phase::<T>(), Some(Phase::Drawing));
		Ok(())
	}

	/// Everybody agrees: the job is paid.
	#[benchmark]
	fn reveal(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let trial = revealing::<T>(s, true)?;
		let last = last_of::<T>(&trial)?;
		let replica = reveal_all_but_last::<T>(&trial, true)?;
		let opening = opening::<T>(&trial, last);

		#[extrinsic_call]
		_(RawOrigin::Signed(replica), JOB, last, opening);

		assert_eq!(phase::<T>(), Some(Phase::Closed));
		Ok(())
	}

	/// The third worker of every stage convicts the replica, and the job is paid.
	#[benchmark]
	fn attest(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let trial = tied::<T>(s)?;
		let last = attest_all_but_last::<T>(&trial)?;
		let roots = opening::<T>(&trial, last).roots;

		#[extrinsic_call]
		_(
			RawOrigin::Signed(third::<T::AccountId>(last)),
			JOB,
			last,
			roots,
		);

		assert_eq!(phase::<T>(), Some(Phase::Closed));
		Ok(())
	}

	/// Both signatures are looked at, and the trial is read and written with what they prove. No benchmark has
	/// the keys of the leads, so the proof is made up.
	#[benchmark]
	fn show_receipt(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let trial = tied::<T>(s)?;
		let lead = lead_of::<T>(&trial, STAGE)?;
		let shown = Shown {
			boundary: STAGE,
			rows: ROWS,
			root: Digest::repeat_byte(9),
			sender: Some(SIGNATURE.into()),
			receiver: Some(SIGNATURE.into()),
		};
		let hop = (JOB, Digest::zero(), STAGE);
		let refused;

		#[block]
		{
			refused = Pallet::<T>::do_show_receipt(&lead, JOB, &shown).is_err();
			let mut trial = stored::<T>()?;
			for claim in shown.claims() {
				let convicts = claim.convicts(hop, &Roots::default(), &PEER);
				if let Some(stage) = trial.stage_mut(STAGE).filter(|_| !convicts) {
					stage.contradiction = Some(claim);
				}
				Pallet::<T>::deposit_event(Event::Contradicted {
					job: JOB,
					stage: STAGE,
					worker: lead.clone(),
					end: claim.end,
					shown_by: lead.clone(),
				});
			}
			Trials::<T>::insert(JOB, trial);
		}

		assert!(refused);
		let noted = stored::<T>()?;
		assert!(noted
			.stage(STAGE)
			.is_some_and(|stage| stage.contradiction.is_some()));
		Ok(())
	}

	/// The longest rows that may be shown, as the last ones of the trial: they are alike, and the job is paid.
	#[benchmark]
	fn show_rows(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let (replica, rows) = comparing::<T>(s)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(replica), JOB, STAGE, rows);

		assert_eq!(phase::<T>(), Some(Phase::Closed));
		Ok(())
	}

	/// The entry is the last stage that is summoned, by the last of its holders that can be.
	#[benchmark]
	fn summon(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let holder = summoning::<T>(s)?;
		let proof = Proof {
			output: LOT.into(),
			proof: LOT_PROOF.into(),
		};
		crowd_agenda::<T>(T::VerifyBlocks::get())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(holder), JOB, ENTRY_STAGE, proof);

		assert_eq!(phase::<T>(), Some(Phase::Verifying));
		Ok(())
	}

	/// The first level of the longest trace that three levels can hold.
	#[benchmark]
	fn dispute_level() -> Result<(), BenchmarkError> {
		let (shape, layers) = (widest(), MAX_LAYERS as u16);
		let subject = subject(
			shape,
			alloc::vec![Layer::default(); layers.into()],
			MAX_ROWS,
		);
		let layout = subject
			.layout()
			.map_err(|_| BenchmarkError::Stop("no layout"))?;
		let bits = dispute::descent(&layout, 0);
		let left = layout.row_bits() + layout.step_bits() - bits;
		let nodes = (0..1u64 << bits).map(|place| match layout.step(place << left) {
			Some(_) => Digest::repeat_byte(1),
			None => Digest::zero(),
		});
		let groups =
			alloc::vec![Digest::repeat_byte(2); MAX_ROWS.div_ceil(dispute::ROW_GROUP) as usize];
		let made = Move::Trace {
			job_key: [0; 32],
			nodes: nodes.collect(),
			groups: groups.clone(),
		};
		let top = merkle_top(&groups).ok_or(BenchmarkError::Stop("no rows"))?;
		let output = counted(MAX_ROWS.into(), &top);
		let subject = Subject { output, ..subject };
		let game = Game::new(&subject).map_err(|_| BenchmarkError::Stop("no game"))?;
		let (lead, _) = arguing::<T>(subject, game)?;

		#[extrinsic_call]
		dispute(RawOrigin::Signed(lead), JOB, STAGE, made);

		assert_eq!(argument::<T>(), Some(Standing::Moved));
		Ok(())
	}

	/// A wrong sum of the longest product.
	#[benchmark]
	fn dispute_claim() -> Result<(), BenchmarkError> {
		let (subject, game, made) = longest_claim()?;
		let (_, replica) = arguing::<T>(subject, game)?;

		#[extrinsic_call]
		dispute(RawOrigin::Signed(replica), JOB, STAGE, made);

		assert_eq!(argument::<T>(), Some(Standing::Over(Outcome::Convicted)));
		Ok(())
	}

	/// A block without a deadline: it adds to the beacon.
	#[benchmark]
	fn expire_none() {
		let now = frame_system::Pallet::<T>::block_number();

		#[block]
		{
			Pallet::<T>::mix_beacon();
			Pallet::<T>::expire(now);
			Pallet::<T>::tend_breakers(0);
		}

		assert!(Agenda::<T>::get(now).is_empty());
	}

	#[benchmark]
	fn uphold() -> Result<(), BenchmarkError> {
		let breaker = tripped::<T>()?;
		let origin = T::BreakerOrigin::try_successful_origin()
			.map_err(|()| BenchmarkError::Stop("nobody rules"))?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, breaker.scope);

		assert!(Breakers::<T>::get().is_empty());
		Ok(())
	}

	/// Every worker gets something back.
	#[benchmark]
	fn pardon(r: Linear<0, MAX_TAKEN>) -> Result<(), BenchmarkError> {
		let breaker = tripped::<T>()?;
		for number in 0..r {
			let worker: T::AccountId = account("slashed", number, 0);
			T::BenchmarkSetup::bonded(&worker);
			let taken = Taken {
				at: breaker.tripped,
				worker,
				amount: PRICE,
				ground: Some(Ground::Proof),
				model: 0,
				class: None,
			};
			TakenLately::<T>::try_append(taken)
				.map_err(|()| BenchmarkError::Stop("too many losses"))?;
		}
		let origin = T::BreakerOrigin::try_successful_origin()
			.map_err(|()| BenchmarkError::Stop("nobody rules"))?;

		#[extrinsic_call]
		_(
			origin as T::RuntimeOrigin,
			breaker.scope,
			Default::default(),
		);

		assert!(TakenLately::<T>::get().is_empty());
		Ok(())
	}

	/// The last third worker is missing; the others convict the replicas.
	#[benchmark]
	fn expire(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let trial = tied::<T>(s)?;
		attest_all_but_last::<T>(&trial)?;
		let over = pass_deadline::<T>()?;

		#[block]
		{
			Pallet::<T>::expire(over);
		}

		assert_eq!(phase::<T>(), Some(Phase::Closed));
		Ok(())
	}

	/// The last replica has not opened, nobody agrees, and every draw is in vain.
	#[benchmark]
	fn expire_and_draw(s: Linear<2, MAX_STAGES>) -> Result<(), BenchmarkError> {
		let trial = revealing::<T>(s, false)?;
		reveal_all_but_last::<T>(&trial, false)?;
		let over = pass_deadline::<T>()?;
		Pallet::<T>::expire(over);
		assert_eq!(phase::<T>(), Some(Phase::Appointing));
		refuse_first::<T>()?;
		T::BenchmarkSetup::unfit_candidates();
		let over = pass_deadline::<T>()?;

		#[block]
		{
			Pallet::<T>::expire(over);
		}

		assert_eq!(phase::<T>(), Some(Phase::Closed));
		Ok(())
	}
}

/// A breaker of model 0 that has tripped and holds nothing.
fn tripped<T: Config>() -> Result<Breaker<T::AccountId>, BenchmarkError> {
	let breaker = Breaker {
		scope: Scope::Model(0),
		tripped: 1,
		until: u32::MAX,
		models: Default::default(),
		ruling: None,
	};
	Breakers::<T>::try_append(breaker.clone())
		.map_err(|()| BenchmarkError::Stop("too many breakers"))?;
	Ok(breaker)
}

/// The stage that is argued about.
const STAGE: StageIndex = 1;

fn phase<T: Config>() -> Option<Phase> {
	Trials::<T>::get(JOB).map(|trial| trial.phase)
}

fn full_text() -> alloc::vec::Vec<u8> {
	alloc::vec![b'a'; MAX_INLINE as usize]
}

fn full_reply() -> Result<Bytes<MAX_INLINE>, BenchmarkError> {
	full_text()
		.try_into()
		.map_err(|_| BenchmarkError::Stop("the reply is too long"))
}

/// As many workers for a stage as it may have, each its own operator.
fn workers<AccountId: codec::Decode>(
	stage: StageIndex,
) -> Result<BoundedVec<AccountId, ConstU32<MAX_REPLICAS>>, BenchmarkError> {
	let worker = |at| account("worker", u32::from(stage) * MAX_REPLICAS + at, 0);
	let all: Vec<AccountId> = (0..MAX_REPLICAS).map(worker).collect();
	all.try_into()
		.map_err(|_| BenchmarkError::Stop("too many workers"))
}

/// The third worker of a stage.
fn third<AccountId: codec::Decode>(stage: StageIndex) -> AccountId {
	account("third", stage.into(), 0)
}

/// A ring of `stages` stages with one layer each.
fn award<T: Config>(stages: u32) -> Result<Award<T::AccountId, BlockNumberFor<T>>, BenchmarkError> {
	let mut segments = Vec::new();
	for stage in 1..stages as StageIndex {
		let layers = LayerRange {
			start: u16::from(stage) - 1,
			end: stage.into(),
		};
		segments.push(Segment {
			layers,
			replicas: workers(stage)?,
		});
	}
	let segments = segments
		.try_into()
		.map_err(|_| BenchmarkError::Stop("too many segments"))?;
	let prices = alloc::vec![PRICE; stages as usize];
	let pipeline = Pipeline {
		id: 0,
		state: PipelineState::Draining,
		plan: Plan {
			model: 0,
			slots: 1,
			entries: workers(ENTRY_STAGE)?,
			segments,
		},
		stage_prices: prices
			.try_into()
			.map_err(|_| BenchmarkError::Stop("too many stages"))?,
		cost: 1,
		open_jobs: 1,
		load: Default::default(),
	};
	let now = frame_system::Pallet::<T>::block_number();
	Ok(Award {
		job: JOB,
		client: account("client", 0, 0),
		pipeline,
		rows_ceiling: ROWS,
		own_entry: false,
		assurance: Assurance::Full,
		run_until: now.saturating_add(WINDOW.into()),
	})
}

fn spec(layers: u32) -> Result<ModelSpec, BenchmarkError> {
	let shard = Shard {
		hash: Digest::repeat_byte(1),
		bytes: 1,
		flops_per_token: 1_000_000_000,
		kv_bytes_per_token: 1,
	};
	let layers = alloc::vec![shard; layers as usize];
	Ok(ModelSpec {
		name: Default::default(),
		licence: Default::default(),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(1),
		profile: Profile::F32,
		hidden_size: 1,
		max_context: ROWS,
		embed: shard,
		layers: layers
			.try_into()
			.map_err(|_| BenchmarkError::Stop("too many layers"))?,
		head: shard,
		constants: None,
	})
}

/// A trial in its first phase.
fn started<T: Config>(stages: u32) -> Result<TrialOf<T>, BenchmarkError> {
	frame_system::Pallet::<T>::set_block_number(One::one());
	let (award, spec) = (award::<T>(stages)?, spec(stages)?);
	let trial =
		Trial::open(&award, &spec).ok_or(BenchmarkError::Stop("the trial cannot be drawn"))?;
	T::BenchmarkSetup::running(&award, spec);
	Pallet::<T>::start(JOB, trial)?;
	stored::<T>()
}

fn stored<T: Config>() -> Result<TrialOf<T>, BenchmarkError> {
	Trials::<T>::get(JOB).ok_or(BenchmarkError::Stop("no trial"))
}

/// A trial in which everybody has committed; the replicas to other roots where not `agreeing`.
fn revealing<T: Config>(stages: u32, agreeing: bool) -> Result<TrialOf<T>, BenchmarkError> {
	let trial = started::<T>(stages)?;
	for stage in &trial.stages {
		let digest = digest_of::<T>(
			&stage.lead.worker,
			stage.stage,
			&opening::<T>(&trial, stage.stage),
		);
		if stage.stage == ENTRY_STAGE {
			Pallet::<T>::do_commit_reply(&stage.lead.worker, JOB, digest, 1, full_reply()?)?;
		} else {
			Pallet::<T>::do_commit(&stage.lead.worker, JOB, stage.stage, digest)?;
		}
	}
	// The draw has it checked: the user asked for it.
	let over = pass_deadline::<T>()?;
	Pallet::<T>::expire(over);
	for stage in &stored::<T>()?.stages {
		let shown = if agreeing {
			opening::<T>(&trial, stage.stage)
		} else {
			other_opening::<T>(&trial, stage.stage)
		};
		commit_as::<T>(&replica_of::<T>(stage)?.worker, stage.stage, shown)?;
	}
	stored::<T>()
}

/// In every stage somebody got no rows before the one that checks: where it is drawn for again, it is drawn twice, as
/// nobody is found outside of it.
fn refuse_first<T: Config>() -> Result<(), BenchmarkError> {
	let mut trial = stored::<T>()?;
	for stage in trial.stages.iter_mut() {
		stage.refused = Some(account("refused", stage.stage.into(), 0));
	}
	Trials::<T>::insert(JOB, trial);
	Ok(())
}

/// A trial that is left to lots, in which every stage but the entry has its checker. Answers a holder of the entry whose
/// lot wins.
fn summoning<T: Config>(stages: u32) -> Result<T::AccountId, BenchmarkError> {
	let mut trial = revealing::<T>(stages, true)?;
	Pallet::<T>::unschedule(JOB, trial.until);
	let holder = T::AccountId::decode(&mut SUMMONED.as_slice())
		.map_err(|_| BenchmarkError::Stop("accounts are no keys"))?;
	T::BenchmarkSetup::bonded(&holder);
	trial.drawn = Some(Drawn {
		seed: Digest::zero(),
		checked: false,
	});
	for stage in trial.stages.iter_mut() {
		stage.chance = MOST_SECRET;
		if stage.stage == ENTRY_STAGE {
			stage.replica = None;
			if let Some(last) = stage.holders.last_mut() {
				*last = holder.clone();
			}
		}
	}
	trial.phase = Phase::Summoning;
	trial.until = Pallet::<T>::schedule(JOB, trial.until)?;
	Trials::<T>::insert(JOB, &trial);
	Ok(holder)
}

/// The replica of a stage, once it is drawn.
fn replica_of<T: Config>(
	stage: &StageOf<T>,
) -> Result<&Participant<T::AccountId, BlockNumberFor<T>>, BenchmarkError> {
	let replica = stage.replica.as_ref();
	replica.ok_or(BenchmarkError::Stop("no replica was drawn"))
}

/// Reveals everything but the replica of the last stage, and answers that replica.
fn reveal_all_but_last<T: Config>(
	trial: &TrialOf<T>,
	agreeing: bool,
) -> Result<T::AccountId, BenchmarkError> {
	let last = last_of::<T>(trial)?;
	let mut missing = None;
	for (stage, part, participant) in trial.participants() {
		if stage == last && part == Part::Replica {
			missing = Some(participant.worker.clone());
			continue;
		}
		let shown = if agreeing || part == Part::Lead {
			opening::<T>(trial, stage)
		} else {
			other_opening::<T>(trial, stage)
		};
		Pallet::<T>::do_reveal(&participant.worker, JOB, stage, shown)?;
	}
	missing.ok_or(BenchmarkError::Stop("no replica"))
}

/// A trial in its last phase, with a third worker in every stage.
fn tied<T: Config>(stages: u32) -> Result<TrialOf<T>, BenchmarkError> {
	let mut trial = revealing::<T>(stages, false)?;
	let shown = trial.clone();
	Pallet::<T>::unschedule(JOB, trial.until);
	for stage in trial.stages.iter_mut() {
		stage.lead.opening = Some(opening::<T>(&shown, stage.stage));
		if let Some(replica) = stage.replica.as_mut() {
			replica.opening = Some(other_opening::<T>(&shown, stage.stage));
		}
		let third = third(stage.stage);
		T::BenchmarkSetup::bonded(&third);
		stage.tiebreak = Some(Participant::new(third));
	}
	trial.phase = Phase::Tiebreak;
	trial.until = Pallet::<T>::schedule(JOB, trial.until)?;
	Trials::<T>::insert(JOB, &trial);
	Ok(trial)
}

/// Attests everything but the last stage, which is answered.
fn attest_all_but_last<T: Config>(trial: &TrialOf<T>) -> Result<StageIndex, BenchmarkError> {
	let last = last_of::<T>(trial)?;
	for stage in 0..last {
		let roots = opening::<T>(trial, stage).roots;
		Pallet::<T>::do_attest(&third(stage), JOB, stage, roots)?;
	}
	Ok(last)
}

/// Goes to the block in which the deadline of the trial has passed.
fn pass_deadline<T: Config>() -> Result<BlockNumberFor<T>, BenchmarkError> {
	let over = stored::<T>()?.until.saturating_add(One::one());
	frame_system::Pallet::<T>::set_block_number(over);
	Ok(over)
}

/// Leaves room for the deadline of a phase of so many blocks only in the last block that is tried.
fn crowd_agenda<T: Config>(blocks: BlockNumberFor<T>) -> Result<(), BenchmarkError> {
	let mut over = frame_system::Pallet::<T>::block_number()
		.saturating_add(blocks)
		.saturating_add(One::one());
	let full: Vec<JobId> = (CROWD..)
		.take(T::MaxTrialsPerBlock::get() as usize)
		.collect();
	let full: BoundedVec<_, T::MaxTrialsPerBlock> = full
		.try_into()
		.map_err(|_| BenchmarkError::Stop("the agenda is too long"))?;
	for _ in 1..WINDOW {
		Agenda::<T>::insert(over, &full);
		over = over.saturating_add(One::one());
	}
	Ok(())
}

fn last_of<T: Config>(trial: &TrialOf<T>) -> Result<StageIndex, BenchmarkError> {
	trial
		.stages
		.last()
		.map(|stage| stage.stage)
		.ok_or(BenchmarkError::Stop("no stages"))
}

fn lead_of<T: Config>(
	trial: &TrialOf<T>,
	stage: StageIndex,
) -> Result<T::AccountId, BenchmarkError> {
	let stage = trial
		.stage(stage)
		.ok_or(BenchmarkError::Stop("no such stage"))?;
	Ok(stage.lead.worker.clone())
}

/// What an honest worker of a stage tells: the output of a stage is the input of the next.
fn opening<T: Config>(trial: &TrialOf<T>, stage: StageIndex) -> Opening {
	let next = (u32::from(stage) + 1) % trial.stage_count();
	let rows = |boundary: u32| Digest::repeat_byte(boundary as u8 + 1);
	let shards = trial.stage(stage).map(|stage| stage.shards);
	let roots = Roots {
		// As many classes as are counted of one job.
		class: Digest::repeat_byte(1 + stage % MAX_CLASSES_OF_JOB as u8),
		// With others it would be convicted by its own word, and nobody be drawn.
		weights: shards.unwrap_or_default(),
		input: rows(stage.into()),
		output: rows(next),
		rows: ROWS,
		result: if stage == ENTRY_STAGE {
			result_hash(1, &full_text())
		} else {
			Digest::zero()
		},
		..Default::default()
	};
	Opening {
		salt: Digest::repeat_byte(7),
		roots,
	}
}

/// What a cheating worker of the stage tells.
fn other_opening<T: Config>(trial: &TrialOf<T>, stage: StageIndex) -> Opening {
	let mut other = opening::<T>(trial, stage);
	other.roots.output = Digest::repeat_byte(0xff);
	other
}

fn digest_of<T: Config>(who: &T::AccountId, stage: StageIndex, opening: &Opening) -> Digest {
	commitment(JOB, stage, &who.encode(), opening)
}

fn commit_as<T: Config>(
	who: &T::AccountId,
	stage: StageIndex,
	opening: Opening,
) -> Result<(), BenchmarkError> {
	let digest = digest_of::<T>(who, stage, &opening);
	if stage == ENTRY_STAGE && lead_of::<T>(&stored::<T>()?, stage)? == *who {
		Pallet::<T>::do_commit_reply(who, JOB, digest, 1, full_reply()?)?;
	} else {
		Pallet::<T>::do_commit(who, JOB, stage, digest)?;
	}
	Ok(())
}
