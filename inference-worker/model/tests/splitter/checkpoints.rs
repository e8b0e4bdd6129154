//! Model folders for tests: the repository's own, damaged copies of them, and made-up ones.

#![allow(dead_code)]

use safetensors::{tensor::TensorView, Dtype, SafeTensors};
use serde_json::{json, Value};
use std::{
	collections::BTreeMap,
	fs,
	path::{Path, PathBuf},
};

/// Bytes, type and shape of every tensor of a file.
pub type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// A model of the repository.
pub fn model(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../models")
		.join(name)
}

/// A copy of a model that a test may damage. It keeps the name, which is part of the manifest.
pub fn copy(name: &str, into: &Path) -> PathBuf {
	let folder = into.join(name);
	fs::create_dir_all(&folder).unwrap();
	for entry in fs::read_dir(model(name)).unwrap() {
		let entry = entry.unwrap();
		fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
	}
	folder
}

/// Changes fields of a JSON file; null removes one.
pub fn edit_json(path: &Path, changes: Value) {
	let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
	for (key, change) in changes.as_object().unwrap() {
		match change {
			Value::Null => drop(value.as_object_mut().unwrap().remove(key)),
			change => value[key] = change.clone(),
		}
	}
	fs::write(path, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
}

/// The tensors of a folder with one file of weights.
pub fn read_tensors(folder: &Path) -> Tensors {
	read_file(&folder.join("model.safetensors"))
}

/// The tensors of a file.
pub fn read_file(path: &Path) -> Tensors {
	let bytes = fs::read(path).unwrap();
	let file = SafeTensors::deserialize(&bytes).unwrap();
	let owned = |(name, view): (String, TensorView<'_>)| {
		(
			name,
			(view.dtype(), view.shape().to_vec(), view.data().to_vec()),
		)
	};
	file.tensors().into_iter().map(owned).collect()
}

/// Writes a file of weights.
pub fn write_tensors(path: &Path, tensors: &Tensors) {
	let views = tensors.iter().map(|(name, (kind, shape, data))| {
		(
			name.clone(),
			TensorView::new(*kind, shape.clone(), data).unwrap(),
		)
	});
	fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// f32 values of a tensor of any of the types that can be split.
pub fn values(tensors: &Tensors, name: &str) -> Vec<f32> {
	let (kind, _, data) = &tensors[name];
	let pairs = || data.chunks_exact(2).map(|b| [b[0], b[1]]);
	match *kind {
		Dtype::F32 => data
			.chunks_exact(4)
			.map(|b| f32::from_le_bytes(b.try_into().unwrap()))
			.collect(),
		Dtype::F16 => pairs()
			.map(|b| half::f16::from_le_bytes(b).to_f32())
			.collect(),
		Dtype::BF16 => pairs()
			.map(|b| half::bf16::from_le_bytes(b).to_f32())
			.collect(),
		other => panic!("no test has {other:?}"),
	}
}

/// The same tensors in another type.
pub fn convert(tensors: &Tensors, kind: Dtype) -> Tensors {
	let bytes = |value: f32| match kind {
		Dtype::F32 => value.to_le_bytes().to_vec(),
		Dtype::BF16 => half::bf16::from_f32(value).to_le_bytes().to_vec(),
		other => panic!("no test writes {other:?}"),
	};
	let converted = |(name, (_, shape, _)): (&String, &(Dtype, Vec<usize>, Vec<u8>))| {
		let data = values(tensors, name).into_iter().flat_map(bytes).collect();
		(name.clone(), (kind, shape.clone(), data))
	};
	tensors.iter().map(converted).collect()
}

/// Shape of a made-up model.
#[derive(Clone, Copy)]
pub struct Shape {
	pub hidden: usize,
	pub intermediate: usize,
	pub layers: usize,
	pub heads: usize,
	pub kv_heads: usize,
	pub head_dim: usize,
	pub vocab: usize,
}

/// A folder with random weights in f32 and the tokenizer of a fixture.
pub fn make(shape: Shape, into: &Path) -> PathBuf {
	let folder = copy("fixture-untied", into);
	let Shape {
		hidden,
		intermediate,
		layers,
		heads,
		kv_heads,
		head_dim,
		vocab,
	} = shape;
	edit_json(
		&folder.join("config.json"),
		json!({
			"hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
			"num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head_dim,
			"vocab_size": vocab, "max_position_embeddings": 256,
		}),
	);
	let mut tensors = Tensors::new();
	let mut add = |name: String, shape: Vec<usize>| {
		let data = random(&name, &shape)
			.into_iter()
			.flat_map(f32::to_le_bytes)
			.collect();
		tensors.insert(name, (Dtype::F32, shape, data));
	};
	add("model.embed_tokens.weight".into(), vec![vocab, hidden]);
	add("lm_head.weight".into(), vec![vocab, hidden]);
	add("model.norm.weight".into(), vec![hidden]);
	for layer in 0..layers {
		let name = |module: &str| format!("model.layers.{layer}.{module}.weight");
		add(name("input_layernorm"), vec![hidden]);
		add(name("post_attention_layernorm"), vec![hidden]);
		add(name("self_attn.q_proj"), vec![heads * head_dim, hidden]);
		add(name("self_attn.k_proj"), vec![kv_heads * head_dim, hidden]);
		add(name("self_attn.v_proj"), vec![kv_heads * head_dim, hidden]);
		add(name("self_attn.o_proj"), vec![hidden, heads * head_dim]);
		add(name("mlp.gate_proj"), vec![intermediate, hidden]);
		add(name("mlp.up_proj"), vec![intermediate, hidden]);
		add(name("mlp.down_proj"), vec![hidden, intermediate]);
	}
	write_tensors(&folder.join("model.safetensors"), &tensors);
	folder
}

/// Values of unit gain out of a hash of the name; norms lie around one.
pub fn random(name: &str, shape: &[usize]) -> Vec<f32> {
	let mut bytes = vec![0; 2 * shape.iter().product::<usize>()];
	blake3::Hasher::new()
		.update(name.as_bytes())
		.finalize_xof()
		.fill(&mut bytes);
	let uniform = bytes
		.chunks_exact(2)
		.map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0);
	match shape {
		[_] => uniform.map(|value| 1.0 + 0.2 * value).collect(),
		_ => {
			let gain = (3.0 / shape[shape.len() - 1] as f32).sqrt();
			uniform.map(|value| value * gain).collect()
		}
	}
}
