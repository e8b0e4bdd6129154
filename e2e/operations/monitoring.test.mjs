// `make up` with Prometheus over it: it does nothing twice, its gateway answers OpenAI's client and serves the
// built page, its metrics are the documented ones, every expression of dashboard and alarms has something to
// say, and `make down` ends it all. Wants `make web` first.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import OpenAI from 'openai';
import { Devnet, PAGE, TOPOLOGY } from '../lib/devnet.mjs';
import { binary, freePort, REPOSITORY, run, until } from '../lib/processes.mjs';

const FOLDER = path.join(REPOSITORY, '.demo', 'e2e', 'monitoring');
const dashboard = JSON.parse(readFileSync(path.join(REPOSITORY, 'docker', 'grafana', 'dashboards', 'dllm.json'), 'utf8'));
const rules = readFileSync(path.join(REPOSITORY, 'docker', 'prometheus', 'rules.yml'), 'utf8');

/** Names of metrics in an expression. */
const NAMES = /\b(?:dllm_worker|dllm_gateway|substrate)_[a-z0-9_]+/g;

/** The topology with ports that are free now. */
async function elsewhere(topology) {
	for (const validator of topology.validators) Object.assign(validator, { p2p: await freePort(), rpc: await freePort(), metrics: await freePort() });
	for (const worker of topology.workers) Object.assign(worker, { port: await freePort(), metrics: await freePort() });
	topology.gateway.port = await freePort();
	return Object.assign(topology, { prometheus: await freePort(), grafana: await freePort() });
}

