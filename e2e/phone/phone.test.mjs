// A phone as a miner: the worker of 64-bit ARM, under emulation and without what Android denies, holds one segment of
// a model in profile exact. The replica of its segment is an ordinary x86 worker; both have to come to the same bytes.

import assert from 'node:assert/strict';
import { mkdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Daemon, freePort, REPOSITORY, run } from '../lib/processes.mjs';
import { expectSettled } from '../lib/receipt.mjs';
import { parts, standardNetwork, TOKEN, workerOf } from '../lib/standard.mjs';

const MAX_PRICE = 5n * TOKEN;
const SEGMENTS = 2;
/** Runs a program of 64-bit ARM as a Cortex-A76. */
const EMULATOR = path.join(REPOSITORY, 'scripts', 'aarch64.sh');

/** Compiles what Android denies, and answers the environment in which an emulated program is denied it. */
async function deniedByAndroid() {
	const library = path.join(REPOSITORY, '.demo', 'android.so');
	mkdirSync(path.dirname(library), { recursive: true });
	const source = path.join(REPOSITORY, 'e2e', 'phone', 'android.c');
	await run('aarch64-linux-gnu-gcc', ['-shared', '-fPIC', '-o', library, source]);
	// For the emulated program only: the emulator itself is one of x86.
	return { QEMU_SET_ENV: `LD_PRELOAD=${library}` };
}

describe('a phone as a miner', () => {
	let network;
	let user;
	let phone;
	let env;

	/** A command of the phone's own program. */
	const onPhone = (words, options = {}) => {
		const { env: more, ...rest } = options;
		return run(EMULATOR, ['dllm-worker', ...words, '--config', phone.config], { env: { ...env, ...more }, ...rest });
	};

	before(async () => {
		env = await deniedByAndroid();
		const serve = (worker) => {
			worker.daemon = Daemon.start(worker.name, EMULATOR, ['dllm-worker', 'serve', '--config', worker.config], {
				logFile: path.join(worker.folder, 'worker.log'),
				env,
			});
		};
		network = await standardNetwork('phone', { profile: 'exact', starts: { Miner1: serve } });
		phone = network.workers.find(({ name }) => name === 'Miner1');
		user = network.account('User');
	});
	after(() => network?.stop());

	it('runs on another architecture than the others', () => {
		const program = ({ daemon }) => path.basename(readlinkSync(`/proc/${daemon.child.pid}/exe`));
		// The emulator refuses programs of any other.
		assert.equal(program(phone), 'qemu-aarch64');
		const others = network.workers.filter((worker) => worker !== phone).map(program);
		assert.deepEqual([...new Set(others)], ['dllm-worker']);
	});

	it('finds itself fit and registered', async () => {
		const findings = JSON.parse((await onPhone(['doctor', '--json'])).stdout);
		const found = Object.fromEntries(findings.map(({ check, level }) => [check, level]));
		for (const check of ['library', 'shards', 'node', 'registration']) assert.equal(found[check], 'ok', JSON.stringify(findings));
	});

	it('signs and sends by itself', async () => {
		const { did } = JSON.parse((await onPhone(['register', '--json'])).stdout);
		assert.equal(did, 'updated');
	});

	it('says what to do where the system hides its interfaces', async () => {
		const port = await freePort();
		for (const address of [`/ip4/0.0.0.0/udp/${port}/quic-v1`, `/ip4/0.0.0.0/tcp/${port}`]) {
			const own = { DLLM_DATA: path.join(network.folder, 'hidden'), DLLM_LISTEN: address };
			const { code, stderr } = await onPhone(['serve'], { env: own, allowFailure: true, timeout: 60_000 });
			assert.equal(code, 1, stderr);
			assert.match(stderr, /cannot listen on every address .*ermission denied.*name its own address in `listen`/);
		}
	});

	it('leads a stage and replays one, beside an x86 worker with the same roots, and is paid for both', async () => {
		const operators = new Map(network.workers.map(({ address }) => [address, address]));
		const played = [];
		// Two jobs in a row are led by two replicas.
		for (const text of ['Hello from a phone!', 'And once more?']) {
			const { job } = await network.submit(user, { model: network.model, text, maxPrice: MAX_PRICE });
			const receipt = await network.ended(job);
			// Each stage: two operators, two openings with equal roots, two that pass and are paid.
			expectSettled(receipt, operators, SEGMENTS);
			const { stage } = receipt.stages.find(({ participants }) => participants.some(({ worker }) => worker === phone.address));
			const { lead, replica } = parts(receipt, stage);
			const [own, other] = lead.worker === phone.address ? [lead, replica] : [replica, lead];
			assert.notEqual(workerOf(network, other.worker), phone);
			const { code, holds } = await network.audit(job);
			assert.deepEqual([code, holds], [0, true]);
			console.log(`job ${job}, stage ${stage}: phone as ${own.part} ${own.opening.roots.output}, x86 worker as ${other.part} ${other.opening.roots.output}`);
			played.push(own.part);
		}
		assert.deepEqual(played.sort(), ['lead', 'replica']);
		for (const { cheats } of await network.pool()) assert.equal(cheats, 0);
	});
});
