//! What the linter lets pass, and what it refuses with which reason.

use crate::{rules, Model};
use dllm_model::{
	engine::{Engine, EngineError, OrtEngine},
	exact::{linter::check, read_head, read_layer, Refusal},
	splitter::{
		graph::{Attribute, Dim, Graph},
		onnx::{GraphProto, ModelProto, FLOAT, INT32, INT8, UINT8},
	},
};
use dllm_primitives::model::LayerRange;
use prost::{bytes::Bytes, Message};
use std::fs;

/// A graph of one node over rows of floats, `rows`, codes, `codes`, and integers, `sums`.
fn one(op: &str, inputs: &[&str], with: &[(&str, Attribute)]) -> Result<(), Refusal> {
	let mut graph = Graph::new("test");
	let shape = [Dim::Open("rows"), Dim::Is(4)];
	graph.input("rows", FLOAT, &shape);
	graph.input("codes", UINT8, &shape);
	graph.input("signed", INT8, &shape);
	graph.input("sums", INT32, &shape);
	graph.output("out", FLOAT, &shape);
	for (name, code) in [("weights63", 63i8), ("weights64", 64), ("weights127", -127)] {
		graph.tensor(name, INT8, &[4, 1], vec![code as u8; 4]);
	}
	graph.tensor("zero", UINT8, &[], vec![128]);
	graph.node("", op, inputs, &["out"], with);
	check(&graph.graph)
}

/// The reason of a refusal, which names the node.
fn reason(op: &str, inputs: &[&str], with: &[(&str, Attribute)]) -> String {
	let refusal = one(op, inputs, with).unwrap_err();
	assert!(refusal.node.contains(op), "{refusal}");
	refusal.to_string()
}

#[test]
fn weights_that_avx2_would_clip() {
	one("MatMulInteger", &["codes", "weights63", "zero"], &[]).unwrap();
	one("MatMulInteger", &["codes", "weights64", "zero"], &[]).unwrap();
	let reason = reason("MatMulInteger", &["codes", "weights127", "zero"], &[]);
	assert!(
		reason.contains("AVX2") && reason.contains("±63"),
		"{reason}"
	);
}

#[test]
fn scales_over_a_whole_call() {
	let reason = reason("DynamicQuantizeLinear", &["rows"], &[]);
	assert!(reason.contains("depends on its company"), "{reason}");
}

#[test]
fn sums_of_floats() {
	for op in [
		"MatMul",
		"Gemm",
		"Softmax",
		"ReduceMean",
		"LayerNormalization",
		"ReduceSum",
	] {
		let reason = reason(op, &["rows", "rows"], &[]);
		assert!(
			reason.contains("in an order that every machine chooses"),
			"{reason}"
		);
	}
	one("ReduceMax", &["rows"], &[]).unwrap();
}

#[test]
fn functions_without_specified_bits() {
	for op in ["Exp", "Sigmoid", "Tanh", "Pow"] {
		let reason = reason(op, &["rows", "rows"], &[]);
		assert!(reason.contains("not specified"), "{reason}");
	}
}

#[test]
fn casts_that_round_somehow() {
	let to = |element: i32| [("to", Attribute::Int(element.into()))];
	let fraction = reason("Cast", &["rows"], &to(INT32));
	assert!(fraction.contains("drops a fraction"), "{fraction}");
	let wide = reason("Cast", &["sums"], &to(UINT8));
	assert!(wide.contains("do not fit"), "{wide}");
	let half = reason("Cast", &["sums"], &to(10));
	assert!(half.contains("element type 10"), "{half}");
	one("Cast", &["sums"], &to(FLOAT)).unwrap();
	one("Cast", &["codes"], &to(INT32)).unwrap();
}

#[test]
fn other_products_and_unknown_operators() {
	let signed = reason("MatMulInteger", &["signed", "weights63"], &[]);
	assert!(signed.contains("u8 × s8"), "{signed}");
	let unknown = reason("TopK", &["rows"], &[]);
	assert!(unknown.contains("does not have"), "{unknown}");
	let overflow = reason("Mul", &["sums", "sums"], &[]);
	assert!(overflow.contains("range of its integers"), "{overflow}");
	let mixed = reason("Add", &["rows", "sums"], &[]);
	assert!(mixed.contains("mixes types"), "{mixed}");

	let mut graph = Graph::new("test");
	graph.input("rows", FLOAT, &[Dim::Open("rows")]);
	let inputs = ["rows"];
	graph.node(
		"com.microsoft",
		"SimplifiedLayerNormalization",
		&inputs,
		&["out"],
		&[],
	);
	let refusal = check(&graph.graph).unwrap_err();
	assert!(refusal.reason.contains("com.microsoft"), "{refusal}");
}

#[test]
fn a_layer_of_another_profile() {
	let model = Model::split(
		&crate::checkpoints::model("fixture-tied"),
		dllm_primitives::model::Profile::F32,
	);
	let graph = graph(&model, "layer-000.onnx");
	let refusal = check(&graph).unwrap_err();
	assert!(refusal.node.contains("LayerNormalization"), "{refusal}");
}

fn graph(model: &Model, file: &str) -> GraphProto {
	let bytes = fs::read(model.folder.join(file)).unwrap();
	ModelProto::decode(Bytes::from(bytes))
		.unwrap()
		.graph
		.unwrap()
}

/// Every constant, node and name counts.
#[test]
fn a_shard_that_departs_anywhere() {
	let model = Model::named("fixture-tied");
	let config = &model.manifest.config;
	let layer = graph(&model, "layer-001.onnx");
	let read = |graph: &GraphProto| read_layer(config, &rules(), 1, graph);
	read(&layer).unwrap();
	assert!(read_layer(config, &rules(), 0, &layer).is_err());

	for node in 0..layer.node.len() {
		let mut other = layer.clone();
		other.node.remove(node);
		assert!(read(&other).is_err(), "without {}", layer.node[node].name);
		let mut other = layer.clone();
		other.node[node].output[0] += "'";
		assert!(read(&other).is_err(), "renamed {}", layer.node[node].name);
	}
	let weights = ["codes", "scales", "norm"];
	for (at, tensor) in layer.initializer.iter().enumerate() {
		let mut other = layer.clone();
		let mut raw = tensor.raw_data.clone().unwrap().to_vec();
		// A weight code beyond ±63, and any other number changed.
		match tensor.name.ends_with("codes") {
			true => raw[0] = 0x7f,
			false => raw[0] ^= 0x40,
		}
		other.initializer[at].raw_data = Some(raw.into());
		let free =
			weights.iter().any(|end| tensor.name.ends_with(end)) && !tensor.name.ends_with("codes");
		assert!(free || read(&other).is_err(), "{}", tensor.name);
	}

	let head = graph(&model, "head.onnx");
	read_head(config, &head).unwrap();
	let mut other = head.clone();
	other.node.swap(0, 1);
	assert!(read_head(config, &other).is_err());
}

#[test]
fn the_engine_names_shard_and_node() {
	let model = Model::named("fixture-tied");
	let mut manifest = model.manifest.clone();
	// A layer in another's place has sound bytes and the wrong names.
	manifest.layers.swap(0, 1);
	let range = LayerRange { start: 0, end: 1 };
	let error = OrtEngine::load(&manifest, &model.folder, range, 1 << 32)
		.err()
		.unwrap();
	assert!(matches!(error, EngineError::Fuse(_)), "{error}");
	let text = error.to_string();
	assert!(
		text.contains("layer-001.onnx") && text.contains("is missing"),
		"{text}"
	);
}
