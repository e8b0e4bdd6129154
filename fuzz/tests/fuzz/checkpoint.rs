//! The smallest model folder that can be split, and what splitting a damaged one comes to.

use dllm_model::splitter::split;
use dllm_primitives::model::Profile;
use safetensors::{tensor::TensorView, Dtype};
use serde_json::json;
use std::{collections::BTreeMap, fs, path::Path};
use tempfile::TempDir;

const HIDDEN: usize = 32;
const INNER: usize = 32;
const HEADS: usize = 2;
const HEAD_DIM: usize = 16;
const VOCAB: usize = 40;
/// Files of weights after [`Folder::shard_weights`].
const PARTS: [&str; 2] = [
	"model-00001-of-00002.safetensors",
	"model-00002-of-00002.safetensors",
];

/// A folder of Hugging Face form.
pub struct Folder {
	guard: TempDir,
}

impl Folder {
	/// One layer, one file of weights.
	pub fn new() -> Self {
		// Memory instead of a disk where there is such a file system: files are synced as they are written.
		let memory = Path::new("/dev/shm");
		let guard = match memory.is_dir() {
			true => tempfile::tempdir_in(memory),
			false => tempfile::tempdir(),
		}
		.unwrap();
		let folder = Self { guard };
		let config = json!({
			"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
			"hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": 1,
			"num_attention_heads": HEADS, "num_key_value_heads": 1, "head_dim": HEAD_DIM,
			"vocab_size": VOCAB, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
			"rope_theta": 10000.0, "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2,
		});
		let config = serde_json::to_vec_pretty(&config).unwrap();
		fs::write(folder.path().join("config.json"), config).unwrap();
		write(&folder.path().join("model.safetensors"), &tensors());
		let tokenizer =
			Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fixture-tied/tokenizer.json");
		fs::copy(tokenizer, folder.path().join("tokenizer.json")).unwrap();
		folder
	}

	pub fn path(&self) -> &Path {
		self.guard.path()
	}

	pub fn read(&self, file: &str) -> Vec<u8> {
		fs::read(self.path().join(file)).unwrap()
	}

	/// Two files of weights and an index instead of one file.
	pub fn shard_weights(&self) {
		fs::remove_file(self.path().join("model.safetensors")).unwrap();
		let mut first = tensors();
		let mut second = first.split_off("model.layers.0.mlp.up_proj.weight");
		let mut names = BTreeMap::new();
		for (part, tensors) in PARTS.iter().zip([&mut first, &mut second]) {
			write(&self.path().join(part), tensors);
			names.extend(tensors.keys().map(|name| (name.clone(), *part)));
		}
		let index = json!({ "metadata": { "total_size": 1 }, "weight_map": names });
		let index = serde_json::to_vec_pretty(&index).unwrap();
		fs::write(self.path().join("model.safetensors.index.json"), index).unwrap();
	}

	/// Splits the folder with another content of one file. Checks that the target is complete or absent;
	/// only hidden files, which a further split would go on with, may lie beside it.
	pub fn split_with(&self, file: &str, content: &[u8]) -> String {
		fs::write(self.path().join(file), content).unwrap();
		let targets = self.path().join("targets");
		let target = targets.join("split");
		let outcome = split(self.path(), &target, Profile::F32, &mut |_| {});
		let left = entries(&targets);
		match &outcome {
			Ok(_) => assert_eq!(left, ["split"]),
			Err(_) => assert!(left.iter().all(|name| name.starts_with('.')), "{left:?}"),
		}
		let _ = fs::remove_dir_all(&targets);
		match outcome {
			Ok(_) => "split".into(),
			Err(error) => error.to_string(),
		}
	}
}

/// Names of what a folder holds; nothing where there is none.
fn entries(folder: &Path) -> Vec<String> {
	let entries = fs::read_dir(folder).into_iter().flatten();
	let names = entries.map(|entry| entry.unwrap().file_name());
	names.map(|name| name.into_string().unwrap()).collect()
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<u8>)>;

fn tensors() -> Tensors {
	let mut tensors = Tensors::new();
	let mut add = |name: &str, shape: &[usize]| {
		let count = shape.iter().product::<usize>() as u32;
		let value = |at: u32| (at.wrapping_mul(2_654_435_769) >> 20) as f32 / 4096.0 - 0.5;
		let data = (0..count).map(value).flat_map(f32::to_le_bytes);
		tensors.insert(
			format!("model.{name}.weight"),
			(shape.to_vec(), data.collect()),
		);
	};
	let query = HEADS * HEAD_DIM;
	add("embed_tokens", &[VOCAB, HIDDEN]);
	add("norm", &[HIDDEN]);
	add("layers.0.input_layernorm", &[HIDDEN]);
	add("layers.0.post_attention_layernorm", &[HIDDEN]);
	add("layers.0.self_attn.q_proj", &[query, HIDDEN]);
	add("layers.0.self_attn.k_proj", &[HEAD_DIM, HIDDEN]);
	add("layers.0.self_attn.v_proj", &[HEAD_DIM, HIDDEN]);
	add("layers.0.self_attn.o_proj", &[HIDDEN, query]);
	add("layers.0.mlp.gate_proj", &[INNER, HIDDEN]);
	add("layers.0.mlp.up_proj", &[INNER, HIDDEN]);
	add("layers.0.mlp.down_proj", &[HIDDEN, INNER]);
	tensors
}

fn write(path: &Path, tensors: &Tensors) {
	let views = tensors.iter().map(|(name, (shape, data))| {
		(
			name.clone(),
			TensorView::new(Dtype::F32, shape.clone(), data).unwrap(),
		)
	});
	fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}
