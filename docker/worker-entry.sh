#!/bin/sh
# Entry of the worker's image: before `serve`, the demo model is split and the worker registered, once each.
set -eu

if [ "$*" = "dllm-worker serve" ]; then
	[ -e shards/manifest.json ] || dllm-worker split /models/tiny-chat-nano --out shards --profile exact
	if dllm-worker status --json | grep -q '"worker": null'; then
		dllm-worker register
	fi
fi
exec "$@"
