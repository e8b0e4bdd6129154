//! Plans that compete for a cleared capacity round: feasible for its winners, at their critical prices, with
//! a score that the chain computes again.

use crate::{
	pallet::{Config, Contenders, Error, Event, HoldReason, Hosted, Pallet},
	standing::memory_by_stage,
	Contender, MAX_HOSTED,
};
use alloc::collections::{BTreeMap, BTreeSet};
use dllm_primitives::{
	capacity::Won,
	cost::{self, link::LinkFigures, DeviceFigures, Limits, Measurements, Weights},
	flow::{CapacityRounds, Footing, ModelCatalog, Tender, WorkerPool},
	ids::{Digest, ModelId, StageIndex, ENTRY_STAGE},
	model::{ModelSpec, Shard},
	plan::{self, Plan, Quote},
};
use frame_support::{
	ensure,
	traits::{
		fungible::MutateHold,
		tokens::{Fortitude, Precision},
		Get,
	},
};
use sp_runtime::DispatchResult;

/// Parts per million by which a claimed score may differ from the one that the chain finds: the planner
/// computes in floating point.
pub const SCORE_TOLERANCE_PPM: u128 = 1;

/// What the chain finds of a plan of a round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Judged {
	/// Its stages at critical prices.
	pub quote: Quote,
	/// Its cost by [`cost::score`] in femtoseconds: the lower the better.
	pub score: u128,
}

impl<T: Config> Pallet<T> {
	/// Lets a plan compete: the best of the window is kept, a false claim costs its deposit.
	pub(crate) fn do_compete(
		submitter: T::AccountId,
		plan: Plan<T::AccountId>,
		claimed: u128,
	) -> DispatchResult {
		let model = T::Models::model(plan.model).ok_or(Error::<T>::UnknownModel)?;
		let Footing::Competing(tender) = T::Rounds::footing(plan.model) else {
			return Err(Error::<T>::NoPlanWindow.into());
		};
		let judged = Self::judge(&plan, &model.spec, &tender)?;
		Self::ensure_memory(&plan, &model.spec)?;
		let deposit = T::PlanDeposit::get();
		Self::hold_deposit(&submitter, deposit)?;
		if !is_true(claimed, judged.score) {
			Self::burn_deposit(submitter, plan.model, deposit, claimed, judged.score);
			return Ok(());
		}
		let standing = Contenders::<T>::get(plan.model);
		let better = standing
			.as_ref()
			.is_none_or(|other| judged.score < other.score);
		ensure!(better, Error::<T>::NotBetter);

		if let Some(beaten) = standing {
			Self::release_deposit(&beaten.submitter, beaten.deposit);
		}
		let contender = Contender {
			plan,
			submitter: submitter.clone(),
			deposit,
			score: judged.score,
		};
		Contenders::<T>::insert(model.id, contender);
		Self::deposit_event(Event::PlanLeads {
			model: model.id,
			submitter,
			score: judged.score,
		});
		Ok(())
	}

	/// Whether a plan is feasible for the winners of a round, what it asks, and what it costs.
	pub(crate) fn judge(
		plan: &Plan<T::AccountId>,
		model: &ModelSpec,
		tender: &Tender<T::AccountId>,
	) -> Result<Judged, Error<T>> {
		let asked = plan::check(plan, model, Self::candidate).map_err(Error::<T>::from)?;
		let winners = by_account(&tender.winners);
		let quote = Self::at_critical_prices(plan, model, tender, &winners, asked)?;
		let snapshot = Snapshot {
			winners,
			link: tender.terms.link,
			held: Self::held_layers(plan.model, model),
		};
		let (workload, weights, limits) =
			(&tender.terms.workload, &Weights::DLLM, &Limits::default());
		let terms = cost::score(plan, model, workload, weights, limits, &snapshot)
			.map_err(|_| Error::<T>::NoScore)?;
		Ok(Judged {
			quote,
			score: terms.total(),
		})
	}

