# make demo | test | test-rust | test-exactness | test-e2e | exactness | fuzz | lint | bench | accuracy | build | setup | clean
#
# One profile (release) serves the demo and the tests. CARGO_TARGET_DIR moves the build folder.

CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
BIN := $(CARGO_TARGET_DIR)/release

.PHONY: demo test test-rust test-exactness test-e2e exactness fuzz lint bench accuracy build setup clean

setup:
	@scripts/setup.sh

# Binaries, tests and benches in one call: cargo then resolves features once and compiles nothing twice.
build: setup
	cargo build --release --workspace --all-targets

demo: build
	@DLLM_BIN=$(BIN) node e2e/demo.mjs $(if $(ONCE),--once)

test: build test-rust test-exactness test-e2e

test-rust: setup
	cargo test --release --workspace --lib --bins --tests

# Two processors, one model: under two minutes.
test-exactness: build
	@scripts/exactness.sh reduced

test-e2e: build
	@DLLM_BIN=$(BIN) node --test --test-concurrency=1 e2e/tests/*.test.mjs

# Every emulated processor; writes docs/exactness.md. Takes most of an hour.
exactness: build
	@scripts/exactness.sh

# Damaged files and frames, FUZZ_SECONDS for each of six readers.
FUZZ_SECONDS ?= 120
fuzz: setup
	DLLM_FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --release --workspace --test fuzz --test frames -- --nocapture --test-threads 1

lint: setup
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings

# Prints one line a figure: ID name value unit (goal …) ok|SHORT. Never fails a build.
bench: build
	-@cargo bench --profile release --workspace --bench engine_bench --bench ring_bench
	-@DLLM_BIN=$(BIN) node e2e/bench.mjs
	-@bench/run.sh

# Perplexity and right answers of every profile; fails where exact loses more than 1 %. Then speed.
accuracy: setup
	cargo bench --profile release --workspace --bench accuracy

clean:
	rm -rf .demo e2e/node_modules
	cargo clean
