// The book: generated pages are current, every page is in the summary, every command that a page shows exists
// with its options, and the tutorials of miners, of a model with its first prompt, its gateway and its round, and of
// validators are run as they stand.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pages, RPC_SOURCES } from '../../docs/generate.mjs';
import { Network } from '../lib/network.mjs';
import { BIN, binary, Daemon, freePort, REPOSITORY, run, until } from '../lib/processes.mjs';
import { TOKEN } from '../lib/standard.mjs';

const DOCS = path.join(REPOSITORY, 'docs');
const read = (name) => readFileSync(path.join(DOCS, name), 'utf8');
const files = readdirSync(DOCS, { recursive: true }).filter((name) => name.endsWith('.md') && name !== 'SUMMARY.md');

/** The shell blocks of a page. */
function blocks(name) {
	return [...read(name).matchAll(/^ *```sh\n([\s\S]*?)\n *```/gm)].map(([, block]) => block.replaceAll(/^ {3}/gm, ''));
}

/** The lines of a page's shell blocks, a continued line as one. */
function commands(name) {
	return blocks(name).flatMap((block) => block.replaceAll('\\\n', ' ').split('\n')).filter(Boolean);
}

/** The only line of a page that begins with `start`. */
function command(name, start) {
	const found = commands(name).filter((line) => line.startsWith(start));
	assert.equal(found.length, 1, `${name}: ${start}: ${found.join(' | ')}`);
	return found[0];
}

/** The line with parts of it replaced by what stands in their place here; each has to be in it. */
function filled(line, places) {
	return Object.entries(places).reduce((text, [place, value]) => {
		assert.ok(text.includes(place), `${place} in ${text}`);
		return text.replaceAll(place, value);
	}, line);
}

/** Runs a block of a page in a folder, as a reader would. */
const shellIn = (folder, env) => (block, options = {}) => run('sh', ['-euc', `cd '${folder}'\n${block}`], { env, ...options });

/** What a reader of the tutorials has set: the programs, a node, and ONNX Runtime. */
function readerOf(network) {
	const library = path.join(REPOSITORY, '.tools', 'onnxruntime');
	const name = readdirSync(library).find((file) => file.startsWith('libonnxruntime.so'));
	return { PATH: `${BIN}:${process.env.PATH}`, DLLM_NODE: network.url, DLLM_ORT_LIB: path.join(library, name) };
}

/** An empty folder for a reader. */
function fresh(folder) {
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	return folder;
}

/** Help of a command of the worker, or of the node. */
const helps = new Map();
async function help(program, words) {
	const key = [program, ...words].join(' ');
	if (!helps.has(key)) helps.set(key, await run(binary(program), [...words, '--help'], { allowFailure: true }));
	return helps.get(key);
}

