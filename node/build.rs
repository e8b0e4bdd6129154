//! Puts the version and, where there is one, the git commit into the binary.

use std::{env, path::Path};
use substrate_build_script_utils::{generate_cargo_keys, rerun_if_git_head_changed};

/// Read by the build script utilities; packagers may set it.
const COMMIT_HASH: &str = "SUBSTRATE_CLI_GIT_COMMIT_HASH";

fn main() {
	println!("cargo:rerun-if-env-changed={COMMIT_HASH}");
	if is_git_checkout() {
		rerun_if_git_head_changed();
	} else if env::var_os(COMMIT_HASH).is_none() {
		// A source archive: the version stands alone, and git is not called.
		env::set_var(COMMIT_HASH, "");
	}
	generate_cargo_keys();
}

fn is_git_checkout() -> bool {
	let manifest_dir = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
	Path::new(&manifest_dir)
		.ancestors()
		.any(|dir| dir.join(".git").exists())
}
