// Proven workers of an exact model are checked by lot: most stages are paid unchecked, and whose lot wins checks one.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parts, standardNetwork, TOKEN } from '../lib/standard.mjs';

/** Jobs at once, and in all at most. Every worker has to pass ten stages first; then a stage in ten is checked. */
const AT_ONCE = 8;
const MOST = 96;

/** Stages of a receipt that lots decided, and the one or the other way. */
const byLot = ({ stages }) => stages.filter(({ chance }) => chance > 0);
const unchecked = (receipt) => byLot(receipt).filter(({ summons }) => summons.length === 0);
const summoned = (receipt) => byLot(receipt).filter(({ summons }) => summons.length > 0);

describe('checks by lot', () => {
	let network;
	let receipts = [];
	before(async () => {
		network = await standardNetwork('lots', { model: 'tiny-chat-nano', profile: 'exact', slots: AT_ONCE });
		const user = network.account('User');
		const seen = () => receipts.some((receipt) => summoned(receipt).length) && receipts.some((receipt) => unchecked(receipt).length === 3);
		while (!seen() && receipts.length < MOST) {
			const jobs = [];
			for (let n = 0; n < AT_ONCE; n++) {
				const text = `What is ${receipts.length + n} + 30?`;
				jobs.push((await network.submit(user, { model: network.model, text, maxTokens: 4, maxPrice: TOKEN, deadline: 60, settle: false })).job);
			}
			receipts = receipts.concat(await Promise.all(jobs.map((job) => network.ended(job))));
		}
	});
	after(() => network?.stop());

	it('begin when the workers have proven themselves', () => {
		const first = receipts.findIndex((receipt) => byLot(receipt).length > 0);
		assert.ok(first >= 10, `job ${first} was left to lots`);
		for (const receipt of receipts.slice(0, 10)) {
			assert.equal(receipt.checked, true);
			for (const { participants } of receipt.stages) assert.equal(participants.length, 2);
		}
	});

	it('settle every job, and pay the leads of stages that nobody checked', () => {
		for (const receipt of receipts) assert.equal(receipt.job.state.kind, 'settled', `job ${receipt.job.id}`);
		const [receipt] = receipts.filter((one) => unchecked(one).length === 3);
		assert.equal(receipt.checked, false);
		for (const { stage, chance } of receipt.stages) {
			assert.ok(chance >= 100_000 && chance <= 500_000, `${chance} ppm`);
			const { lead, replica } = parts(receipt, stage);
			assert.equal(lead.verdict, 'unchecked');
			assert.equal(replica, undefined);
			assert.ok(receipt.miners.some(({ to, amount }) => to === lead.worker && BigInt(amount) > 0n));
		}
		assert.deepEqual(receipt.verifiers.filter(({ amount }) => BigInt(amount) > 0n), []);
	});

	it('let the holder check whose lot has won', () => {
		const [receipt] = receipts.filter((one) => summoned(one).length > 0);
		assert.equal(receipt.checked, true);
		for (const { stage, summons } of summoned(receipt)) {
			const { lead, replica } = parts(receipt, stage);
			assert.equal(replica.worker, summons[0].worker);
			assert.notEqual(replica.worker, lead.worker);
			assert.deepEqual([lead.verdict, replica.verdict], ['pass', 'pass']);
			assert.ok(receipt.verifiers.some(({ to, amount }) => to === replica.worker && BigInt(amount) > 0n));
		}
	});

	it('are audited with their proofs', async () => {
		for (const kind of [unchecked, summoned]) {
			const { job } = receipts.findLast((receipt) => kind(receipt).length > 0);
			const { code, holds, steps } = await network.audit(job.id);
			assert.equal(code, 0, JSON.stringify(steps));
			assert.ok(holds);
			assert.equal(steps.summons.found, 'ok');
		}
	});
});
