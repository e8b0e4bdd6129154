// The network of docker/topology.json as processes of this machine, without containers: three validators,
// four miners and a gateway that go on when their starter has ended, in a folder that persists. Every step
// looks first at what stands already, so that doing it again changes nothing.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { rpcOptions } from './network.mjs';
import { binary, REPOSITORY, run, takePort, until } from './processes.mjs';

/** The topology that compose.yaml, the zombienet file and the alarms describe too. */
export const TOPOLOGY = path.join(REPOSITORY, 'docker', 'topology.json');

/** Who owns model and plan. */
const OWNER = '//Alice';

/** The built web page, which the gateway serves. */
export const PAGE = path.join(REPOSITORY, 'web', 'dist');

/** Name of the key that is made for whoever starts the network. */
const KEY = 'devnet';

/** Seconds for which the gateway lets running requests go on at its end: less than `#end` waits. */
const DRAIN = 20;

/** Addresses on which every service of a topology listens, by name. */
export function listens({ validators, workers, gateway, prometheus, grafana }) {
	const of = validators.flatMap(({ name, p2p, rpc, metrics }) => [[`${name} p2p`, p2p], [`${name} rpc`, rpc], [`${name} metrics`, metrics]]);
	of.push(...workers.flatMap(({ name, port, metrics }) => [[`${name} port`, port], [`${name} metrics`, metrics]]));
	return Object.fromEntries([...of, ['gateway', gateway.port], ['prometheus', prometheus], ['grafana', grafana]]);
}

/** A network of processes that outlives this one. */
export class Devnet {
	constructor({ topology, folder, say = () => {} }) {
		Object.assign(this, { topology, folder, say });
		this.url = `ws://127.0.0.1:${topology.validators[0].rpc}`;
		this.gateway = `http://127.0.0.1:${topology.gateway.port}`;
	}

	/**
	 * Starts what does not run, and does what was not done. Answers `{ model, shards, key }`: the number of the
	 * model, the folder of its shards, and a key of the gateway.
	 */
	async up() {
		mkdirSync(this.folder, { recursive: true });
		await this.#expectPorts();
		await this.#validators();
		const shards = await this.#shards();
		await this.#workers(shards);
		const model = await this.#model(shards);
		await this.#pipeline(model);
		const key = await this.#gateway();
		await this.#prometheus();
		return { model, shards, key };
	}

	/** Ends everything that runs; the folder stays. The gateway goes first: its last replies need the others. */
	async down() {
		await this.#end(this.topology.gateway.name);
		const names = [...this.topology.workers, ...this.topology.validators].map(({ name }) => name);
		await Promise.all(['prometheus', ...names].map((name) => this.#end(name)));
	}

	/** Names of the processes that run. */
	running() {
		const { validators, workers, gateway } = this.topology;
		return [...validators, ...workers, gateway, { name: 'prometheus' }].map(({ name }) => name).filter((name) => this.#pid(name));
	}

	/** Throws where another program has a port of what is to be started: it would be asked instead. */
	async #expectPorts() {
		const { validators, workers } = this.topology;
		const due = [...validators, ...workers].filter(({ name }) => !this.#pid(name));
		const ports = due.flatMap(({ p2p, rpc, port, metrics }) => [p2p, rpc, port, metrics]).filter(Boolean);
		for (const port of ports) await (await takePort(port))();
	}

	async #validators() {
		const chain = path.join(REPOSITORY, 'chain-spec', `${this.topology.chain}.json`);
		let bootnode;
		for (const { name, p2p, rpc, metrics } of this.topology.validators) {
			const args = ['--chain', chain, `--${name}`, '--validator', '--base-path', path.join(this.folder, name)];
			args.push('--port', p2p, ...rpcOptions(rpc), '--prometheus-port', metrics);
			args.push('--no-telemetry', '--no-mdns', '--allow-private-ip', '--unsafe-force-node-key-generation');
			if (bootnode) args.push('--bootnodes', bootnode);
			this.#start(name, binary('dllm-node'), args.map(String));
			const peer = await until(`validator ${name} answers`, 90, () => peerOf(rpc), () => this.#checkAlive(name));
			bootnode ??= `/ip4/127.0.0.1/tcp/${p2p}/p2p/${peer}`;
		}
	}

	/** Splits the model once. */
	async #shards() {
		const { model, profile } = this.topology;
		const out = path.join(this.folder, 'shards', `${model}-${profile}`);
		if (!existsSync(path.join(out, 'manifest.json'))) {
			this.say(`splitting ${model}, profile ${profile}`);
			mkdirSync(path.dirname(out), { recursive: true });
			await this.#worker(['split', path.join(REPOSITORY, 'models', model), '--out', out, '--profile', profile]);
		}
		return out;
	}

	/** Configures, registers and starts the workers. */
	async #workers(shards) {
		for (const worker of this.topology.workers) {
			const config = path.join(this.folder, worker.name, 'worker.toml');
			mkdirSync(path.dirname(config), { recursive: true });
			writeFileSync(config, workerConfig(worker, this.url, [shards]));
			const { stdout } = await this.#worker(['status', '--json', '--config', config]);
			if (!JSON.parse(stdout).worker) {
				this.say(`registering ${worker.name}`);
				await this.#worker(['register', '--config', config]);
			}
			this.#start(worker.name, binary('dllm-worker'), ['serve', '--config', config]);
		}
	}

	/** Number of the model; it is registered unless the chain has an active one of its name. */
	async #model(shards) {
		const name = this.topology.model;
		const active = async () => {
			const { stdout } = await this.#worker(['model', 'list', '--json', '--chain', this.url]);
			return JSON.parse(stdout).find((model) => model.name === name && model.state === 'active');
		};
		const known = await active();
		if (known) return known.id;
		this.say(`registering the model ${name}`);
		await this.#worker(['model', 'add', shards, '--licence', 'Apache-2.0', '--activate', '--account', OWNER, '--chain', this.url]);
		return (await until(`model ${name} is active`, 90, active)).id;
	}

