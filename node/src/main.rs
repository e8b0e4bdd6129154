//! The `dllm-node` binary.

fn main() -> sc_cli::Result<()> {
	dllm_node::command::run()
}