describe('make up, watched by Prometheus', () => {
	let topology;
	let network;
	let model;
	let key;
	let file;

	before(async () => {
		rmSync(FOLDER, { recursive: true, force: true });
		mkdirSync(FOLDER, { recursive: true });
		topology = await elsewhere(JSON.parse(readFileSync(TOPOLOGY, 'utf8')));
		file = path.join(FOLDER, 'topology.json');
		writeFileSync(file, JSON.stringify(topology));
		network = new Devnet({ topology, folder: FOLDER });
		({ model, key } = await network.up());
	});
	after(() => network?.down());

	const ask = async (query) => {
		const url = `http://127.0.0.1:${topology.prometheus}/api/v1/query?query=${encodeURIComponent(query)}`;
		const { status, data, error } = await (await fetch(url)).json();
		assert.equal(status, 'success', `${query}: ${error}`);
		return data.result;
	};
	const scrape = async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

	/** OpenAI's own client, with the key that `make up` tells. */
	const client = () => new OpenAI({ apiKey: key, baseURL: `${network.gateway}/v1`, maxRetries: 0 });

	it('a second time changes nothing, and tells the same key', async () => {
		const pids = () => [...topology.workers, topology.gateway].map(({ name }) => readFileSync(path.join(FOLDER, `${name}.pid`), 'utf8'));
		const before = pids();
		const { stdout } = await run('node', [path.join(REPOSITORY, 'e2e', 'up.mjs'), 'up', '--topology', file, '--folder', FOLDER]);
		assert.doesNotMatch(stdout, /starting|registering|placing|splitting/);
		assert.deepEqual(pids(), before);
		assert.ok(stdout.includes(`OPENAI_BASE_URL=${network.gateway}/v1 OPENAI_API_KEY=${key}\n`), stdout);
		assert.equal(statSync(path.join(FOLDER, topology.gateway.name, 'api.key')).mode & 0o077, 0, 'others cannot read the key');
	});

	it('the gateway serves the built page', async () => {
		const page = readFileSync(path.join(PAGE, 'index.html'), 'utf8');
		assert.equal(await (await fetch(network.gateway)).text(), page);
		const [, script] = page.match(/<script[^>]* src="\.\/([^"]+)"/);
		const program = await fetch(`${network.gateway}/${script}`);
		assert.match(program.headers.get('content-type'), /javascript/);
		assert.equal(await program.text(), readFileSync(path.join(PAGE, script), 'utf8'));
	});

	it('the gateway answers with that key and with no other, and the chain settles what it bought', async () => {
		const ask = { model: topology.model, messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 12, temperature: 0 };
		const stranger = new OpenAI({ apiKey: 'sk-dllm-wrong', baseURL: `${network.gateway}/v1`, maxRetries: 0 });
		await assert.rejects(stranger.chat.completions.create(ask), OpenAI.AuthenticationError);
		const reply = await client().chat.completions.create(ask);
		assert.ok(reply.choices[0].message.content.length > 0);
		const receipt = await until('the job ends', 120, async () => {
			const told = await (await fetch(network.gateway + reply.dllm.receipt)).json();
			return told.final && told;
		});
		assert.ok(receipt.settled, JSON.stringify(receipt));
		const metrics = async () => scrape(topology.gateway.port);
		await until('the gateway counts the job', 30, async () => /^dllm_gateway_jobs_total\{end="settled"\} 1$/m.test(await metrics()));
		const counted = await metrics();
		assert.match(counted, /^dllm_gateway_requests_total\{route="\/v1\/chat\/completions",status="401"\} 1$/m);
		assert.match(counted, new RegExp(`^dllm_gateway_tokens_total\\{direction="out"\\} ${reply.usage.completion_tokens}$`, 'm'));
	});

	it('a prompt is paid for, and the workers count it', async () => {
		const args = ['pay', '--model', model, '--account', '//User', '--chain', network.url, '--max-tokens', '16', '--json', 'Hello!'];
		await run(binary('dllm-worker'), args.map(String));
		const sum = async (name) => {
			const pages = await Promise.all(topology.workers.map(({ metrics }) => scrape(metrics)));
			const lines = pages.join('\n').split('\n').filter((line) => line.startsWith(name));
			return lines.reduce((all, line) => all + Number(line.split(' ').pop()), 0);
		};
		await until('every worker has told the end of the job', 60, async () => (await sum('dllm_worker_jobs_total{outcome="settled"}')) > 0);
		assert.ok((await sum('dllm_worker_tokens_total')) > 0, 'an entry sampled tokens');
		assert.ok((await sum('dllm_worker_rows_total')) > 0, 'segments ran rows');
		assert.ok((await sum('dllm_worker_earned_dllm_total')) > 0, 'somebody was paid');
		assert.ok((await sum('dllm_worker_commitments_total{part="lead"}')) > 0);
		assert.ok((await sum('dllm_worker_verdicts_total{verdict="pass"}')) > 0);
		assert.equal(await sum('dllm_worker_verdicts_total{verdict="cheat"}'), 0);
		assert.ok((await sum('dllm_worker_peer_bytes_total{direction="sent"}')) > 0);
		assert.ok((await sum('dllm_worker_best_block ')) > 0);
		assert.equal(await sum('dllm_worker_node_up '), topology.workers.length);
	});

	it('Prometheus reaches every program', async () => {
		const all = topology.validators.length + topology.workers.length + 1;
		await until('every target is up', 60, async () => (await ask('up == 1')).length === all);
		assert.deepEqual((await ask('up{job="gateway"}')).map(({ metric }) => metric.instance), [`127.0.0.1:${topology.gateway.port}`]);
	});

	it('every metric of dashboard, alarms and docs exists, and every expression is one', async () => {
		const ports = [topology.validators[0].metrics, topology.workers[0].metrics, topology.gateway.port];
		const pages = (await Promise.all(ports.map(scrape))).join('\n');
		const existing = new Set([...pages.matchAll(/^([a-z_][a-z0-9_]*)/gm)].map(([name]) => name));
		const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
		expressions.push(...[...rules.matchAll(/expr: (.*)$/gm)].map(([, expr]) => expr));
		assert.ok(expressions.length > 30);
		for (const expression of expressions) {
			await ask(expression);
			for (const [name] of expression.matchAll(NAMES)) assert.ok(existing.has(name), `${name} of ${expression}`);
		}
		const docs = readFileSync(path.join(REPOSITORY, 'docs', 'metrics.md'), 'utf8');
		for (const [, name] of docs.matchAll(/^\| `((?:substrate)_[a-z0-9_]+)`/gm)) {
			assert.ok([...existing].some((known) => known === name || known.startsWith(`${name}_`)), `${name} of docs/metrics.md`);
		}
	});

	it('every figure of the gateway is explained and on the dashboard', async () => {
		const served = [...(await scrape(topology.gateway.port)).matchAll(/^# TYPE (dllm_gateway_\w+) (\w+)$/gm)];
		const figures = served.map(([, name, kind]) => `${name} ${kind}`).sort();
		const page = readFileSync(path.join(REPOSITORY, 'docs', 'gateway.md'), 'utf8');
		const explained = [...page.matchAll(/^\| `(dllm_gateway_\w+)` \| (\w+) \|/gm)].map(([, name, kind]) => `${name} ${kind}`);
		assert.deepEqual(explained.sort(), figures);
		const shown = JSON.stringify(dashboard.panels);
		for (const [, name] of served) assert.ok(shown.includes(name), `${name} is not on the dashboard`);
	});

	it('an alarm goes off where a worker or the gateway dies, and names it', async () => {
		const [worker, { gateway }] = [topology.workers[3], topology];
		for (const { name } of [worker, gateway]) {
			const pid = Number(readFileSync(path.join(FOLDER, `${name}.pid`), 'utf8').split(' ')[0]);
			process.kill(pid, 'SIGKILL');
		}
		const expected = [worker.metrics, gateway.port].map((port) => `127.0.0.1:${port}`).sort();
		await until('the alarms are pending or firing', 60, async () => {
			const { data } = await (await fetch(`http://127.0.0.1:${topology.prometheus}/api/v1/alerts`)).json();
			const down = data.alerts.filter(({ labels }) => labels.alertname === 'ProgramDown');
			return isDeepStrictEqual(down.map(({ labels }) => labels.instance).sort(), expected);
		});
	});

	it('status --watch --json tells sessions, speed and money', async () => {
		const config = path.join(FOLDER, topology.workers[0].name, 'worker.toml');
		// `timeout` sends the signal that a service manager sends: the command ends well.
		const args = ['--signal=TERM', '8', binary('dllm-worker'), 'status', '--watch', '--json', '--config', config];
		const { stdout } = await run('timeout', ['--preserve-status', ...args]);
		const views = stdout.trim().split('\n').map((line) => JSON.parse(line));
		assert.ok(views.length >= 2);
		const last = views.at(-1);
		assert.ok(last.block > 0 && last.work.rows > 0 && last.pipelines.length === 1, stdout);
		assert.match(last.free, /^\d+$/);
	});

	it('down ends everything, and up goes on where it was', async () => {
		const block = async () => JSON.parse((await run(binary('dllm-worker'), ['status', '--json', '--chain', network.url])).stdout).bestBlock;
		const before = await block();
		await network.down();
		assert.deepEqual(network.running(), []);
		const again = await network.up();
		assert.deepEqual([again.model, again.key], [model, key]);
		assert.deepEqual((await client().models.list()).data.map(({ id }) => id), [topology.model]);
		assert.ok((await block()) >= before);
	});
});
