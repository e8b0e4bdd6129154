//! Splits a LoRA adapter in PEFT form along the layers of its base model.
//!
//! A low-rank adapter adds `x · Aᵀ · Bᵀ · scale` to a projection (Hu et al. 2021), scale = alpha / rank, or
//! alpha / √rank for the rank-stabilised kind. The scale is folded into B. Every layer gets one small file
//! of f32 tensors `<module>.a` `[rank, inputs]` and `<module>.b` `[outputs, rank]`; the base's shards are
//! not touched.

use super::{
	checkpoint::Checkpoint,
	output::Unfinished,
	shards::{adaptable, TensorSource, ADAPTABLE},
	SplitError,
};
use crate::{
	adapter::{self, AdapterFile, AdapterManifest},
	manifest::{digest_of, Manifest, ModelConfig},
};
use dllm_primitives::{
	ids::Digest,
	model::{Profile, MAX_ADAPTER_RANK},
};
use safetensors::{tensor::TensorView, Dtype};
use serde::Deserialize;
use std::{collections::BTreeSet, fs, io, path::Path};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// What the names of the base model's tensors begin with in an adapter.
const PREFIX: &str = "base_model.model.";

#[derive(Deserialize)]
struct PeftConfig {
	peft_type: String,
	r: u32,
	lora_alpha: f64,
	#[serde(default)]
	use_rslora: bool,
	#[serde(default)]
	use_dora: bool,
	#[serde(default)]
	fan_in_fan_out: bool,
	#[serde(default)]
	lora_bias: bool,
	bias: Option<String>,
	modules_to_save: Option<Vec<String>>,
	#[serde(default)]
	rank_pattern: serde_json::Map<String, serde_json::Value>,
	#[serde(default)]
	alpha_pattern: serde_json::Map<String, serde_json::Value>,
}

/// Splits the adapter in `source` into the new folder `target`, for the split model `base`.
pub fn split_adapter(
	source: &Path,
	base: &Manifest,
	target: &Path,
) -> Result<AdapterManifest, SplitError> {
	if target.exists() {
		return Err(SplitError::TargetExists {
			folder: target.into(),
		});
	}
	if base.profile == Profile::Exact {
		return Err(SplitError::WrongAdapter {
			reason: "the base is of profile exact, which has no float products; give the same model in another profile".into(),
		});
	}
	let config = read_config(source)?;
	refuse_what_is_not_offered(&config)?;
	let weights = Checkpoint::open_files(source, vec![WEIGHTS.into()])?;
	let mut rest = weights.names().map(str::to_string).collect::<BTreeSet<_>>();
	let folder = Unfinished::open(target, weights.fingerprint())?;
	let mut layers = Vec::new();
	for layer in 0..base.config.layers {
		let parts = layer_parts(&weights, &config, &base.config, layer, &mut rest)?;
		layers.push(write_layer(&folder, layer, parts)?);
	}
	if let Some(name) = rest.first() {
		return Err(SplitError::WrongAdapter {
			reason: format!(
				"{WEIGHTS} adapts {name}, which the base has not or which cannot be adapted"
			),
		});
	}
	let mut manifest = AdapterManifest {
		format: adapter::FORMAT.into(),
		adapter: super::model_name(source)?,
		base: base.root(),
		rank: config.r,
		layers,
		root: Digest::zero(),
	};
	let mut bytes = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from)?;
	bytes.push(b'\n');
	manifest.root = digest_of(&bytes);
	folder.write(adapter::FILE, &bytes)?;
	folder.finish(target)?;
	Ok(manifest)
}

/// A tensor of a layer's file.
struct Part {
	name: String,
	shape: [u32; 2],
	raw: Vec<u8>,
}