	/** Waits for a live pipeline; it is planned unless there is one that is not closed. */
	async #pipeline(model) {
		const pipelines = async () => JSON.parse((await this.#worker(['status', '--json', '--chain', this.url])).stdout).pipelines;
		const workers = async () => {
			const api = await ApiPromise.create({ provider: new WsProvider(this.url), noInitWarn: true });
			const final = await api.at(await api.rpc.chain.getFinalizedHead());
			const count = await final.query.miners.workers.keys();
			await api.disconnect();
			return count.length >= this.topology.workers.length;
		};
		if (!(await pipelines()).some((pipeline) => pipeline.model === model)) {
			await until('every worker is registered for good', 120, workers);
			this.say('placing the layers');
			await this.#worker(['plan', '--model', model, '--segments', this.topology.segments, '--account', OWNER, '--chain', this.url].map(String));
		}
		const alive = () => this.topology.workers.forEach(({ name }) => this.#checkAlive(name));
		return until('a pipeline is live', 180, async () => (await pipelines()).find((one) => one.model === model && one.state === 'live'), alive);
	}

	/** Starts the gateway and answers a key of it. */
	async #gateway() {
		const { gateway } = this.topology;
		const page = existsSync(path.join(PAGE, 'index.html')) ? PAGE : undefined;
		if (!page) this.say('the web page is not built: run `make web`, then `make up` again');
		const config = path.join(this.folder, gateway.name, 'worker.toml');
		await this.#configure(gateway.name, config, gatewayConfig(gateway, this.url, page));
		const key = await this.#key(config);
		this.#start(gateway.name, binary('dllm-worker'), ['gateway', '--config', config]);
		const ready = async () => (await fetch(`${this.gateway}/readyz`)).ok;
		await until('the gateway is ready', 60, ready, () => this.#checkAlive(gateway.name));
		return key;
	}

	/** The key for whoever starts the network, made once. The gateway keeps its hash, so a file beside keeps it. */
	async #key(config) {
		const file = path.join(path.dirname(config), 'api.key');
		const command = (...words) => this.#worker(['gateway', 'key', ...words, '--config', config, '--json']);
		const known = JSON.parse((await command('list')).stdout).some(({ name }) => name === KEY);
		if (known && existsSync(file)) return readFileSync(file, 'utf8').trim();
		if (known) await command('remove', '--name', KEY);
		const { key } = JSON.parse((await command('add', '--name', KEY)).stdout);
		writeFileSync(file, `${key}\n`, { mode: 0o600 });
		return key;
	}

	/** Starts Prometheus where it is installed. */
	async #prometheus() {
		const program = ['/usr/bin/prometheus', '/usr/local/bin/prometheus'].find((file) => existsSync(file));
		if (!program) return this.say('prometheus is not installed: nobody scrapes the metrics');
		const folder = path.join(this.folder, 'prometheus');
		const config = path.join(folder, 'prometheus.yml');
		await this.#configure('prometheus', config, prometheusConfig(this.topology));
		const listen = `127.0.0.1:${this.topology.prometheus}`;
		this.#start('prometheus', program, ['--config.file', config, '--storage.tsdb.path', path.join(folder, 'data'), '--web.listen-address', listen]);
	}

