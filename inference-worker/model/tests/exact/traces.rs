//! Traces: they end in the engine's bytes, and the chain's own arithmetic finds every value right.

use crate::{send, Model};
use dllm_model::exact::trace::{compare, constants, shape, TraceError, Traced};
use dllm_primitives::{
	commitment::{merkle_root, row_leaf},
	dispute::{
		players::{defend, Challenger, Rows, Trace},
		Game, Outcome, Subject,
	},
	ids::Digest,
	model::{LayerRange, Profile},
	trace::{
		layout::{Element, Layout, Step},
		opening::{open, Binding, Blocks, Opening, Unproven},
		shape::LAYER,
		Held, Layer,
	},
};

/// More than one block of rows, and more than the window of the fixture that has one.
const ROWS: u32 = 41;
const ELEMENTS: usize = 1_000;
const STAGE: u8 = 3;
const JOB: u64 = 77;

/// Numbers out of blake3: the same in every run.
struct Random(blake3::OutputReader);

impl Random {
	fn new(name: &str) -> Self {
		let mut hasher = blake3::Hasher::new();
		hasher.update(name.as_bytes());
		Self(hasher.finalize_xof())
	}

	fn below(&mut self, bound: usize) -> usize {
		let mut bytes = [0; 8];
		self.0.fill(&mut bytes);
		(u64::from_le_bytes(bytes) % bound as u64) as usize
	}
}

/// A segment's trace, bound to a worker.
struct Case {
	layers: Vec<Layer>,
	binding: Binding,
	held: Held,
	layout: Layout,
	/// What the engine gave.
	output: Vec<u32>,
}

impl Case {
	/// Layers `start..` of a model.
	fn new(name: &str, start: u16) -> Self {
		let model = Model::named(name);
		let range = LayerRange {
			start,
			end: model.layers(),
		};
		let rows = model.rows(ROWS);
		let output = send(&model.engine(range.start, range.end), &rows, &[ROWS]);
		let traced = Traced::load(&model.manifest, &model.folder, range).unwrap();
		let mut held = traced.trace(&rows).unwrap();
		let binding = Binding {
			job: JOB,
			stage: STAGE,
			worker: Digest::repeat_byte(5),
			job_key: [6; 32],
		};
		held.bind(&binding);
		Self {
			layers: traced.layers(),
			binding,
			layout: held.layout.clone(),
			held,
			output,
		}
	}

	/// A value of any operator, each as likely as another.
	fn element(&self, random: &mut Random) -> Element {
		loop {
			let operator = LAYER[random.below(LAYER.len())];
			let count = self.layout.elements(operator) as usize;
			if count == 0 {
				continue;
			}
			return Element {
				row: random.below(ROWS as usize) as u32,
				layer: random.below(self.layers.len()) as u16,
				operator,
				index: random.below(count) as u32,
			};
		}
	}

	fn open(&mut self, at: Element) -> Opening {
		open(&self.layout, &self.layers, at, &mut self.held).unwrap()
	}

	fn judge(&self, at: Element, opening: &Opening) -> Result<bool, Unproven> {
		let root = self.held.root();
		opening.is_right(&self.layout, &self.layers, &self.binding, root, at)
	}

	/// Flips a bit of a value; gives the place, byte and former value.
	fn flip(&mut self, at: Element, random: &mut Random) -> (u64, usize, u8) {
		let width = at.operator.width().bytes();
		let byte = at.index * width + random.below(width as usize) as u32;
		let (place, offset) = self.layout.leaf(at.row, at.layer, at.operator, byte);
		let was = self.held.trace(place).unwrap()[offset as usize];
		let lie = was ^ (1 << random.below(8));
		self.held.set(&self.binding, place, offset as usize, lie);
		(place, offset as usize, was)
	}
}

