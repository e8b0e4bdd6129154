//! What can be typed after `dllm-node`.

use crate::{chain_spec, rotate::RotateCmd};
use sc_cli::{RpcMethods, RunCmd, SubstrateCli};
use sc_service::{ChainSpec, ChainType};

/// Command line of the node: a subcommand, or the options of a running node.
#[derive(Debug, clap::Parser)]
pub struct Cli {
	/// What to do instead of running a node.
	#[command(subcommand)]
	pub subcommand: Option<Subcommand>,
	/// Options of a running node.
	#[clap(flatten)]
	pub run: RunCmd,
}

/// What the node can do besides running.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
	/// Make, inspect and store keys.
	#[command(subcommand)]
	Key(KeyCommand),
	/// Print a chain specification, by default with a boot node for this machine.
	BuildSpec(sc_cli::BuildSpecCmd),
	/// Write a chain specification, plain or raw.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),
	/// Execute one stored block again.
	CheckBlock(sc_cli::CheckBlockCmd),
	/// Write blocks to a file.
	ExportBlocks(sc_cli::ExportBlocksCmd),
	/// Read blocks from a file.
	ImportBlocks(sc_cli::ImportBlocksCmd),
	/// Write the state of a block as a raw chain specification.
	ExportState(sc_cli::ExportStateCmd),
	/// Remove the chain's database.
	PurgeChain(sc_cli::PurgeChainCmd),
	/// Go back by a number of blocks that are not finalised.
	Revert(sc_cli::RevertCmd),
	/// Print best, finalised and genesis block of the database.
	ChainInfo(sc_cli::ChainInfoCmd),
}

/// What the node can do with keys.
#[derive(Debug, clap::Subcommand)]
pub enum KeyCommand {
	/// The commands of every Substrate node.
	#[command(flatten)]
	Stock(sc_cli::KeySubcommand),
	/// Make fresh session keys, and print the call that registers them.
	Rotate(RotateCmd),
}

impl Cli {
	/// Options of the node, with the preset's default for unsafe RPC methods filled in.
	///
	/// A development node answers every origin, so a page open in a browser on the same machine
	/// could call `author_*` or `system_addReservedPeer`. On `dev` and `local` such methods
	/// therefore need an explicit `--rpc-methods unsafe`; elsewhere the default stands.
	pub fn run_with_defaults(&self) -> sc_cli::Result<RunCmd> {
		let mut run = self.run.clone();
		let chain = run.shared_params.chain_id(run.shared_params.is_dev());
		let is_local_network = matches!(
			self.load_spec(&chain)?.chain_type(),
			ChainType::Development | ChainType::Local
		);
		if is_local_network && run.rpc_params.rpc_methods == RpcMethods::Auto {
			run.rpc_params.rpc_methods = RpcMethods::Safe;
		}
		Ok(run)
	}
}

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"DLLM Node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		"the DLLM authors".into()
	}

	fn support_url() -> String {
		"whoever gave you this build".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
		chain_spec::load(id)
	}
}
