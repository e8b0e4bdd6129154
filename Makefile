# make demo | up | down | test | test-rust | test-exactness | test-e2e | test-operations | test-production | test-network | load | test-oracle | test-phone | netlab | worker-aarch64 | check-android | attacks | web | test-web | lint | bench | accuracy | exactness | fuzz | weights | chain-spec | docs | build | production | setup | setup-oracle | setup-web | setup-operations | clean
#
# One profile (release) serves the demo and the tests. CARGO_TARGET_DIR moves the build folder.

CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
BIN := $(CARGO_TARGET_DIR)/release
# Where Debian's Node is too old for the page, scripts/setup.sh puts another here.
export PATH := $(CURDIR)/.tools/node/node_modules/node/bin:$(PATH)
# A workspace of its own, with the solver that the planner is proved against.
ORACLE := inference-worker/planning/oracle
ORACLE_TARGET := $(CARGO_TARGET_DIR)/oracle
# Where rustup could not fetch the wasm target, scripts/wasm-sysroot.sh has left the toolchain that can do without.
CARGO = $(shell [ -e .tools/wasm-toolchain ] && echo "WASM_BUILD_TOOLCHAIN=$$(cat .tools/wasm-toolchain)") cargo

.PHONY: demo up down docs test test-rust test-exactness test-e2e test-operations test-production test-network netlab load test-oracle test-phone worker-aarch64 check-android attacks web test-web lint bench accuracy exactness fuzz weights chain-spec build production setup setup-oracle setup-web setup-operations clean

setup:
	@scripts/setup.sh

setup-oracle:
	@scripts/setup.sh oracle

setup-operations:
	@scripts/setup.sh operations

setup-web:
	@scripts/setup.sh web

# Binaries and tests in one call: cargo then resolves features once and compiles nothing twice. No library has
# tests of its own (`test = false`), so none is compiled a second time to look for them.
build: setup
	$(CARGO) build --release --workspace --bins --tests

# What is shipped, in target/production: optimised as far as it goes, and with the metadata hash by which hardware
# wallets know what they sign. Takes hours on two cores.
production: setup
	$(CARGO) build --profile production --locked --workspace --bin dllm-node --bin dllm-worker --features dllm-runtime/metadata-hash

