//! Compiles the runtime to wasm, whenever it is built for a node or a test.

#[cfg(all(feature = "std", feature = "metadata-hash"))]
fn main() {
	substrate_wasm_builder::WasmBuilder::init_with_defaults()
		.enable_metadata_hash("DLLM", 12)
		.build();
}

#[cfg(all(feature = "std", not(feature = "metadata-hash")))]
fn main() {
	substrate_wasm_builder::WasmBuilder::build_using_defaults();
}

/// The wasm builder turns the standard library off to compile the runtime itself.
#[cfg(not(feature = "std"))]
fn main() {}
