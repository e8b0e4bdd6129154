# The node, from the root of the repository: docker build -f docker/node.Dockerfile -t dllm-node .
# Both programs come from one build stage, so the second image costs no second compilation.
FROM rust:1.95-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
	&& apt-get install -y --no-install-recommends protobuf-compiler \
	&& rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN scripts/wasm-sysroot.sh \
	&& cargo build --profile production --locked --workspace --bin dllm-node --bin dllm-worker \
		--features dllm-runtime/metadata-hash \
	&& mkdir /out && cp target/production/dllm-node target/production/dllm-worker /out/

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
	&& apt-get install -y --no-install-recommends ca-certificates curl libssl3 libstdc++6 \
	&& rm -rf /var/lib/apt/lists/* \
	&& useradd --uid 1000 --create-home --home-dir /data dllm
COPY --from=build /out/dllm-node /usr/local/bin/
COPY chain-spec/*.json /chain-spec/
USER 1000
VOLUME /data
EXPOSE 30333 9944 9615
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
	CMD ["curl", "--fail", "--silent", "http://127.0.0.1:9944/health"]
ENTRYPOINT ["dllm-node", "--base-path", "/data"]
