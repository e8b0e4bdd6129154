#!/usr/bin/env bash
# Runs the same shards and rows on unlike processors and fails if profile `exact` has two hashes.
#
# Usage: scripts/exactness.sh [reduced]. In full: this processor, Haswell (AVX2), Nehalem (SSE4.2) and
# Cortex-A76 (aarch64) under qemu-user, each with 1 and 2 threads and the graph optimiser on and off; writes
# docs/exactness.md, which also says by which tolerances pairs of numerics classes may be compared on chain.
# Reduced, for `make test`: this processor and Haswell, one model, profile exact.
#
# Needs the programs that `make build` leaves; the full run builds one for aarch64 (scripts/cross.sh).
# MODELS, PROFILES and MACHINES (separated by commas) narrow the full run, which then writes no page:
# PROFILES=exact MACHINES=native,a76 compares this processor with ARM in a minute. A cheaper profile that is left out is
# no cheat against which a tolerance was held, so only the full run calibrates.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'exactness: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

kind=${1:-full}
target=${CARGO_TARGET_DIR:-$PWD/target}
program=$target/release/dllm-exactness
[ -x "$program" ] || die "no $program: run make build"
if [ "$(uname -m)" != x86_64 ]; then
	say "not run: it compares an x86 processor with others"
	[ "$kind" = reduced ]
	exit
fi
command -v qemu-x86_64 >/dev/null || die "qemu-user is missing: run scripts/setup.sh"

case $kind in
full)
	models=${MODELS:-models/fixture-untied,models/tiny-chat-nano}
	profiles=${PROFILES:-exact,f32,f16,int8,int4}
	machines=${MACHINES:-native haswell nehalem a76}
	machines=${machines//,/ }
	for machine in $machines; do
		[[ " native haswell nehalem a76 " == *" $machine "* ]] || die "no machine $machine: name native, haswell, nehalem or a76"
	done
	settings="1,on 2,on 1,off 2,off"
	rows=40
	;;
reduced)
	models=models/fixture-untied
	profiles=exact
	machines="native haswell"
	# One setting a machine, unlike the other's: an emulated run takes most of a minute.
	settings_native="1,on"
	settings="2,off"
	rows=16
	;;
*) die "unknown argument $kind: give reduced, or nothing" ;;
esac

# The program for a machine, under its emulator.
on() {
	local machine=$1
	shift
	case $machine in
	native) "$program" "$@" ;;
	# Without what no emulated process can use, of which QEMU would warn every time.
	haswell) qemu-x86_64 -cpu Haswell,-pcid,-x2apic,-tsc-deadline,-hle,-invpcid,-rtm "$program" "$@" ;;
	nehalem) qemu-x86_64 -cpu Nehalem "$program" "$@" ;;
	a76) scripts/aarch64.sh dllm-exactness "$@" ;;
	esac
}

# The name of a machine in the table.
name_of() {
	case $1 in
	native)
		if grep -qw avx512_vnni /proc/cpuinfo; then echo "native, AVX-512 VNNI"
		elif grep -qw avx512f /proc/cpuinfo; then echo "native, AVX-512"
		elif grep -qw avx2 /proc/cpuinfo; then echo "native, AVX2"
		else echo "native"; fi
		;;
	haswell) echo "qemu Haswell, AVX2" ;;
	nehalem) echo "qemu Nehalem, SSE4.2" ;;
	a76) echo "qemu Cortex-A76, NEON dot product" ;;
	esac
}

# A folder of our own: results of an earlier run must not count for this one.
work=$(mktemp -d "${TMPDIR:-/tmp}/dllm-exactness-XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

[[ " $machines " != *" a76 "* ]] || scripts/cross.sh dllm-exactness

IFS=, read -ra list <<<"$models"
for model in "${list[@]}"; do
	"$program" split "$model" --out "$work/shards" --profiles "$profiles" >/dev/null
done
# As many at once as there are processors: what they compute does not depend on it.
running=0
for machine in $machines; do
	chosen=$settings
	[ "$machine" != native ] || chosen=${settings_native:-$settings}
	for setting in $chosen; do
		if [ "$running" -ge "$(nproc)" ]; then
			wait -n
			running=$((running - 1))
		fi
		say "$(name_of "$machine"), threads and optimiser $setting"
		on "$machine" run "$work"/shards/* --machine "$(name_of "$machine")" --rows "$rows" \
			--threads "${setting%,*}" --optimiser "${setting#*,}" --records "$work/records" >&2 &
		running=$((running + 1))
	done
done
while [ "$running" -gt 0 ]; do
	wait -n
	running=$((running - 1))
done

if [ "$kind" = full ] && [ -z "${MODELS:-}${PROFILES:-}${MACHINES:-}" ]; then
	processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	emulator=$(qemu-x86_64 --version | head -n 1)
	library=$(basename "$(echo .tools/onnxruntime/libonnxruntime.so.*)")
	mkdir -p docs
	"$program" table "$work/records" --page docs/exactness.md \
		--about "Run on $(date -u +%F) on $processor; $emulator; ${library#libonnxruntime.so.} of ONNX Runtime."
else
	"$program" table "$work/records"
fi
