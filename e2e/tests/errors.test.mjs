// What goes wrong says what it is and what helps, ends with a status that is not 0, and costs nothing. On a
// real node, which takes a prompt in the end as if nothing had been.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Network, Worker } from '../lib/network.mjs';
import { freePort, REPOSITORY, takePort, until } from '../lib/processes.mjs';

const FOLDER = path.join(REPOSITORY, '.demo', 'e2e', 'errors');
/** Less than the embedding of the model takes. */
const TOO_LITTLE = '1MiB';
/** Milliseconds after which a command that should have failed is ended. */
const PATIENCE = 60_000;

describe('an error says what helps, and nothing is lost', () => {
	let network;
	/** A node of another chain. */
	let other;
	/** One that is told to serve on a port which is taken, and what gives that port back. */
	let late;
	let giveBack;
	let user;
	let start;
	let shards;
	let model;
	const workers = [];

	before(async () => {
		// The only validator of `dev` makes blocks final alone; of the other chain only the first block matters.
		[network, other] = await Promise.all([
			Network.start({ folder: FOLDER, chain: 'dev', validators: ['alice'] }),
			Network.start({ folder: `${FOLDER}-other`, chain: 'local', validators: ['alice'] }),
		]);
		const rpcPort = await freePort();
		giveBack = await takePort(rpcPort);
		late = await other.addNode('late', ['--bob', '--validator'], { rpcPort });
		user = network.account('User');
		start = await network.balance(user.address);
		shards = await network.shards('fixture-tied');
	});
	after(async () => {
		await giveBack?.();
		await network?.stop();
		await other?.stop();
	});

	/** Runs a command that has to fail, and answers what it says. */
	async function refused(args, env) {
		const asked = args.includes('--chain') || args.includes('--config') ? args : [...args, '--chain', network.url];
		const { code, stdout, stderr } = await network.worker(asked, { env, allowFailure: true, timeout: PATIENCE });
		assert.equal(code, 1, `${args.join(' ').slice(0, 100)} → ${code}: ${stdout}${stderr}`);
		return stderr;
	}
	const paying = (command, ...args) => [command, '--account', '//User', ...args];

	/** A copy of the shards in which one bit of a shard is another, and how that is told. */
	function corrupted(shard) {
		const folder = path.join(FOLDER, `corrupt-${shard}`);
		cpSync(shards, folder, { recursive: true });
		const file = readdirSync(folder).find((name) => name.startsWith(shard));
		const bytes = readFileSync(path.join(folder, file));
		bytes[bytes.length - 1] ^= 1;
		writeFileSync(path.join(folder, file), bytes);
		return { folder, says: `${file} is corrupt \\(blake3 0x[0-9a-f]{64}, expected 0x[0-9a-f]{64}\\)` };
	}

	/** Two workers that can hold the model; the second one is left with too little memory. */
	async function recruit() {
		const options = { roles: ['entry', 'miner', 'verifier'], models: [shards] };
		const impoverish = (worker) => {
			writeFileSync(worker.config, readFileSync(worker.config, 'utf8').replace('512MiB', TOO_LITTLE));
			worker.start();
		};
		workers.push(...await Promise.all([network.addWorker('Miner1', options), network.addWorker('Miner2', options, impoverish)]));
	}

	it('no node', async () => {
		const url = `ws://127.0.0.1:${await freePort()}`;
		assert.match(await refused(paying('pay', '--chain', url, 'Hello!')), new RegExp(`cannot reach a node at ${url} .*: start the node, or correct \`node\``));
	});

	it('no model', async () => {
		assert.match(await refused(paying('pay', 'Hello!')), /the chain has no active model: register one with `dllm-worker model add`/);
	});

	it('a corrupt shard, where it is offered and where it is looked at', async () => {
		const { folder, says } = corrupted('layer');
		const adding = ['model', 'add', folder, '--licence', 'Apache-2.0', '--account', '//Alice'];
		assert.match(await refused(adding), new RegExp(`${says}: delete it and fetch it again`));
		const worker = new Worker(network, 'Miner3', { roles: ['miner'], models: [folder] });
		await worker.configure();
		const { code, stdout } = await network.worker(['doctor', '--config', worker.config], { allowFailure: true, timeout: PATIENCE });
		assert.equal(code, 1);
		assert.match(stdout, new RegExp(`missing +shards +${says}; delete it and fetch it again`));
	});

	it('an unknown model, and none that is served', async () => {
		[model] = await Promise.all([network.offerModel(shards), recruit()]);
		const says = /no model "nonsense" on this chain; it has: \d+ \(fixture-tied\); name one of them with --model/;
		assert.match(await refused(paying('pay', '--model', 'nonsense', 'Hello!')), says);
		assert.match(await refused(paying('pay', 'Hello!')), /no live pipeline of model fixture-tied .*start its workers, submit a plan/);
	});

	it('a prompt that is too long', async () => {
		assert.match(await refused(paying('pay', 'x'.repeat(5000))), /a public prompt has at most 4096 bytes; shorten it, or use `prompt`/);
		const words = 'word '.repeat(2000);
		const says = /the prompt has \d{4,} tokens, this model holds 1024 with the reply: shorten it/;
		assert.match(await refused(paying('prompt', '--folder', shards, words)), says);
	});

	it('shards of another model, and a corrupt one of this', async () => {
		const others = await network.shards('fixture-untied');
		const says = /this is the manifest of another model \(root 0x[0-9a-f]{64}, expected 0x[0-9a-f]{64}\): fetch the model that the chain names/;
		assert.match(await refused(paying('prompt', '--folder', others, 'Hello!')), says);
		const corrupt = corrupted('embed');
		assert.match(await refused(paying('prompt', '--folder', corrupt.folder, 'Hello!')), new RegExp(`${corrupt.says}: delete it and fetch it again`));
	});

	it('too little memory for the entry of a prompt', async () => {
		const says = /too little memory for embedding and head: needs \d+ bytes, 1048576 are left; raise `memory`/;
		assert.match(await refused(paying('prompt', '--folder', shards, 'Hello!'), { DLLM_MEMORY: TOO_LITTLE }), says);
	});

	it('too little memory for what a worker is to host; with more it goes on', async () => {
		const [, poor] = workers;
		await network.plan(model, 1);
		const says = /too little memory for .+: needs \d+ bytes, \d+ are left; raise `memory`, or offer fewer models/;
		await until('the log says it', 60, () => says.test(poor.daemon.tail(1000)), () => network.checkAlive(poor));
		const { stdout } = await network.worker(['doctor', '--config', poor.config], { allowFailure: true });
		assert.match(stdout, /poor +registration +the chain knows the memory otherwise than the configuration; run `dllm-worker register` to change it/);
		const pipelines = await network.rpc('dllm_pipelines', model);
		assert.ok(pipelines.every(({ state }) => state !== 'live'));

		await poor.daemon.stop();
		await poor.configure();
		poor.start();
		await network.live(model);
	});

	it('an account without money', async () => {
		const says = /account 5\w+ has 0 DLLM free, the prompt may cost [\d.]+ DLLM: send it some DLLM, or ask for fewer tokens/;
		assert.match(await refused(['pay', '--account', '//Nobody', 'Hello!']), says);
	});

	it('a port in use: of a worker, of a network, of a node', async () => {
		const [worker] = workers;
		const says = new RegExp(`/ip4/127.0.0.1/.*${worker.port}.* is in use by another program: stop it, or choose another port in \`listen\``);
		assert.match(await refused(['serve', '--config', worker.config]), says);

		const folder = path.join(FOLDER, 'second');
		const kept = path.join(folder, 'kept');
		mkdirSync(kept, { recursive: true });
		const port = network.validators[0].rpcPort;
		const second = Network.start({ folder, rpcPort: port });
		await assert.rejects(second, { message: `port ${port} is in use: end the network that holds it (make down, or Ctrl-C in its terminal)` });
		assert.ok(existsSync(kept), 'what stands in its folder is the first one\'s');

		const { code } = await late.daemon.exited;
		assert.ok(code > 0, 'a node does not take another port instead');
		assert.match(late.daemon.tail(), /Address already in use/);
	});

	it('another chain than the one that the data folder belongs to', async () => {
		const [worker] = workers;
		await worker.daemon.stop();
		const says = new RegExp(`the node's chain begins with ${other.api.genesisHash.toHex()}, the data folder belongs to ${network.api.genesisHash.toHex()}: give the address of a node of that chain, or another data folder`);
		assert.match(await refused(['serve', '--config', worker.config, '--chain', other.url]), says);
		worker.start();
	});

	it('nothing was charged or held, and a prompt is served', async () => {
		assert.deepEqual(await network.balance(user.address), start);
		assert.equal((await network.api.query.jobs.nextJob()).toNumber(), 0);
		const { stdout } = await network.worker([...paying('pay', '--json', 'Hello!'), '--chain', network.url]);
		const { settled, receipt } = JSON.parse(stdout);
		assert.ok(settled, JSON.stringify(receipt));
	});
});
