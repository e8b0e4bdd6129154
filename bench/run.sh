#!/usr/bin/env bash
# The figures P1 to P3: builds llama.cpp, makes a model of 1.1 billion random weights in the formats of
# both, and compares on one processor. Everything is kept in DLLM_BENCH_DIR (about 10 GB) for the next run.
#
# Usage: bench/run.sh, after make build. Needs a C++ compiler, cmake, python3 with venv, 12 GB of memory.
set -euo pipefail
cd "$(dirname "$0")/.."

LLAMA=0.3.36
GGUF=0.19.0
NUMPY=2.4.6
SAFETENSORS=0.8.0

say() { printf 'bench: %s\n' "$*" >&2; }
program=${CARGO_TARGET_DIR:-$PWD/target}/release/dllm-speed
[ -x "$program" ] || { say "no $program: run make build"; exit 1; }
data=${DLLM_BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dllm/bench}
mkdir -p "$data"
python=$data/venv/bin/python

# llama.cpp from source, with the vector instructions of this processor: as people build it for speed.
if ! "$python" -c "import llama_cpp, gguf, safetensors; assert llama_cpp.__version__ == '$LLAMA'" 2>/dev/null; then
	say "building llama-cpp-python $LLAMA from source (once; many minutes)"
	if ! { python3 -m venv "$data/venv" && "$python" -m pip install --quiet \
		"numpy==$NUMPY" "safetensors==$SAFETENSORS" "gguf==$GGUF" && CMAKE_ARGS="-DGGML_NATIVE=ON" \
		"$python" -m pip install --quiet --no-binary llama-cpp-python "llama-cpp-python==$LLAMA"; }; then
		say "llama-cpp-python could not be built: P1 is left out"
	fi
fi

if [ ! -e "$data/model/model.safetensors" ]; then
	say "writing the model"
	rm -rf "$data/unfinished"
	"$program" model "$data/unfinished" --tokenizer models/fixture-untied
	mv "$data/unfinished" "$data/model"
fi
subjects=()
for profile in int4 exact f32; do
	# The name holds the program's own digest: shards of another version of the splitter do not count.
	shards=$data/$profile-$(sha256sum "$program" | cut -c 1-12)
	if [ ! -e "$shards" ]; then
		rm -rf "$data/$profile"-*
		say "splitting as $profile"
		"$program" split "$data/model" "$shards" --profile "$profile" || { say "$profile is left out"; continue; }
	fi
	subjects+=("--$profile" "$shards")
done
if "$python" -c "import llama_cpp" 2>/dev/null; then
	if [ ! -e "$data/model.q4_0.gguf" ]; then
		say "writing the same weights for llama.cpp"
		"$python" bench/gguf_of.py "$data/model" "$data/model.q4_0.gguf" >&2
	fi
	subjects+=(--gguf "$data/model.q4_0.gguf" --python "$python")
fi

say "measuring (load of this machine: $(cut -d ' ' -f 1 /proc/loadavg))"
# One processor, the same for all, so that no figure depends on where a thread was put.
processor=$(taskset -pc $$ | sed 's/.*[ ,-]//')
taskset -c "$processor" "$program" compare "${subjects[@]}" "$@"
for shards in "$data"/int4-*; do
	DLLM_BENCH_SHARDS=$shards DLLM_ORT_THREADS=1 taskset -c "$processor" \
		cargo bench --quiet --profile release --workspace --bench loopback_bench
done
