//! Measurements that `plan` cannot use are named before a node is asked.

use super::worker::{Folder, Ran};

fn plan(folder: &Folder, file: &str) -> Ran {
	folder.run(&["--account", "//Alice", "plan", "--links", file])
}

#[test]
fn missing_measurements_are_named() {
	let folder = Folder::new();
	plan(&folder, "nowhere.json").fails_with(&["nowhere.json"]);
}

#[test]
fn figures_that_cannot_be_true_are_named() {
	let folder = Folder::new();
	let links = r#"{ "links": [{ "from": "a", "to": "b", "loss": 5 }] }"#;
	folder.write("links.json", links);
	plan(&folder, "links.json")
		.fails_with(&["loss of the link from a to b is 5", "between 0 and 0.5"]);
}
