//! Means to make the exact profile more accurate, measured one by one.

use crate::texts::HeldOut;
use anyhow::Result;
use dllm_model::{
	engine::{runtime, Engine, OrtEngine},
	entry::Tokenizer,
	exact::{
		fast_head,
		rules::Limbs,
		weights::{Fold, Preparation, Quantiser},
		Segment,
	},
	manifest::{Manifest, ModelConfig},
	numerics::Numerics,
	splitter::{
		read_config,
		shards::{HIDDEN_IN, LOGITS},
		split, Checkpoint,
	},
};
use dllm_primitives::model::Profile;
use ort::{session::Session, value::Tensor};
use std::path::Path;

const PLAIN: Preparation = Preparation {
	fold: Fold::Kept,
	rotate: false,
	search: false,
};

/// Prints perplexities.
pub fn print(model: &Path) -> Result<()> {
	let held_out = HeldOut::read(model)?;
	let folder = tempfile::tempdir()?;
	let target = folder.path().join("split");
	let manifest: Manifest = split(model, &target, Profile::Exact, &mut |_| {})?;
	let tokenizer = Tokenizer::load(&manifest, &target)?;
	let config = read_config(model)?;
	println!("  means for exact                      perplexity  beside plain %");
	let mut plain = None;
	for (name, preparation, limbs) in means() {
		let mut variant = Variant::build(model, &config, preparation, limbs)?;
		let perplexity =
			held_out.perplexity(&manifest, &tokenizer, |tokens| variant.logits(tokens))?;
		let plain = *plain.get_or_insert(perplexity);
		println!(
			"  {name:36}  {perplexity:10.4}  {:+14.3}",
			100.0 * (perplexity / plain - 1.0)
		);
	}
	Ok(())
}

fn means() -> Vec<(&'static str, Preparation, Limbs)> {
	let one = Limbs::ONE;
	let two = Limbs {
		attention: 2,
		output: 2,
		gate: 2,
		down: 2,
		head: 2,
	};
	let fold = |fold| Preparation { fold, ..PLAIN };
	let search = Preparation {
		search: true,
		..PLAIN
	};
	let rotate = Preparation {
		rotate: true,
		..PLAIN
	};
	vec![
		("plain", PLAIN, one),
		(
			"norm weights folded into projections",
			fold(Fold::Folded),
			one,
		),
		("smoothed per channel", fold(Fold::Balanced), one),
		("rotated", rotate, one),
		("weight scales searched", search, one),
		(
			"two limbs before attention",
			PLAIN,
			Limbs {
				attention: 2,
				..one
			},
		),
		("two limbs before output", PLAIN, Limbs { output: 2, ..one }),
		(
			"two limbs before gate and up",
			PLAIN,
			Limbs { gate: 2, ..one },
		),
		("two limbs before down", PLAIN, Limbs { down: 2, ..one }),
		("two limbs before the head", PLAIN, Limbs { head: 2, ..one }),
		("two limbs everywhere", PLAIN, two),
		("searched, two limbs everywhere", search, two),
		("as split", Preparation::RULE, Limbs::RULE),
	]
}

/// A model under other preparations than the splitter's.
struct Variant {
	embedding: Vec<f32>,
	engine: OrtEngine,
	head: Session,
}

impl Variant {
	fn build(
		model: &Path,
		config: &ModelConfig,
		preparation: Preparation,
		limbs: Limbs,
	) -> Result<Self> {
		let source = &Checkpoint::open(model)?;
		let quantiser = Quantiser {
			source,
			config,
			preparation,
		};
		let numerics = *Numerics::of(Profile::Exact);
		runtime()?;
		let mut segment = Segment::new(config, &numerics, limbs);
		for layer in 0..config.layers {
			segment.push(layer, quantiser.layer(layer)?);
		}
		let head = fast_head(config, quantiser.head()?, limbs)?;
		Ok(Self {
			embedding: quantiser.embedding()?,
			engine: OrtEngine::over(&segment.finish()?, config.clone(), numerics)?,
			head: runtime()?.session(&head, &numerics)?,
		})
	}

	fn logits(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
		let width = self.engine.hidden();
		let row = |token: &u32| &self.embedding[*token as usize * width..][..width];
		let rows = tokens.iter().flat_map(row).copied().collect::<Vec<_>>();
		self.engine.open(0, tokens.len() as u32)?;
		let output = self.engine.prefill(0, 0, &rows)?;
		self.engine.close(0);
		let input = Tensor::from_array(([1, tokens.len(), width], output))?;
		let logits = self.head.run(ort::inputs![HIDDEN_IN => input])?;
		Ok(logits[LOGITS].try_extract_tensor::<f32>()?.1.to_vec())
	}
}
