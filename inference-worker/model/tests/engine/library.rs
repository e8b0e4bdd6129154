//! Finding and refusing the library. The library starts once per process, so every case is a process
//! of its own: this test binary again, running [`child`] alone.

use crate::{checkpoints, Model, COMPARED_ROWS};
use dllm_model::{
	engine::{runtime, Engine, ANY_VERSION_VARIABLE, LIBRARY_VARIABLE, THREADS_VARIABLE},
	manifest::digest_of,
};
use dllm_primitives::model::Profile;
use std::{env, process::Command};

const ASK: &str = "DLLM_TEST_CHILD";
const ANSWER: &str = "answer: ";

/// Does nothing in the test run itself; in a child it prints what became of the library.
#[test]
fn child() {
	if env::var_os(ASK).is_none() {
		return;
	}
	println!("\n{ANSWER}{}", answer());
}

fn answer() -> String {
	if let Err(error) = runtime() {
		return error.to_string();
	}
	[Profile::F32, Profile::Int4].map(answer_in).join(" ")
}

/// The class and a digest of the output in a profile.
fn answer_in(profile: Profile) -> String {
	let model = Model::split_as(&checkpoints::model("tiny-chat-nano"), profile);
	let engine = model.whole();
	engine.open(0, COMPARED_ROWS).unwrap();
	let output = engine.prefill(0, 0, &model.rows(COMPARED_ROWS)).unwrap();
	let bytes = output
		.iter()
		.flat_map(|value| value.to_le_bytes())
		.collect::<Vec<_>>();
	format!("{:?} {:?}", engine.profile_id(), digest_of(&bytes))
}

/// Runs a child with an environment of its own.
fn ask(variables: &[(&str, &str)]) -> String {
	let output = Command::new(env::current_exe().unwrap())
		.args(["--exact", "library::child", "--nocapture"])
		.env(ASK, "1")
		.envs(variables.iter().copied())
		.output()
		.unwrap();
	let text = String::from_utf8_lossy(&output.stdout).into_owned();
	let line = text.lines().find_map(|line| line.strip_prefix(ANSWER));
	line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
		.to_string()
}

#[test]
fn a_file_that_is_not_there() {
	let answer = ask(&[(LIBRARY_VARIABLE, "no/such/library.so")]);
	assert!(answer.contains("no/such/library.so"), "{answer}");
	assert!(answer.contains("scripts/fetch-onnxruntime.sh"), "{answer}");
}

#[test]
fn a_file_of_another_version() {
	let file = checkpoints::model("fixture-tied").join("tokenizer.json");
	let answer = ask(&[(LIBRARY_VARIABLE, file.to_str().unwrap())]);
	assert!(answer.contains("is not onnxruntime 1.31.1"), "{answer}");

	let answer = ask(&[
		(LIBRARY_VARIABLE, file.to_str().unwrap()),
		(ANY_VERSION_VARIABLE, "1"),
	]);
	assert!(answer.contains("does not start"), "{answer}");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
	let one = ask(&[(THREADS_VARIABLE, "1")]);
	assert_eq!(one.split(' ').count(), 4, "{one}");
	for threads in ["2", "3", "8"] {
		assert_eq!(
			ask(&[(THREADS_VARIABLE, threads)]),
			one,
			"{threads} threads"
		);
	}
}
