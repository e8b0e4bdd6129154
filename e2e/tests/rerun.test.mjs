// A job that its workers fail is run again by another pipeline: a sealed one whose user follows it to the new
// ring, and a public one. The dishonest workers are a binary of their own (e2e/cheater).

import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Network } from '../lib/network.mjs';
import { binary, REPOSITORY, until } from '../lib/processes.mjs';
import { eventsBetween } from '../lib/record.mjs';
import { slashOf, worth } from '../lib/slash.mjs';
import { parts, TOKEN } from '../lib/standard.mjs';

/** Miners of the cheap pipeline, two segments of two; the first one cheats and leads the first job. */
const CHEAP = ['Miner1', 'Miner2', 'Miner3', 'Miner4'];
/** Miners of the other one, which both hold all layers. */
const DEAR = ['Miner5', 'Miner6'];
const ENTRIES = ['Entry1', 'Entry2'];
const MAX_PRICE = 5n * TOKEN;

/** Two pipelines of one model that have only their entries in common. */
async function twoPipelines(name, cheat) {
	const network = await Network.start({ folder: path.join(REPOSITORY, '.demo', 'e2e', `rerun-${name}`) });
	try {
		network.modelFolder = await network.shards('fixture-tied');
		const models = [network.modelFolder];
		const add = (worker, role, price) => {
			const cheats = worker === CHEAP[0] && ((one) => one.start(binary('dllm-cheater'), ['--cheat', cheat]));
			return network.addWorker(worker, { roles: [role, 'verifier'], models, price }, cheats || undefined);
		};
		await Promise.all([
			...CHEAP.map((worker) => add(worker, 'miner', '0.01 DLLM')),
			...DEAR.map((worker) => add(worker, 'miner', '0.011 DLLM')),
			...ENTRIES.map((worker) => add(worker, 'entry', '0.01 DLLM')),
		]);
		network.model = await network.offerModel(network.modelFolder);
		const layers = (await network.rpc('dllm_models')).find(({ id }) => id === network.model).layers.length;
		const half = Math.floor(layers / 2);
		await propose(network, [[0, half, CHEAP.slice(0, 2)], [half, layers, CHEAP.slice(2)]]);
		await propose(network, [[0, layers, DEAR]]);
		await until('both pipelines are live for good', 180, async () => {
			const pipelines = await network.rpc('dllm_pipelines', network.model, await network.finalized());
			return pipelines.length === 2 && pipelines.every(({ state }) => state === 'live');
		}, () => network.checkAlive(...network.workers));
		return network;
	} catch (error) {
		await network.stop();
		throw error;
	}
}

/** Submits a plan: of each segment its layers and who holds them, the first of whom leads the first job. */
function propose(network, segments) {
	const accounts = (names) => names.map((name) => network.account(name).address);
	const plan = {
		model: network.model,
		slots: 2,
		entries: accounts(ENTRIES),
		segments: segments.map(([start, end, holders]) => ({ layers: { start, end }, replicas: accounts(holders) })),
	};
	return network.send(network.api.tx.allocation.submitPlan(plan), network.account('Alice'));
}

/** Runs `test` on a network of its own, whose first miner cheats so. */
async function on(name, cheat, test) {
	const network = await twoPipelines(name, cheat);
	try {
		await test(network, network.account('User'));
	} finally {
		await network.stop();
	}
}

/** Both jobs of a prompt: the one that failed so, and the one that ran it again and was settled on the other pipeline. */
async function bothRuns(network, job, reason) {
	const failed = await network.ended(job, 300);
	assert.equal(failed.job.state.kind, 'rerun', JSON.stringify(failed.job));
	const { by, reason: why } = failed.job.state.detail;
	assert.equal(why, reason);
	assert.equal(failed.job.fee, '0');
	assert.equal(failed.refunded, '0');
	const again = await network.ended(by, 300);
	assert.equal(again.job.state.kind, 'settled', JSON.stringify(again.job));
	assert.equal(again.job.rerunOf, job);
	assert.notEqual(again.pipeline, failed.pipeline);
	assert.ok(again.job.deadline <= failed.job.deadline);
	for (const { job: { id } } of [failed, again]) {
		const audit = await network.audit(id);
		assert.equal(audit.code, 0, JSON.stringify(audit));
	}
	return { failed, again };
}