	/** Writes a configuration; a process that runs with another one is ended. */
	async #configure(name, file, text) {
		if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
		await this.#end(name);
		mkdirSync(path.dirname(file), { recursive: true });
		writeFileSync(file, text);
	}

	#worker(args) {
		return run(binary('dllm-worker'), args);
	}

	#start(name, command, args) {
		if (this.#pid(name)) return;
		this.say(`starting ${name}`);
		const log = openSync(path.join(this.folder, `${name}.log`), 'a');
		const child = spawn(command, args, { stdio: ['ignore', log, log], detached: true });
		child.once('error', (error) => this.say(`${name}: ${error.message}`));
		child.unref();
		writeFileSync(this.#pidFile(name), `${child.pid} ${command}\n`);
	}

	async #end(name) {
		const pid = this.#pid(name);
		if (pid) {
			this.say(`ending ${name}`);
			process.kill(pid, 'SIGTERM');
			await until(`${name} ends`, 40, () => !this.#pid(name));
		}
		rmSync(this.#pidFile(name), { force: true });
	}

	/** Number of a process that runs; nothing where it has ended or the number is another program's now. */
	#pid(name) {
		if (!existsSync(this.#pidFile(name))) return undefined;
		const [pid, command] = readFileSync(this.#pidFile(name), 'utf8').trim().split(' ');
		const line = `/proc/${pid}/cmdline`;
		return existsSync(line) && readFileSync(line, 'utf8').startsWith(command) ? Number(pid) : undefined;
	}

	#pidFile(name) {
		return path.join(this.folder, `${name}.pid`);
	}

	#checkAlive(name) {
		if (!this.#pid(name)) throw new Error(`${name} has died: see ${path.join(this.folder, `${name}.log`)}`);
	}
}

/** The configuration of a worker of the topology. */
function workerConfig({ name, roles, port, metrics }, node, models) {
	const list = (values) => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
	return [
		`node = "${node}"`,
		`account = "//${name}"`,
		'data = "data"',
		`listen = ${list([`/ip4/127.0.0.1/udp/${port}/quic-v1`, `/ip4/127.0.0.1/tcp/${port}`])}`,
		`roles = ${list(roles)}`,
		'memory = "512MiB"',
		'price = "0.01 DLLM"',
		'threads = 1',
		`models = ${list(models)}`,
		`metrics = "127.0.0.1:${metrics}"`,
		'',
	].join('\n');
}

/**
 * The configuration of the gateway of the topology. It names no model: as in the containers, the gateway fetches
 * tokenizer, embedding and head from the workers.
 */
function gatewayConfig({ account, port }, node, page) {
	return [
		`node = "${node}"`,
		`account = "//${account}"`,
		'data = "data"',
		'threads = 1',
		'[gateway]',
		`listen = "127.0.0.1:${port}"`,
		`drain = ${DRAIN}`,
		...(page ? [`web = ${JSON.stringify(page)}`] : []),
		'',
	].join('\n');
}

/** What Prometheus scrapes, with the rules that the containers have too. */
function prometheusConfig({ validators, workers, gateway }) {
	const targets = (ports) => ports.map((port) => `'127.0.0.1:${port}'`).join(', ');
	const metrics = (of) => targets(of.map(({ metrics }) => metrics));
	return [
		'global: { scrape_interval: 5s, evaluation_interval: 5s }',
		`rule_files: ['${path.join(REPOSITORY, 'docker', 'prometheus', 'rules.yml')}']`,
		'scrape_configs:',
		`  - { job_name: node, static_configs: [{ targets: [${metrics(validators)}] }] }`,
		`  - { job_name: worker, static_configs: [{ targets: [${metrics(workers)}] }] }`,
		`  - { job_name: gateway, static_configs: [{ targets: [${targets([gateway.port])}] }] }`,
		'',
	].join('\n');
}

async function peerOf(port) {
	const reply = await fetch(`http://127.0.0.1:${port}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'system_localPeerId', params: [] }),
	});
	return (await reply.json()).result;
}
