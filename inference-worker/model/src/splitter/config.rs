//! Reads `config.json` of a Hugging Face folder and says plainly what is not offered.

use super::SplitError;
use crate::manifest::{Family, ModelConfig, RopeScaling};
use serde::Deserialize;
use std::{fs, io, path::Path};

/// Rows that a session may hold at most, whatever the model was trained for. The rotary tables and the
/// attention scores grow with it: 8192 rows of 32 heads take 128 MiB of scores per chunk of 128 rows.
pub const MAX_CONTEXT: u32 = 8192;

const CONFIG: &str = "config.json";
const GENERATION_CONFIG: &str = "generation_config.json";
/// Architectures whose graph is exactly the one in `shards.rs`.
const ARCHITECTURES: [&str; 2] = ["LlamaForCausalLM", "MistralForCausalLM"];

#[derive(Deserialize)]
struct HfConfig {
	architectures: Option<Vec<String>>,
	hidden_size: u32,
	intermediate_size: u32,
	num_hidden_layers: u32,
	num_attention_heads: u32,
	num_key_value_heads: Option<u32>,
	head_dim: Option<u32>,
	vocab_size: u32,
	max_position_embeddings: u32,
	rms_norm_eps: f64,
	rope_theta: Option<f64>,
	rope_parameters: Option<RopeParameters>,
	rope_scaling: Option<RopeParameters>,
	#[serde(default)]
	tie_word_embeddings: bool,
	hidden_act: Option<String>,
	#[serde(default)]
	attention_bias: bool,
	#[serde(default)]
	mlp_bias: bool,
	sliding_window: Option<u32>,
	bos_token_id: Option<TokenIds>,
	eos_token_id: Option<TokenIds>,
}

#[derive(Deserialize)]
struct RopeParameters {
	rope_theta: Option<f64>,
	#[serde(alias = "type")]
	rope_type: Option<String>,
}

#[derive(Deserialize)]
struct GenerationConfig {
	eos_token_id: Option<TokenIds>,
}

/// One id or several.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum TokenIds {
	One(u32),
	Many(Vec<u32>),
}

impl TokenIds {
	fn list(self) -> Vec<u32> {
		match self {
			Self::One(id) => vec![id],
			Self::Many(ids) => ids,
		}
	}
}

/// The shape of the model in that folder.
pub fn read(folder: &Path) -> Result<ModelConfig, SplitError> {
	let bytes = fs::read(folder.join(CONFIG)).map_err(|source| match source.kind() {
		io::ErrorKind::NotFound => SplitError::NoConfig {
			folder: folder.into(),
		},
		_ => SplitError::Io {
			path: folder.join(CONFIG),
			source,
		},
	})?;
	let config: HfConfig =
		serde_json::from_slice(&bytes).map_err(|source| SplitError::BadConfig {
			file: CONFIG,
			source,
		})?;
	refuse_what_is_not_offered(&config)?;

	let rope_theta = config
		.rope_theta
		.or(config.rope_parameters.as_ref().and_then(|r| r.rope_theta));
	let head_dim = match config.head_dim {
		Some(width) => width,
		None => config
			.hidden_size
			.checked_div(config.num_attention_heads)
			.unwrap_or(0),
	};
	let eos_of_config = config
		.eos_token_id
		.clone()
		.map_or(Vec::new(), TokenIds::list);
	let model = ModelConfig {
		family: Family::Llama,
		hidden: config.hidden_size,
		intermediate: config.intermediate_size,
		layers: config.num_hidden_layers,
		heads: config.num_attention_heads,
		kv_heads: config
			.num_key_value_heads
			.unwrap_or(config.num_attention_heads),
		head_dim,
		vocab: config.vocab_size,
		rope_theta: rope_theta.unwrap_or(10_000.0),
		rope_scaling: RopeScaling::None,
		window: None,
		qkv_bias: false,
		qk_norm: false,
		norm_eps: config.rms_norm_eps,
		max_context: config.max_position_embeddings.min(MAX_CONTEXT),
		bos_id: config
			.bos_token_id
			.and_then(|ids| ids.list().first().copied()),
		eos_ids: eos_of_generation(folder)?.unwrap_or(eos_of_config),
		tied: config.tie_word_embeddings,
	};
	model
		.check()
		.map_err(|reason| SplitError::Implausible { reason })?;
	Ok(model)
}

fn refuse_what_is_not_offered(config: &HfConfig) -> Result<(), SplitError> {
	let architectures = config.architectures.clone().unwrap_or_default();
	if !architectures
		.iter()
		.any(|name| ARCHITECTURES.contains(&name.as_str()))
	{
		return Err(SplitError::UnsupportedArchitecture {
			found: architectures.join(", "),
		});
	}
	let rope = [&config.rope_parameters, &config.rope_scaling];
	let scaled = rope
		.into_iter()
		.flatten()
		.filter_map(|r| r.rope_type.as_deref());
	if let Some(kind) = scaled.into_iter().find(|kind| *kind != "default") {
		return Err(SplitError::UnsupportedFeature {
			feature: format!("rope type {kind:?}"),
		});
	}
	let refused = [
		(config.attention_bias, "attention_bias"),
		(config.mlp_bias, "mlp_bias"),
		(config.sliding_window.is_some(), "sliding_window"),
		(
			config
				.hidden_act
				.as_deref()
				.is_some_and(|act| act != "silu"),
			"a hidden_act other than silu",
		),
	];
	match refused.into_iter().find(|(present, _)| *present) {
		Some((_, feature)) => Err(SplitError::UnsupportedFeature {
			feature: feature.into(),
		}),
		None => Ok(()),
	}
}

/// Ends of reply as the model's authors generate; they complete those of `config.json`.
fn eos_of_generation(folder: &Path) -> Result<Option<Vec<u32>>, SplitError> {
	let path = folder.join(GENERATION_CONFIG);
	let bytes = match fs::read(&path) {
		Ok(bytes) => bytes,
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
		Err(source) => return Err(SplitError::Io { path, source }),
	};
	let config: GenerationConfig =
		serde_json::from_slice(&bytes).map_err(|source| SplitError::BadConfig {
			file: GENERATION_CONFIG,
			source,
		})?;
	Ok(config.eos_token_id.map(TokenIds::list))
}
