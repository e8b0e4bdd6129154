// Processes are killed without warning; no job, work or money is lost.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../lib/processes.mjs';
import { eventsBetween, totalsAt } from '../lib/record.mjs';
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

	it('the validator that every worker and client is connected to is killed mid-job: nothing is lost or done twice', async () => {
		const [alice, bob] = network.validators;
		const { job } = await ask({ maxTokens: 400, deadline: 60, settle: false });
		// Only what the other validator has is sure to outlive her.
		await until('the other validator has the job, and it runs', 30, async () => {
			const view = await bob.rpc('dllm_job', job);
			return view?.client === user.address && view.state.kind === 'running';
		});
		await alice.daemon.kill();
		alice.start(network.chain, await network.addressOf(bob));
		await until('clients find her again', 120, () => network.provider.isConnected, () => network.checkAlive(alice));
		const receipt = await network.ended(job);
		assert.ok(['settled', 'refunded'].includes(receipt.job.state.kind), JSON.stringify(receipt));
		for (const worker of await network.pool()) assert.equal(worker.cheats, 0);
		network.checkAlive(...network.workers, ...network.validators);

		const { submitted, ended } = receipt.job;
		const events = await eventsBetween(network, submitted, ended);
		const commits = events.filter(({ section, method, data }) => section === 'verification' && method === 'Committed' && data.job.toNumber() === job);
		const committed = new Map(commits.map(({ data }) => [`${data.stage} ${data.worker}`, data.commitment.toHex()]));
		assert.ok(commits.length > 0);
		assert.equal(committed.size, commits.length, 'nobody commits twice');
		for (const { stage, participants } of receipt.stages) {
			for (const { worker, commitment } of participants) assert.equal(commitment?.[0], committed.get(`${stage} ${worker}`));
		}
		await conserved(receipt, events);

		const again = await ask();
		assert.equal((await network.ended(again.job)).job.state.kind, 'settled', 'and the network goes on');
	});

	/** The job changed what its user and the workers have by its bill and by fees of transactions, and nothing else did. */
	async function conserved({ job, miners, verifiers, treasury, burned }, events) {
		const { api } = network;
		const [before, after] = await Promise.all([job.submitted - 1, job.ended].map((number) => api.rpc.chain.getBlockHash(number)));
		const [had, has] = await Promise.all([before, after].map((hash) => totalsAt(network, hash)));
		const sum = (amounts) => amounts.reduce((all, amount) => all + BigInt(amount), 0n);
		const of = (section, method, field, who) => {
			const named = events.filter((event) => event.section === section && event.method === method);
			return sum(named.filter(({ data }) => !who || (data.who ?? data.worker).toString() === who).map(({ data }) => data[field].toBigInt()));
		};
		const bills = [...miners, ...verifiers];
		for (const { address } of [user, ...network.workers]) {
			const billed = address === user.address ? -BigInt(job.fee) : sum(bills.filter(({ to }) => to === address).map(({ amount }) => amount));
			const charged = of('transactionPayment', 'TransactionFeePaid', 'actualFee', address);
			const rebated = of('poaw', 'Rebated', 'amount', address);
			assert.equal(has.get(address) - had.get(address), billed + rebated - charged, address);
		}
		assert.equal(sum(bills.map(({ amount }) => amount)) + BigInt(treasury) + BigInt(burned), BigInt(job.fee));
		const issued = await Promise.all([before, after].map(async (hash) => (await (await api.at(hash)).query.balances.totalIssuance()).toBigInt()));
		const minted = of('staking', 'EraPaid', 'remainder');
		assert.equal(issued[1] - issued[0], minted - BigInt(burned));
		for (const [at, totals] of [had, has].entries()) assert.equal(sum([...totals.values()]), issued[at], 'accounts have all that was issued');
	}
});
