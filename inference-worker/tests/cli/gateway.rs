//! The keys of a gateway, by its command.

use super::worker::Folder;

#[test]
fn a_key_is_shown_once_and_listed_without_its_secret() {
	let folder = Folder::new();
	let key = |words: &[&str]| folder.run(&[&["gateway", "key"][..], words].concat());
	let added = key(&[
		"add", "--name", "web", "--budget", "2.5 DLLM", "--rate", "60",
	]);
	let text = added.printed().trim().to_string();
	assert!(text.starts_with("sk-dllm-"), "{text}");
	let (_, secret) = text.rsplit_once('-').unwrap();

	let listed = key(&["list"]);
	let listed = listed.printed();
	for part in ["web", "2.5 DLLM", "60", "0 DLLM"] {
		assert!(listed.contains(part), "{listed}");
	}
	assert!(!listed.contains(secret));
	let json = key(&["list", "--json"]);
	let json: serde_json::Value = serde_json::from_str(json.printed()).unwrap();
	assert_eq!(json[0]["budget"], "2500000000000");

	key(&["add", "--name", "web"]).fails_with(&["named \"web\" already", "another name"]);
	key(&["remove", "--name", "bot"]).fails_with(&["no key is named \"bot\"", "key list"]);
	key(&["remove", "--name", "web"]).printed();
	assert_eq!(key(&["list", "--json"]).printed().trim(), "[]");
}

#[test]
fn options_that_cannot_be_obeyed_are_named() {
	let folder = Folder::new();
	let serve =
		|words: &[&str]| folder.run(&[&["gateway", "--account", "//Alice"][..], words].concat());
	serve(&["--web", "nowhere"]).fails_with(&["nowhere", "index.html", "--web"]);
	serve(&["--allow-origin", "chat.example"]).fails_with(&["chat.example", "https://"]);
	let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
	let address = taken.local_addr().unwrap().to_string();
	serve(&["--listen", &address]).fails_with(&[&address, "--listen"]);
	folder.write("worker.toml", "[gateway]\nrunnin = 3\n");
	serve(&[]).fails_with(&["worker.toml", "runnin"]);
}
