#!/usr/bin/env bash
# Builds dllm-exactness for aarch64 and fetches the ONNX Runtime of that architecture.
#
# Debian 12 packages (as root or through sudo) · the Rust target · the library (pinned, hash checked). Safe
# to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

triple=aarch64-unknown-linux-gnu
packages=()
command -v aarch64-linux-gnu-g++ >/dev/null || packages+=(g++-aarch64-linux-gnu)
command -v qemu-aarch64 >/dev/null || packages+=(qemu-user)
[ -e /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ] || packages+=(libstdc++6-arm64-cross)
if [ ${#packages[@]} -gt 0 ]; then
	echo "cross: installing Debian packages: ${packages[*]}" >&2
	sudo=()
	[ "$(id -u)" = 0 ] || sudo=(sudo)
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi
rustup target list --installed | grep -qx $triple || rustup target add $triple

scripts/fetch-onnxruntime.sh .tools/onnxruntime-aarch64 Linux-aarch64

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++
cargo build --release --target $triple --package dllm-exactness
