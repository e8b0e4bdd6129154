#!/bin/sh
# Offers the demo model and places it, once each: what `make up` does after its workers are registered.
# Runs in the worker's image as the account that owns the model.
set -eu
workers=${1:?number of workers that the plan waits for}

shards=/tmp/shards
dllm-worker split /models/tiny-chat-nano --out "$shards" --profile exact
if ! dllm-worker model list --json | grep -q '"name": "tiny-chat-nano"'; then
	dllm-worker model add "$shards" --licence Apache-2.0 --activate
fi
if dllm-worker status --json | grep -q '"pipelines": \[\]'; then
	tries=60
	until dllm-worker plan --segments $((workers / 2)) --model tiny-chat-nano; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || exit 1
		sleep 3
	done
fi
