// A gateway process before a test network, and OpenAI's official clients for it.

import OpenAI from 'openai';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { binary, Daemon, freePort, REPOSITORY, run, until } from './processes.mjs';

/** Seconds until a gateway stands: it waits for the node and loads the entry of the model. */
const READY = 60;

/** A gateway that pays from a development account. */
export class Gateway {
	/** Starts one on a network, in a folder of this name; `options` are lines of its table `[gateway]`. */
	static async start(network, { account = 'User', name = 'gateway', options = {} } = {}) {
		const gateway = new Gateway();
		const port = await freePort();
		gateway.network = network;
		gateway.account = network.account(account);
		gateway.folder = path.join(network.folder, name);
		gateway.config = path.join(gateway.folder, 'worker.toml');
		gateway.url = `http://127.0.0.1:${port}`;
		mkdirSync(gateway.folder, { recursive: true });
		const table = Object.entries({ listen: `127.0.0.1:${port}`, ...options });
		const lines = [
			`node = "${network.url}"`,
			`account = "//${account}"`,
			'data = "data"',
			'threads = 1',
			`models = [${JSON.stringify(network.modelFolder)}]`,
			'[gateway]',
			...table.map(([key, value]) => `${key} = ${JSON.stringify(value)}`),
		];
		writeFileSync(gateway.config, `${lines.join('\n')}\n`);
		await gateway.run();
		return gateway;
	}

	/** Starts the process and waits until it is ready. */
	async run() {
		const args = ['gateway', '--config', this.config, '--log', 'json'];
		this.daemon = Daemon.start('gateway', binary('dllm-worker'), args, {
			logFile: path.join(this.folder, 'gateway.log'),
		});
		await until('the gateway is ready', READY, async () => (await fetch(`${this.url}/readyz`)).ok, () => {
			if (!this.daemon.alive) throw new Error(`the gateway has died:\n${this.daemon.tail()}`);
		});
	}

	/** Makes a key; `limits` are `--budget` and `--rate`. */
	async key(name, limits = {}) {
		const flags = Object.entries(limits).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
		const args = ['gateway', 'key', 'add', '--config', this.config, '--json', '--name', name, ...flags];
		return JSON.parse((await run(binary('dllm-worker'), args)).stdout).key;
	}

	/** What a key has spent, in planck. */
	async spent(name) {
		const listed = await run(binary('dllm-worker'), ['gateway', 'key', 'list', '--config', this.config, '--json']);
		return BigInt(JSON.parse(listed.stdout).find((key) => key.name === name).spent);
	}

	/** The official JavaScript client. */
	client(apiKey, options = {}) {
		return new OpenAI({ apiKey, baseURL: `${this.url}/v1`, maxRetries: 0, ...options });
	}

	/** Runs a script with the official Python client; gives what it prints as JSON. */
	async python(apiKey, script) {
		const env = {
			PYTHONPATH: path.join(REPOSITORY, '.tools', 'python'),
			OPENAI_API_KEY: apiKey,
			OPENAI_BASE_URL: `${this.url}/v1`,
		};
		return JSON.parse((await run('python3', ['-c', script], { env })).stdout);
	}

	/** A route of the gateway that is not OpenAI's, as JSON. */
	async get(route) {
		return (await fetch(this.url + route)).json();
	}

	/** A figure of the gateway, by its line's beginning. */
	async figure(name) {
		const text = await (await fetch(`${this.url}/metrics`)).text();
		const line = text.split('\n').find((one) => one.startsWith(`${name} `));
		return line ? Number(line.split(' ').at(-1)) : undefined;
	}

	/** The receipt of a job, once its end is final. */
	ended(job, seconds = 120) {
		return until(`job ${job} ends`, seconds, async () => {
			const receipt = await this.get(`/v1/receipts/${job}`);
			return receipt.final && receipt;
		});
	}
}
