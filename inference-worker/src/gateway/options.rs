//! What a gateway is told: the table `[gateway]` of the configuration, some of it over flags.

use serde::Deserialize;
use std::{
	net::{Ipv4Addr, SocketAddr},
	path::{Path, PathBuf},
};

/// The table `[gateway]`. Every key has a default that suits a gateway beside a local node.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
	/// Where clients connect.
	pub listen: SocketAddr,
	/// Whether requests without a key are answered too, at the expense of the gateway's account.
	pub open: bool,
	/// Origins of web pages that may ask, like `https://chat.example`; `*` stands for all.
	pub allow_origin: Vec<String>,
	/// Folder of a built web page that is served at `/`.
	pub web: Option<PathBuf>,
	/// Requests that run at once.
	pub running: usize,
	/// Requests that wait for one of these places; more are refused with 429.
	pub waiting: usize,
	/// Tokens of a chat reply where the request names no number.
	pub default_max_tokens: u32,
	/// Blocks until a job is answered, or refunded.
	pub deadline: u32,
	/// Whether replies that are not streamed are held back until they are verified, and run again by other
	/// workers where theirs fail.
	pub rerun: bool,
	/// Seconds for which running requests are let go on at the end.
	pub drain: u64,
}

impl Default for Options {
	fn default() -> Self {
		Self {
			listen: (Ipv4Addr::LOCALHOST, 8080).into(),
			open: false,
			allow_origin: Vec::new(),
			web: None,
			running: 16,
			waiting: 256,
			default_max_tokens: 256,
			deadline: 100,
			rerun: false,
			drain: 60,
		}
	}
}

impl Options {
	/// Makes relative paths count from `folder`.
	pub fn anchor(&mut self, folder: &Path) {
		if let Some(web) = &mut self.web {
			*web = folder.join(&*web);
		}
	}
}