# Whether hardware wallets can sign for it. Apart from `test`, because of that build.
test-production: production
	@DLLM_BIN=$(CARGO_TARGET_DIR)/production node --test --test-concurrency=1 e2e/production/*.test.mjs

demo: build
	@DLLM_BIN=$(BIN) node e2e/demo.mjs $(if $(ONCE),--once)

# The network of docker/topology.json as processes that stay, and their end; the chain goes on at the next `up`.
# The gateway serves the web page where `make web` has built it.
up: build
	@DLLM_BIN=$(BIN) node e2e/up.mjs up

down:
	@DLLM_BIN=$(BIN) node e2e/up.mjs down

test: build test-rust test-exactness test-e2e

test-rust: setup
	$(CARGO) test --release --workspace --tests

# The planner against a MILP and brute force; builds HiGHS, so it stands apart from `test`.
test-oracle: setup-oracle
	cd $(ORACLE) && CARGO_TARGET_DIR=$(ORACLE_TARGET) cargo test --release -- --show-output

# Attacks on verification: by real processes on one network (a quarter of an hour), then on the engine and as
# simulations. One table; fails where an attack pays or an honest party loses. WRITE=1 puts the table into the
# document. `make test` has a part of the latter two (the Rust test `attacks`), and a few of the first (cheaters, withheld).
SEEN := .demo/attacks.jsonl
attacks: build
	@DLLM_BIN=$(BIN) node e2e/attacks/attacks.mjs --out $(SEEN) $(if $(QUICK),--quick); seen=$$?; \
		$(BIN)/dllm-attacks --observed $(SEEN) $(if $(QUICK),--quick) $(if $(WRITE),--write docs/verification.md) && exit $$seen

# Two processors, one model: under two minutes.
test-exactness: build
	@scripts/exactness.sh reduced

# Three suites at a time: most of their time they wait for blocks.
test-e2e: build
	@DLLM_BIN=$(BIN) node --test --test-concurrency=3 e2e/tests/*.test.mjs

# What operators are given: alarms on a running Prometheus, images and units, examples, the book. Seven minutes
# and packages of their own, so it stands apart from `test`.
test-operations: build setup-operations web
	@DLLM_BIN=$(BIN) node --test --test-concurrency=1 e2e/operations/*.test.mjs

# Four validators of unequal weight, 700 blocks, a warp sync and a stop: a quarter of an hour. Not part of `test`.
test-network: build
	@DLLM_BIN=$(BIN) node e2e/network/weighted.mjs

# Weak networks: real workers on hosts in network namespaces, behind links that delay and lose packets. As root.
# Writes tables and charts of docs/placement.md; NETLAB=quick measures the least of each and writes nothing.
netlab: build
	@DLLM_BIN=$(BIN) node e2e/netlab/lab.mjs $(if $(filter quick,$(NETLAB)),--quick,--write)

# A gateway at its limit for LOAD_MINUTES, and a few minutes for the jobs to end: p50 to p99, answers by status,
# memory of gateway and workers. Fails where memory grows or anything is charged that did not run. Not part of `test`.
LOAD_MINUTES ?= 30
load: build
	@DLLM_BIN=$(BIN) node e2e/load/mixed.mjs --minutes $(LOAD_MINUTES)

# The worker of a phone, for 64-bit ARM Linux: docs/android.md.
worker-aarch64: setup
	@scripts/cross.sh dllm-worker

# That worker under emulation as a miner of one segment, replica of an x86 miner: two minutes. Apart from `test`,
# because it builds the worker a second time.
test-phone: build worker-aarch64
	@DLLM_BIN=$(BIN) node --test --test-concurrency=1 e2e/phone/*.test.mjs

# Whether the worker's Rust code compiles for Android itself. Nothing is made: that would take its NDK.
check-android: setup
	@scripts/cross.sh --android dllm-worker

# The page as static files in web/dist.
web: setup-web
	npm run --prefix web build

# Its types, rules and units, then the built page in Chromium on running networks. Stands apart from `test`.
test-web: build web
	npm run --prefix web check
	npm run --prefix web test
	@DLLM_BIN=$(BIN) node --test --test-concurrency=1 web/tests/*.test.mjs

# Every emulated processor, ARM too; writes docs/exactness.md. Seen: 42 minutes at idle priority beside other work; a build for ARM besides.
exactness: build
	@scripts/exactness.sh

# Damaged files, frames and requests, FUZZ_SECONDS for each of seven readers.
FUZZ_SECONDS ?= 120
fuzz: setup
	DLLM_FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --release --workspace --test fuzz --test frames --test gateway -- --nocapture --test-threads 1

lint: setup
	cargo fmt --all --check
	cd $(ORACLE) && cargo fmt --check
	cd runtime/benchmarking && cargo fmt --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings

# Prints one line a figure: ID name value unit (goal …) ok|SHORT. Never fails a build.
bench: build
	-@scripts/setup.sh oracle
	-@$(CARGO) bench --profile release --workspace --bench engine_bench --bench ring_bench
	-@cd $(ORACLE) && CARGO_TARGET_DIR=$(ORACLE_TARGET) cargo bench --bench placement_bench
	-@DLLM_BIN=$(BIN) node e2e/bench.mjs
	-@bench/run.sh

# The presets as files, without the runtime; a test compares them.
chain-spec: build
	@for chain in dev local fast testnet; do \
		$(BIN)/dllm-node export-chain-spec --chain $$chain | node -e ' \
			const spec = JSON.parse(require("fs").readFileSync(0, "utf8")); \
			delete spec.genesis.runtimeGenesis.code; \
			console.log(JSON.stringify(spec, null, 2));' > chain-spec/$$chain.json; \
	done
	@node chain-spec/devnet.mjs > chain-spec/devnet.json

# The reference pages of docs/, from the programs themselves; a test compares them.
docs: build
	@DLLM_BIN=$(BIN) node docs/generate.mjs

# Runs the benchmarks of our pallets in the runtime's own wasm and writes runtime/src/weights anew. In a build
# folder of its own, because the features of the runtime differ. Wants a machine with nothing else to do.
WEIGHTS := $(CARGO_TARGET_DIR)/weights
MEASURED := pallet_allocation pallet_auctions pallet_jobs pallet_miners pallet_models pallet_poaw pallet_verification
weights: setup
	CARGO_TARGET_DIR=$(WEIGHTS) $(CARGO) build --release --package dllm-runtime --features runtime-benchmarks
	CARGO_TARGET_DIR=$(WEIGHTS) cargo run --release --locked --manifest-path runtime/benchmarking/Cargo.toml -- \
		$(WEIGHTS)/release/wbuild/dllm-runtime/dllm_runtime.wasm runtime/src/weights $(MEASURED)

# Perplexity and right answers of every profile; fails where exact loses more than 1 %. Then speed.
accuracy: setup
	$(CARGO) bench --profile release --workspace --bench accuracy

clean:
	rm -rf .demo e2e/node_modules web/node_modules web/dist
	cargo clean
