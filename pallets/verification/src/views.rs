//! What the runtime API tells about trials: a worker's duties, the ring of a job, the stages of a
//! receipt. Nothing here writes.

use crate::{
	phases::{StageOf, TrialOf},
	summoning::{has_summoned, threshold},
	trial::Participant,
	Agenda, Config, Disputes, Pallet, ShownRows, Trials,
};
use alloc::{string::String, vec::Vec};
use dllm_primitives::{
	api::{
		ComparisonView, Duty, ParticipantView, Prompt, RingMember, Route, StageReceipt, SummonsView,
	},
	dispute::Standing,
	flow::{JobBook, WorkerPool},
	hop::End,
	ids::{Digest, JobId, StageIndex, ENTRY_STAGE},
	job::Body,
	miner::WorkerSpec,
	model::LayerRange,
	stall::Word,
	verdict::{Part, Phase, Verdict},
};
use sp_runtime::{traits::UniqueSaturatedInto, AccountId32};

impl<T: Config> Pallet<T>
where
	T::AccountId: Into<AccountId32>,
{
	/// What open trials expect of a worker now.
	pub fn duties(worker: &T::AccountId) -> Vec<Duty> {
		let mut jobs = Agenda::<T>::iter_values().flatten().collect::<Vec<_>>();
		jobs.sort_unstable();
		jobs.into_iter()
			.filter_map(|job| Trials::<T>::get(job).map(|trial| (job, trial)))
			.flat_map(|(job, trial)| {
				let mut duties = duties_in::<T>(job, &trial, worker);
				duties.extend(lots_in::<T>(job, &trial, worker));
				duties
			})
			.collect()
	}

	/// The ring of a job on trial; none once the trial is closed.
	pub fn route(job: JobId) -> Option<Route> {
		let trial = Trials::<T>::get(job).filter(|trial| trial.phase != Phase::Closed)?;
		Some(route_of::<T>(job, &trial))
	}

	/// Whether any stage of a job is checked; none before that is known.
	pub fn is_checked(job: JobId) -> Option<bool> {
		let trial = Trials::<T>::get(job).filter(|trial| trial.phase != Phase::Summoning)?;
		trial.drawn.map(|_| !trial.is_unchecked())
	}

	/// Whether the lead of each stage of a job passed a check, in the order of the ring.
	pub fn passed_leads(job: JobId) -> Vec<bool> {
		let trial = Trials::<T>::get(job);
		let stages = trial.iter().flat_map(|trial| &trial.stages);
		stages
			.map(|stage| stage.lead.verdict == Some(Verdict::Pass))
			.collect()
	}

	/// Where the trial of a job stands.
	pub fn phase(job: JobId) -> Option<Phase> {
		Trials::<T>::get(job).map(|trial| trial.phase)
	}

	/// The stages of a job with all that their workers have shown, in the order of the ring; empty where
	/// there is no trial on record.
	pub fn stage_receipts(job: JobId) -> Vec<StageReceipt> {
		let Some(trial) = Trials::<T>::get(job) else {
			return Vec::new();
		};
		let receipt = |stage: &StageOf<T>| StageReceipt {
			stage: stage.stage,
			layers: stage.layers,
			participants: stage
				.participants()
				.map(|(part, p)| participant_view(part, p))
				.collect(),
			refused: refused::<T>(stage),
			dispute: stage.dispute,
			comparison: stage.comparison.map(|(comparing, _)| ComparisonView {
				positions: comparing.positions(),
				tolerance: comparing.tolerance,
				likeness: stage.likeness(),
			}),
			tally: stage.tally,
			contradiction: stage.contradiction,
			chance: stage.chance,
			summons: summons::<T>(&trial, stage),
		};
		trial.stages.iter().map(receipt).collect()
	}
}

/// The lots over a stage that won.
fn summons<T: Config>(trial: &TrialOf<T>, stage: &StageOf<T>) -> Vec<SummonsView>
where
	T::AccountId: Into<AccountId32>,
{
	let seed = trial.drawn.map_or(Digest::zero(), |drawn| drawn.seed);
	let shown = stage.summons.iter().map(|shown| SummonsView {
		worker: shown.worker.clone().into(),
		seed,
		threshold: shown.threshold,
		proof: shown.proof,
	});
	shown.collect()
}

/// The checkers of a stage that got no rows, in the order in which they were drawn.
fn refused<T: Config>(stage: &StageOf<T>) -> Vec<AccountId32>
where
	T::AccountId: Into<AccountId32>,
{
	let last = stage.replica.iter().filter(|replica| replica.starved);
	let last = last.map(|replica| replica.worker.clone());
	let all = stage.refused.clone().into_iter().chain(last);
	all.map(Into::into).collect()
}

fn participant_view<AccountId, BlockNumber>(
	part: Part,
	participant: &Participant<AccountId, BlockNumber>,
) -> ParticipantView
where
	AccountId: Clone + Into<AccountId32>,
	BlockNumber: Copy + UniqueSaturatedInto<u32>,
{
	let commitment = participant.commitment.as_ref();
	ParticipantView {
		worker: participant.worker.clone().into(),
		part,
		commitment: commitment.map(|(digest, at)| (*digest, (*at).unique_saturated_into())),
		opening: participant.opening,
		verdict: participant.verdict,
	}
}

