//! Puts shards together in the form that the profile's rules give them.
//!
//! Shards of float profiles are joined as they are. Those of the exact profile are checked first, and
//! then either joined or built anew around their weights, in operators of our own.

use super::{
	fuse::{decode, single, FuseError, Fuser, InMemoryModel},
	EngineError,
};
use crate::{
	exact::{self, rules::Limbs, Refusal},
	manifest::ModelConfig,
	numerics::{ExactForm, Numerics},
};

/// The head.
pub fn head(
	config: &ModelConfig,
	numerics: &Numerics,
	file: &str,
	content: Vec<u8>,
) -> Result<InMemoryModel, EngineError> {
	if numerics.exact.is_none() {
		return Ok(single(file, content)?);
	}
	let graph = decode(file, content.clone())?;
	let weights = exact::read_head(config, &graph).map_err(|refusal| refused(file, refusal))?;
	Ok(match numerics.exact {
		Some(ExactForm::Own) => exact::fast_head(config, weights, Limbs::RULE)?,
		_ => single(file, content)?,
	})
}

/// Consecutive layers under construction.
pub struct Assembly {
	config: ModelConfig,
	numerics: Numerics,
	form: Form,
}

enum Form {
	/// The graphs of the shards, joined.
	Joined(Fuser),
	/// Built anew.
	Own(Box<exact::Segment>),
}

impl Assembly {
	/// No layers yet.
	pub fn new(config: &ModelConfig, numerics: &Numerics) -> Self {
		let form = match numerics.exact {
			Some(ExactForm::Own) => {
				Form::Own(Box::new(exact::Segment::new(config, numerics, Limbs::RULE)))
			}
			_ => Form::Joined(Fuser::default()),
		};
		Self {
			config: config.clone(),
			numerics: *numerics,
			form,
		}
	}

	/// Appends the next layer.
	pub fn push(&mut self, layer: u32, file: &str, content: Vec<u8>) -> Result<(), FuseError> {
		if self.numerics.exact.is_none() {
			if let Form::Joined(fuser) = &mut self.form {
				return fuser.push(layer, file, content);
			}
		}
		let graph = decode(file, content.clone())?;
		let weights = exact::read_layer(&self.config, &self.numerics, layer, &graph)
			.map_err(|refusal| refused(file, refusal))?;
		match &mut self.form {
			Form::Joined(fuser) => fuser.push(layer, file, content),
			Form::Own(segment) => {
				segment.push(layer, weights);
				Ok(())
			}
		}
	}

	/// Leaves a projection of a layer that was pushed open for an adapter.
	pub fn adapt(&mut self, layer: u32, module: &str) -> Result<(), FuseError> {
		match &mut self.form {
			Form::Joined(fuser) if self.numerics.exact.is_none() => {
				fuser.adapt(&self.config, layer, module)
			}
			_ => Err(FuseError {
				file: module.into(),
				reason: "adapters add float products, which profile exact does not have".into(),
			}),
		}
	}

	/// Closes the graph.
	pub fn finish(self) -> Result<InMemoryModel, EngineError> {
		Ok(match self.form {
			Form::Joined(fuser) => fuser.finish()?,
			Form::Own(segment) => segment.finish()?,
		})
	}
}

fn refused(file: &str, refusal: Refusal) -> FuseError {
	FuseError {
		file: file.into(),
		reason: format!("{} {}", refusal.node, refusal.reason),
	}
}
