// compose.yaml, zombienet.toml, Prometheus' targets and chain specification say what topology.json says, and
// every file below docker/ is one that its program takes. Needs the worker's binary, and no network.

import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { devnet } from '../../chain-spec/devnet.mjs';
import { listens, TOPOLOGY } from '../lib/devnet.mjs';
import { BIN, binary, REPOSITORY, run } from '../lib/processes.mjs';

const docker = (name) => path.join(REPOSITORY, 'docker', name);
const text = (name) => readFileSync(docker(name), 'utf8');
const topology = JSON.parse(readFileSync(TOPOLOGY, 'utf8'));
const names = (of) => of.map(({ name }) => name.toLowerCase());

/** A service of compose.yaml, as text: from its name to the next one. */
function service(name) {
	const services = text('compose.yaml').split(/^services:$/m)[1].split(/^volumes:$/m)[0];
	const found = services.split(/^ {2}(?=[a-z0-9]+:$)/m).find((part) => part.startsWith(`${name}:\n`));
	assert.ok(found, `compose.yaml has no service ${name}`);
	return found;
}

/** What an image's file says of one of its stages, without remarks. */
function stage(file, name) {
	const found = text(file).split(/^(?=FROM )/m).find((part) => part.split('\n')[0].endsWith(` AS ${name}`));
	assert.ok(found, `${file} has no stage ${name}`);
	return found.split('\n').filter((line) => !line.startsWith('# ')).join('\n').trim();
}

describe('topology', () => {
	it('has three validators, four workers and a gateway on ports of their own', () => {
		assert.equal(topology.validators.length, 3);
		assert.equal(topology.workers.length, 4);
		const ports = Object.values(listens(topology));
		assert.equal(new Set(ports).size, ports.length, ports.join(' '));
	});

	it('everybody who signs has an account, and money in the first block, of their own', async () => {
		await cryptoWaitReady();
		const signers = [...topology.workers.map(({ name }) => name), topology.gateway.account];
		assert.equal(new Set(signers).size, signers.length, 'two that sign with one key take each other\'s nonces');
		const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
		const { balances } = devnet().genesis.runtimeGenesis.patch.balances;
		const endowed = new Set(balances.map(([address]) => address));
		for (const name of signers) assert.ok(endowed.has(keyring.addFromUri(`//${name}`).address), name);
	});

	it('compose.yaml runs the same validators, workers and gateway', () => {
		const services = text('compose.yaml').split(/^services:$/m)[1].split(/^volumes:$/m)[0];
		const found = [...services.matchAll(/^ {2}([a-z0-9]+):$/gm)].map(([, name]) => name);
		const expected = [...names(topology.validators), ...names(topology.workers), topology.gateway.name, 'offer', 'prometheus', 'grafana'];
		assert.deepEqual(found.sort(), expected.sort());
		for (const { name, rpc } of topology.validators) {
			const found = service(name);
			assert.ok(found.includes(`"--${name}"`) && found.includes(`["${rpc}:9944"]`), found);
			assert.ok(found.includes(`"/chain-spec/${topology.chain}.json"`), found);
		}
		for (const { name } of topology.workers) assert.ok(service(name.toLowerCase()).includes(`DLLM_ACCOUNT: //${name}\n`));
		const roles = text('worker.toml').match(/^roles = (.*)$/m)[1];
		for (const worker of topology.workers) assert.deepEqual(JSON.parse(roles), worker.roles);
		const { name, account, port } = topology.gateway;
		const gateway = service(name);
		for (const part of ['command: ["dllm-worker", "gateway"]', `DLLM_ACCOUNT: //${account}\n`, `["${port}:8080"]`, '/gateway.toml:/data/worker.toml:ro']) {
			assert.ok(gateway.includes(part), `${part} in ${gateway}`);
		}
		assert.match(gateway, /healthcheck:\n +test: .*127\.0\.0\.1:8080\/readyz/);
		assert.ok(service('offer').includes(`"${topology.workers.length}"`));
		assert.ok(text('worker-entry.sh').includes(`--profile ${topology.profile}`));
		assert.ok(text('offer.sh').includes(topology.model));
		assert.ok(service('prometheus').includes(`["${topology.prometheus}:9090"]`));
		assert.ok(service('grafana').includes(`["${topology.grafana}:3000"]`));
	});

	it('compose.yaml is one that Compose takes', async () => {
		await run('docker-compose', ['--file', docker('compose.yaml'), 'config', '--quiet']);
	});

	it('zombienet.toml starts the same validators', () => {
		const nodes = text('zombienet.toml').split('[[relaychain.nodes]]').slice(1);
		const value = (node, key) => node.match(new RegExp(`^${key} = "?([^"\n]*)`, 'm'))[1];
		const found = nodes.map((node) => ({
			name: value(node, 'name'),
			p2p: Number(value(node, 'p2p_port')),
			rpc: Number(value(node, 'rpc_port')),
			metrics: Number(value(node, 'prometheus_port')),
		}));
		assert.deepEqual(found, topology.validators);
		assert.ok(text('zombienet.toml').includes(`chain-spec/${topology.chain}.json`));
	});

	it('Prometheus scrapes every one of them', () => {
		const jobs = text('prometheus/prometheus.yml').split('- job_name: ').slice(1);
		const targets = jobs.map((job) => [job.split('\n')[0], ...[...job.matchAll(/"([a-z0-9]+:\d+)"/g)].map(([, target]) => target)]);
		const on = (port, of) => names(of).map((name) => `${name}:${port}`);
		assert.deepEqual(targets, [
			['node', ...on(9615, topology.validators)],
			['worker', ...on(9615, topology.workers)],
			['gateway', ...on(8080, [topology.gateway])],
		]);
	});

	it('the chain specification is the one that the presets make', () => {
		const file = path.join(REPOSITORY, 'chain-spec', `${topology.chain}.json`);
		const spec = JSON.parse(readFileSync(file, 'utf8'));
		assert.deepEqual(spec, devnet(), 'run `make chain-spec`');
		assert.equal(spec.genesis.runtimeGenesis.patch.session.keys.length, topology.validators.length);
	});
});

