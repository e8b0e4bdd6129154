//! Validators find each other: each signs its addresses with its session key and puts them into the
//! network's hash table, so that votes need not wander through strangers.

use super::Handles;
use futures::StreamExt;
use sc_authority_discovery::{new_worker_and_service_with_config, Role, WorkerConfig};
use sc_network::{multiaddr::Multiaddr, service::traits::NetworkService, Event};
use sc_service::{Configuration, TaskManager};
use std::{path::PathBuf, sync::Arc};

/// What a validator says of where it is.
pub struct OwnAddresses {
	/// Addresses that its operator named.
	public: Vec<Multiaddr>,
	/// Whether addresses of a private network are worth publishing.
	private_too: bool,
	/// Where found addresses of others are kept over a restart.
	cache: Option<PathBuf>,
}

impl OwnAddresses {
	/// Reads them from the node's configuration.
	pub fn read(config: &Configuration) -> Self {
		Self {
			public: config.network.public_addresses.clone(),
			private_too: config.network.allow_non_globals_in_dht,
			cache: config.network.net_config_path.clone(),
		}
	}
}

/// Publishes this node's addresses and looks for those of the other validators.
pub fn run(
	handles: &Handles,
	own: OwnAddresses,
	network: Arc<dyn NetworkService>,
	task_manager: &TaskManager,
) {
	let config = WorkerConfig {
		publish_non_global_ips: own.private_too,
		public_addresses: own.public,
		strict_record_validation: true,
		persisted_cache_directory: own.cache,
		..WorkerConfig::default()
	};
	let events = network.event_stream("authority-discovery");
	let found = events.filter_map(|event| async move {
		match event {
			Event::Dht(found) => Some(found),
			_ => None,
		}
	});
	let (worker, _service) = new_worker_and_service_with_config(
		config,
		handles.client.clone(),
		Arc::new(network),
		Box::pin(found),
		Role::PublishAndDiscover(handles.keystore.clone()),
		handles.prometheus.clone(),
		task_manager.spawn_handle(),
	);
	task_manager.spawn_handle().spawn(
		"authority-discovery-worker",
		Some("networking"),
		worker.run(),
	);
}
