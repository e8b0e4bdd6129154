// A real node, real workers on weak hosts, and a user on another one. A segment needs two workers of two
// operators, so every machine has two, behind the same links, each with the machine's share of a processor: one
// leads a job, the other one checks it when it is over.

import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Network } from '../lib/network.mjs';
import { binary, Daemon, freePort, REPOSITORY, run, until } from '../lib/processes.mjs';
import { LAYERS, ROW_BYTES, writeModel } from './model.mjs';
import { CONTROL, Namespaces, Shares } from './namespaces.mjs';

export const FOLDER = path.join(REPOSITORY, '.demo', 'netlab');
export const MACHINES = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
const USER = 'user';
/** Endowed accounts for the two workers of every machine. */
const ACCOUNTS = [
	['Miner1', 'Bob'], ['Miner2', 'Charlie'], ['Miner3', 'Dave'],
	['Miner4', 'Eve'], ['Miner5', 'Ferdie'], ['Miner6', 'Entry1'],
];
/** Endowed accounts that may own a model. */
const OWNERS = ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie'];
/** Milliseconds of a slot: a lab waits for blocks most of its time. */
const SLOT = 2_000;
/** Jobs that a placement runs at once: a slot is free again only when its job is verified. */
const JOBS = 8;
const TEXT = 'Tell me a story about a fox.';
/** Tokens of the prompt, with the model's template and without, are about as many. */
export const PROMPT_TOKENS = 16;
/** Tokens of a measured reply. */
export const NEW_TOKENS = 32;
/** Weights of all layers, many times over, whatever is placed: topologies say how much memory machines have. */
const MEMORY = '64GiB';
/** Pipelines that a worker may host at once, closing ones included. */
const MOST_HOSTED = 8;

/** The lab: one model a slot, of which each has at most one pipeline, so that a prompt's model names its pipeline. */
export class Swarm {
	/** Starts everything; `slots` is how many placements can stand at once, `transports` which addresses workers have. */
	static async start({ slots, transports = ['quic', 'tcp'], say }) {
		const swarm = new Swarm();
		Object.assign(swarm, { say, transports, namespaces: new Namespaces([...MACHINES, USER]), shares: new Shares(), clients: new Set() });
		try {
			swarm.network = await Network.start({ folder: FOLDER, chain: 'dev', validators: ['alice'], say, change: (first) => (first.pace.lengths.slotMillis = SLOT) });
			await swarm.namespaces.start(FOLDER);
			// Node and lab answer everybody else. The links stay outside: in a group none may have real-time priority.
			swarm.shares.adopt('node', swarm.network.validators[0].daemon.child.pid);
			swarm.shares.adopt('lab', process.pid);
			await swarm.#serveNode();
			await swarm.#models(slots);
			say('starting two workers on each of six machines');
			await Promise.all(MACHINES.flatMap((machine, at) => ACCOUNTS[at].map((account) => swarm.#worker(machine, account))));
			await swarm.#offer();
			return swarm;
		} catch (error) {
			await swarm.stop();
			throw error;
		}
	}

	/** The node for those who see this machine only on the bridge. */
	async #serveNode() {
		const { rpcPort } = this.network.validators[0];
		const port = await freePort();
		this.relay = createServer((socket) => {
			const node = connect(rpcPort, '127.0.0.1');
			for (const end of [socket, node]) end.setNoDelay(true).on('error', () => (socket.destroy(), node.destroy()));
			socket.pipe(node).pipe(socket);
		});
		await new Promise((resolve) => this.relay.listen(port, CONTROL, resolve));
		this.url = `ws://${CONTROL}:${port}`;
	}

	/** Makes and splits the models. */
	async #models(slots) {
		this.say(`making ${slots} models of ${LAYERS} layers`);
		this.slots = [];
		for (let at = 0; at < slots; at++) {
			const folder = path.join(FOLDER, 'models', `lab${at}`);
			const shards = path.join(FOLDER, 'shards', `lab${at}`);
			mkdirSync(path.dirname(shards), { recursive: true });
			writeModel(folder, at);
			await this.network.worker(['split', folder, '--out', shards, '--profile', 'f32']);
			this.slots.push({ shards });
		}
	}

	async #worker(machine, account) {
		const listens = { quic: (host, port) => `/ip4/${host}/udp/${port}/quic-v1`, tcp: (host, port) => `/ip4/${host}/tcp/${port}` };
		const port = await freePort();
		const host = this.namespaces.address(machine);
		const options = {
			roles: ['miner', 'verifier'],
			memory: MEMORY,
			models: this.slots.map(({ shards }) => shards),
			listen: this.transports.map((transport) => listens[transport](host, port)),
			// Probes would be among what is measured.
			links: { enabled: false },
		};
		await this.network.addWorker(account, options, (worker) => {
			const serve = this.namespaces.command(machine, binary('dllm-worker'), ['serve', '--config', worker.config]);
			const [command, args] = this.shares.group(account)(...serve);
			const logFile = path.join(worker.folder, 'worker.log');
			worker.daemon = Daemon.start(account, command, args, { logFile, env: { DLLM_NODE: this.url } });
		});
	}

