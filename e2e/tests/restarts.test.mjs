// Processes are killed without warning; no job, work or money is lost.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../lib/processes.mjs';
import { parts, standardNetwork, TOKEN, workerOf } from '../lib/standard.mjs';

const MAX_PRICE = 5n * TOKEN;

describe('restarts', () => {
	let network;
	let user;

	before(async () => {
		network = await standardNetwork('restarts', { profile: 'exact' });
		user = network.account('User');
	});
	after(() => network?.stop());

	const ask = (changes = {}) =>
		network.submit(user, { model: network.model, text: 'Hello!', maxPrice: MAX_PRICE, deadline: 30, ...changes });

	it('a miner that is killed and restarted between jobs goes on', async () => {
		const miner = network.workers.find(({ name }) => name === 'Miner1');
		await miner.daemon.kill();
		miner.start();
		const { job } = await ask();
		const receipt = await network.ended(job);
		assert.equal(receipt.job.state.kind, 'settled', JSON.stringify(receipt));
	});

	it('a validator that is killed and restarted catches up, and jobs settle meanwhile or after', async () => {
		const bob = network.validators[1];
		await bob.daemon.kill();
		const { job } = await ask({ settle: false });
		bob.start(network.chain, network.bootnode);
		const receipt = await network.ended(job);
		assert.equal(receipt.job.state.kind, 'settled', JSON.stringify(receipt));
		const settledAt = receipt.job.ended;
		await until('finality passes the settlement', 120, async () => {
			const head = await network.api.rpc.chain.getFinalizedHead();
			const { number } = await network.api.rpc.chain.getHeader(head);
			return number.toNumber() >= settledAt;
		});
	});

	it('an entry that is killed mid-job: the job is refunded or settled, never lost', async () => {
		const before = await network.balance(user.address);
		const { job, fee: transactionFee } = await ask({ maxTokens: 400, deadline: 10, settle: false });
		const entry = await until('the job is awarded', 30, async () => {
			const receipt = await network.rpc('dllm_receipt', job);
			return receipt.stages.length > 0 && workerOf(network, parts(receipt, 0).lead.worker);
		});
		await entry.daemon.kill();
		entry.start();
		const receipt = await network.ended(job);
		const after = await network.balance(user.address);
		assert.equal(after.reserved, 0n);
		assert.equal(after.free, before.free - transactionFee - BigInt(receipt.job.fee));
		assert.ok(['settled', 'refunded'].includes(receipt.job.state.kind));
		for (const worker of await network.pool()) assert.equal(worker.cheats, 0);

		const again = await ask();
		assert.equal((await network.ended(again.job)).job.state.kind, 'settled', 'and the network goes on');
	});
});