	/// Prices the segments at what their workers won; the entry keeps its posted price.
	fn at_critical_prices(
		plan: &Plan<T::AccountId>,
		model: &ModelSpec,
		tender: &Tender<T::AccountId>,
		winners: &BTreeMap<&T::AccountId, &Won<T::AccountId>>,
		mut quote: Quote,
	) -> Result<Quote, Error<T>> {
		ensure!(plan.slots == tender.terms.jobs, Error::<T>::NotAsTendered);
		quote.cost = 0;
		for (stage, price) in quote.stage_prices.iter_mut().enumerate() {
			let stage = stage as StageIndex;
			let layers = plan.layers_of(stage);
			if stage != ENTRY_STAGE {
				let workers = plan.workers_of(stage);
				let enough = workers.len() == usize::from(tender.terms.replicas);
				ensure!(enough, Error::<T>::NotAsTendered);
				*price = 0;
				for who in workers {
					let won = winners.get(who).ok_or(Error::<T>::NotWinner)?;
					ensure!(won.slots >= layers.len() as u32, Error::<T>::MoreThanWon);
					*price = won.price.max(*price);
				}
			}
			let flops = model.stage_flops(layers, stage == ENTRY_STAGE);
			quote.cost = quote
				.cost
				.saturating_add(price.saturating_mul(flops.into()));
		}
		Ok(quote)
	}

	/// The layers that the workers of the model's pipelines have loaded.
	fn held_layers(id: ModelId, model: &ModelSpec) -> BTreeSet<(T::AccountId, Digest)> {
		let mut held = BTreeSet::new();
		for standing in Self::pipelines_of(id) {
			for segment in &standing.pipeline.plan.segments {
				let loaded = segment
					.replicas
					.iter()
					.filter(|who| standing.ready.contains(who));
				for who in loaded {
					let layers = model.segment(segment.layers).iter();
					held.extend(layers.map(|layer| (who.clone(), layer.hash)));
				}
			}
		}
		held
	}

	/// Whether every worker of a plan has the memory for it besides what it has promised.
	pub(crate) fn ensure_memory(
		plan: &Plan<T::AccountId>,
		model: &ModelSpec,
	) -> Result<(), Error<T>> {
		let by_stage = memory_by_stage(plan, model);
		let mut needs = BTreeMap::<&T::AccountId, u64>::new();
		for (stage, who) in plan.members() {
			let bytes = by_stage.get(stage as usize).copied().unwrap_or(0);
			let need = needs.entry(who).or_default();
			*need = need.saturating_add(bytes);
		}
		for (who, need) in needs {
			let worker = T::Workers::worker(who).ok_or(Error::<T>::UnknownWorker)?;
			let hosting = Hosted::<T>::get(who);
			let sum = hosting.memory.saturating_add(need);
			let fits = sum <= plan::usable_memory(worker.spec.memory);
			ensure!(fits, Error::<T>::MemoryTaken);
			let place = hosting.pipelines.len() < MAX_HOSTED as usize;
			ensure!(place, Error::<T>::HostsTooMany);
		}
		Ok(())
	}

	fn burn_deposit(
		submitter: T::AccountId,
		model: ModelId,
		deposit: u128,
		claimed: u128,
		found: u128,
	) {
		let burned = T::Currency::burn_held(
			&HoldReason::Plan.into(),
			&submitter,
			deposit,
			Precision::BestEffort,
			Fortitude::Force,
		);
		Self::deposit_event(Event::FalseScore {
			model,
			submitter,
			claimed,
			found,
			burned: burned.unwrap_or(0),
		});
	}

	/// The best plan of the window so far.
	pub fn contender(model: ModelId) -> Option<Contender<T::AccountId>> {
		Contenders::<T>::get(model)
	}
}

/// Whether a claim is within [`SCORE_TOLERANCE_PPM`] of what was found.
fn is_true(claimed: u128, found: u128) -> bool {
	let difference = claimed.abs_diff(found);
	difference.saturating_mul(cost::PPM) <= found.saturating_mul(SCORE_TOLERANCE_PPM)
}

fn by_account<AccountId: Ord>(winners: &[Won<AccountId>]) -> BTreeMap<&AccountId, &Won<AccountId>> {
	winners.iter().map(|won| (&won.who, won)).collect()
}

/// What the score is computed from: what winners measured of themselves, one figure for every link, and
/// which layers are loaded.
struct Snapshot<'a, AccountId> {
	winners: BTreeMap<&'a AccountId, &'a Won<AccountId>>,
	link: LinkFigures,
	held: BTreeSet<(AccountId, Digest)>,
}

impl<AccountId: Clone + Ord> Measurements<AccountId> for Snapshot<'_, AccountId> {
	fn device(&self, who: &AccountId) -> Option<DeviceFigures> {
		self.winners.get(who).map(|won| won.device)
	}
	fn link(&self, _: Option<&AccountId>, _: Option<&AccountId>) -> LinkFigures {
		self.link
	}
	fn price(&self, who: &AccountId) -> u128 {
		self.winners.get(who).map_or(0, |won| won.price)
	}
	fn holds(&self, who: &AccountId, shard: &Shard) -> bool {
		self.held.contains(&(who.clone(), shard.hash))
	}
}
