// compose.yaml, zombienet.toml, Prometheus' targets and chain specification say what topology.json says, and
// every file below docker/ is one that its program takes. Needs no network.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { devnet } from '../../chain-spec/devnet.mjs';
import { listens, TOPOLOGY } from '../lib/devnet.mjs';
import { REPOSITORY, run } from '../lib/processes.mjs';

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

describe('topology', () => {
	it('has three validators and four workers on ports of their own', () => {
		assert.equal(topology.validators.length, 3);
		assert.equal(topology.workers.length, 4);
		const ports = Object.values(listens(topology));
		assert.equal(new Set(ports).size, ports.length, ports.join(' '));
	});

	it('compose.yaml runs the same validators and workers', () => {
		const services = text('compose.yaml').split(/^services:$/m)[1].split(/^volumes:$/m)[0];
		const found = [...services.matchAll(/^ {2}([a-z0-9]+):$/gm)].map(([, name]) => name);
		const expected = [...names(topology.validators), ...names(topology.workers), 'offer', 'prometheus', 'grafana'];
		assert.deepEqual(found.sort(), expected.sort());
		for (const { name, rpc } of topology.validators) {
			const found = service(name);
			assert.ok(found.includes(`"--${name}"`) && found.includes(`["${rpc}:9944"]`), found);
			assert.ok(found.includes(`"/chain-spec/${topology.chain}.json"`), found);
		}
		for (const { name } of topology.workers) assert.ok(service(name.toLowerCase()).includes(`DLLM_ACCOUNT: //${name}\n`));
		const roles = text('worker.toml').match(/^roles = (.*)$/m)[1];
		for (const worker of topology.workers) assert.deepEqual(JSON.parse(roles), worker.roles);
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
		const targets = [...text('prometheus/prometheus.yml').matchAll(/"([a-z0-9]+):9615"/g)].map(([, name]) => name);
		assert.deepEqual(targets, [...names(topology.validators), ...names(topology.workers)]);
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