/// Every family, whole and from a later layer on.
const CASES: [(&str, u16); 8] = [
	("fixture-tied", 1),
	("fixture-untied", 0),
	("fixture-llama3", 0),
	("fixture-linear", 1),
	("fixture-mistral", 0),
	("fixture-qwen2", 0),
	("fixture-qwen3", 0),
	("tiny-chat-nano", 4),
];

#[test]
fn the_last_values_are_the_engines_rows() {
	for (name, start) in CASES {
		let mut case = Case::new(name, start);
		let slot = case.layout.output_slot();
		for (row, expected) in (0..).zip(case.output.chunks(case.layout.shape.hidden as usize)) {
			let place = case.layout.place(Step { row, slot });
			let bytes = case.held.step(place).unwrap();
			let expected = expected.iter().flat_map(|bits| bits.to_le_bytes());
			assert!(bytes.into_iter().eq(expected), "{name}, row {row}");
		}
	}
}

#[test]
fn the_chain_finds_every_value_right() {
	for (name, start) in CASES {
		let mut case = Case::new(name, start);
		let mut random = Random::new(name);
		for _ in 0..ELEMENTS {
			let at = case.element(&mut random);
			let opening = case.open(at);
			assert_eq!(case.judge(at, &opening), Ok(true), "{name}, {at:?}");
		}
	}
}

#[test]
fn one_bit_anywhere_is_refused() {
	for (name, start) in CASES {
		let mut case = Case::new(name, start);
		let mut random = Random::new(name);
		for _ in 0..ELEMENTS / 4 {
			let at = case.element(&mut random);
			let mut opening = case.open(at);
			let of_trace = opening.weights.blocks.is_empty() || random.below(2) == 0;
			let (leaves, expected) = match of_trace {
				true => (&mut opening.trace, Unproven::Trace),
				false => (&mut opening.weights, Unproven::Weights),
			};
			let block = random.below(leaves.blocks.len());
			let bytes = &mut leaves.blocks[block].1;
			let byte = random.below(bytes.len());
			bytes[byte] ^= 1 << random.below(8);
			assert_eq!(case.judge(at, &opening), Err(expected), "{name}, {at:?}");

			let (place, byte, was) = case.flip(at, &mut random);
			let opening = case.open(at);
			assert_eq!(case.judge(at, &opening), Ok(false), "{name}, {at:?}");
			let binding = case.binding;
			case.held.set(&binding, place, byte, was);
		}
	}
}

/// A worker whose trace differs in one bit, in real layers.
#[test]
fn one_bit_loses_the_dispute() {
	for name in ["fixture-mistral", "fixture-qwen3"] {
		let mut honest = Case::new(name, 0);
		let mut cheater = Case::new(name, 0);
		let rows = rows(&mut honest);
		let subject = Subject {
			job: JOB,
			stage: STAGE,
			worker: honest.binding.worker,
			shape: honest.layout.shape,
			layers: honest.layers.clone(),
			rows: ROWS,
			input: merkle_root(&rows.input),
			output: merkle_root(&rows.output),
		};
		let mut random = Random::new(name);
		for _ in 0..60 {
			let at = cheater.element(&mut random);
			let (place, byte, was) = cheater.flip(at, &mut random);
			let mut game = Game::new(&subject).unwrap();
			let mut challenger = Challenger::new(&subject, &rows, &mut honest.held).unwrap();
			while game.outcome().is_none() {
				let before = game.state;
				let made = defend(&subject, &game, &rows, &mut cheater.held).unwrap();
				game.play(&subject, &made).unwrap();
				let answer = challenger.answer(&before, &game, &made).unwrap();
				game.play(&subject, &answer).unwrap();
			}
			assert_eq!(game.outcome(), Some(Outcome::Convicted), "{name}, {at:?}");
			let binding = cheater.binding;
			cheater.held.set(&binding, place, byte, was);
		}
	}
}

