//! What is wrong in a configuration is named with its line.

use super::worker::Folder;

#[test]
fn unknown_key_is_named_with_its_line() {
	let folder = Folder::new();
	folder.write("worker.toml", "price = 5\n\nmemroy = \"2GiB\"\n");
	let ran = folder.run(&["keys", "show", "--account", "//Alice"]);
	ran.fails_with(&["worker.toml:3:", "memroy", "memory"]);
}

#[test]
fn bad_values_are_named_with_their_line() {
	let cases = [
		(
			"memory = \"much\"\n",
			"worker.toml:1:",
			"write it like 512MiB",
		),
		("price = 1\nmemory = -1\n", "worker.toml:2:", "not negative"),
		("\nroles = [\"king\"]\n", "worker.toml:2:", "king"),
		("roles = []\n", "worker.toml:1:", "entry, miner, verifier"),
		(
			"listen = [\"localhost:30400\"]\n",
			"worker.toml:1:",
			"multiaddr",
		),
		("price = \"1.5 USD\"\n", "worker.toml:1:", "2.5 DLLM"),
		("price = \n", "worker.toml:1:", "error"),
	];
	for (text, line, reason) in cases {
		let folder = Folder::new();
		folder.write("worker.toml", text);
		folder
			.run(&["keys", "show", "--account", "//Alice"])
			.fails_with(&[line, reason]);
	}
}

#[test]
fn named_file_must_exist() {
	let folder = Folder::new();
	let ran = folder.run(&["--config", "other.toml", "keys", "show"]);
	ran.fails_with(&["no configuration at other.toml", "worker.example.toml"]);
}

#[test]
fn paths_count_from_the_folder_of_the_file() {
	let folder = Folder::new();
	std::fs::create_dir(folder.path("deep")).expect("the folder is made");
	folder.write("deep/worker.toml", "account = \"miner.key\"\n");
	let ran = folder.run(&["--config", "deep/worker.toml", "keys", "show"]);
	ran.fails_with(&["no key file at deep/miner.key"]);
}

#[test]
fn log_filter_is_checked() {
	let folder = Folder::new();
	let ran = folder.run(&["--log", "a=b=c", "keys", "show"]);
	ran.fails_with(&["--log \"a=b=c\"", "json"]);
}
