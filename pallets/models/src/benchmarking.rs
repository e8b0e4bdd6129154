//! Benchmarks of every call, each at its dearest path.

use crate::{
	AdapterRetirements, Adapters, Call, Config, Models, NextAdapter, NextModel, Pallet, Retirements,
};
use alloc::vec::Vec;
use dllm_primitives::{
	ids::{Digest, MAX_LAYERS},
	model::{AdapterSpec, ModelConstants, ModelSpec, ModelState, Profile, Shard},
	trace::{Layer, Shape},
};
use frame_benchmarking::v2::*;
use frame_support::traits::{
	fungible::{Inspect, Mutate},
	Get,
};
use frame_system::RawOrigin;
use sp_runtime::traits::Saturating;

/// A digest that a number sets apart.
fn digest(number: u64) -> Digest {
	let mut bytes = [0; 32];
	if let Some(low) = bytes.last_chunk_mut() {
		*low = number.to_be_bytes();
	}
	Digest::from(bytes)
}

fn shard(hash: u64) -> Shard {
	Shard {
		hash: digest(hash),
		bytes: 1 << 30,
		flops_per_token: 1 << 30,
		kv_bytes_per_token: 4096,
	}
}

/// A model with longest texts and the constants of all its layers; `root` sets it apart.
fn spec(root: u64, layers: u32) -> ModelSpec {
	let layers: Vec<_> = (0..layers)
		.map(|k| shard(u64::from(k).saturating_add(3)))
		.collect();
	let constants = alloc::vec![Layer::default(); layers.len()];
	let shape = Shape {
		hidden: 4096,
		heads: 32,
		kv_heads: 8,
		head_dim: 128,
		inner: 14_336,
		bias: false,
		head_norm: false,
		epsilon: 0,
		factor: 0,
	};
	ModelSpec {
		name: [b'n'; 64].to_vec().try_into().unwrap_or_default(),
		licence: [b'l'; 32].to_vec().try_into().unwrap_or_default(),
		manifest_root: digest(root),
		tokenizer_hash: digest(2),
		profile: Profile::Exact,
		hidden_size: shape.hidden,
		max_context: 4096,
		embed: shard(1),
		layers: layers.try_into().unwrap_or_default(),
		head: shard(2),
		constants: Some(ModelConstants {
			shape,
			layers: constants.try_into().unwrap_or_default(),
		}),
	}
}

/// An adapter with longest texts; `root` sets it apart.
fn adapter_spec(root: u64) -> AdapterSpec {
	AdapterSpec {
		name: [b'n'; 64].to_vec().try_into().unwrap_or_default(),
		licence: [b'l'; 32].to_vec().try_into().unwrap_or_default(),
		manifest_root: digest(root),
		rank: 16,
		bytes: 1 << 24,
	}
}

/// A model of a float profile and as large as one may be, of an account that can pay for all adapters.
fn base<T: Config>() -> Result<T::AccountId, BenchmarkError> {
	let owner = funded::<T>()?;
	let adapters = u128::from(T::MaxAdapters::get()).saturating_add(1);
	T::Currency::mint_into(&owner, T::AdapterDeposit::get().saturating_mul(adapters))?;
	let mut spec = spec(5, MAX_LAYERS);
	(spec.profile, spec.constants) = (Profile::F32, None);
	Pallet::<T>::do_register(owner.clone(), spec)?;
	Ok(owner)
}

/// An account that can pay the deposits of a full catalogue.
fn funded<T: Config>() -> Result<T::AccountId, BenchmarkError> {
	let who: T::AccountId = whitelisted_caller();
	let models = u128::from(T::MaxModels::get()).saturating_add(2);
	let deposits = Pallet::<T>::deposit_for(&spec(1, MAX_LAYERS)).saturating_mul(models);
	T::Currency::mint_into(
		&who,
		deposits.saturating_add(T::Currency::minimum_balance()),
	)?;
	Ok(who)
}

#[benchmarks]
mod benches {
	use super::*;

	/// `l`: layers. The catalogue is full and forgets a retired model.
	#[benchmark]
	fn register(l: Linear<1, 256>) -> Result<(), BenchmarkError> {
		let owner = funded::<T>()?;
		for k in 0..T::MaxModels::get() {
			Pallet::<T>::do_register(owner.clone(), spec(u64::from(k).saturating_add(10), 1))?;
		}
		Pallet::<T>::do_retire(owner.clone(), 0)?;
		let later =
			frame_system::Pallet::<T>::block_number().saturating_add(T::RetiredBlocks::get());
		frame_system::Pallet::<T>::set_block_number(later);
		let id = NextModel::<T>::get();
		let spec = spec(5, l);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), spec);

		assert!(Models::<T>::contains_key(id));
		assert!(!Models::<T>::contains_key(0));
		Ok(())
	}

	#[benchmark]
	fn activate() -> Result<(), BenchmarkError> {
		let owner = funded::<T>()?;
		Pallet::<T>::do_register(owner.clone(), spec(5, MAX_LAYERS))?;

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), 0);

		assert!(Models::<T>::get(0).is_some_and(|model| model.state == ModelState::Active));
		Ok(())
	}

	#[benchmark]
	fn retire() -> Result<(), BenchmarkError> {
		let owner = funded::<T>()?;
		Pallet::<T>::do_register(owner.clone(), spec(5, MAX_LAYERS))?;
		Pallet::<T>::do_activate(owner.clone(), 0)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), 0);

		assert_eq!(Retirements::<T>::get().len(), 1);
		Ok(())
	}

	/// The catalogue is full and forgets a retired adapter.
	#[benchmark]
	fn register_adapter() -> Result<(), BenchmarkError> {
		let owner = base::<T>()?;
		for k in 0..T::MaxAdapters::get() {
			let spec = adapter_spec(u64::from(k).saturating_add(10));
			Pallet::<T>::do_register_adapter(owner.clone(), 0, spec)?;
		}
		Pallet::<T>::do_retire_adapter(owner.clone(), 0)?;
		let later =
			frame_system::Pallet::<T>::block_number().saturating_add(T::RetiredBlocks::get());
		frame_system::Pallet::<T>::set_block_number(later);
		let id = NextAdapter::<T>::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), 0, adapter_spec(5));

		assert!(Adapters::<T>::contains_key(id));
		assert!(!Adapters::<T>::contains_key(0));
		Ok(())
	}

	/// All adapters but one are retired already.
	#[benchmark]
	fn retire_adapter() -> Result<(), BenchmarkError> {
		let owner = base::<T>()?;
		let last = T::MaxAdapters::get().saturating_sub(1);
		for k in 0..=last {
			let spec = adapter_spec(u64::from(k).saturating_add(10));
			Pallet::<T>::do_register_adapter(owner.clone(), 0, spec)?;
		}
		for k in 0..last {
			Pallet::<T>::do_retire_adapter(owner.clone(), k)?;
		}

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), last);

		assert_eq!(
			AdapterRetirements::<T>::get().len() as u32,
			T::MaxAdapters::get()
		);
		Ok(())
	}
}
