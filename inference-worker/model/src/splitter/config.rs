//! Reads `config.json` of a Hugging Face folder and says plainly what is not offered.

use super::SplitError;
use crate::{
	manifest::{nine_decimals, Family, ModelConfig, RopeScaling, Window},
	portable_math::ln,
};
use serde::Deserialize;
use std::{fs, io, path::Path};

/// Rows that a session may hold at most, whatever the model was trained for. The rotary tables and the
/// attention scores grow with it: 8192 rows of 32 heads take 128 MiB of scores per chunk of 128 rows.
pub const MAX_CONTEXT: u32 = 8192;

const CONFIG: &str = "config.json";
const GENERATION_CONFIG: &str = "generation_config.json";
/// Architectures whose graph is one of those in `shards.rs`, and what sets them apart.
const ARCHITECTURES: [Architecture; 4] = [
	Architecture::plain("LlamaForCausalLM"),
	Architecture {
		window: WindowRule::Always,
		..Architecture::plain("MistralForCausalLM")
	},
	Architecture {
		qkv_bias: true,
		window: WindowRule::IfUsed,
		..Architecture::plain("Qwen2ForCausalLM")
	},
	Architecture {
		qk_norm: true,
		window: WindowRule::IfUsed,
		..Architecture::plain("Qwen3ForCausalLM")
	},
];

struct Architecture {
	name: &'static str,
	qkv_bias: bool,
	qk_norm: bool,
	window: WindowRule,
}

/// What `sliding_window` means to an architecture.
#[derive(Clone, Copy)]
enum WindowRule {
	/// Nothing.
	Never,
	/// Every layer has it.
	Always,
	/// Layers from `max_window_layers` on have it, if `use_sliding_window` is true.
	IfUsed,
}

impl Architecture {
	const fn plain(name: &'static str) -> Self {
		Self {
			name,
			qkv_bias: false,
			qk_norm: false,
			window: WindowRule::Never,
		}
	}
}

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
	#[serde(default)]
	use_sliding_window: bool,
	max_window_layers: Option<u32>,
	layer_types: Option<Vec<String>>,
	partial_rotary_factor: Option<f64>,
	quantization_config: Option<serde_json::Value>,
	bos_token_id: Option<TokenIds>,
	eos_token_id: Option<TokenIds>,
}

#[derive(Deserialize)]
struct RopeParameters {
	rope_theta: Option<f64>,
	rope_type: Option<String>,
	/// The name that `rope_type` had before; some files have both.
	#[serde(rename = "type")]
	old_type: Option<String>,
	factor: Option<f64>,
	low_freq_factor: Option<f64>,
	high_freq_factor: Option<f64>,
	original_max_position_embeddings: Option<u32>,
	beta_fast: Option<f64>,
	beta_slow: Option<f64>,
	attention_factor: Option<f64>,
	mscale: Option<f64>,
	mscale_all_dim: Option<f64>,
	truncate: Option<bool>,
	partial_rotary_factor: Option<f64>,
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
	let architecture = architecture(&config)?;
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
		rope_scaling: rope_scaling(&config)?,
		window: window(&config, architecture.window)?,
		qkv_bias: architecture.qkv_bias,
		qk_norm: architecture.qk_norm,
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

fn architecture(config: &HfConfig) -> Result<&'static Architecture, SplitError> {
	let named = config.architectures.clone().unwrap_or_default();
	let known = ARCHITECTURES
		.iter()
		.find(|known| named.iter().any(|name| name == known.name));
	known.ok_or_else(|| SplitError::UnsupportedArchitecture {
		found: named.join(", "),
		offered: ARCHITECTURES.map(|known| known.name).join(", "),
	})
}

