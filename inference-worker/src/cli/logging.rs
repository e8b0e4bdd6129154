//! Logs on stderr: a readable line or a JSON object for each event.

use super::CliError;
use std::io::{stderr, IsTerminal};
use tracing_subscriber::{fmt, EnvFilter};

/// Word of `--log` that asks for JSON.
const JSON: &str = "json";
/// Libraries speak only when something is wrong.
const LIBRARIES: &str = "warn";
/// Names of a level, which count for the worker alone.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Starts to log what `wanted` asks for.
pub fn start(wanted: &str) -> Result<(), CliError> {
	let words = wanted
		.split(',')
		.map(str::trim)
		.filter(|word| !word.is_empty());
	let (format, filters): (Vec<_>, Vec<_>) = words.partition(|word| *word == JSON);
	let filter = EnvFilter::try_new(directives(&filters)).map_err(|error| CliError::BadLog {
		given: wanted.into(),
		reason: error.to_string(),
	})?;
	let lines = fmt().with_env_filter(filter).with_writer(stderr);
	if format.is_empty() {
		lines
			.with_target(false)
			.with_ansi(stderr().is_terminal())
			.compact()
			.init();
	} else {
		lines
			.json()
			.flatten_event(true)
			.with_current_span(false)
			.with_span_list(false)
			.init();
	}
	Ok(())
}

fn directives(filters: &[&str]) -> String {
	let for_worker = |filter: &&str| match LEVELS.contains(filter) {
		true => format!("dllm_worker={filter}"),
		false => filter.to_string(),
	};
	let mut directives = vec![LIBRARIES.to_string()];
	if filters.is_empty() {
		directives.push("dllm_worker=info".into());
	}
	directives.extend(filters.iter().map(for_worker));
	directives.join(",")
}
