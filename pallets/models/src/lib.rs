//! The catalogue of models: who registered which shards, and whether prompts may be paid for.
//!
//! First thing on the walk: without an active model there is no plan and no job. The chain keeps
//! digests, shapes and costs; weights travel between workers. Plans belong to allocation, prompts to
//! jobs; both read the catalogue through [`dllm_primitives::flow::ModelCatalog`].
//!
//! Calls and storage are declared here; `catalogue` does the work for models and `adapters` that for adapters
//! of them, `try_state` states what always holds.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod adapters;
mod catalogue;
mod try_state;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;

pub use pallet::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use crate::WeightInfo;
	use dllm_primitives::{
		ids::{AdapterId, Digest, ModelId},
		model::{Adapter, AdapterSpec, Model, ModelSpec},
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, StorageVersion},
	};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Where deposits are held.
		type Currency: fungible::Mutate<Self::AccountId, Balance = u128>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;
		/// The runtime's hold reasons, ours among them.
		type RuntimeHoldReason: From<HoldReason>;
		/// Deposit for a model, in planck; the deposit per shard comes on top.
		#[pallet::constant]
		type DepositBase: Get<u128>;
		/// Deposit for every shard of a model, in planck.
		#[pallet::constant]
		type DepositPerShard: Get<u128>;
		/// Models in the catalogue at most, retired ones included.
		#[pallet::constant]
		type MaxModels: Get<u32>;
		/// Blocks that a retired model is kept at least: as long as an open job or its receipt may
		/// still need it. After that it makes room for a new one when the catalogue is full.
		#[pallet::constant]
		type RetiredBlocks: Get<BlockNumberFor<Self>>;
		/// Deposit for an adapter, in planck.
		#[pallet::constant]
		type AdapterDeposit: Get<u128>;
		/// Adapters in the catalogue at most, retired ones included. A retired one is kept for
		/// `RetiredBlocks`, as a model is.
		#[pallet::constant]
		type MaxAdapters: Get<u32>;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Deposit for a model in the catalogue; free again once the model is retired.
		ModelDeposit,
		/// Deposit for an adapter in the catalogue; free again once the adapter is retired.
		AdapterDeposit,
	}

	/// The catalogue: every model by its number, retired ones until their place is needed.
	#[pallet::storage]
	pub type Models<T: Config> =
		CountedStorageMap<_, Twox64Concat, ModelId, Model<T::AccountId>, OptionQuery>;

	/// Number of the next model.
	#[pallet::storage]
	pub type NextModel<T: Config> = StorageValue<_, ModelId, ValueQuery>;

	/// The model that holds a manifest root; a retired model gives its root back.
	#[pallet::storage]
	pub type ModelOf<T: Config> = StorageMap<_, Blake2_128Concat, Digest, ModelId, OptionQuery>;

	/// Deposit on hold for a model that is not retired, in planck.
	#[pallet::storage]
	pub type Deposits<T: Config> = StorageMap<_, Twox64Concat, ModelId, u128, OptionQuery>;

	/// Retired models with the block of their retirement, the earliest first.
	#[pallet::storage]
	pub type Retirements<T: Config> =
		StorageValue<_, BoundedVec<(ModelId, BlockNumberFor<T>), T::MaxModels>, ValueQuery>;

	/// Every adapter by its number, retired ones until their place is needed. Its model may be gone before it:
	/// then no job can name it.
	#[pallet::storage]
	pub type Adapters<T: Config> =
		CountedStorageMap<_, Twox64Concat, AdapterId, Adapter<T::AccountId>, OptionQuery>;

	/// Number of the next adapter.
	#[pallet::storage]
	pub type NextAdapter<T: Config> = StorageValue<_, AdapterId, ValueQuery>;

	/// The adapter that holds a manifest root; a retired adapter gives its root back.
	#[pallet::storage]
	pub type AdapterOf<T: Config> = StorageMap<_, Blake2_128Concat, Digest, AdapterId, OptionQuery>;

	/// Retired adapters with the block of their retirement, the earliest first.
	#[pallet::storage]
	pub type AdapterRetirements<T: Config> =
		StorageValue<_, BoundedVec<(AdapterId, BlockNumberFor<T>), T::MaxAdapters>, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model entered the catalogue; it takes no prompts before it is activated.
		Registered {
			/// Its number.
			model: ModelId,
			/// Who registered it.
			owner: T::AccountId,
			/// blake3 of its `manifest.json`.
			manifest_root: Digest,
		},
		/// Plans can be made for a model and prompts paid for.
		Activated {
			/// The model.
			model: ModelId,
		},
		/// A model takes no new prompts and plans; open jobs finish.
		Retired {
			/// The model.
			model: ModelId,
			/// Deposit that its owner got back, in planck.
			released: u128,
		},
		/// A model that was retired long ago left the catalogue to make room.
		Forgotten {
			/// The model.
			model: ModelId,
		},
		/// Jobs of a model may name an adapter.
		AdapterRegistered {
			/// Its number.
			adapter: AdapterId,
			/// The model that it was made for.
			model: ModelId,
			/// Who registered it.
			owner: T::AccountId,
			/// blake3 of its `adapter.json`.
			manifest_root: Digest,
		},
		/// An adapter takes no new prompts; open jobs finish.
		AdapterRetired {
			/// The adapter.
			adapter: AdapterId,
			/// Deposit that its owner got back, in planck.
			released: u128,
		},
		/// An adapter that was retired long ago left the catalogue to make room.
		AdapterForgotten {
			/// The adapter.
			adapter: AdapterId,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no model of this number.
		NotFound,
		/// Only the account that registered the model may do this.
		NotOwner,
		/// A figure of the model cannot be true: a name, layer, width, context or shard is missing.
		Implausible,
		/// A model with this manifest root is in the catalogue.
		AlreadyRegistered,
		/// The catalogue is full of models that are in use or were retired too recently.
		CatalogueFull,
		/// Only a proposed model can be activated.
		NotProposed,
		/// The model is retired.
		AlreadyRetired,
		/// There is no adapter of this number.
		AdapterNotFound,
		/// Only the account that registered the adapter may do this.
		AdapterNotOwner,
		/// A figure of the adapter cannot be true: a name, a root or files are missing, or the rank is not from
		/// 1 to 256.
		AdapterImplausible,
		/// An adapter with this manifest root is in the catalogue.
		AdapterAlreadyRegistered,
		/// The catalogue is full of adapters that are in use or were retired too recently.
		AdaptersFull,
		/// The adapter is retired.
		AdapterAlreadyRetired,
		/// The model is of profile `exact`, whose disputes cannot be judged with an adapter: its products are
		/// floating point. Register the adapter for a float profile of the model.
		ExactModel,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers a model. A deposit, a base and an amount per shard, goes on hold until the model
		/// is retired.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register(spec.layers.len() as u32))]
		pub fn register(origin: OriginFor<T>, spec: ModelSpec) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_register(owner, spec)
		}

		/// Opens a proposed model for plans and prompts.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::activate())]
		pub fn activate(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_activate(owner, model)
		}

		/// Closes a model for new plans and prompts and releases its deposit.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::retire())]
		pub fn retire(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_retire(owner, model)
		}

		/// Registers an adapter of a model that is not retired, which anybody may. A deposit goes on hold until
		/// the adapter is retired. Whether its files fit the model is found out by the workers: a job whose
		/// adapter does not is refunded.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::register_adapter())]
		pub fn register_adapter(
			origin: OriginFor<T>,
			model: ModelId,
			spec: AdapterSpec,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_register_adapter(owner, model, spec)
		}

		/// Closes an adapter for new prompts and releases its deposit.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::retire_adapter())]
		pub fn retire_adapter(origin: OriginFor<T>, adapter: AdapterId) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_retire_adapter(owner, adapter)
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}
