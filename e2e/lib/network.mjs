// A test network of real processes: validators and workers, each with its own keys, ports and folder.

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { binary, Daemon, freePort, REPOSITORY, run, takePort, until } from './processes.mjs';

/** Milliseconds that an extrinsic may take into a block: many times the usual one block. */
const INCLUSION = 60_000;
/** What a node says of a transaction whose nonce was used meanwhile, and attempts with the next one. */
const OUTDATED = /Transaction is outdated/;
const ATTEMPTS = 5;

/** The specification of a preset, plain or raw, made once for each build of the node. */
async function madeSpec(preset, ...raw) {
	const node = binary('dllm-node');
	const build = Math.round(statSync(node).mtimeMs);
	const file = path.join(REPOSITORY, '.demo', `${preset}${raw.join('')}-${build}.json`);
	if (!existsSync(file)) {
		mkdirSync(path.dirname(file), { recursive: true });
		const own = `${file}.${process.pid}`;
		await run(node, ['export-chain-spec', '--chain', preset, ...raw, '--output', own]);
		renameSync(own, file);
	}
	return file;
}

/** The raw one: a node starts from it in a third of the time that it takes to build the genesis state. */
const rawSpec = (preset) => madeSpec(preset, '--raw');

/** The raw specification of a preset whose first block `change` altered: it gets the preset's JSON patch. */
async function changedSpec(preset, change, folder) {
	const [plain, raw] = ['plain', 'raw'].map((kind) => path.join(folder, `${kind}.json`));
	const spec = JSON.parse(readFileSync(await madeSpec(preset), 'utf8'));
	change(spec.genesis.runtimeGenesis.patch);
	mkdirSync(folder, { recursive: true });
	writeFileSync(plain, JSON.stringify(spec));
	await run(binary('dllm-node'), ['export-chain-spec', '--chain', plain, '--raw', '--output', raw]);
	return raw;
}

/**
 * Options that let a node serve JSON-RPC on a port of this machine, to pages of any origin. With `--rpc-port` it
 * would take another port without a word where this one is in use, and whoever asks on this one would ask
 * another chain.
 */
export function rpcOptions(port, methods = 'safe') {
	const rules = `methods=${methods},retry-random-port=false`;
	return ['--experimental-rpc-endpoint', `listen-addr=127.0.0.1:${port},${rules}`, `listen-addr=[::1]:${port},${rules},optional=true`];
}

/** A node process, a validator as a rule, and how to reach it. */
class Validator {
	constructor(name, folder, ports, rpcMethods = 'safe') {
		Object.assign(this, { name, folder, rpcMethods, ...ports });
	}

	get url() {
		return `ws://127.0.0.1:${this.rpcPort}`;
	}

