//! The view of `status --watch`, as text.

use super::worker::Folder;
use dllm_worker::cli::watch::{draw, View, Work};

fn drawn(view: &View) -> String {
	draw(view, (30, 110))
}

fn view() -> View {
	View {
		node: "ws://127.0.0.1:9944 at block 7 with 2 peers".into(),
		account: "5Grw".into(),
		free: "2500000000000".into(),
		gained: "-500000000000".into(),
		worker: "active".into(),
		duties: vec!["lead stage 1 of job 3: open".into()],
		pipelines: vec![["4".into(), "Live".into(), "1 of 2".into()]],
		..View::default()
	}
}

#[test]
fn a_worker_that_runs_shows_its_speed_and_earnings() {
	let work = Work {
		sessions: 2.0,
		tokens: 40.0,
		tokens_per_second: 12.5,
		settled: 3.0,
		earned: 0.25,
		sent_per_second: 2048.0,
		..Work::default()
	};
	let text = drawn(&View {
		work: Some(work),
		..view()
	});
	for part in [
		"at block 7 with 2 peers",
		"2.5 DLLM free, -0.5 DLLM since you look",
		"sessions  2   tokens 40 (12.5/s)",
		"3 settled, 0 refunded",
		"0.250000 DLLM",
		"2.0 KiB/s out",
		"lead stage 1 of job 3: open",
		"1 of 2",
	] {
		assert!(text.contains(part), "{part:?} is not in\n{text}");
	}
}

#[test]
fn without_metrics_the_view_says_how_to_get_them() {
	assert!(drawn(&view()).contains("set `metrics` in the configuration"));
}

#[test]
fn money_fits_on_a_usual_terminal() {
	let address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".to_string();
	let text = draw(
		&View {
			account: address,
			..view()
		},
		(24, 80),
	);
	assert!(
		text.contains("2.5 DLLM free, -0.5 DLLM since you look\n"),
		"{text}"
	);
}

#[test]
fn a_view_never_exceeds_its_terminal() {
	let many = View {
		duties: vec!["a duty that is longer than this terminal".into(); 50],
		..view()
	};
	for (height, width) in [(1, 1), (4, 12), (24, 80)] {
		let text = draw(&many, (height, width));
		assert!(text.lines().count() <= height);
		assert!(
			text.lines().all(|line| line.chars().count() <= width),
			"{text}"
		);
	}
	assert!(draw(&many, (24, 80)).ends_with("Ctrl-C leaves\n"));
}

#[test]
fn watching_a_job_makes_no_sense() {
	let folder = Folder::new();
	let ran = folder.run(&["status", "--watch", "--job", "1"]);
	ran.fails_with(&["--watch", "cannot be used with", "--job"]);
}
