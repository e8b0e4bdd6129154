// A capacity round with real processes: workers bid and plan by themselves, a plan for the winners competes and
// wins, and its pipeline serves a prompt at the winners' prices.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Network } from '../lib/network.mjs';
import { REPOSITORY, until } from '../lib/processes.mjs';
import { parts, TOKEN } from '../lib/standard.mjs';

/** Shorter slots than on the public network: a round takes a few dozen of them. */
const SLOT_MILLIS = 1_500;
/** Planck per GFLOP; for workers without verified work, a quarter of it. */
const RESERVE = TOKEN / 10n;
const NEWCOMERS = RESERVE / 4n;
const BOND = 1_000n * TOKEN;
const WORKERS = [1, 2, 3, 4].map((n) => `Miner${n}`);

describe('a capacity round', () => {
	let network;
	let model;
	let round;

	before(async () => {
		network = await Network.start({
			folder: path.join(REPOSITORY, '.demo', 'e2e', 'rounds'),
			change: (genesis) => {
				genesis.pace.lengths.slotMillis = SLOT_MILLIS;
			},
		});
		const shards = await network.shards('fixture-tied');
		// Two of four layers each: a pipeline of two replicas needs all four workers.
		const bidding = { enabled: true, layers: 2, ask: '0.01 DLLM' };
		const planning = { enabled: true };
		const options = { roles: ['entry', 'miner', 'verifier'], models: [shards], bidding, planning };
		const joined = WORKERS.map((name) => network.addWorker(name, options));
		[model] = await Promise.all([network.offerModel(shards), ...joined]);
	});
	after(() => network?.stop());

	const alive = () => network.checkAlive(...network.workers);
	const command = async (words, account) => {
		const args = [...words, '--account', `//${account}`, '--chain', network.url, '--json'];
		return JSON.parse((await network.worker(args)).stdout);
	};
	const view = () => network.rpc('dllm_round', round);
	const ask = (what, seconds, is) => until(what, seconds, async () => {
		const now = await view();
		return is(now) && now;
	}, alive);

	it('is opened by the owner, and four workers bid by themselves', async () => {
		const windows = ['--commit-blocks', 9, '--reveal-blocks', 6, '--plan-blocks', 16];
		const opened = await command(['round', 'open', '--model', model, '--reserve', RESERVE, ...windows], 'Alice');
		round = opened.round;
		const [listed] = await command(['rounds'], 'Alice');
		assert.deepEqual([listed.id, listed.model, listed.commitUntil], [round, model, opened.commitUntil]);
		assert.equal(listed.terms.reserve, RESERVE.toString());
		await ask('four bids are sealed', 30, ({ bidders }) => bidders === 4);
		for (const { address } of network.workers) assert.equal((await network.balance(address)).reserved, BOND + TOKEN);
	});

	it('is cleared at prices that no bid decides, and a worker that was killed meanwhile keeps its deposit', async () => {
		const [killed] = network.workers;
		await killed.daemon.kill();
		killed.start();
		const { winners } = await ask('the round is cleared', 60, ({ phase }) => phase === 'planning');
		assert.deepEqual(winners.map(({ worker }) => worker).toSorted(), network.workers.map(({ address }) => address).toSorted());
		for (const { slots, price } of winners) assert.deepEqual([slots, price], [2, NEWCOMERS.toString()]);
		for (const { address } of network.workers) assert.equal((await network.balance(address)).reserved, BOND);
	});

	it('has a plan of a winner that competes with its score and wins, and the pipeline gets live', async () => {
		const { plan: leader } = await ask('a plan leads', 60, (now) => now.plan);
		const winner = network.workers.find(({ address }) => address === leader.submitter);
		assert.ok(winner, 'a winner planned by itself');
		// Nobody finds a better one, and a plan that is no better is not submitted.
		const plan = await command(['plan', '--round', round, '--dry-run'], 'Bob');
		assert.ok(Math.abs(Number(leader.score) - Number(plan.score)) <= Number(plan.score) / 1e6);
		await assert.rejects(command(['plan', '--round', round], 'Bob'), /leads round \d+ already/);
		assert.equal(leader.stages.length, 3, 'an entry and two segments');
		const live = await network.live(model, 60);
		const standing = (await network.api.query.allocation.pipelines(live.id)).unwrap();
		assert.equal(standing.submitter.toString(), winner.address);
		const planners = await Promise.all(network.workers.map(({ address }) => network.balance(address)));
		assert.equal(planners.filter(({ reserved }) => reserved > BOND).length, 1, 'one deposit for a plan');
		const workers = (stages) => stages.map((stage) => stage.workers);
		assert.deepEqual(workers(live.stages), workers(leader.stages));
		for (const { price } of live.stages.slice(1)) assert.equal(price, NEWCOMERS.toString());
		assert.deepEqual(await command(['rounds'], 'Alice'), []);
		await assert.rejects(view(), /round \d+ is not in progress/);
	});

	it('bought a pipeline that answers and settles a prompt', async () => {
		const user = network.account('User');
		const { job } = await network.submit(user, { model, text: 'Hello!', maxPrice: 5n * TOKEN, deadline: 60 });
		const receipt = await network.ended(job, 90);
		assert.equal(receipt.job.state.kind, 'settled', JSON.stringify(receipt));
		assert.ok(receipt.job.reply.length > 0);
		for (const stage of [1, 2]) assert.equal(parts(receipt, stage).lead.verdict, 'pass');
		network.checkAlive(...network.workers, ...network.validators);
	});
});
