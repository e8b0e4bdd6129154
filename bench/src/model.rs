//! A model of random weights, in the form in which models are published.

use anyhow::{Context, Result};
use half::f16;
use safetensors::{serialize_to_file, Dtype, View};
use serde_json::json;
use std::{borrow::Cow, fs, path::Path};

/// The shape of TinyLlama 1.1B.
pub const LAYERS: u32 = 22;
const HIDDEN: usize = 2048;
const INNER: usize = 5632;
const HEADS: usize = 32;
const KV_HEADS: usize = 4;
const HEAD_DIM: usize = 64;
const VOCAB: usize = 32_000;
/// Positions that the rotary tables are made for.
const CONTEXT: usize = 1024;

/// Writes the folder: config.json, model.safetensors in half precision, tokenizer.json.
pub fn write(folder: &Path, tokenizer: &Path, layers: u32) -> Result<()> {
	fs::create_dir_all(folder)?;
	let config = json!({
		"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
		"hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": layers,
		"num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM,
		"vocab_size": VOCAB, "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5,
		"rope_theta": 10000.0, "tie_word_embeddings": false, "torch_dtype": "float16",
		"bos_token_id": 1, "eos_token_id": 2,
	});
	fs::write(
		folder.join("config.json"),
		serde_json::to_vec_pretty(&config)?,
	)?;
	fs::copy(
		tokenizer.join("tokenizer.json"),
		folder.join("tokenizer.json"),
	)
	.with_context(|| format!("no tokenizer in {}", tokenizer.display()))?;
	let path = folder.join("model.safetensors");
	Ok(serialize_to_file(tensors(layers), None, &path)?)
}

fn tensors(layers: u32) -> Vec<(String, Random)> {
	let mut tensors = Vec::new();
	let mut add = |name: String, shape: &[usize]| {
		let name = format!("{name}.weight");
		tensors.push((name.clone(), Random::new(&name, shape)));
	};
	let (query, key_value) = (HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM);
	add("model.embed_tokens".into(), &[VOCAB, HIDDEN]);
	add("lm_head".into(), &[VOCAB, HIDDEN]);
	add("model.norm".into(), &[HIDDEN]);
	for layer in 0..layers {
		let mut add =
			|module: &str, shape: &[usize]| add(format!("model.layers.{layer}.{module}"), shape);
		add("input_layernorm", &[HIDDEN]);
		add("post_attention_layernorm", &[HIDDEN]);
		add("self_attn.q_proj", &[query, HIDDEN]);
		add("self_attn.k_proj", &[key_value, HIDDEN]);
		add("self_attn.v_proj", &[key_value, HIDDEN]);
		add("self_attn.o_proj", &[HIDDEN, query]);
		add("mlp.gate_proj", &[INNER, HIDDEN]);
		add("mlp.up_proj", &[INNER, HIDDEN]);
		add("mlp.down_proj", &[HIDDEN, INNER]);
	}
	tensors
}

/// A tensor whose values are made when it is written: bell-shaped, and of unit gain, so that rows neither
/// grow nor vanish on their way through the layers.
struct Random {
	seed: u64,
	shape: Vec<usize>,
}

impl Random {
	fn new(name: &str, shape: &[usize]) -> Self {
		let hash = blake3::hash(name.as_bytes());
		let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
		Self {
			seed: u64::from_le_bytes([a, b, c, d, e, f, g, h]) | 1,
			shape: shape.to_vec(),
		}
	}

	fn count(&self) -> usize {
		self.shape.iter().product()
	}
}

impl View for Random {
	fn dtype(&self) -> Dtype {
		Dtype::F16
	}

	fn shape(&self) -> &[usize] {
		&self.shape
	}

	fn data(&self) -> Cow<'_, [u8]> {
		let (offset, gain) = match self.shape.as_slice() {
			[_] => (1.0, 0.1),
			shape => (0.0, 1.0 / (shape[shape.len() - 1] as f32).sqrt()),
		};
		let mut state = self.seed;
		let values = (0..self.count()).map(|_| {
			// xorshift64* (Vigna 2016); the sum of four uniform 16-bit numbers is close to a bell, its
			// standard deviation is 65536 / √3.
			state ^= state >> 12;
			state ^= state << 25;
			state ^= state >> 27;
			let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d);
			let sum =
				(bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
			let bell = (sum as f32 - 131_070.0) / (65_536.0 / 3f32.sqrt());
			f16::from_f32(offset + gain * bell)
		});
		Cow::Owned(values.flat_map(f16::to_le_bytes).collect())
	}

	fn data_len(&self) -> usize {
		2 * self.count()
	}
}
