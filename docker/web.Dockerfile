# The web pages as static files, from the root of the repository: docker build -f docker/web.Dockerfile -t dllm-web .
FROM node:22-bookworm-slim AS page
WORKDIR /src
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ .
RUN npm run build

# Runs as user 101 and listens on 8080.
FROM nginxinc/nginx-unprivileged:1.28-alpine
COPY --from=page /src/dist/ /usr/share/nginx/html/
USER 101
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --retries=4 \
	CMD ["wget", "--quiet", "--spider", "http://127.0.0.1:8080/"]
