// The book: generated pages are current, every page is in the summary, every command that a page shows exists
// with its options, and the miner's tutorial is run as it stands.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pages, RPC_SOURCES } from '../../docs/generate.mjs';
import { Network } from '../lib/network.mjs';
import { BIN, binary, Daemon, REPOSITORY, run, until } from '../lib/processes.mjs';
import { TOKEN } from '../lib/standard.mjs';

const DOCS = path.join(REPOSITORY, 'docs');
const read = (name) => readFileSync(path.join(DOCS, name), 'utf8');
const files = readdirSync(DOCS, { recursive: true }).filter((name) => name.endsWith('.md') && name !== 'SUMMARY.md');

/** The shell blocks of a page. */
function blocks(name) {
	return [...read(name).matchAll(/^ *```sh\n([\s\S]*?)\n *```/gm)].map(([, block]) => block.replaceAll(/^ {3}/gm, ''));
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
	let serving;

	before(async () => {
		network = await Network.start({ folder: `${folder}-network`, validators: ['alice', 'bob'] });
		rmSync(folder, { recursive: true, force: true });
		mkdirSync(folder, { recursive: true });
		const library = path.join(REPOSITORY, '.tools', 'onnxruntime');
		const name = readdirSync(library).find((file) => file.startsWith('libonnxruntime.so'));
		env = { PATH: `${BIN}:${process.env.PATH}`, DLLM_NODE: network.url, DLLM_ORT_LIB: path.join(library, name) };
	});
	after(async () => {
		await serving?.stop();
		await network?.stop();
	});

	/** Runs a block of the page in the folder, as a reader would. */
	const shell = (block, options = {}) => run('sh', ['-euc', `cd '${folder}'\n${block}`], { env, ...options });

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
