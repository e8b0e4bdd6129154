// A job with one dishonest worker among honest ones, and what must come of it. The dishonest workers are a binary of
// their own (e2e/cheater).

import assert from 'node:assert/strict';
import { binary } from './processes.mjs';
import { slashOf, worth } from './slash.mjs';
import { standardNetwork, TOKEN } from './standard.mjs';

const MAX_PRICE = 5n * TOKEN;

/**
 * Runs one job with Miner1 cheating in the part `wanted`. The plan sorts workers by price and the first
 * of a stage leads the first job, so the price decides which part that is.
 */
export async function trial(name, args, wanted, profile = 'f32') {
	const starts = { Miner1: (worker) => worker.start(binary('dllm-cheater'), args) };
	const prices = { Miner1: wanted === 'lead' ? '0.009 DLLM' : '0.011 DLLM' };
	const network = await standardNetwork(`cheat-${name}`, { profile, starts, prices });
	try {
		const cheater = network.workers.find((worker) => worker.name === 'Miner1');
		const user = network.account('User');
		const bond = (await network.balance(cheater.address)).reserved;
		const before = await network.balance(user.address);
		const { job, fee } = await network.submit(user, {
			model: network.model, text: 'Hello!', maxPrice: MAX_PRICE, deadline: 10,
		});
		const receipt = await network.ended(job, 300);
		const all = receipt.stages.flatMap(({ participants }) => participants);
		const own = all.find((one) => one.worker === cheater.address);
		assert.equal(own?.part, wanted, JSON.stringify(receipt.stages));
		const innocent = all.filter((one) => one.worker !== cheater.address);
		assert.ok(innocent.every(({ verdict }) => verdict !== 'cheat'), JSON.stringify(receipt.stages));
		const after = await network.balance(user.address);
		const worker = (await network.pool()).find(({ account }) => account === cheater.address);
		const lost = bond - (await network.balance(cheater.address)).reserved;
		const audit = await network.audit(job);
		const slashed = await slashOf(network, receipt, cheater.address);
		const { stage } = receipt.stages.find(({ participants }) => participants.includes(own));
		const pay = await worth(network, receipt, network.pipeline.stages.find((one) => one.stage === stage));
		return { receipt, own, worker, lost, audit, slashed, pay, gained: after.free - before.free + fee + BigInt(receipt.job.fee) };
	} finally {
		await network.stop();
	}
}

/** The chain's verdict follows from its data, and the audit says why. */
export const explained = ({ audit }, why) => {
	assert.equal(audit.code, 0, JSON.stringify(audit));
	assert.match(audit.steps.verdicts.data.join('\n'), why);
};

/** The worker is slashed for what it did, and the user has its share. */
export const convicted = ({ own, lost, receipt, gained, slashed, audit }) => {
	assert.equal(own.verdict, 'cheat', JSON.stringify(receipt.stages));
	assert.ok(lost > 0n, 'the bond is slashed');
	assert.ok(gained > 0n, 'the user has its share of the slash');
	assert.deepEqual([slashed.amount, slashed.toUser], [lost, gained]);
	assert.equal(slashed.toUser + slashed.toConvictors + slashed.burned, lost);
	assert.equal(audit.steps.slashes.found, 'ok', JSON.stringify(audit));
};

/** That rests on the word of two others: it is not counted, they have nothing of it, and the user no more than the stage was worth. */
export const outvoted = ({ worker, slashed, pay, audit }) => {
	assert.equal(worker.cheats, 0);
	assert.ok(pay < slashed.amount / 5n, 'a proof would have brought the user more');
	assert.equal(slashed.toUser, pay);
	assert.equal(slashed.toConvictors, 0n);
	assert.match(audit.steps.slashes.data.join('\n'), /was outvoted by two others and lost /);
};

/** That was proved: it is counted, a fifth of it is the user's, and who convicted the worker, if anybody, has a share. */
export const proved = ({ own, worker, receipt, slashed, audit }) => {
	assert.equal(worker.cheats, 1);
	assert.equal(slashed.toUser, slashed.amount / 5n);
	const stage = receipt.stages.find(({ participants }) => participants.includes(own));
	const convictors = stage.participants.filter(({ verdict }) => verdict === 'pass');
	assert.equal(slashed.toConvictors > 0n, convictors.length > 0);
	assert.match(audit.steps.slashes.data.join('\n'), /was proved wrong and lost /);
};
