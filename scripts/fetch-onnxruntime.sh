#!/bin/sh
# Installs the one ONNX Runtime that the network's numerics are pinned to into .tools/onnxruntime.
#
# The library is taken out of the wheel that its makers publish. Both digests are pinned: that of the
# wheel, so that nothing else is unpacked, and that of the library, so that a file already installed is
# recognised and a damaged one is replaced. Running it twice downloads once.
#
# Needs: python3 with pip, sha256sum (or shasum).
# Usage: scripts/fetch-onnxruntime.sh [folder [system-machine]], the latter as in `uname -s` and `uname -m`
set -eu

VERSION=1.31.1
ROOT=$(cd "$(dirname "$0")/.." && pwd)
TARGET=${1:-$ROOT/.tools/onnxruntime}
LIBRARY=$TARGET/libonnxruntime.so.$VERSION

MACHINE=${2:-$(uname -s)-$(uname -m)}

case "$MACHINE" in
Linux-x86_64)
	PLATFORM=manylinux_2_28_x86_64
	WHEEL_SHA256=5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f
	LIBRARY_SHA256=fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3
	;;
Linux-aarch64 | Linux-arm64)
	PLATFORM=manylinux_2_28_aarch64
	WHEEL_SHA256=da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3
	LIBRARY_SHA256=8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467
	;;
*)
	echo "onnxruntime: no pinned library for $MACHINE; set DLLM_ORT_LIB to version $VERSION" >&2
	exit 1
	;;
esac

sha256() {
	if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# check FILE DIGEST: fails, naming both digests, unless the file has that digest.
check() {
	found=$(sha256 "$1")
	if [ "$found" != "$2" ]; then
		echo "onnxruntime: $(basename "$1") has sha256 $found, expected $2; nothing was installed" >&2
		exit 1
	fi
}

if [ -f "$LIBRARY" ] && [ "$(sha256 "$LIBRARY")" = "$LIBRARY_SHA256" ]; then
	echo "onnxruntime: $VERSION is installed"
	exit 0
fi

mkdir -p "$TARGET"
WORK=$(mktemp -d "$TARGET/.fetch-XXXXXX")
trap 'rm -rf "$WORK"' EXIT INT TERM

# The tag cp311 only picks one of several wheels that hold the same library; Python itself is not used.
echo "onnxruntime: downloading $VERSION for $PLATFORM (about 24 MB)"
python3 -m pip download "onnxruntime==$VERSION" --no-deps --only-binary :all: \
	--platform "$PLATFORM" --implementation cp --python-version 3.11 --dest "$WORK" \
	--disable-pip-version-check --quiet
WHEEL=$(find "$WORK" -name '*.whl')
check "$WHEEL" "$WHEEL_SHA256"

echo "onnxruntime: unpacking"
python3 - "$WHEEL" "$WORK" "$VERSION" <<'PYTHON'
import sys, zipfile

wheel, folder, version = sys.argv[1:]
wanted = {
    f"onnxruntime/capi/libonnxruntime.so.{version}": f"libonnxruntime.so.{version}",
    "onnxruntime/LICENSE": "LICENSE",
    "onnxruntime/ThirdPartyNotices.txt": "ThirdPartyNotices.txt",
}
with zipfile.ZipFile(wheel) as archive:
    for member, name in wanted.items():
        with open(f"{folder}/{name}", "wb") as file:
            file.write(archive.read(member))
PYTHON
check "$WORK/libonnxruntime.so.$VERSION" "$LIBRARY_SHA256"

mv "$WORK/LICENSE" "$WORK/ThirdPartyNotices.txt" "$TARGET/"
mv "$WORK/libonnxruntime.so.$VERSION" "$LIBRARY"
echo "onnxruntime: $VERSION installed in $TARGET"