describe('files of docker/', () => {
	it('alarms and targets pass promtool', async () => {
		await run('promtool', ['check', 'rules', docker('prometheus/rules.yml')]);
		await run('promtool', ['check', 'config', docker('prometheus/prometheus.yml')]);
	});

	it('alarms of the gateway go off when they should, and only then', async () => {
		await run('promtool', ['test', 'rules', path.join(REPOSITORY, 'e2e', 'operations', 'alarms.yml')]);
	});

	it('every alarm says what happened and what to do', () => {
		const alarms = text('prometheus/rules.yml').split('- alert: ').slice(1);
		assert.ok(alarms.length >= 10);
		for (const alarm of alarms) assert.match(alarm, /severity: \w+[\s\S]*summary: "[\s\S]*action: "/);
	});

	it('images are built in stages, run as nobody special, and say whether they are well', () => {
		const files = readdirSync(docker('')).filter((name) => name.endsWith('.Dockerfile'));
		assert.ok(files.length >= 3);
		for (const file of files) {
			const lines = text(file).split('\n');
			assert.ok(lines.filter((line) => line.startsWith('FROM ')).length >= 2, file);
			assert.match(lines.findLast((line) => line.startsWith('USER ')), /^USER [1-9]\d*$/, file);
			assert.ok(lines.some((line) => line.startsWith('HEALTHCHECK ')), file);
			const toolchain = readFileSync(path.join(REPOSITORY, 'rust-toolchain.toml'), 'utf8').match(/channel = "(\d+\.\d+)/)[1];
			const rust = text(file).match(/^FROM rust:(\S+)-bookworm/m);
			if (rust) assert.equal(rust[1], toolchain, file);
		}
	});

	it('stages that images share are the same', () => {
		assert.equal(stage('worker.Dockerfile', 'build'), stage('node.Dockerfile', 'build'));
		assert.equal(stage('worker.Dockerfile', 'page'), stage('web.Dockerfile', 'page'));
	});

	it('the worker\'s image serves the page that it holds, and a gateway in it gets a key once', async () => {
		const folder = mkdtempSync(path.join(tmpdir(), 'dllm-gateway-'));
		copyFileSync(docker('gateway.toml'), path.join(folder, 'worker.toml'));
		const [, page] = text('gateway.toml').match(/^web = "(.*)"$/m);
		assert.ok(text('worker.Dockerfile').includes(`COPY --from=page /src/dist/ ${page}/\n`));
		assert.match(text('gateway.toml'), /^listen = "0\.0\.0\.0:8080"$/m);
		// `--help` stands for serving, so that the entry does all that it does before.
		const enter = () => run('sh', ['-c', `cd '${folder}' && exec sh '${docker('worker-entry.sh')}' dllm-worker gateway --help`], { env: { PATH: `${BIN}:${process.env.PATH}` } });
		const [first, second] = [await enter(), await enter()];
		assert.match(first.stdout, /^sk-dllm-[0-9a-f]{8}-[0-9a-f]{64}$/m);
		assert.doesNotMatch(second.stdout, /sk-dllm-/);
		for (const { stdout } of [first, second]) assert.match(stdout, /Answer OpenAI's clients/);
		const { stdout } = await run(binary('dllm-worker'), ['gateway', 'key', 'list', '--json', '--config', path.join(folder, 'worker.toml')]);
		assert.equal(JSON.parse(stdout).length, 1);
	});

	it('images pass hadolint', async () => {
		const files = readdirSync(docker('')).filter((name) => name.endsWith('.Dockerfile')).map(docker);
		await run(path.join(REPOSITORY, '.tools', 'hadolint', 'bin', 'hadolint'), files);
	});

	it('services pass systemd-analyze', async () => {
		// Their programs are not installed here: what stands in their place changes nothing else.
		const folder = mkdtempSync(path.join(tmpdir(), 'dllm-units-'));
		const units = readdirSync(docker('systemd')).map((name) => {
			const unit = text(`systemd/${name}`).replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true');
			const file = path.join(folder, name);
			writeFileSync(file, unit);
			return file;
		});
		const { stderr } = await run('systemd-analyze', ['verify', ...units]);
		assert.equal(stderr, '');
	});
});
