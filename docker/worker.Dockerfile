# The worker, from the root of the repository: docker build -f docker/worker.Dockerfile -t dllm-worker .
# `dllm-worker gateway` in the same image is the gateway, with the web page. The build stages are those of
# node.Dockerfile and web.Dockerfile, word for word, so that their layers are used again.
FROM rust:1.95-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
	&& apt-get install -y --no-install-recommends protobuf-compiler \
	&& rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN scripts/wasm-sysroot.sh \
	&& cargo build --release --locked --workspace --bin dllm-node --bin dllm-worker \
	&& mkdir /out && cp target/release/dllm-node target/release/dllm-worker /out/

FROM build AS library
# hadolint ignore=DL3008
RUN apt-get update \
	&& apt-get install -y --no-install-recommends python3 python3-pip \
	&& rm -rf /var/lib/apt/lists/* \
	&& scripts/fetch-onnxruntime.sh

FROM node:22-bookworm-slim AS page
WORKDIR /src
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ .
RUN npm run build

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
	&& apt-get install -y --no-install-recommends ca-certificates curl libstdc++6 \
	&& rm -rf /var/lib/apt/lists/* \
	&& useradd --uid 1000 --create-home --home-dir /data dllm
COPY --from=build /out/dllm-worker /usr/local/bin/
COPY --from=library /src/.tools/onnxruntime/ /usr/local/lib/onnxruntime/
COPY --from=page /src/dist/ /usr/local/share/dllm-web/
COPY models/tiny-chat-nano /models/tiny-chat-nano
COPY docker/worker-entry.sh /usr/local/bin/worker-entry
USER 1000
WORKDIR /data
VOLUME /data
EXPOSE 30400/tcp 30400/udp 9615 8080
ENV DLLM_METRICS=0.0.0.0:9615 \
	DLLM_ORT_LIB=/usr/local/lib/onnxruntime/libonnxruntime.so.1.31.1
# Of a worker. A gateway has another one, in compose.yaml.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
	CMD ["curl", "--fail", "--silent", "http://127.0.0.1:9615/metrics", "--output", "/dev/null"]
ENTRYPOINT ["worker-entry"]
CMD ["dllm-worker", "serve"]
