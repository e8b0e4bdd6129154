//! The runtime as wasm: its first state, its list of benchmarks, and a run of one of them.

use anyhow::{anyhow, bail, Context, Result};
use codec::{Decode, Encode};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList, BenchmarkResult};
use sc_client_db::BenchmarkingState;
use sc_executor::{sp_wasm_interface::ExtendedHostFunctions, WasmExecutor};
use serde_json::Value;
use sp_core::{
	storage::{well_known_keys::CODE, Storage},
	traits::{
		CallContext, CodeExecutor, FetchRuntimeCode, ReadRuntimeVersionExt, RuntimeCode,
		WrappedRuntimeCode,
	},
};
use sp_externalities::Extensions;
use sp_io::hashing::blake2_256;
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::{BasicExternalities, OverlayedChanges, StateMachine};
use std::{fs, path::Path};

/// The preset whose first block the benchmarks start from.
const PRESET: &str = "dev";

/// The clock comes last: it takes the place of the one before it.
type HostFunctions = ExtendedHostFunctions<
	(
		sp_io::SubstrateHostFunctions,
		frame_benchmarking::benchmarking::HostFunctions,
	),
	crate::clock::benchmarking::HostFunctions,
>;

/// A state that counts what is read and written.
pub type State = BenchmarkingState<BlakeTwo256>;

/// A runtime that can be called.
pub struct Runtime {
	code: Vec<u8>,
	executor: WasmExecutor<HostFunctions>,
}

impl Runtime {
	/// Reads the wasm, compressed or not.
	pub fn load(path: &Path) -> Result<Self> {
		let code = fs::read(path)
			.with_context(|| format!("cannot read {}: build the runtime first", path.display()))?;
		let executor = WasmExecutor::<HostFunctions>::builder().build();
		Ok(Self { code, executor })
	}

	/// The state of the first block.
	pub fn genesis(&self) -> Result<Storage> {
		let mut config = self.preset(None)?;
		merge(&mut config, self.preset(Some(PRESET))?);
		let mut state = BasicExternalities::new_empty();
		let built = self.call_basic(
			&mut state,
			"GenesisBuilder_build_state",
			&config.to_string().encode(),
		)?;
		Result::<(), String>::decode(&mut &built[..])?.map_err(|error| anyhow!(error))?;
		let mut storage = state.into_storages();
		storage.top.insert(CODE.to_vec(), self.code.clone());
		Ok(storage)
	}

	/// Every benchmark, by pallet.
	pub fn benchmarks(&self, state: &State) -> Result<Vec<BenchmarkList>> {
		let listed = self
			.call(state, "Benchmark_benchmark_metadata", &false.encode())
			.context("build the runtime with the feature runtime-benchmarks")?;
		// What follows in the answer is known of the storage, and not needed.
		Ok(Vec::decode(&mut &listed[..])?)
	}

	/// Runs one benchmark.
	pub fn run(&self, state: &State, config: &BenchmarkConfig) -> Result<Vec<BenchmarkResult>> {
		let answer = self.call(state, "Benchmark_dispatch_benchmark", &config.encode())?;
		let batches = Result::<Vec<BenchmarkBatch>, String>::decode(&mut &answer[..])?;
		let batches = batches.map_err(|error| anyhow!(error))?;
		Ok(batches
			.into_iter()
			.flat_map(|batch| batch.results)
			.collect())
	}

	fn preset(&self, name: Option<&str>) -> Result<Value> {
		let mut state = BasicExternalities::new_empty();
		let answer = self.call_basic(&mut state, "GenesisBuilder_get_preset", &name.encode())?;
		let Some(json) = Option::<Vec<u8>>::decode(&mut &answer[..])? else {
			bail!("the runtime has no preset {name:?}");
		};
		Ok(serde_json::from_slice(&json)?)
	}

	fn call_basic(
		&self,
		state: &mut BasicExternalities,
		method: &str,
		data: &[u8],
	) -> Result<Vec<u8>> {
		let fetcher = WrappedRuntimeCode(self.code.as_slice().into());
		let code = runtime_code(&fetcher, &self.code);
		let (answer, _) = self
			.executor
			.call(state, &code, method, data, CallContext::Offchain);
		Ok(answer?)
	}

	fn call(&self, state: &State, method: &str, data: &[u8]) -> Result<Vec<u8>> {
		let fetcher = WrappedRuntimeCode(self.code.as_slice().into());
		let code = runtime_code(&fetcher, &self.code);
		let mut extensions = Extensions::default();
		extensions.register(ReadRuntimeVersionExt::new(self.executor.clone()));
		let mut changes = OverlayedChanges::default();
		let answer = StateMachine::new(
			state,
			&mut changes,
			&self.executor,
			method,
			data,
			&mut extensions,
			&code,
			CallContext::Offchain,
		)
		.execute();
		answer.map_err(|error| anyhow!("{method}: {error}"))
	}
}

fn runtime_code<'a>(fetcher: &'a dyn FetchRuntimeCode, code: &[u8]) -> RuntimeCode<'a> {
	RuntimeCode {
		code_fetcher: fetcher,
		heap_pages: None,
		hash: blake2_256(code).to_vec(),
	}
}

/// Lays a patch over a JSON document; objects are merged, all else is replaced.
fn merge(document: &mut Value, patch: Value) {
	match (document, patch) {
		(Value::Object(fields), Value::Object(patches)) => {
			for (name, patch) in patches {
				merge(fields.entry(name).or_insert(Value::Null), patch);
			}
		}
		(place, patch) => *place = patch,
	}
}