	/** Registers the models, each by an account of its own, so that they do not wait for each other. */
	async #offer() {
		await Promise.all(this.slots.map(async (slot, at) => (slot.model = await this.network.offerModel(slot.shards, OWNERS[at]))));
	}

	/** Makes links and machines those of a topology, and answers what the links did since the last time. */
	async load(file) {
		const { stdout } = await run(binary('dllm-netlab'), ['show', file]);
		const { hosts } = JSON.parse(stdout);
		const counts = await this.namespaces.links.load(file);
		for (const [at, machine] of MACHINES.entries()) {
			for (const account of ACCOUNTS[at]) this.shares.set(account, hosts[machine]?.share ?? 1);
		}
		return counts;
	}

	/** Has the first slots stand for these placements, one each, and waits until they take jobs. */
	async place(placements) {
		const { api } = this.network;
		const owner = this.network.account('Alice');
		let nonce = (await api.rpc.system.accountNextIndex(owner.address)).toNumber();
		const send = (call) => this.network.send(call, owner, { settle: false, nonce: nonce++ });
		const standing = this.slots.filter(({ pipeline }) => pipeline !== undefined);
		await Promise.all(standing.map(({ pipeline }) => send(api.tx.allocation.close(pipeline))));
		await this.#room(placements.length);
		await Promise.all(placements.map((segments, at) => {
			const plan = { model: this.slots[at].model, slots: JOBS, entries: [], segments: segments.map((segment) => this.#segment(segment)) };
			return send(api.tx.allocation.submitPlan(plan));
		}));
		await Promise.all(this.slots.map(async (slot, at) => {
			slot.pipeline = at < placements.length ? (await this.#live(slot.model)).id : undefined;
		}));
	}

	/** Waits until a worker may host so many pipelines more: those that close stay until their last job is settled. */
	#room(pipelines) {
		return until('pipelines of the placements before are closed', 180, async () => {
			const of = await Promise.all(this.slots.map(({ model }) => this.network.rpc('dllm_pipelines', model)));
			return of.flat().length + pipelines <= MOST_HOSTED;
		}, () => this.network.checkAlive(...this.network.workers));
	}

	#segment({ host, start, end }) {
		const accounts = ACCOUNTS[MACHINES.indexOf(host)];
		return { layers: { start, end }, replicas: accounts.map((account) => this.network.account(account).address) };
	}

	#live(model) {
		return until(`a pipeline of model ${model} is live`, 90, async () => {
			const pipelines = await this.network.rpc('dllm_pipelines', model);
			return pipelines.find(({ state }) => state === 'live');
		}, () => this.network.checkAlive(...this.network.workers));
	}

	/**
	 * Pays for a prompt on a slot as the user, and waits for the reply only. Answers `report`, which comes when the
	 * job is settled.
	 */
	async prompt(slot, tokens = NEW_TOKENS) {
		const { model, shards } = this.slots[slot];
		const args = ['prompt', '--model', model, '--account', '//User', '--chain', this.url, '--folder', shards];
		args.push('--max-tokens', tokens, '--json', TEXT);
		const [command, words] = this.shares.group(USER)(...this.namespaces.command(USER, binary('dllm-worker'), args.map(String)));
		const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, DLLM_DATA: path.join(FOLDER, 'client') } });
		const said = { stdout: '', stderr: '' };
		const report = new Promise((resolve, reject) => {
			child.once('error', reject);
			child.once('close', (code) => {
				this.clients.delete(client);
				// 3: not settled. The tokens came all the same.
				const told = code === 0 || code === 3 ? JSON.parse(said.stdout) : {};
				if (told.tokenMs?.length) resolve(told);
				else reject(new Error(`prompt → ${code}\n${said.stderr}${said.stdout}`));
			});
		});
		const client = { child, ended: report.catch(() => {}) };
		this.clients.add(client);
		child.stdout.on('data', (text) => (said.stdout += text));
		const replied = new Promise((resolve) => child.stderr.on('data', (text) => {
			said.stderr += text;
			if (said.stderr.includes('the reply has ended')) resolve();
		}));
		await Promise.race([replied, report]);
		return { report };
	}

	/** A command line that runs a binary with a whole processor. */
	grouped(name, args) {
		return this.shares.group('alone')(binary(name), args);
	}

	/** Writes a topology of these lines and answers the file. */
	write(name, text) {
		const file = path.join(FOLDER, 'topologies', `${name}.toml`);
		mkdirSync(path.dirname(file), { recursive: true });
		writeFileSync(file, text);
		return file;
	}

	/** Ends everything. */
	async stop() {
		for (const { child } of this.clients) child.kill('SIGKILL');
		await Promise.all([...this.clients].map(({ ended }) => ended));
		await this.network?.stop();
		this.relay?.close();
		await this.namespaces.stop();
		this.shares.remove();
	}
}

