//! Every metric is explained, and every metric that is explained exists.

use dllm_worker::metrics::{metrics, registry, Committed, Direction, Numbers};
use std::{collections::BTreeMap, path::PathBuf};

/// The first table of docs/metrics.md: type and labels by name.
fn explained() -> BTreeMap<String, (String, Vec<String>)> {
	let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
	let page = std::fs::read_to_string(page).expect("docs/metrics.md");
	let rows = page
		.lines()
		.filter(|line| line.starts_with("| `dllm_worker_"));
	let row = |line: &str| {
		let cells = line.split('|').map(str::trim).collect::<Vec<_>>();
		let mut labels = cells[3].split('`').skip(1).step_by(2);
		let label = labels.next().map(String::from);
		let name = cells[1].trim_matches('`').to_string();
		(name, (cells[2].to_string(), label.into_iter().collect()))
	};
	rows.map(row).collect()
}

#[test]
fn the_page_explains_exactly_the_metrics_that_exist() {
	metrics();
	let families = registry().gather();
	let existing = families.iter().map(|family| {
		let labels = family.get_metric()[0].get_label();
		let labels = labels.iter().map(|label| label.get_name().to_string());
		let kind = format!("{:?}", family.get_field_type()).to_lowercase();
		(family.get_name().to_string(), (kind, labels.collect()))
	});
	let existing = existing.collect::<BTreeMap<String, (String, Vec<String>)>>();
	assert_eq!(existing, explained());
	assert!(existing.len() > 15);
}

#[test]
fn the_page_names_every_value_of_a_label() {
	metrics();
	let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
	let page = std::fs::read_to_string(page).expect("docs/metrics.md");
	for family in registry().gather() {
		let row = format!("| `{}` |", family.get_name());
		let row = page
			.lines()
			.find(|line| line.starts_with(&row))
			.expect("a row");
		for metric in family.get_metric() {
			for label in metric
				.get_label()
				.iter()
				.filter(|label| label.get_name() != "version")
			{
				let value = format!("`{}`", label.get_value());
				assert!(
					row.contains(&value),
					"{} does not name {value}",
					family.get_name()
				);
			}
		}
	}
}

#[test]
fn what_is_counted_can_be_read_back() {
	let numbers = || {
		let mut text = Vec::new();
		let encoder = substrate_prometheus_endpoint::prometheus::TextEncoder::new();
		substrate_prometheus_endpoint::prometheus::Encoder::encode(
			&encoder,
			&registry().gather(),
			&mut text,
		)
		.expect("text");
		Numbers::read(&String::from_utf8(text).expect("UTF-8"))
	};
	let before = numbers();
	metrics().committed(Committed::Check);
	metrics().moved(Direction::Sent, 7);
	metrics().fetch_ended(Some(11));
	metrics().fetch_ended(None);
	let after = numbers();
	let grown = |name, label| after.sum(name, label) - before.sum(name, label);
	assert_eq!(grown("commitments_total", Some("part=\"check\"")), 1.0);
	assert_eq!(grown("commitments_total", None), 1.0);
	assert_eq!(grown("peer_bytes_total", Some("direction=\"sent\"")), 7.0);
	assert_eq!(
		grown("peer_bytes_total", Some("direction=\"received\"")),
		0.0
	);
	assert_eq!(grown("shard_fetches_total", None), 2.0);
	assert_eq!(grown("shard_bytes_total", None), 11.0);
}

#[test]
fn lines_that_are_no_samples_are_left_out() {
	let text = "# HELP dllm_worker_rows_total x\nother_rows_total 3\ndllm_worker_rows_total 4\n\
		dllm_worker_jobs_total{outcome=\"settled\"} 2\ndllm_worker_bad x\n";
	let numbers = Numbers::read(text);
	assert_eq!(numbers.sum("rows_total", None), 4.0);
	assert_eq!(numbers.sum("jobs_total", Some("outcome=\"settled\"")), 2.0);
	assert_eq!(numbers.sum("jobs_total", Some("outcome=\"refunded\"")), 0.0);
	assert_eq!(numbers.sum("bad", None), 0.0);
}
