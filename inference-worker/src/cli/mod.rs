//! The command line: one file a command, named like it.
//!
//! What a command was asked for goes to stdout, so that it can be piped; everything else goes to
//! stderr. Every command ends with 0 only if it did what it was asked for.

mod accuracy;
mod adapter;
pub mod audit;
mod bench;
mod completions;
mod context;
mod doctor;
mod error;
mod gateway;
mod init;
mod keys;
mod logging;
mod model;
mod paid;
mod pay;
mod plan;
mod prompt;
pub mod receipt;
mod register;
mod round;
mod rounds;
mod serve;
mod split;
mod status;
mod table;
pub mod watch;

pub use error::CliError;

use crate::config::Config;
use clap::{Parser, Subcommand};
use context::Context;
use dllm_model::engine;
use std::{env, path::PathBuf, process::ExitCode};

/// Heading of the options that every command has.
const COMMON: &str = "Common options";

/// Runs shards of language models for the chain, and pays for prompts.
#[derive(Parser, Debug)]
#[command(name = "dllm-worker", version, propagate_version = true)]
pub struct Cli {
	/// Configuration file; worker.toml of this folder where left out, if there is one.
	#[arg(long, global = true, help_heading = COMMON, env = "DLLM_CONFIG", value_name = "FILE")]
	config: Option<PathBuf>,
	/// WebSocket address of a node, over `node` of the configuration.
	#[arg(long, global = true, help_heading = COMMON, env = "DLLM_NODE", value_name = "URL")]
	chain: Option<String>,
	/// What is logged to stderr: a level, a filter like `dllm_worker=debug`, or `json` for one JSON
	/// object a line; several between commas. Default: info for serve, else warn.
	#[arg(long, global = true, help_heading = COMMON, env = "DLLM_LOG", value_name = "FILTER")]
	log: Option<String>,
	/// Who signs, over `account` of the configuration: a key file, or a name like //Miner1.
	#[arg(long, global = true, help_heading = COMMON, value_name = "KEY")]
	account: Option<String>,
	/// Print data as JSON.
	#[arg(long, global = true, help_heading = COMMON)]
	json: bool,
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
	/// Set up a worker: configuration, account, network key, and what to send to the account.
	Init(init::Init),
	/// Make and show keys.
	#[command(subcommand)]
	Keys(keys::Keys),
	/// Register this worker, or change what it declared.
	Register(register::Register),
	/// Leave: ask for the bond back, and take it once the delay is over.
	Unregister(register::Unregister),
	/// Confirm, as its operator, that one runs a worker.
	Accept(register::Accept),
	/// Register models and decide whether they take prompts.
	#[command(subcommand)]
	Model(model::Model),
	/// Publish adapters of models and take them back.
	#[command(subcommand)]
	Adapter(adapter::Adapter),
	/// Place a model's layers on the registered workers and submit the plan.
	Plan(plan::PlanCommand),
	/// Show the capacity rounds in progress: their bids, winners and best plans.
	Rounds(rounds::Rounds),
	/// Buy capacity for a model, as its owner.
	#[command(subcommand)]
	Round(round::Round),
	/// Do the work that the chain gives this worker, until Ctrl-C.
	Serve(serve::Serve),
	/// Answer OpenAI's clients over HTTP and pay for their prompts, until Ctrl-C.
	Gateway(gateway::GatewayCommand),
	/// Pay for a prompt and be its entry: the text stays on this machine.
	Prompt(prompt::PromptCommand),
	/// Pay for a public prompt: text and reply stand on the chain.
	Pay(pay::Pay),
	/// Show the chain, this worker and its pipelines, or a job.
	Status(status::Status),
	/// Check a job that is over from public data alone, and explain its verdict step by step.
	Audit(audit::Audit),
	/// Say what this worker lacks, and how to mend it.
	Doctor(doctor::Doctor),
	/// Measure this machine: numerics classes, speed and memory.
	Bench(bench::Bench),
	/// Turn a model folder of Hugging Face form into shards.
	Split(split::Split),
	/// Measure what the profile of a split model costs, and write it into its manifest.
	Accuracy(accuracy::AccuracyCommand),
	/// Print the completions of a shell.
	Completions(completions::Completions),
	/// Write a manual page for every command.
	Man(completions::Man),
}

impl Command {
	/// What is logged unless something else was asked for: only a daemon tells what it does.
	fn default_log(&self) -> &'static str {
		match self {
			Self::Serve(_) => "info",
			Self::Gateway(command) if command.is_daemon() => "info",
			_ => "warn",
		}
	}
}

impl Cli {
	/// Runs the command.
	pub fn run(self) -> Result<ExitCode, CliError> {
		logging::start(self.log.as_deref().unwrap_or(self.command.default_log()))?;
		let context = self.context()?;
		// The environment must not change any more once there are threads.
		tell_engine(&context.config);
		match self.command {
			Command::Keys(command) => command.run(&context),
			Command::Split(command) => command.run(&context),
			Command::Accuracy(command) => command.run(&context),
			Command::Bench(command) => command.run(&context),
			Command::Completions(command) => command.run(),
			Command::Man(command) => command.run(&context),
			command => {
				let runtime = tokio::runtime::Runtime::new().map_err(CliError::NoThreads)?;
				let ended = runtime.block_on(run_on_chain(command, context));
				// A model that is being executed is not waited for.
				runtime.shutdown_background();
				ended
			}
		}
	}

	fn context(&self) -> Result<Context, CliError> {
		let node = self.chain.as_deref();
		let mut config = match &self.command {
			Command::Init(_) => Config::without_file(node)?,
			_ => Config::load(self.config.as_deref(), node)?,
		};
		if let Some(account) = &self.account {
			config.account.clone_from(account);
		}
		Ok(Context {
			config,
			json: self.json,
		})
	}
}

async fn run_on_chain(command: Command, context: Context) -> Result<ExitCode, CliError> {
	match command {
		Command::Init(command) => command.run(&context).await,
		Command::Register(command) => command.run(&context).await,
		Command::Unregister(command) => command.run(&context).await,
		Command::Accept(command) => command.run(&context).await,
		Command::Model(command) => command.run(&context).await,
		Command::Adapter(command) => command.run(&context).await,
		Command::Plan(command) => command.run(&context).await,
		Command::Rounds(command) => command.run(&context).await,
		Command::Round(command) => command.run(&context).await,
		Command::Serve(command) => command.run(&context).await,
		Command::Gateway(command) => command.run(&context).await,
		Command::Prompt(command) => command.run(&context).await,
		Command::Pay(command) => command.run(&context).await,
		Command::Status(command) => command.run(&context).await,
		Command::Audit(command) => command.run(&context).await,
		Command::Doctor(command) => command.run(&context).await,
		Command::Keys(command) => command.run(&context),
		Command::Split(command) => command.run(&context),
		Command::Accuracy(command) => command.run(&context),
		Command::Bench(command) => command.run(&context),
		Command::Completions(command) => command.run(),
		Command::Man(command) => command.run(&context),
	}
}

/// Hands on what the engine reads from the environment; what is set there already stands.
fn tell_engine(config: &Config) {
	engine::pin_environment();
	if let Some(library) = &config.onnxruntime {
		if env::var_os(engine::LIBRARY_VARIABLE).is_none() {
			env::set_var(engine::LIBRARY_VARIABLE, library);
		}
	}
	if let Some(threads) = config.threads {
		if env::var_os(engine::THREADS_VARIABLE).is_none() {
			env::set_var(engine::THREADS_VARIABLE, threads.to_string());
		}
	}
}