/// The ends of a trace as a worker commits to them.
fn rows(case: &mut Case) -> Rows {
	let mut end = |slot, boundary| {
		let leaves = (0..ROWS).map(|row| {
			let place = case.layout.place(Step { row, slot });
			let bytes = case.held.step(place).unwrap();
			row_leaf(&case.binding.job_key, JOB, boundary, row, &bytes)
		});
		leaves.collect::<Vec<_>>()
	};
	let output_slot = case.layout.output_slot();
	Rows {
		input: end(0, STAGE - 1),
		output: end(output_slot, STAGE),
		job_key: case.binding.job_key,
	}
}

#[test]
fn a_layers_digest_names_weights_shape_and_window() {
	let [plain, windowed] = ["fixture-untied", "fixture-mistral"].map(|name| Case::new(name, 0));
	let layer = plain.layers[0];
	let shape = plain.layout.shape;
	let digest = layer.digest(&shape);
	let again = Case::new("fixture-untied", 0);
	assert_eq!(again.layers[0].digest(&again.layout.shape), digest);
	assert_ne!(plain.layers[1].weights, layer.weights);
	assert_eq!((layer.window, windowed.layers[0].window), (u32::MAX, 12));
	let narrower = Layer {
		window: 12,
		..layer
	};
	assert_ne!(narrower.digest(&shape), digest);
	let mut other = shape;
	other.epsilon ^= 1;
	assert_ne!(layer.digest(&other), digest);
}

#[test]
fn what_has_no_trace_is_refused() {
	let float = Model::split(&crate::checkpoints::model("fixture-tied"), Profile::F32);
	let range = LayerRange { start: 0, end: 1 };
	let refused = Traced::load(&float.manifest, &float.folder, range);
	assert!(matches!(refused, Err(TraceError::NotExact { .. })));
	let model = Model::named("fixture-tied");
	for range in [
		LayerRange { start: 0, end: 9 },
		LayerRange { start: 1, end: 1 },
	] {
		let refused = Traced::load(&model.manifest, &model.folder, range);
		assert!(matches!(refused, Err(TraceError::NotExact { .. })));
	}
	let traced = Traced::load(&model.manifest, &model.folder, range).unwrap();
	assert!(matches!(
		traced.trace(&[0.0; 65]),
		Err(TraceError::WrongWidth {
			values: 65,
			hidden: 64
		})
	));
	assert!(matches!(
		traced.trace(&[]),
		Err(TraceError::NotDisputable { rows: 0 })
	));
}

#[test]
fn what_is_registered_is_what_the_shards_hold() {
	for name in ["fixture-untied", "fixture-mistral"] {
		let model = Model::named(name);
		let (manifest, folder) = (&model.manifest, &model.folder);
		let all = LayerRange {
			start: 0,
			end: model.layers(),
		};
		let registered = constants(manifest, folder).unwrap().unwrap();
		let traced = Traced::load(manifest, folder, all).unwrap();
		assert_eq!(registered.layers.to_vec(), traced.layers(), "{name}");
		assert_eq!(registered.shape, shape(&manifest.config), "{name}");
		compare(manifest, folder, all, &registered).unwrap();
		let spec = manifest.spec("MIT", Some(registered)).unwrap();
		assert!(spec.is_plausible(), "{name}");
	}
	let float = Model::split(&crate::checkpoints::model("fixture-tied"), Profile::F32);
	assert_eq!(constants(&float.manifest, &float.folder).unwrap(), None);
}

#[test]
fn a_damaged_shard_has_no_constants() {
	let model = Model::named("fixture-tied");
	let path = model.folder.join("layer-001.onnx");
	let mut bytes = std::fs::read(&path).unwrap();
	bytes[999] ^= 1;
	std::fs::write(&path, bytes).unwrap();
	let error = constants(&model.manifest, &model.folder).unwrap_err();
	assert!(
		matches!(error, TraceError::Manifest(_)) && error.is_retryable(),
		"{error}"
	);
}