describe('book', () => {
	it('generated pages are what the programs say', async () => {
		for (const [name, text] of Object.entries(await pages())) assert.equal(read(name), text, `${name}: run \`make docs\``);
	});

	it('the reference knows every key and every method', async () => {
		const example = readFileSync(path.join(REPOSITORY, 'inference-worker', 'worker.example.toml'), 'utf8');
		const [top, ...tables] = example.split(/^(?=\[\w+\]$)/m).map((part) => [...part.matchAll(/^(?:# )?([a-z_]+) = |^\[(\w+)\]$/gm)].map(([, key, table]) => key ?? table));
		const keys = [...top, ...tables.flatMap(([table, ...inside]) => inside.map((key) => `${table}.${key}`))];
		const titles = (name) => [...read(name).matchAll(/^## (\S+)/gm)].map(([, title]) => title);
		assert.deepEqual(titles('reference/config.md'), keys);
		const source = RPC_SOURCES.map((file) => readFileSync(path.join(REPOSITORY, file), 'utf8')).join('\n');
		const methods = [...source.matchAll(/#\[(?:method|subscription)\(\s*name = "(\w+)"/g)].map(([, name]) => `dllm_${name}`);
		assert.deepEqual(titles('reference/rpc.md'), methods);
	});

	it('the summary has every page, and every link leads somewhere', () => {
		const linked = [...read('SUMMARY.md').matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file);
		assert.deepEqual([...linked].sort(), [...files].sort());
		for (const name of files) {
			for (const [, target] of read(name).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
				assert.ok(existsSync(path.join(DOCS, path.dirname(name), target)), `${name} links to ${target}`);
			}
		}
	});

	it('every command that a page shows exists, with its options', async () => {
		let seen = 0;
		for (const name of files) {
			const lines = blocks(name).flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
			for (const line of lines.filter((line) => /^dllm-(worker|node)\b/.test(line))) {
				const [program, ...words] = line.split(' ');
				const path_ = [];
				for (const word of words) {
					if (!/^[a-z-]+$/.test(word) || word.startsWith('-')) break;
					const { stdout } = await help(program, path_);
					if (!new RegExp(`^  ${word} `, 'm').test(stdout)) break;
					path_.push(word);
				}
				assert.ok(program === 'dllm-node' || path_.length > 0, `${name}: ${line}`);
				const { stdout } = await help(program, path_);
				for (const option of words.filter((word) => word.startsWith('--'))) {
					assert.match(stdout, new RegExp(`${option}\\b`), `${name}: ${line}`);
				}
				seen += 1;
			}
		}
		assert.ok(seen > 20, `${seen} commands`);
	});

	it('completions and manuals are written as the page says', async () => {
		const folder = fresh(path.join(REPOSITORY, '.demo', 'e2e', 'manuals'));
		const shell = shellIn(folder, { PATH: `${BIN}:${process.env.PATH}` });
		assert.match((await shell(command('operations.md', 'dllm-worker completions'))).stdout, /complete .*dllm-worker/);
		await shell(command('operations.md', 'dllm-worker man'));
		assert.ok(readdirSync(path.join(folder, 'man1')).includes('dllm-worker-serve.1'));
	});

	it('every example that a page runs exists', () => {
		const named = files.flatMap((name) => [...blocks(name).join('\n').matchAll(/examples\/\S+/g)].map(([file]) => file));
		assert.ok(named.length >= 5, named.join(' '));
		for (const file of named) assert.ok(existsSync(path.join(REPOSITORY, file)), file);
	});
});

describe("the miner's tutorial", () => {
	const folder = path.join(REPOSITORY, '.demo', 'e2e', 'tutorial');
	let network;
	let env;
	let shell;
	let serving;

	before(async () => {
		network = await Network.start({ folder: `${folder}-network`, validators: ['alice', 'bob'] });
		env = readerOf(network);
		shell = shellIn(fresh(folder), env);
	});
	after(async () => {
		await serving?.stop();
		await network?.stop();
	});

	/** Waits until what the chain knows of a worker is as it should be: a fork may undo a block meanwhile. */
	const inPool = (address, is) => until(`the pool knows ${address} so`, 60, async () => is((await network.pool()).find(({ account }) => account === address)));

	it('init registers at once where the account has the bond, and says what to send where it has not', async () => {
		const poor = await shell('dllm-worker init poor --port 30402 --register', { allowFailure: true });
		assert.notEqual(poor.code, 0);
		assert.match(poor.stderr, /send \d+ DLLM to 5\w+, then run `dllm-worker register --config poor\/worker.toml`/);

		await shell('mkdir rich && dllm-worker keys generate --out rich/account.key');
		const { address } = JSON.parse((await shell('dllm-worker keys show --account rich/account.key --json')).stdout);
		await network.send(network.api.tx.balances.transferKeepAlive(address, 1100n * TOKEN), network.account('Alice'));
		const { stdout } = await shell('dllm-worker init rich --port 30403 --register --json');
		assert.equal(JSON.parse(stdout).did, 'registered');
		await inPool(address, (worker) => worker);
	});

	it('leads from nothing to a worker that serves, and out again', async () => {
		const steps = blocks('tutorial-miner.md');
		const step = (word) => steps.find((block) => block.split('\n')[0].startsWith(`dllm-worker ${word}`));

		const { stdout } = await shell(step('init'));
		const address = stdout.match(/^address +(\S+)$/m)[1];
		const missing = stdout.match(/send (\d+) DLLM to the address/)[1];
		assert.ok(Number(missing) > 0, stdout);

		await network.send(network.api.tx.balances.transferKeepAlive(address, BigInt(missing) * TOKEN), network.account('Alice'));
		const before = await shell(`${step('doctor')} --json`, { allowFailure: true });
		const lacking = JSON.parse(before.stdout).filter(({ level }) => level === 'missing');
		assert.deepEqual(lacking.map(({ check }) => check), ['registration'], before.stdout);

		await shell(step('register'));
		await inPool(address, (worker) => worker?.active);

		const [, program, rest] = step('serve').match(/^(\S+) (.*)$/);
		serving = Daemon.start('tutorial', 'sh', ['-c', `cd '${folder}' && exec ${program} ${rest}`], { logFile: path.join(folder, 'serve.log'), env });
		const metrics = async () => (await fetch('http://127.0.0.1:9615/metrics')).text();
		await until('the worker follows the chain', 60, async () => /^dllm_worker_best_block [1-9]/m.test(await metrics()), () => network.checkAlive({ name: 'tutorial', daemon: serving }));

		const watched = await shell(`timeout --preserve-status 6 ${step('status')} --json`);
		assert.equal(JSON.parse(watched.stdout.split('\n')[0]).account, address);

		await shell(step('unregister'));
		await inPool(address, (worker) => worker?.active === false);
	});
});

describe('the tutorials of a model, of its first prompt, of a gateway and of a round', () => {
	const folder = path.join(REPOSITORY, '.demo', 'e2e', 'tutorial-model');
	const MODEL = 'tiny-chat-nano';
	/** The node of the pages, and the one here. */
	const NODE = { 'ws://127.0.0.1:9944': undefined };
	let network;
	let gateway;
	let shell;

	before(async () => {
		network = await Network.start({
			folder: `${folder}-network`,
			// A round takes a hundred of them.
			change: (genesis) => {
				genesis.pace.lengths.slotMillis = 1_500;
			},
		});
		NODE['ws://127.0.0.1:9944'] = network.url;
		shell = shellIn(fresh(folder), readerOf(network));
		await shell('dllm-worker keys generate --out owner.key');
		const { address } = JSON.parse((await shell('dllm-worker keys show --account owner.key --json')).stdout);
		await network.send(network.api.tx.balances.transferKeepAlive(address, 5000n * TOKEN), network.account('Alice'));
	});
	after(async () => {
		await gateway?.stop();
		await network?.stop();
	});

	it('lead from a folder of weights to a pipeline that takes prompts', async () => {
		const page = 'tutorial-model.md';
		await shell(filled(command(page, 'dllm-worker split path/to/hf-model'), { 'path/to/hf-model': path.join(REPOSITORY, 'models', MODEL) }));
		await shell(command(page, 'dllm-worker model add'));
		await until('the model is active for good', 90, async () => {
			const models = await network.rpc('dllm_models', await network.finalized());
			return models.some(({ id, name, state }) => id === 0 && name === MODEL && state === 'active');
		});
		const models = [path.join(folder, 'shards')];
		const workers = [
			...[1, 2, 3, 4].map((n) => [`Miner${n}`, { roles: ['miner', 'verifier'], models, bidding: { enabled: true, ask: '0.000001 DLLM' } }]),
			...[1, 2].map((n) => [`Entry${n}`, { roles: ['entry', 'verifier'], models }]),
		];
		await Promise.all(workers.map(([worker, options]) => network.addWorker(worker, options)));
		await until('every worker is in the pool', 60, async () => (await network.pool()).length === workers.length);
		const { id } = await until('the plan stands', 60, async () => {
			await shell(command(page, 'dllm-worker plan'));
			return (await network.rpc('dllm_pipelines', 0))[0];
		});
		assert.equal((await network.live(0)).id, id);
		assert.match((await shell(command(page, 'dllm-worker model list'))).stdout, new RegExp(MODEL));
		await shell(command(page, 'dllm-worker status'));
	});

	it('lead from an adapter to its place on the chain', async () => {
		const page = 'tutorial-model.md';
		// Not the base of the page above: that one is exact.
		const base = await network.shards('fixture-tied');
		const model = await network.offerModel(base);
		const source = path.join(REPOSITORY, 'models', 'fixture-tied-lora');
		await shell(filled(command(page, 'dllm-worker split path/to/adapter'), { 'path/to/adapter': source, '--base float-shards': `--base ${base}` }));
		await shell(command(page, 'dllm-worker adapter add'));
		const { adapters: [adapter] } = (await network.rpc('dllm_models')).find(({ id }) => id === model);
		assert.match((await shell(command(page, 'dllm-worker adapter list'))).stdout, new RegExp(adapter.name));
		await network.worker(['adapter', 'retire', adapter.name, '--account', path.join(folder, 'owner.key'), '--chain', network.url]);
		await network.worker(['model', 'retire', model, '--account', '//Alice', '--chain', network.url]);
	});

	it('show the network, and pay for a public and for a sealed prompt', async () => {
		const page = 'tutorial-prompt.md';
		const ask = (name) => filled(command(page, `dllm-worker ${name}`), NODE);
		await shell(ask('status'));
		assert.match((await shell(ask('model list'))).stdout, new RegExp(MODEL));
		for (const [name, sealed] of [['pay', false], ['prompt', true]]) {
			const job = (await network.api.query.jobs.nextJob()).toNumber();
			const { stdout } = await shell(ask(name));
			const receipt = await network.ended(job);
			assert.equal(receipt.job.state.kind, 'settled', JSON.stringify(receipt.job));
			assert.equal(receipt.job.sealed, sealed);
			assert.ok(stdout.trim().length > 0);
			if (!sealed) assert.ok(stdout.includes(receipt.job.reply), stdout);
		}
	});

	it('audit what was paid for', async () => {
		const job = (await network.api.query.jobs.nextJob()).toNumber() - 1;
		await shell(filled(command('verification.md', 'dllm-worker audit'), { ...NODE, 'audit 7': `audit ${job}` }));
	});

	it('lead to a gateway that answers what the pages send', async () => {
		const page = 'gateway.md';
		const [made, copied] = [command(page, 'dllm-worker keys generate'), command(page, 'cp ')];
		await shell(`${made}\n${filled(copied, { 'inference-worker/': `${REPOSITORY}/inference-worker/` })}`);
		const { address } = JSON.parse((await shell('dllm-worker keys show --account gateway.key --json')).stdout);
		await network.send(network.api.tx.balances.transferKeepAlive(address, 100n * TOKEN), network.account('Alice'));
		// What the remark behind the copy says, and a port that is free here.
		const config = path.join(folder, 'worker.toml');
		const port = await freePort();
		writeFileSync(config, filled(readFileSync(config, 'utf8'), {
			...NODE, 'account = "account.key"': 'account = "gateway.key"', 'models = []\n\n': `models = ["shards"]\n\n`, '127.0.0.1:8080': `127.0.0.1:${port}`,
		}));
		const { stdout } = await shell(command(page, 'dllm-worker gateway key add'));
		const [key] = stdout.match(/sk-dllm-[0-9a-f]{8}-[0-9a-f]{64}/);
		const line = commands(page).find((line) => line === 'dllm-worker gateway');
		gateway = Daemon.start('gateway', 'sh', ['-c', `cd '${folder}' && exec ${line}`], { logFile: path.join(folder, 'gateway.log'), env: readerOf(network) });
		await until('the gateway is ready', 60, async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, () => network.checkAlive({ name: 'gateway', daemon: gateway }));

		const places = { 'http://127.0.0.1:8080': `http://127.0.0.1:${port}`, 'sk-dllm-…': key };
		const program = (language) => filled(read(page).match(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``, 'm'))[1], places);
		const python = { PYTHONPATH: path.join(REPOSITORY, '.tools', 'python'), PYTHONDONTWRITEBYTECODE: '1' };
		const streamed = await run('python3', ['-c', program('python')], { env: python });
		assert.ok(streamed.stdout.startsWith(`${MODEL}\n`) && streamed.stdout.trim().length > MODEL.length, streamed.stdout);
		const whole = await run('sh', ['-c', `cd '${REPOSITORY}/e2e' && exec node --input-type=module --eval "$PROGRAM"`], { env: { PROGRAM: program('js') } });
		const job = Number(whole.stdout.match(/ (\d+)\n$/)[1]);
		assert.equal((await network.ended(job)).job.client, address);
		const asked = await shell(filled(commands('tutorial-network.md').filter((line) => /^export OPENAI|^curl/.test(line)).join('\n'), places));
		assert.ok(JSON.parse(asked.stdout).choices[0].message.content.length > 0, asked.stdout);
	});

	it('buy a pipeline in a round', async () => {
		const page = 'rounds.md';
		await shell(command(page, 'dllm-worker round open'));
		const listed = commands(page).filter((line) => line === 'dllm-worker rounds');
		assert.equal(listed.length, 2);
		await until('the round is listed', 60, async () => (await network.rpc('dllm_rounds', await network.finalized())).length === 1);
		assert.match((await shell(listed[0])).stdout, /0/);
		await until('plans compete', 400, async () => {
			const [round] = await network.rpc('dllm_rounds');
			assert.ok(round, 'the round goes on');
			return round.phase === 'planning' && round.winners.length > 0;
		});
		await shell(command(page, 'dllm-worker plan'));
		const [round] = await network.rpc('dllm_rounds');
		assert.ok(round.plan, JSON.stringify(round));
	});
});

describe("the validator's tutorial", () => {
	const folder = path.join(REPOSITORY, '.demo', 'e2e', 'tutorial-validator');
	const page = 'tutorial-validator.md';
	let node;
	after(() => node?.stop());

	it('leads from nothing to a node with session keys and the call that registers them', async () => {
		const shell = shellIn(fresh(folder), { PATH: `${BIN}:${process.env.PATH}` });
		await shell(command(page, 'dllm-node export-chain-spec'));
		await shell(command(page, 'dllm-node key generate-node-key'));
		// Its ports are those of a public node: here others may have them.
		const [p2p, rpc, metrics] = [await freePort(), await freePort(), await freePort()];
		const ports = `--port ${p2p} --rpc-port ${rpc} --prometheus-port ${metrics}`;
		const line = `${command(page, 'dllm-node --chain')} ${ports}`;
		node = Daemon.start('validator', 'sh', ['-c', `cd '${folder}' && exec ${line}`], { logFile: path.join(folder, 'node.log'), env: { PATH: `${BIN}:${process.env.PATH}` } });
		const ask = async (method) => {
			const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] });
			return (await (await fetch(`http://127.0.0.1:${rpc}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()).result;
		};
		const roles = await until('the node answers', 240, () => ask('system_nodeRoles'), () => {
			if (!node.alive) throw new Error(`the node has died:\n${node.tail()}`);
		});
		assert.deepEqual(roles, ['Authority']);
		const owner = { '<address of your account>': '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY' };
		const rotated = await shell(filled(command(page, 'dllm-node key rotate'), owner));
		assert.match(rotated.stdout, /call\W+0x[0-9a-f]{64,}/);
		const keystore = readdirSync(path.join(folder, 'node-data', 'chains')).map((chain) => path.join(folder, 'node-data', 'chains', chain, 'keystore'));
		assert.ok(keystore.some((keys) => existsSync(keys) && readdirSync(keys).length >= 2), keystore.join(' '));
	});
});
