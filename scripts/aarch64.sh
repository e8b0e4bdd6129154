#!/bin/sh
# Runs a program that scripts/cross.sh built for 64-bit ARM, as if on a phone: under qemu-user as a Cortex-A76,
# with the ONNX Runtime of that architecture.
#
# Usage: scripts/aarch64.sh PROGRAM [ARGUMENT…]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
name=$1
shift
program=${CARGO_TARGET_DIR:-$root/target}/aarch64-unknown-linux-gnu/release/$name
[ -x "$program" ] || { echo "aarch64: no $program: run scripts/cross.sh $name" >&2; exit 1; }
DLLM_ORT_LIB=$(echo "$root"/.tools/onnxruntime-aarch64/libonnxruntime.so.*)
export DLLM_ORT_LIB
exec qemu-aarch64 -cpu cortex-a76 -L "$root/.tools/aarch64" "$program" "$@"
