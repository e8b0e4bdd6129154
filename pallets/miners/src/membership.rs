//! How a worker comes into the pool, and what it may change about itself.

use crate::{Config, Error, Event, HoldReason, Pallet, WorkerOf, WorkerOfPeer, Workers};
use dllm_primitives::{
	ids::PeerId,
	miner::{Worker, WorkerSpec, WorkerState},
};
use frame_support::{
	ensure,
	traits::{fungible::MutateHold, Get},
};
use sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(
		who: T::AccountId,
		operator: Option<T::AccountId>,
		spec: WorkerSpec,
		bond: u128,
	) -> DispatchResult {
		ensure!(
			!Workers::<T>::contains_key(&who),
			Error::<T>::AlreadyRegistered
		);
		ensure!(
			Workers::<T>::count() < T::MaxWorkers::get(),
			Error::<T>::PoolFull
		);
		ensure!(bond >= T::MinBond::get(), Error::<T>::BondTooLow);
		Self::check_spec(&spec)?;
		ensure!(
			!WorkerOfPeer::<T>::contains_key(&spec.peer_id),
			Error::<T>::PeerTaken
		);

		T::Currency::hold(&HoldReason::Bond.into(), &who, bond)?;
		WorkerOfPeer::<T>::insert(&spec.peer_id, &who);
		let operator = operator.unwrap_or_else(|| who.clone());
		let own = operator == who;
		let worker = Worker {
			operator: operator.clone(),
			state: if own {
				WorkerState::Active
			} else {
				WorkerState::Pending
			},
			bond,
			spec,
			open_jobs: 0,
			passed: 0,
			faults: 0,
			cheats: 0,
		};
		Self::store(&who, worker);
		Self::deposit_event(Event::Registered {
			worker: who,
			operator,
			bond,
		});
		Ok(())
	}

	pub(crate) fn do_accept_worker(operator: T::AccountId, who: T::AccountId) -> DispatchResult {
		let mut worker = Self::registered(&who)?;
		ensure!(worker.operator == operator, Error::<T>::NotOperator);
		ensure!(worker.state == WorkerState::Pending, Error::<T>::NotPending);
		ensure!(worker.bond >= T::MinBond::get(), Error::<T>::BondTooLow);

		worker.state = WorkerState::Active;
		Self::store(&who, worker);
		Self::deposit_event(Event::Accepted {
			worker: who,
			operator,
		});
		Ok(())
	}

	pub(crate) fn do_update(who: T::AccountId, spec: WorkerSpec) -> DispatchResult {
		let mut worker = Self::registered(&who)?;
		match worker.state {
			WorkerState::Pending | WorkerState::Active => {}
			WorkerState::Unbonding(_) => return Err(Error::<T>::Leaving.into()),
			WorkerState::Banned => return Err(Error::<T>::Banned.into()),
		}
		ensure!(worker.open_jobs == 0, Error::<T>::Engaged);
		Self::check_spec(&spec)?;
		Self::check_peer(&who, &spec.peer_id)?;

		WorkerOfPeer::<T>::remove(&worker.spec.peer_id);
		WorkerOfPeer::<T>::insert(&spec.peer_id, &who);
		worker.spec = spec;
		Self::store(&who, worker);
		Self::deposit_event(Event::Updated { worker: who });
		Ok(())
	}

	pub(crate) fn registered(who: &T::AccountId) -> Result<WorkerOf<T>, DispatchError> {
		Workers::<T>::get(who).ok_or_else(|| Error::<T>::NotRegistered.into())
	}

	/// Writes a worker, and whether it may be drawn.
	pub(crate) fn store(who: &T::AccountId, worker: WorkerOf<T>) {
		let drawable = worker.state == WorkerState::Active && worker.spec.roles.verifier;
		Self::index_verifier(who, drawable);
		Workers::<T>::insert(who, worker);
	}

	/// Whether a declaration can be shown and used at all; whether it is true only trials can tell.
	pub(crate) fn check_spec(spec: &WorkerSpec) -> DispatchResult {
		let roles = spec.roles;
		ensure!(
			roles.entry || roles.miner || roles.verifier,
			Error::<T>::NoRole
		);
		ensure!(!spec.peer_id.is_empty(), Error::<T>::NoPeerId);
		let is_text = |address: &[u8]| !address.is_empty() && core::str::from_utf8(address).is_ok();
		ensure!(
			spec.addresses.iter().all(|address| is_text(address)),
			Error::<T>::BadAddress
		);
		Ok(())
	}

	fn check_peer(who: &T::AccountId, peer: &PeerId) -> DispatchResult {
		let holder = WorkerOfPeer::<T>::get(peer);
		ensure!(
			holder.is_none_or(|holder| holder == *who),
			Error::<T>::PeerTaken
		);
		Ok(())
	}
}
