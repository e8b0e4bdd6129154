//! How a view looks: plain lines, cut to the width of the terminal.

use super::{View, Work};
use crate::{
	chain::Amount,
	cli::table::{short, table},
};
use console::truncate_str;

/// The view as lines of at most `width` columns, `height` lines at most.
pub fn draw(view: &View, (height, width): (usize, usize)) -> String {
	let mut text = chain(view) + &work(view.work.as_ref());
	if !view.pipelines.is_empty() {
		text += &format!(
			"\n{}",
			table(["pipeline", "state", "slots taken"], &view.pipelines)
		);
	}
	text += match view.duties.is_empty() {
		true => "\nno duties\n",
		false => "\nduties\n",
	};
	for duty in &view.duties {
		text += &format!("  {duty}\n");
	}
	// The last line says how to leave, whatever there is no room for.
	let room = height.saturating_sub(1);
	let lines = text.lines().take(room).chain(["Ctrl-C leaves"]);
	let lines = lines.map(|line| truncate_str(line, width, "…").into_owned() + "\n");
	lines.collect()
}

fn chain(view: &View) -> String {
	let account = match view.account.is_empty() {
		true => "none: give --account, or `account` in the configuration".into(),
		false => format!(
			"{}: {} free, {} since you look",
			short(&view.account),
			money(&view.free),
			money(&view.gained)
		),
	};
	format!(
		"node      {}\naccount   {account}\nworker    {}\n",
		view.node, view.worker
	)
}

fn work(work: Option<&Work>) -> String {
	let Some(work) = work else {
		return "work      unknown: set `metrics` in the configuration and start the worker\n"
			.into();
	};
	format!(
		"sessions  {:.0}   tokens {:.0} ({:.1}/s)   rows {:.0} ({:.1}/s)\n\
		jobs      {:.0} settled, {:.0} refunded\n\
		earned    {:.6} DLLM since the worker started\n\
		network   {:.1} KiB/s in, {:.1} KiB/s out\n",
		work.sessions,
		work.tokens,
		work.tokens_per_second,
		work.rows,
		work.rows_per_second,
		work.settled,
		work.refunded,
		work.earned,
		work.received_per_second / 1024.0,
		work.sent_per_second / 1024.0
	)
}

/// Planck as a person reads them.
fn money(planck: &str) -> String {
	let (sign, digits) = match planck.strip_prefix('-') {
		Some(digits) => ("-", digits),
		None => ("", planck),
	};
	format!("{sign}{}", digits.parse().unwrap_or(Amount(0)))
}
