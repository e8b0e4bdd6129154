"""Holds a model in llama.cpp and runs what it is told on standard input.

Usage: llama.py MODEL.gguf THREADS ROWS. A line `position step token…` cuts the context back to `position`
rows and evaluates the tokens, `step` at a time, each time with the logits of the last one; the answer is
`done`. Options are those that llama.cpp starts with, threads and context apart.
"""

import sys

import llama_cpp


def main(path, threads, rows):
    model = llama_cpp.Llama(
        path, n_ctx=rows, n_batch=rows, n_threads=threads, n_threads_batch=threads, verbose=False
    )
    info = llama_cpp.llama_print_system_info().decode()
    print(f"llama-cpp-python {llama_cpp.__version__}: {info.strip()}", flush=True)
    for line in sys.stdin:
        position, step, *tokens = map(int, line.split())
        model.n_tokens = position
        for start in range(0, len(tokens), step):
            model.eval(tokens[start : start + step])
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
