#!/usr/bin/env bash
# Builds packages of the workspace for 64-bit ARM Linux, and fetches the ONNX Runtime of that architecture.
#
# Usage: scripts/cross.sh PACKAGE…     programs land in the build folder, under aarch64-unknown-linux-gnu/release
#        scripts/cross.sh --android PACKAGE…     only checks that they compile for Android; makes nothing
#
# Debian 12 packages (as root or through sudo) · the Rust target · the library (pinned, hash checked). Safe to
# run again. scripts/aarch64.sh runs what was built here.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'cross: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

verb=build
triple=aarch64-unknown-linux-gnu
if [ "${1:-}" = --android ]; then
	verb=check
	triple=aarch64-linux-android
	shift
fi
[ $# -gt 0 ] || die "name a package, like dllm-worker"

packages=()
command -v aarch64-linux-gnu-gcc >/dev/null || packages+=(gcc-aarch64-linux-gnu)
[ -e /usr/aarch64-linux-gnu/include/stdio.h ] || packages+=(libc6-dev-arm64-cross)
if [ $verb = build ]; then
	command -v qemu-aarch64 >/dev/null || packages+=(qemu-user)
	# ONNX Runtime is written in C++.
	[ -e /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ] || packages+=(libstdc++6-arm64-cross)
fi
if [ ${#packages[@]} -gt 0 ]; then
	say "installing Debian packages: ${packages[*]}"
	sudo=()
	[ "$(id -u)" = 0 ] || sudo=(sudo)
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "run this as root, or install: ${packages[*]}"
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

# Unlike for the runtime's wasm, no Debian package can stand in: it has the library of another compiler.
rustup target list --installed | grep -qx $triple || rustup target add $triple || die "Rust's library for $triple is missing, and rustup could not fetch it (its words are above). It comes from the Rust release server; RUSTUP_DIST_SERVER can name a mirror. Then run this again"

# The tree in which emulated programs find their files. ONNX Runtime looks for its processor in /proc/cpuinfo, where
# QEMU 7.2 shows it that of the host, and crashes: here it finds two cores of a Cortex-A76.
emulated() {
	local root=.tools/aarch64
	mkdir -p $root/proc
	ln -sfn /usr/aarch64-linux-gnu/lib $root/lib
	for core in 0 1; do
		printf '%s\t: %s\n' processor $core BogoMIPS 243.75 \
			Features 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp' \
			'CPU implementer' 0x41 'CPU architecture' 8 'CPU variant' 0x4 'CPU part' 0xd0b 'CPU revision' 1
		echo
	done >$root/proc/cpuinfo
}
if [ $verb = build ]; then
	scripts/fetch-onnxruntime.sh .tools/onnxruntime-aarch64 Linux-aarch64 >&2
	emulated
fi

# The compiler of the C and assembly in ring, blake3 and secp256k1. Where Android is checked, what it makes is
# thrown away: the Rust code is compiled against Android, these against GNU/Linux.
name=${triple//-/_}
export "CC_$name=aarch64-linux-gnu-gcc" "AR_$name=aarch64-linux-gnu-ar"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
arguments=()
for package in "$@"; do arguments+=(--package "$package"); done
cargo $verb --release --target $triple --bins "${arguments[@]}"