fn refuse_what_is_not_offered(config: &HfConfig) -> Result<(), SplitError> {
	let other = |value: &Option<f64>| value.is_some_and(|value| value != 1.0);
	let in_rope = |rope: &Option<RopeParameters>| {
		rope.as_ref()
			.is_some_and(|rope| other(&rope.partial_rotary_factor))
	};
	let partial = other(&config.partial_rotary_factor)
		|| in_rope(&config.rope_parameters)
		|| in_rope(&config.rope_scaling);
	let activation = config.hidden_act.as_deref();
	let refused = [
		(config.attention_bias, "attention_bias"),
		(config.mlp_bias, "mlp_bias"),
		(partial, "partial_rotary_factor"),
		(
			config.quantization_config.is_some(),
			"a checkpoint with quantization_config (take the unquantised one)",
		),
		(
			activation.is_some_and(|act| act != "silu"),
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

fn rope_scaling(config: &HfConfig) -> Result<RopeScaling, SplitError> {
	let kind = |rope: &RopeParameters| rope.rope_type.clone().or(rope.old_type.clone());
	let parameters = [&config.rope_parameters, &config.rope_scaling];
	let scaled = parameters
		.into_iter()
		.flatten()
		.filter_map(|rope| Some((rope, kind(rope)?)))
		.find(|(_, kind)| kind != "default");
	let Some((rope, kind)) = scaled else {
		return Ok(RopeScaling::None);
	};
	let missing = |field: &str| SplitError::Implausible {
		reason: format!("rope type {kind:?} without {field}"),
	};
	match kind.as_str() {
		"linear" => Ok(RopeScaling::Linear {
			factor: rope.factor.ok_or_else(|| missing("factor"))?,
		}),
		"llama3" => Ok(RopeScaling::Llama3 {
			factor: rope.factor.ok_or_else(|| missing("factor"))?,
			low_freq_factor: rope
				.low_freq_factor
				.ok_or_else(|| missing("low_freq_factor"))?,
			high_freq_factor: rope
				.high_freq_factor
				.ok_or_else(|| missing("high_freq_factor"))?,
			original_context: rope
				.original_max_position_embeddings
				.ok_or_else(|| missing("original_max_position_embeddings"))?,
		}),
		"yarn" => yarn(rope, config.max_position_embeddings),
		_ => Err(SplitError::UnsupportedFeature {
			feature: format!("rope type {kind:?} (linear, llama3 and yarn are)"),
		}),
	}
}

/// YaRN with the defaults of its authors: turns of 32 and 1, and a magnitude of 0.1 ln(factor) + 1.
fn yarn(rope: &RopeParameters, context: u32) -> Result<RopeScaling, SplitError> {
	if rope.truncate == Some(false) {
		return Err(SplitError::UnsupportedFeature {
			feature: "rope type \"yarn\" with truncate false".into(),
		});
	}
	let factor = rope.factor.filter(|factor| *factor >= 1.0);
	let factor = factor.ok_or_else(|| SplitError::Implausible {
		reason: "rope type \"yarn\" without a factor of 1 or more".into(),
	})?;
	let grown = |scale: f64| 0.1 * scale * ln(factor) + 1.0;
	let magnitude = match (rope.attention_factor, rope.mscale, rope.mscale_all_dim) {
		(Some(given), ..) => given,
		(None, Some(scale), Some(all)) if scale != 0.0 && all != 0.0 => grown(scale) / grown(all),
		_ => grown(1.0),
	};
	Ok(RopeScaling::Yarn {
		factor,
		beta_fast: rope.beta_fast.unwrap_or(32.0),
		beta_slow: rope.beta_slow.unwrap_or(1.0),
		original_context: rope.original_max_position_embeddings.unwrap_or(context),
		magnitude: nine_decimals(magnitude),
	})
}

fn window(config: &HfConfig, rule: WindowRule) -> Result<Option<Window>, SplitError> {
	let used = match rule {
		WindowRule::Never => false,
		WindowRule::Always => true,
		WindowRule::IfUsed => config.use_sliding_window,
	};
	let Some(rows) = config.sliding_window.filter(|_| used) else {
		return Ok(None);
	};
	let from_layer = match (&config.layer_types, rule) {
		(Some(types), _) => first_sliding(types)?,
		(None, WindowRule::IfUsed) => config.max_window_layers.unwrap_or(0),
		(None, _) => 0,
	};
	let window = Window { rows, from_layer };
	Ok((from_layer < config.num_hidden_layers).then_some(window))
}

/// The first layer with a window, if all after it have it too.
fn first_sliding(types: &[String]) -> Result<u32, SplitError> {
	let sliding = |kind: &String| kind == "sliding_attention";
	let first = types.iter().position(sliding).unwrap_or(types.len());
	let (before, after) = types.split_at(first);
	if before.iter().all(|kind| kind == "full_attention") && after.iter().all(sliding) {
		return Ok(first as u32);
	}
	Err(SplitError::UnsupportedFeature {
		feature: "layer_types in which full attention follows a sliding window".into(),
	})
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
