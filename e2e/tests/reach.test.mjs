// A miner that listens nowhere, as one behind a router that lets nobody in: everything that it does for the
// chain goes through another worker, which relays for it.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Network } from '../lib/network.mjs';
import { REPOSITORY, until } from '../lib/processes.mjs';
import { expectSettled } from '../lib/receipt.mjs';
import { TOKEN } from '../lib/standard.mjs';

const MODEL = 'fixture-tied';
const SEGMENTS = 2;

describe('a worker behind a relay', () => {
	let network;
	let hidden;
	let model;

	before(async () => {
		network = await Network.start({ folder: path.join(REPOSITORY, '.demo', 'e2e', 'reach') });
		const shards = await network.shards(MODEL);
		const miner = { roles: ['miner', 'verifier'], models: [shards] };
		const relay = await network.addWorker('Miner1', { ...miner, reach: { relay: true } });
		const id = await until('the relay names itself', 60, () => relay.daemon.log().match(/12D3KooW\w+/)?.[0]);
		const relays = [`/ip4/127.0.0.1/tcp/${relay.port}/p2p/${id}`];
		await Promise.all([
			...['Miner2', 'Miner3'].map((name) => network.addWorker(name, miner)),
			...['Entry1', 'Entry2'].map((name) => network.addWorker(name, { ...miner, roles: ['entry', 'verifier'] })),
		]);
		hidden = await network.addWorker('Miner4', { ...miner, listen: [], reach: { relays } });
		await until('it has a place at the relay', 60, () => /reachable through a relay/.test(hidden.daemon.log()));
		model = await network.offerModel(shards);
		// Two segments of two workers each: the hidden one stands in the plan, as all four do.
		await network.offerPipeline(model, SEGMENTS);
	});
	after(() => network?.stop());

	it('is known to the chain by the way through the relay alone', async () => {
		const worker = (await network.pool()).find(({ account }) => account === hidden.address);
		assert.equal(worker.addresses.length, 1);
		assert.match(worker.addresses[0], /\/p2p\/12D3KooW\w+\/p2p-circuit$/);
	});

	it('runs or checks jobs, is found honest, and is paid', async () => {
		const { job } = await network.submit(network.account('User'), { model, text: 'Hello!', maxPrice: TOKEN });
		const receipt = await network.ended(job);
		const pool = await network.pool();
		expectSettled(receipt, new Map(pool.map(({ account, operator }) => [account, operator])), SEGMENTS);
		const parts = receipt.stages.flatMap(({ participants }) => participants).filter(({ worker }) => worker === hidden.address);
		assert.ok(parts.length > 0 && parts.every(({ verdict }) => verdict === 'pass'), JSON.stringify(receipt.stages));
		assert.ok([...receipt.miners, ...receipt.verifiers].some(({ to, amount }) => to === hidden.address && BigInt(amount) > 0n));
	});
});