/** Options by which the planners know what was measured. */
export function measuredOptions({ layerMs, rowMs, hopMs, entryMs }) {
	const figures = { layers: LAYERS, 'layer-ms': layerMs, 'row-ms': rowMs, 'hop-ms': hopMs, 'entry-ms': entryMs };
	Object.assign(figures, { 'row-bytes': ROW_BYTES, 'prompt-tokens': PROMPT_TOKENS, 'new-tokens': NEW_TOKENS });
	return Object.entries(figures).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** Placements of a topology by every method: `{ ours: { segments, predictedMs }, … }`. */
export async function planned(file, measured) {
	const { stdout } = await run(binary('dllm-netlab'), ['plan', file, ...measuredOptions(measured)]);
	return JSON.parse(stdout);
}

/** A topology in which all links are alike, and all machines. */
export function uniform({ rttMs, jitterMs = 0, loss = 0, mbitPerSecond, share = 1, layers = LAYERS }) {
	const hosts = MACHINES.map((name) => `[hosts.${name}]\nshare = ${share.toFixed(2)}\nlayers = ${layers}\n`);
	const names = [...MACHINES, USER];
	const pairs = names.flatMap((from, at) => names.slice(at + 1).map((to) => [from, to]));
	const float = (value) => (Number.isInteger(value) ? `${value}.0` : String(value));
	const figures = `rttMs = ${float(rttMs)}\njitterMs = ${float(jitterMs)}\nloss = ${float(loss)}\nmbitPerSecond = ${float(mbitPerSecond)}\n`;
	const links = pairs.map(([from, to]) => `[[links]]\nbetween = ["${from}", "${to}"]\n${figures}`);
	return [`[hosts.${USER}]\n`, ...hosts, ...links].join('\n');
}