/// What one open trial expects of a worker.
fn duties_in<T: Config>(job: JobId, trial: &TrialOf<T>, worker: &T::AccountId) -> Vec<Duty>
where
	T::AccountId: Into<AccountId32>,
{
	trial
		.stages
		.iter()
		.flat_map(|stage| stage.participants().map(move |(part, p)| (stage, part, p)))
		.filter(|(_, _, participant)| participant.worker == *worker)
		.flat_map(|(stage, part, participant)| {
			let now = match (trial.phase, part) {
				(Phase::Running, Part::Lead) => Some(run::<T>(
					job,
					trial,
					stage,
					participant.commitment.is_some(),
				)),
				(Phase::Tallying, Part::Lead) if stage.word() == Word::Silent => {
					Some(Duty::Tally {
						job,
						stage: stage.stage,
						until: trial.until.unique_saturated_into(),
					})
				}
				(Phase::Verifying, Part::Replica)
					if participant.commitment.is_none() && !participant.starved =>
				{
					Some(check::<T>(job, trial, stage, part))
				}
				(Phase::Tiebreak, Part::Tiebreak) if participant.opening.is_none() => {
					Some(check::<T>(job, trial, stage, part))
				}
				(Phase::Comparing, Part::Lead | Part::Replica) => {
					compare::<T>(job, trial, stage, part)
				}
				(Phase::Disputing, Part::Lead | Part::Replica) => {
					dispute::<T>(job, trial, stage, worker)
				}
				(Phase::Revealing, _) if participant.has_to_reveal() => Some(Duty::Reveal {
					job,
					stage: stage.stage,
					until: trial.until.unique_saturated_into(),
				}),
				_ => None,
			};
			let hops = reconcile::<T>(job, trial, stage, part);
			let serves = part == Part::Lead && participant.commitment.is_some();
			now.into_iter()
				.chain(hops)
				.chain(serves.then(|| serve::<T>(job, trial, stage)))
		})
		.collect()
}

/// The lots that a worker has to draw over stages of an open trial.
fn lots_in<T: Config>(job: JobId, trial: &TrialOf<T>, worker: &T::AccountId) -> Vec<Duty> {
	let seed = trial.drawn.map(|drawn| drawn.seed);
	let Some(seed) = seed.filter(|_| trial.phase == Phase::Summoning) else {
		return Vec::new();
	};
	let of_stage = |stage: &StageOf<T>| {
		let shown = stage.replica.is_some() || has_summoned::<T>(stage, worker);
		let threshold = threshold::<T>(trial, stage, worker).filter(|_| !shown)?;
		Some(Duty::Summon {
			job,
			stage: stage.stage,
			seed,
			threshold,
			until: trial.until.unique_saturated_into(),
		})
	};
	trial.stages.iter().filter_map(of_stage).collect()
}

fn run<T: Config>(job: JobId, trial: &TrialOf<T>, stage: &StageOf<T>, committed: bool) -> Duty
where
	T::AccountId: Into<AccountId32>,
{
	Duty::Run {
		route: route_of::<T>(job, trial),
		stage: stage.stage,
		prompt: prompt::<T>(job, stage.stage),
		committed,
	}
}

fn check<T: Config>(job: JobId, trial: &TrialOf<T>, stage: &StageOf<T>, part: Part) -> Duty
where
	T::AccountId: Into<AccountId32>,
{
	Duty::Check {
		route: route_of::<T>(job, trial),
		stage: stage.stage,
		part,
		prompt: prompt::<T>(job, stage.stage),
		commitments: lead_commitments::<T>(trial),
		until: trial.until.unique_saturated_into(),
	}
}

/// The hops of a stage of which two workers tell other rows, for who may have a receipt: a lead of both of its
/// hops, its replica of the one over which the rows came.
fn reconcile<T: Config>(job: JobId, trial: &TrialOf<T>, stage: &StageOf<T>, part: Part) -> Vec<Duty>
where
	T::AccountId: Into<AccountId32>,
{
	if trial.phase != Phase::Reconciling {
		return Vec::new();
	}
	let of_stage = |boundary: &StageIndex| {
		let end = |end| trial.stage_at(*boundary, end).map(|at| at.stage);
		let received = end(End::Receiver) == Some(stage.stage);
		let sent = end(End::Sender) == Some(stage.stage) && part == Part::Lead;
		(received || sent) && trial.is_contradictory(*boundary)
	};
	let duty = |boundary| Duty::Reconcile {
		route: route_of::<T>(job, trial),
		boundary,
		until: trial.until.unique_saturated_into(),
	};
	trial.boundaries().filter(of_stage).map(duty).collect()
}

