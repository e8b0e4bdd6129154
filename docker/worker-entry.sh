#!/bin/sh
# Entry of the worker's image: before `serve`, the demo model is split and the worker registered; before
# `gateway`, an API key is made and printed. Once each.
set -eu

case "$*" in
"dllm-worker serve")
	[ -e shards/manifest.json ] || dllm-worker split /models/tiny-chat-nano --out shards --profile exact
	if dllm-worker status --json | grep -q '"worker": null'; then
		dllm-worker register
	fi
	;;
"dllm-worker gateway" | "dllm-worker gateway --"*)
	# Only its hash is kept, so the container's log is the place to read it.
	if [ "$(dllm-worker gateway key list --json)" = "[]" ]; then
		dllm-worker gateway key add --name first
	fi
	;;
esac
exec "$@"
