//! Puts the version into the binary, and the git commit where the build names one: packagers set
//! `SUBSTRATE_CLI_GIT_COMMIT_HASH`. Otherwise git is not asked, so that a commit rebuilds nothing.

use std::env;
use substrate_build_script_utils::generate_cargo_keys;

/// Read by the build script utilities.
const COMMIT_HASH: &str = "SUBSTRATE_CLI_GIT_COMMIT_HASH";

fn main() {
	println!("cargo:rerun-if-env-changed={COMMIT_HASH}");
	if env::var_os(COMMIT_HASH).is_none() {
		env::set_var(COMMIT_HASH, "");
	}
	generate_cargo_keys();
}