/** Fees of transactions that an account paid in the blocks `from` to `to`, in planck. */
async function feesOf(network, { address }, from, to) {
	const events = await eventsBetween(network, from, to);
	const paid = events.filter(({ method, data }) => method === 'TransactionFeePaid' && data.who.toString() === address);
	return paid.reduce((sum, { data }) => sum + data.actualFee.toBigInt(), 0n);
}

describe('a job that is run again', () => {
	it('a sealed prompt whose first ring cheats is answered by the other one, and its user has a share of the slash', () =>
		on('cheat', 'alter-activation', async (network, user) => {
			const ask = (...more) => network.worker([
				'prompt', '--model', network.model, '--account', '//User', '--chain', network.url,
				'--folder', network.modelFolder, '--max-tokens', 16, '--deadline', 60, '--json', ...more, 'Hello!',
			]);
			const { free: before } = await network.balance(user.address);
			const pipelines = await network.rpc('dllm_pipelines', network.model);
			const { stdout, stderr } = await ask('--rerun');
			const told = JSON.parse(stdout);
			assert.match(stderr, /runs it again/);
			assert.match(stderr, /what was shown does not count/);
			assert.equal(told.settled, true, stdout);
			const { failed, again } = await bothRuns(network, told.receipt.job.rerunOf, 'cheated');
			const verdicts = failed.stages.flatMap(({ participants }) => participants).filter(({ verdict }) => verdict === 'cheat');
			const cheat = network.account(CHEAP[0]).address;
			assert.deepEqual(verdicts.map(({ worker }) => worker), [cheat]);
			// Whose word stands against the cheat's is confirmed by somebody from outside the ring.
			const ring = CHEAP.map((worker) => network.account(worker).address);
			assert.ok(!ring.includes(parts(failed, 1).tiebreak.worker), JSON.stringify(failed.stages));

			const { free: after, reserved } = await network.balance(user.address);
			assert.equal(reserved, 0n);
			const slashed = await slashOf(network, failed, cheat);
			const { stages } = pipelines.find(({ id }) => id === failed.pipeline);
			const pay = await worth(network, failed, stages.find(({ stage }) => stage === 1));
			assert.ok(pay > 0n && pay < slashed.amount / 5n);
			assert.equal(slashed.toUser, pay, 'of what two votes took it has no more than the stage was worth');
			const fees = await feesOf(network, user, failed.job.submitted, again.job.ended);
			assert.equal(after - before, pay - fees - BigInt(again.job.fee));
			// Honest workers give the same reply of the same prompt and seed.
			const honest = JSON.parse((await ask()).stdout);
			assert.equal(honest.settled, true);
			assert.equal(told.reply, honest.reply);
		}));

	it('a public prompt whose lead is silent is served by the other pipeline within its deadline', () =>
		on('silent', 'silent', async (network, user) => {
			const limits = { maxTokens: 16, temperatureMilli: 0, topPMilli: 1000, seed: 0, stop: [] };
			const { free: before } = await network.balance(user.address);
			const call = network.api.tx.jobs.submitWith(
				network.model, { Inline: 'Hello!' }, limits, MAX_PRICE, 30, 'Standard', { onFailure: 'Rerun' },
			);
			const { events, fee } = await network.send(call, user);
			const submitted = events.find(({ section, method }) => section === 'jobs' && method === 'Submitted');
			const { failed, again } = await bothRuns(network, submitted.data.job.toNumber(), 'unserved');
			assert.ok(failed.job.ended < failed.job.deadline, 'silence is noticed while there is time left');
			const late = failed.stages.flatMap(({ participants }) => participants).filter(({ verdict }) => verdict === 'workerFault');
			assert.deepEqual(late.map(({ worker }) => worker), [network.account(CHEAP[0]).address], 'nobody else is blamed');
			assert.ok(again.job.reply.length > 0);
			const { free: after, reserved } = await network.balance(user.address);
			assert.equal(reserved, 0n);
			assert.equal(after, before - fee - BigInt(again.job.fee));
			for (const worker of await network.pool()) assert.equal(worker.cheats, 0);
		}));
});