/// Both factors of every adapted projection of a layer; takes their names out of `rest`.
fn layer_parts(
	weights: &Checkpoint,
	config: &PeftConfig,
	base: &ModelConfig,
	layer: u32,
	rest: &mut BTreeSet<String>,
) -> Result<Vec<Part>, SplitError> {
	let rank = config.r;
	let scale = match config.use_rslora {
		true => config.lora_alpha / f64::from(rank).sqrt(),
		false => config.lora_alpha / f64::from(rank),
	};
	let mut parts = Vec::new();
	for module in ADAPTABLE {
		let name =
			|factor: &str| format!("{PREFIX}model.layers.{layer}.{module}.lora_{factor}.weight");
		let (a, b) = (name("A"), name("B"));
		if !rest.remove(&a) {
			continue;
		}
		rest.remove(&b);
		let Some(projection) = adaptable(base, module) else {
			continue;
		};
		let [outputs, inputs] = projection.shape;
		for (tensor, factor, shape, scale) in [
			(a, "a", [rank, inputs], 1.0),
			(b, "b", [outputs, rank], scale as f32),
		] {
			let values = weights.tensor(&tensor, &shape).map_err(|error| match error {
				SplitError::WrongShape { found, .. } => SplitError::WrongAdapter {
					reason: format!(
						"{tensor} in {WEIGHTS} has shape {found:?}, rank {rank} of {CONFIG} and this base ask for {shape:?}"
					),
				},
				other => other,
			})?;
			let raw = values
				.iter()
				.flat_map(|value| (value * scale).to_le_bytes());
			parts.push(Part {
				name: format!("{module}.{factor}"),
				shape,
				raw: raw.collect(),
			});
		}
	}
	Ok(parts)
}

/// Writes the file of a layer; none if the layer is not adapted.
fn write_layer(
	folder: &Unfinished,
	layer: u32,
	parts: Vec<Part>,
) -> Result<Option<AdapterFile>, SplitError> {
	if parts.is_empty() {
		return Ok(None);
	}
	let file = format!("layer-{layer:03}.safetensors");
	let views = parts.iter().map(|part| {
		let shape = part.shape.map(|size| size as usize).to_vec();
		TensorView::new(Dtype::F32, shape, &part.raw).map(|view| (&part.name, view))
	});
	let damaged = |source| SplitError::BadWeights {
		file: WEIGHTS.into(),
		source,
	};
	let views = views.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
	let content = safetensors::serialize(views, None).map_err(damaged)?;
	folder.write(&file, &content)?;
	let parameters = parts
		.iter()
		.map(|part| part.raw.len() as u64 / 4)
		.sum::<u64>();
	Ok(Some(AdapterFile {
		file,
		blake3: digest_of(&content),
		bytes: content.len() as u64,
		parameters,
		flops_per_token: 2 * parameters,
	}))
}

fn read_config(source: &Path) -> Result<PeftConfig, SplitError> {
	let path = source.join(CONFIG);
	let bytes = fs::read(&path).map_err(|error| match error.kind() {
		io::ErrorKind::NotFound => SplitError::WrongAdapter {
			reason: format!("no {CONFIG} in {}", source.display()),
		},
		_ => SplitError::Io {
			path,
			source: error,
		},
	})?;
	serde_json::from_slice(&bytes).map_err(|source| SplitError::BadConfig {
		file: CONFIG,
		source,
	})
}

fn refuse_what_is_not_offered(config: &PeftConfig) -> Result<(), SplitError> {
	if config.r == 0 {
		return Err(SplitError::WrongAdapter {
			reason: format!("{CONFIG} says rank 0"),
		});
	}
	if config.r > MAX_ADAPTER_RANK {
		return Err(SplitError::WrongAdapter {
			reason: format!(
				"{CONFIG} says rank {}, {MAX_ADAPTER_RANK} is the most",
				config.r
			),
		});
	}
	let saved = config.modules_to_save.as_deref().unwrap_or_default();
	let refused = [
		(config.peft_type != "LORA", "an adapter other than LORA"),
		(config.use_dora, "use_dora"),
		(config.fan_in_fan_out, "fan_in_fan_out"),
		(
			config.lora_bias || config.bias.as_deref().is_some_and(|bias| bias != "none"),
			"an adapter with biases",
		),
		(!saved.is_empty(), "modules_to_save"),
		(!config.rank_pattern.is_empty(), "rank_pattern"),
		(!config.alpha_pattern.is_empty(), "alpha_pattern"),
	];
	match refused.into_iter().find(|(present, _)| *present) {
		Some((_, feature)) => Err(SplitError::UnsupportedFeature {
			feature: format!("{feature} in {CONFIG}"),
		}),
		None => Ok(()),
	}
}
