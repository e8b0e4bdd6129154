//! A plan as it is printed: its stages, and what it costs by term.

use crate::{
	chain::{address, AccountId32},
	cli::table::{short, table},
};
use dllm_planning::replicas::{Method, Placement};
use dllm_primitives::{
	cost::{Terms, FEMTOS_PER_MS},
	model::LayerRange,
	plan::{Plan, Quote},
};
use serde::Serialize;

/// A plan.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
	model: u32,
	slots: u8,
	stages: Vec<ShownStage>,
	cost: ShownCost,
	/// `joint`, `shadows` or `single`: how it was found.
	method: &'static str,
	/// Percent by which it may miss the least cost.
	gap_percent: f64,
	pipeline: Option<u32>,
	/// The capacity round in which it competes, and its score in femtoseconds.
	#[serde(skip_serializing_if = "Option::is_none")]
	round: Option<u32>,
	#[serde(skip_serializing_if = "Option::is_none")]
	score: Option<String>,
	block: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownStage {
	stage: u8,
	layers: LayerRange,
	workers: Vec<String>,
	price: String,
}

/// Milliseconds of a job, or their worth.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownCost {
	compute_ms: f64,
	data_ms: f64,
	qos_ms: f64,
	entered_ms: f64,
	bottleneck_ms: f64,
	price_ms: f64,
	migration_ms: f64,
	/// What placements are compared by.
	pub total_ms: f64,
}

impl Shown {
	/// A plan that is not submitted yet.
	pub fn new(
		plan: &Plan<AccountId32>,
		quote: &Quote,
		terms: &Terms,
		placement: &Placement,
	) -> Self {
		let stages = quote.stage_prices.iter().zip(0u8..);
		let stages = stages.map(|(price, stage)| ShownStage {
			stage,
			layers: plan.layers_of(stage),
			workers: plan.workers_of(stage).iter().map(address).collect(),
			price: price.to_string(),
		});
		Self {
			model: plan.model,
			slots: plan.slots,
			stages: stages.collect(),
			cost: ShownCost::new(terms),
			method: method(placement),
			gap_percent: 100.0 * placement.gap(),
			pipeline: None,
			round: None,
			score: None,
			block: None,
		}
	}

	/// Notes the round for which it is made.
	pub fn for_round(&mut self, round: u32, score: u128) {
		self.round = Some(round);
		self.score = Some(score.to_string());
	}

	/// Notes the block since which it leads its round.
	pub fn leads(&mut self, block: u32) {
		self.block = Some(block);
	}

	/// Notes the pipeline that the plan became.
	pub fn submitted(&mut self, pipeline: Option<u32>, block: u32) {
		self.pipeline = pipeline;
		self.block = Some(block);
	}

	/// For people.
	pub fn readable(&self) -> String {
		let rows = self.stages.iter().map(|stage| {
			let layers = match stage.layers.is_empty() {
				true => "entry".into(),
				false => format!("{}..{}", stage.layers.start, stage.layers.end),
			};
			let workers = stage
				.workers
				.iter()
				.map(|who| short(who))
				.collect::<Vec<_>>();
			[
				stage.stage.to_string(),
				layers,
				stage.price.clone(),
				workers.join(" "),
			]
		});
		let head = ["stage", "layers", "planck/GFLOP", "workers"];
		let stages = table(head, &rows.collect::<Vec<_>>());
		let costs = table(["cost of a job", "ms"], &self.cost.rows());
		let proof = proof(self.gap_percent);
		let submitted = match (self.pipeline, self.round, self.block) {
			(Some(pipeline), _, Some(block)) => format!("pipeline {pipeline} in block {block}"),
			(_, Some(round), Some(block)) => format!("leads round {round} since block {block}"),
			_ => "not submitted".into(),
		};
		format!("{stages}\n{costs}{proof}\n{submitted}")
	}
}

impl ShownCost {
	/// Femtoseconds as milliseconds.
	pub fn new(terms: &Terms) -> Self {
		let ms = |femtos: u128| femtos as f64 / FEMTOS_PER_MS as f64;
		Self {
			compute_ms: ms(terms.compute),
			data_ms: ms(terms.data),
			qos_ms: ms(terms.qos),
			entered_ms: ms(terms.entered),
			bottleneck_ms: ms(terms.bottleneck),
			price_ms: ms(terms.price),
			migration_ms: ms(terms.migration),
			total_ms: ms(terms.total()),
		}
	}

	/// A term a row.
	pub fn rows(&self) -> Vec<[String; 2]> {
		let rows = [
			("compute", self.compute_ms),
			("data on links", self.data_ms),
			("jitter and loss", self.qos_ms),
			("devices entered", self.entered_ms),
			("wait at the slowest stage", self.bottleneck_ms),
			("price", self.price_ms),
			("shards to fetch", self.migration_ms),
			("total", self.total_ms),
		];
		let rows = rows.map(|(name, ms)| [name.to_string(), format!("{ms:.3}")]);
		rows.to_vec()
	}
}

/// How a placement was found, in a word.
pub fn method(placement: &Placement) -> &'static str {
	match placement.method {
		Method::Single => "single",
		Method::Joint => "joint",
		Method::Shadows => "shadows",
	}
}

/// What is proved of a plan.
pub fn proof(gap_percent: f64) -> String {
	match gap_percent {
		gap if gap < 1e-6 => "no plan costs less".into(),
		gap => format!("the least cost is at most {gap:.2} % below"),
	}
}
