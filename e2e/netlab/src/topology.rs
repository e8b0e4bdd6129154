//! Hosts and links of a lab, from a TOML file that the shaper and the planners read alike.
//!
//! ```toml
//! [hosts.user]
//!
//! [hosts.h1]
//! share = 0.5   # of a processor
//! layers = 6    # that its memory holds
//!
//! [[links]]
//! between = ["user", "h1"]
//! rttMs = 40.0
//! jitterMs = 5.0        # longest minus shortest time one way
//! loss = 0.01           # of the packets, each way
//! mbitPerSecond = 20.0  # each way
//! ```
//!
//! A host without `share` is a user: it starts prompts and holds no layers. Two hosts without a link cannot
//! reach each other.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// Why a topology cannot be used.
#[derive(thiserror::Error, Debug)]
pub enum TopologyError {
	/// The file is not of this form.
	#[error("the topology is not understood: {0}")]
	Syntax(#[from] toml::de::Error),
	/// A figure cannot be true.
	#[error("{figure} of {what} is {value}; it must lie between {low} and {high}: check the number and its unit")]
	Implausible {
		figure: &'static str,
		what: String,
		value: f64,
		low: f64,
		high: f64,
	},
	/// A link has an end that is no host, or two of the same.
	#[error("a link is between {0} and {1}: name two hosts of the file")]
	Ends(String, String),
	/// A link is there twice.
	#[error("there are two links between {0} and {1}: leave one out")]
	Twice(String, String),
	/// There is no user, or more than one.
	#[error("{0} hosts have no share of a processor: exactly one, the user, has none")]
	Users(usize),
}

/// A machine.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Host {
	/// Share of a processor that its workers get; none of a user.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub share: Option<f64>,
	/// Layers that its memory holds.
	#[serde(default, skip_serializing_if = "is_zero")]
	pub layers: usize,
}

fn is_zero(layers: &usize) -> bool {
	*layers == 0
}

/// A link, alike in both directions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Link {
	/// Its ends.
	pub between: [String; 2],
	/// Round trip of a small packet in milliseconds, the mean.
	pub rtt_ms: f64,
	/// Longest minus shortest time one way in milliseconds; all times between are equally likely.
	#[serde(default)]
	pub jitter_ms: f64,
	/// Share of the packets that is lost, independently, each way.
	#[serde(default)]
	pub loss: f64,
	/// Bandwidth each way in 10⁶ bits a second.
	pub mbit_per_second: f64,
}

/// Hosts and links.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Topology {
	/// Hosts by name.
	pub hosts: BTreeMap<String, Host>,
	/// Links between them.
	#[serde(default)]
	pub links: Vec<Link>,
}

impl Topology {
	/// Reads a file's text.
	pub fn parse(text: &str) -> Result<Self, TopologyError> {
		let topology = toml::from_str::<Self>(text)?;
		topology.check()?;
		Ok(topology)
	}

	/// Name of the host that starts prompts.
	pub fn user(&self) -> &str {
		let mut users = self.hosts.iter().filter(|(_, host)| host.share.is_none());
		// `check` found one.
		users.next().map_or("", |(name, _)| name.as_str())
	}

	/// The hosts that may hold layers, in the order of their names.
	pub fn machines(&self) -> Vec<(&str, &Host)> {
		let machines = self.hosts.iter().filter(|(_, host)| host.share.is_some());
		machines.map(|(name, host)| (name.as_str(), host)).collect()
	}

	/// The link between two hosts.
	pub fn link(&self, a: &str, b: &str) -> Option<&Link> {
		let mut links = self.links.iter();
		links.find(
			|Link {
			     between: [x, y], ..
			 }| (x == a && y == b) || (x == b && y == a),
		)
	}

	fn check(&self) -> Result<(), TopologyError> {
		let users = self
			.hosts
			.values()
			.filter(|host| host.share.is_none())
			.count();
		if users != 1 {
			return Err(TopologyError::Users(users));
		}
		for (name, host) in &self.hosts {
			let share = host.share.unwrap_or(1.0);
			within("share", || format!("host {name}"), share, 0.05..=1.0)?;
		}
		for (at, link) in self.links.iter().enumerate() {
			let [a, b] = &link.between;
			if a == b || !self.hosts.contains_key(a) || !self.hosts.contains_key(b) {
				return Err(TopologyError::Ends(a.clone(), b.clone()));
			}
			let first = self.link(a, b).map(std::ptr::from_ref);
			if first != Some(std::ptr::from_ref(&self.links[at])) {
				return Err(TopologyError::Twice(a.clone(), b.clone()));
			}
			let what = || format!("the link between {a} and {b}");
			within("rttMs", what, link.rtt_ms, 0.0..=60_000.0)?;
			// A packet cannot arrive before it is sent.
			within("jitterMs", what, link.jitter_ms, 0.0..=link.rtt_ms)?;
			within("loss", what, link.loss, 0.0..=0.5)?;
			within("mbitPerSecond", what, link.mbit_per_second, 0.001..=1e5)?;
		}
		Ok(())
	}
}

/// NaN lies in no range.
fn within(
	figure: &'static str,
	what: impl Fn() -> String,
	value: f64,
	range: RangeInclusive<f64>,
) -> Result<(), TopologyError> {
	match range.contains(&value) {
		true => Ok(()),
		false => Err(TopologyError::Implausible {
			figure,
			what: what(),
			value,
			low: *range.start(),
			high: *range.end(),
		}),
	}
}
