//! Every command explains itself.

use super::worker::Folder;

const COMMANDS: [&str; 22] = [
	"init",
	"keys",
	"register",
	"unregister",
	"accept",
	"model",
	"adapter",
	"plan",
	"rounds",
	"round",
	"serve",
	"gateway",
	"prompt",
	"pay",
	"status",
	"audit",
	"doctor",
	"split",
	"accuracy",
	"bench",
	"completions",
	"man",
];

#[test]
fn every_command_explains_itself() {
	let folder = Folder::new();
	let help = folder.run(&["--help"]);
	for command in COMMANDS {
		assert!(
			help.printed().contains(&format!("\n  {command} ")),
			"{command} is not listed"
		);
		let own = folder.run(&[command, "--help"]);
		assert!(
			own.printed()
				.contains(&format!("Usage: dllm-worker {command}")),
			"{}",
			own.stdout
		);
	}
}

#[test]
fn subcommands_explain_themselves() {
	let folder = Folder::new();
	let subcommands = [
		"keys generate",
		"keys show",
		"model add",
		"model activate",
		"model retire",
		"model list",
		"round open",
		"gateway key add",
		"gateway key list",
		"gateway key remove",
	];
	for words in subcommands {
		let mut arguments = words.split(' ').collect::<Vec<_>>();
		arguments.push("--help");
		let help = folder.run(&arguments);
		assert!(
			help.printed()
				.contains(&format!("Usage: dllm-worker {words}")),
			"{}",
			help.stdout
		);
	}
}

#[test]
fn no_option_is_undocumented() {
	let folder = Folder::new();
	for command in COMMANDS {
		let help = folder.run(&[command, "--help"]);
		let lines = help.printed().lines().collect::<Vec<_>>();
		for (at, line) in lines.iter().enumerate() {
			let option = line.trim_start();
			if !option.starts_with("--") {
				continue;
			}
			let here = option.contains("  ");
			let below = lines
				.get(at + 1)
				.is_some_and(|next| !next.trim().is_empty());
			assert!(here || below, "{command}: {option} is not explained");
		}
	}
}