/// The move that a worker has to make in the dispute about a stage, where it is its turn.
fn dispute<T: Config>(
	job: JobId,
	trial: &TrialOf<T>,
	stage: &StageOf<T>,
	worker: &T::AccountId,
) -> Option<Duty>
where
	T::AccountId: Into<AccountId32>,
{
	if stage.dispute != Some(Standing::Awaiting) {
		return None;
	}
	let record = Disputes::<T>::get(job, stage.stage)?;
	let side = record.game.turn()?;
	(stage.disputant(side) == Some(worker)).then(|| Duty::Dispute {
		route: route_of::<T>(job, trial),
		stage: stage.stage,
		side,
		record,
		commitments: lead_commitments::<T>(trial),
		until: trial.until.unique_saturated_into(),
	})
}

/// The rows that a worker still has to show, to be compared with those of another class.
fn compare<T: Config>(
	job: JobId,
	trial: &TrialOf<T>,
	stage: &StageOf<T>,
	part: Part,
) -> Option<Duty> {
	let comparing = stage.awaits_comparison()?;
	let shown = ShownRows::<T>::contains_key(job, (stage.stage, part));
	(!shown).then(|| Duty::Compare {
		job,
		stage: stage.stage,
		positions: comparing.positions(),
		until: trial.until.unique_saturated_into(),
	})
}

/// The rows that a stage sent are the input of the next one, so its checkers ask for them; the ring
/// closes where the chain knows the entry. The stage's own checkers may have the rows that it received, of
/// which the stage before signed, so that neither end of a hop can keep them from a checker alone.
fn serve<T: Config>(job: JobId, trial: &TrialOf<T>, stage: &StageOf<T>) -> Duty {
	let next = match trial.stage(stage.stage.saturating_add(1)) {
		None if !trial.own_entry => trial.stage(ENTRY_STAGE),
		next => next,
	};
	Duty::Serve {
		job,
		stage: stage.stage,
		output_to: checker_peers::<T>(next),
		input_to: checker_peers::<T>(Some(stage)),
	}
}

fn checker_peers<T: Config>(stage: Option<&StageOf<T>>) -> Vec<Vec<u8>> {
	let checkers = stage.into_iter().flat_map(|stage| stage.checkers());
	let peers = checkers.filter_map(|who| spec::<T>(who));
	peers.map(|spec| spec.peer_id.into_inner()).collect()
}

/// The prompt of a public job, for who works on its entry.
fn prompt<T: Config>(job: JobId, stage: StageIndex) -> Option<Prompt> {
	if stage != ENTRY_STAGE {
		return None;
	}
	let facts = T::Jobs::facts(job)?;
	match facts.body {
		Body::Inline(text) => Some(Prompt {
			text: text.into_inner(),
			limits: facts.limits,
		}),
		Body::Sealed { .. } => None,
	}
}

fn lead_commitments<T: Config>(trial: &TrialOf<T>) -> Vec<(StageIndex, AccountId32, Digest)>
where
	T::AccountId: Into<AccountId32>,
{
	let committed = |stage: &StageOf<T>| {
		let (digest, _) = stage.lead.commitment.as_ref()?;
		Some((stage.stage, stage.lead.worker.clone().into(), *digest))
	};
	trial.stages.iter().filter_map(committed).collect()
}

/// The leads in the order of the ring; before them the user, where the user is the entry.
fn route_of<T: Config>(job: JobId, trial: &TrialOf<T>) -> Route
where
	T::AccountId: Into<AccountId32>,
{
	let user = trial.own_entry.then(|| user_entry::<T>(job));
	let leads = trial.stages.iter().map(|stage| {
		let spec = spec::<T>(&stage.lead.worker);
		let (peer_id, addresses) = spec.map(reachable).unwrap_or_default();
		RingMember {
			stage: stage.stage,
			layers: stage.layers,
			worker: Some(stage.lead.worker.clone().into()),
			peer_id,
			addresses,
		}
	});
	Route {
		job,
		asked: T::Jobs::asked(job),
		model: trial.model,
		adapter: T::Jobs::adapter(job),
		rows_ceiling: trial.rows_ceiling,
		run_until: trial.run_until.unique_saturated_into(),
		members: user.into_iter().chain(leads).collect(),
	}
}

/// The user as the entry: only this peer may enter the ring, and nobody dials it.
fn user_entry<T: Config>(job: JobId) -> RingMember {
	let peer_id = match T::Jobs::facts(job).map(|facts| facts.body) {
		Some(Body::Sealed { entry, .. }) => entry.into_inner(),
		_ => Vec::new(),
	};
	RingMember {
		stage: ENTRY_STAGE,
		layers: LayerRange::default(),
		worker: None,
		peer_id,
		addresses: Vec::new(),
	}
}

fn spec<T: Config>(who: &T::AccountId) -> Option<WorkerSpec> {
	T::Workers::worker(who).map(|worker| worker.spec)
}

/// Peer id and addresses of a worker.
fn reachable(spec: WorkerSpec) -> (Vec<u8>, Vec<String>) {
	let text = |address: &_| String::from_utf8_lossy(address).into_owned();
	(
		spec.peer_id.into_inner(),
		spec.addresses.iter().map(|a| text(a)).collect(),
	)
}
