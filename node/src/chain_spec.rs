//! Chains that the node knows by name, and those that it reads from a file.
//!
//! What is in the first block is the runtime's business: each chain names one of the runtime's
//! genesis presets. Here stand name, type and token properties only.

use dllm_runtime::{opaque::Block, WASM_BINARY};
use sc_chain_spec::{ChainSpecExtension, ChainType, GenericChainSpec, Properties};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// Symbol of the token, as wallets show it.
const TOKEN_SYMBOL: &str = "DLLM";
/// Decimals of the token: 1 DLLM is 10¹² planck.
const TOKEN_DECIMALS: u32 = 12;
/// Prefix of addresses: the generic Substrate prefix, so that every wallet knows it.
const SS58_FORMAT: u32 = 42;

/// Chain specification of DLLM.
pub type DllmChainSpec = GenericChainSpec<Extensions>;

/// What a specification may carry besides genesis.
#[derive(Default, Clone, Debug, Serialize, Deserialize, ChainSpecExtension)]
#[serde(rename_all = "camelCase", default)]
pub struct Extensions {
	/// Blocks that the canonical chain must contain.
	pub fork_blocks: sc_client_api::ForkBlocks<Block>,
	/// Blocks that are refused.
	pub bad_blocks: sc_client_api::BadBlocks<Block>,
	/// A finalised point from which light clients may start; `sync_state_genSyncSpec` fills it.
	pub light_sync_state: sc_sync_state_rpc::LightSyncStateExtension,
}

/// A chain that is built into the node.
struct Preset {
	/// Name after `--chain`, and of the runtime's genesis preset.
	name: &'static str,
	/// Name for people.
	title: &'static str,
	/// Folder of its database and part of its network identity.
	id: &'static str,
	chain_type: ChainType,
}

const PRESETS: [Preset; 4] = [
	Preset {
		name: "dev",
		title: "DLLM Development",
		id: "dllm_dev",
		chain_type: ChainType::Development,
	},
	Preset {
		name: "local",
		title: "DLLM Local Testnet",
		id: "dllm_local",
		chain_type: ChainType::Local,
	},
	Preset {
		name: "fast",
		title: "DLLM Fast Local Testnet",
		id: "dllm_fast",
		chain_type: ChainType::Local,
	},
	Preset {
		name: "testnet",
		title: "DLLM Testnet",
		id: "dllm_testnet",
		chain_type: ChainType::Live,
	},
];

/// Chain that stands where `--chain` is left out.
const DEFAULT_PRESET: &str = "local";

/// Finds a chain by the name of a preset or by the path of a JSON file.
pub fn load(id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
	let name = if id.is_empty() { DEFAULT_PRESET } else { id };
	if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) {
		return Ok(Box::new(build(preset)?));
	}
	let path = PathBuf::from(name);
	if !path.is_file() {
		return Err(format!(
			"`{name}` is neither a built-in chain (dev, local, fast, testnet) nor a file; \
			 pass one of these names or the path of a chain specification to --chain"
		));
	}
	let text = std::fs::read(&path).map_err(|error| format!("cannot read {name}: {error}"))?;
	let text = with_runtime(text).map_err(|reason| format!("{name}: {reason}"))?;
	Ok(Box::new(DllmChainSpec::from_json_bytes(text)?))
}

/// A plain specification may leave the runtime out: then the one of this node stands in its first block.
fn with_runtime(text: Vec<u8>) -> Result<Vec<u8>, String> {
	let mut specification: Value = serde_json::from_slice(&text)
		.map_err(|error| format!("this is no chain specification: {error}"))?;
	let genesis = specification.pointer_mut("/genesis/runtimeGenesis");
	let Some(genesis) = genesis.and_then(Value::as_object_mut) else {
		return Ok(text);
	};
	if genesis.contains_key("code") {
		return Ok(text);
	}
	genesis.insert(
		"code".into(),
		format!("0x{}", hex::encode(runtime()?)).into(),
	);
	serde_json::to_vec(&specification).map_err(|error| error.to_string())
}

fn runtime() -> Result<&'static [u8], String> {
	WASM_BINARY.ok_or_else(|| {
		"this node was built without the runtime (SKIP_WASM_BUILD was set); build it again \
		 without, or pass a chain specification that has the runtime in it to --chain"
			.to_string()
	})
}

fn build(preset: &Preset) -> Result<DllmChainSpec, String> {
	Ok(DllmChainSpec::builder(runtime()?, Extensions::default())
		.with_name(preset.title)
		.with_id(preset.id)
		.with_chain_type(preset.chain_type.clone())
		.with_protocol_id("dllm")
		.with_properties(token_properties())
		.with_genesis_config_preset_name(preset.name)
		.build())
}

fn token_properties() -> Properties {
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), TOKEN_SYMBOL.into());
	properties.insert("tokenDecimals".into(), TOKEN_DECIMALS.into());
	properties.insert("ss58Format".into(), SS58_FORMAT.into());
	properties
}