	/** A call of its JSON-RPC. */
	async rpc(method, ...params) {
		const reply = await fetch(`http://127.0.0.1:${this.rpcPort}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
		});
		const { result, error } = await reply.json();
		if (error) throw new Error(`${method}: ${error.message} ${error.data ?? ''}`);
		return result;
	}

	/**
	 * Starts the process. `role` says what it is, if not the development validator of its name. With one
	 * other validator, a node that loses it would take itself for offline and stop authoring.
	 */
	start(chain, bootnode, role = [`--${this.name}`, '--validator', '--force-authoring']) {
		const args = ['--chain', chain, ...role, '--base-path', this.folder, '--port', this.port];
		args.push(...rpcOptions(this.rpcPort, this.rpcMethods), '--no-prometheus', '--no-telemetry');
		args.push('--no-mdns', '--allow-private-ip', '--unsafe-force-node-key-generation');
		if (bootnode) args.push('--bootnodes', bootnode);
		this.daemon = Daemon.start(this.name, binary('dllm-node'), args.map(String), {
			logFile: path.join(this.folder, 'node.log'),
		});
	}
}

/** A worker process and its configuration. */
export class Worker {
	constructor(network, name, options) {
		this.network = network;
		this.name = name;
		this.folder = path.join(network.folder, name.toLowerCase());
		this.config = path.join(this.folder, 'worker.toml');
		this.options = options;
		this.address = network.account(name).address;
	}

	/** Writes its configuration. */
	async configure() {
		const { roles, price = '0.01 DLLM', memory = '512MiB', models = [], operator, listen, ...tables } = this.options;
		this.port ??= await freePort();
		mkdirSync(this.folder, { recursive: true });
		const list = (values) => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
		const lines = [
			`node = "${this.network.url}"`,
			`account = "//${this.name}"`,
			'data = "data"',
			`listen = ${list(listen ?? [`/ip4/127.0.0.1/udp/${this.port}/quic-v1`, `/ip4/127.0.0.1/tcp/${this.port}`])}`,
			`roles = ${list(roles)}`,
			`memory = "${memory}"`,
			`price = "${price}"`,
			'threads = 1',
			`models = ${list(models)}`,
		];
		if (operator) lines.push(`operator = "${operator}"`);
		for (const table of ['reach', 'bidding', 'planning', 'links'].filter((name) => tables[name])) {
			lines.push(`[${table}]`, ...Object.entries(tables[table]).map(([key, value]) => `${key} = ${JSON.stringify(value)}`));
		}
		writeFileSync(this.config, `${lines.join('\n')}\n`);
	}

	/** Registers it on chain with its bond. */
	register() {
		return this.network.worker(['register', '--config', this.config]);
	}

	/**
	 * Starts the process; `command` may be another binary with the same interface, `under` the words of what runs
	 * it, an emulator say.
	 */
	start(command = binary('dllm-worker'), extra = [], under = []) {
		const [program, ...args] = [...under, command, 'serve', '--config', this.config, ...extra];
		this.daemon = Daemon.start(this.name, program, args, {
			logFile: path.join(this.folder, 'worker.log'),
		});
	}
}

/** Validators, workers and the connection to them. */
export class Network {
	/**
	 * Starts validators on a fresh chain in `folder` (removed first), and connects. `change` may alter the
	 * first block of the preset `chain`. Where `rpcPort` is wanted and in use, it throws and removes nothing:
	 * whoever has the port may have the folder too.
	 */
	static async start({ folder, chain = 'local', change, validators = ['alice', 'bob'], rpcPort, say = () => {} }) {
		const network = new Network();
		Object.assign(network, { folder, workers: [], say });
		const giveBack = rpcPort && (await takePort(rpcPort));
		try {
			rmSync(folder, { recursive: true, force: true });
			network.chain = await (change ? changedSpec(chain, change, folder) : rawSpec(chain));
		} finally {
			await giveBack?.();
		}
		network.keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
		network.validators = [];
		for (const name of validators) {
			const first = network.validators.length === 0;
			const ports = { port: await freePort(), rpcPort: first && rpcPort ? rpcPort : await freePort() };
			network.validators.push(new Validator(name, path.join(folder, name), ports));
		}
		for (const validator of network.validators) {
			say(`starting validator ${validator.name}`);
			validator.start(network.chain, network.bootnode);
			network.bootnode ??= await network.addressOf(validator);
		}
		await network.connect();
		return network;
	}

	/** Starts a node that the preset does not know, with options that say what it is. */
	async addNode(name, role, { rpcMethods, rpcPort } = {}) {
		const ports = { port: await freePort(), rpcPort: rpcPort ?? (await freePort()) };
		const node = new Validator(name, path.join(this.folder, name), ports, rpcMethods);
		this.validators.push(node);
		node.start(this.chain, this.bootnode, role);
		return node;
	}

	/** Where other nodes find one, once it answers. */
	async addressOf(validator) {
		const alive = () => this.checkAlive(validator);
		const peer = await until(`${validator.name} answers`, 240, () => validator.rpc('system_localPeerId'), alive);
		return `/ip4/127.0.0.1/tcp/${validator.port}/p2p/${peer}`;
	}

	/** Connects polkadot.js to the first validator. */
	async connect() {
		this.provider = new WsProvider(this.url);
		this.api = await ApiPromise.create({ provider: this.provider, noInitWarn: true });
	}

	get url() {
		return this.validators[0].url;
	}

	/** A development account, `//name`. */
	account(name) {
		return this.keyring.addFromUri(`//${name}`);
	}

	/** Throws where a process that should live has died, with the end of its log. */
	checkAlive(...processes) {
		for (const { name, daemon } of processes) {
			if (daemon && !daemon.alive) throw new Error(`${name} has died:\n${daemon.tail()}`);
		}
	}

	/** Runs a command of the worker binary to its end. What it keeps stays in this network's folder. */
	worker(args, { env, ...options } = {}) {
		const own = args.includes('--config') ? {} : { DLLM_DATA: path.join(this.folder, 'client') };
		return run(binary('dllm-worker'), args.map(String), { ...options, env: { ...own, ...env } });
	}

	/** Configures and registers a worker and starts its process. */
	async addWorker(name, options, start = (worker) => worker.start()) {
		const worker = new Worker(this, name, options);
		this.workers.push(worker);
		await worker.configure();
		await worker.register();
		start(worker);
		return worker;
	}

	/** Splits a model folder of models/ once in a numeric profile, and returns the folder of its shards. */
	async shards(model, profile = 'f32') {
		const out = path.join(this.folder, 'shards', profile, model);
		if (!existsSync(path.join(out, 'manifest.json'))) {
			mkdirSync(path.dirname(out), { recursive: true });
			const source = path.join(REPOSITORY, 'models', model);
			await this.worker(['split', source, '--out', out, '--profile', profile]);
		}
		return out;
	}

	/** Registers and activates a model, and returns its number. */
	async offerModel(shards, owner = 'Alice') {
		const owned = ['--account', `//${owner}`, '--chain', this.url, '--json'];
		const added = await this.worker(['model', 'add', shards, '--licence', 'Apache-2.0', '--activate', ...owned]);
		const { model } = JSON.parse(added.stdout);
		await until(`model ${model} is active for good`, 90, async () => {
			const models = await this.rpc('dllm_models', await this.finalized());
			return models.some(({ id, state }) => id === model && state === 'active');
		});
		return model;
	}

	/** Plans a pipeline over the registered workers and waits until it takes jobs for good. */
	async offerPipeline(model, segments = 2, { owner, slots, seconds } = {}) {
		await this.plan(model, segments, { owner, slots });
		return this.live(model, seconds);
	}

	/** Plans a pipeline over the registered workers. */
	async plan(model, segments, { owner = 'Alice', slots = 2 } = {}) {
		await until('every worker is registered for good', 90, async () => {
			const at = await this.api.at(await this.finalized());
			const known = await Promise.all(this.workers.map(({ address }) => at.query.miners.workers(address)));
			return known.every(({ isSome }) => isSome);
		}, () => this.checkAlive(...this.workers));
		await this.worker(['plan', '--model', model, '--segments', segments, '--slots', slots, '--account', `//${owner}`, '--chain', this.url]);
	}

	/** Waits until a pipeline of a model takes jobs for good. */
	live(model, seconds = 120) {
		return until(`a pipeline of model ${model} is live`, seconds, async () => {
			const pipelines = await this.rpc('dllm_pipelines', model, await this.finalized());
			return pipelines.find((pipeline) => pipeline.state === 'live');
		}, () => this.checkAlive(...this.workers));
	}

	/** Hash of the last finalised block: what it says no fork takes back. */
	async finalized() {
		return (await this.api.rpc.chain.getFinalizedHead()).toHex();
	}

	/** A call of the node's JSON-RPC. */
	rpc(method, ...params) {
		return this.provider.send(method, params);
	}

	/**
	 * Signs and sends an extrinsic and waits until a finalised block holds it, or any block where it must
	 * not `settle`. Answers `{ events, block, fee }`, with `fee` in planck as it was charged; throws the
	 * chain's own error by name. `nonce` is the account's next, if not given.
	 */
	send(extrinsic, signer, { settle = true, nonce = -1 } = {}) {
		let timer;
		const late = new Promise((_, reject) => {
			const error = new Error(`extrinsic in no block within ${INCLUSION / 1000} s`);
			timer = setTimeout(() => reject(error), INCLUSION);
		});
		const included = async (attempt = 1) => {
			try {
				return await this.#included(extrinsic, signer, settle, nonce);
			} catch (error) {
				// The node left a fork after it had told the nonce: nothing was sent.
				if (nonce !== -1 || attempt === ATTEMPTS || !OUTDATED.test(error.message)) throw error;
				return included(attempt + 1);
			}
		};
		return Promise.race([included(), late]).finally(() => clearTimeout(timer));
	}

	#included(extrinsic, signer, settle, nonce) {
		return new Promise((resolve, reject) => {
			extrinsic
				.signAndSend(signer, { nonce }, ({ status, events, dispatchError }) => {
					if (status.isInvalid || status.isDropped) reject(new Error(`extrinsic ${status.type}`));
					if (!(settle ? status.isFinalized : status.isInBlock)) return;
					if (dispatchError) {
						const error = dispatchError.isModule
							? this.api.registry.findMetaError(dispatchError.asModule)
							: { section: 'system', name: dispatchError.toString() };
						return reject(new Error(`${error.section}.${error.name}`));
					}
					const paid = events.find(({ event }) => event.method === 'TransactionFeePaid');
					resolve({
						events: events.map(({ event }) => event),
						block: (settle ? status.asFinalized : status.asInBlock).toHex(),
						fee: paid ? paid.event.data.actualFee.toBigInt() : 0n,
					});
				})
				.catch(reject);
		});
	}

	/** Submits a public prompt and returns `{ job, fee }`: its number and the fee of the transaction. */
	async submit(signer, { model, text, maxTokens = 16, maxPrice, deadline = 20, body, assurance = 'Standard', settle = true }) {
		const limits = { maxTokens, temperatureMilli: 0, topPMilli: 1000, seed: 0, stop: [] };
		const call = this.api.tx.jobs.submit(model, body ?? { Inline: text }, limits, maxPrice, deadline, assurance);
		const { events, fee } = await this.send(call, signer, { settle });
		const submitted = events.find((event) => event.section === 'jobs' && event.method === 'Submitted');
		return { job: submitted.data.job.toNumber(), fee };
	}

	/** Waits until the end of a job is finalised and returns its receipt. */
	async ended(job, seconds = 240) {
		const ended = async () => (await this.rpc('dllm_job', job, await this.finalized())).ended;
		await until(`job ${job} ends`, seconds, ended);
		return this.rpc('dllm_receipt', job, await this.finalized());
	}

	/** What `dllm-worker audit` finds of a job that is over: `{ code, holds, steps }`, with the steps by name. */
	async audit(job, url = this.url) {
		const { code, stdout, stderr } = await this.worker(['audit', job, '--chain', url, '--json'], { allowFailure: true });
		if (!stdout) return { code, error: stderr };
		const audit = JSON.parse(stdout);
		return { ...audit, code, steps: Object.fromEntries(audit.steps.map((step) => [step.name, step])) };
	}

	/** The registered workers, as the runtime API tells them. */
	async pool() {
		return (await this.api.call.dllmApi.workers()).toJSON();
	}

	/** Free and held balance of an account, in planck. */
	async balance(address) {
		const { data } = await this.api.query.system.account(address);
		return { free: data.free.toBigInt(), reserved: data.reserved.toBigInt() };
	}

	/** Stops everything. */
	async stop() {
		await this.api?.disconnect();
		const daemons = [...this.workers, ...this.validators].map(({ daemon }) => daemon);
		await Promise.all(daemons.filter(Boolean).map((daemon) => daemon.stop()));
	}
}
