//! Runs what the command line asks for.

use crate::{
	cli::{Cli, KeyCommand, Subcommand},
	service::{self, Block},
};
use sc_cli::{Result, SubstrateCli};
use sc_network::{config::NetworkBackendType, Litep2pNetworkBackend};
use sc_service::{Configuration, TaskManager};

/// Parses the command line and runs it to its end.
pub fn run() -> Result<()> {
	let cli = Cli::from_args();
	match &cli.subcommand {
		None => run_node(&cli),
		Some(subcommand) => run_subcommand(&cli, subcommand),
	}
}

fn run_node(cli: &Cli) -> Result<()> {
	let runner = cli.create_runner(&cli.run_with_defaults()?)?;
	runner.run_node_until_exit(|config| async { start(config).map_err(sc_cli::Error::Service) })
}

fn start(config: Configuration) -> std::result::Result<TaskManager, sc_service::Error> {
	match config.network.network_backend {
		NetworkBackendType::Litep2p => service::new_full::<Litep2pNetworkBackend>(config),
		NetworkBackendType::Libp2p => Err(sc_service::Error::Other(
			"--network-backend libp2p is not built in: leave the option out, litep2p speaks to both".into(),
		)),
	}
}

fn run_subcommand(cli: &Cli, subcommand: &Subcommand) -> Result<()> {
	match subcommand {
		Subcommand::Key(KeyCommand::Stock(cmd)) => cmd.run(cli),
		Subcommand::Key(KeyCommand::Rotate(cmd)) => cmd.run(cli),
		Subcommand::BuildSpec(cmd) => cli
			.create_runner(cmd)?
			.sync_run(|config| cmd.run(config.chain_spec, config.network)),
		Subcommand::ExportChainSpec(cmd) => cmd.run(cli.load_spec(&cmd.chain)?),
		Subcommand::CheckBlock(cmd) => cli.create_runner(cmd)?.async_run(|config| {
			let node = service::new_partial(&config)?;
			Ok((cmd.run(node.client, node.import_queue), node.task_manager))
		}),
		Subcommand::ExportBlocks(cmd) => cli.create_runner(cmd)?.async_run(|config| {
			let node = service::new_partial(&config)?;
			Ok((cmd.run(node.client, config.database), node.task_manager))
		}),
		Subcommand::ImportBlocks(cmd) => cli.create_runner(cmd)?.async_run(|config| {
			let node = service::new_partial(&config)?;
			Ok((cmd.run(node.client, node.import_queue), node.task_manager))
		}),
		Subcommand::ExportState(cmd) => cli.create_runner(cmd)?.async_run(|config| {
			let node = service::new_partial(&config)?;
			Ok((cmd.run(node.client, config.chain_spec), node.task_manager))
		}),
		Subcommand::PurgeChain(cmd) => cli
			.create_runner(cmd)?
			.sync_run(|config| cmd.run(config.database)),
		Subcommand::Revert(cmd) => cli.create_runner(cmd)?.async_run(|config| {
			let node = service::new_partial(&config)?;
			let revert_consensus = Some(Box::new(service::revert_consensus) as Box<_>);
			Ok((
				cmd.run(node.client, node.backend, revert_consensus),
				node.task_manager,
			))
		}),
		Subcommand::ChainInfo(cmd) => cli
			.create_runner(cmd)?
			.sync_run(|config| cmd.run::<Block>(&config)),
	}
}
