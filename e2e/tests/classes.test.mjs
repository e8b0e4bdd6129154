// Two workers of a segment of a float model whose processors round otherwise, so that their numerics classes differ. As
// long as the chain has no tolerance for the two it cannot say who is right; with one it compares some of their rows,
// and both pass or nobody is convicted. The second processor is one that QEMU emulates.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventsBetween } from '../lib/record.mjs';
import { NEHALEM, parts, standardNetwork, TOKEN } from '../lib/standard.mjs';

const MAX_PRICE = 5n * TOKEN;
/** Seconds in which a job ends whose trial has to wait for the deadline of every phase. */
const LONGEST_TRIAL = 480;
/** Rows of a stage that are shown at most. */
const MAX_ROWS = 16;
/** Digest of the measurements that a tolerance rests on: the chain only keeps it. */
const CALIBRATION = `0x${'ca'.repeat(32)}`;
const skip = process.arch !== 'x64' && 'it compares an x86 processor with an older one';

describe('two workers of a segment on unlike processors', { skip }, () => {
	let network;
	let old;
	/** The segment that the older processor holds, with one of today. */
	let stage;
	/** Their numerics classes, as the first job showed them. */
	let classes;

	before(async () => {
		// Who asks for less leads the first job, and every second one after it.
		const prices = { Miner1: '0.009 DLLM' };
		const starts = { Miner1: (worker) => worker.start(undefined, [], NEHALEM) };
		network = await standardNetwork('classes', { starts, prices });
		old = network.workers.find(({ name }) => name === 'Miner1');
		({ stage } = network.pipeline.stages.find(({ workers }) => workers.includes(old.address)));
	});
	after(() => network?.stop());

	/** What a job did: its receipt, its segment of unlike workers, what the audit says of it, and the events about that segment. */
	const ask = async (text) => {
		const { job } = await network.submit(network.account('User'), {
			model: network.model, text, maxTokens: 6, maxPrice: MAX_PRICE, deadline: 20,
		});
		const receipt = await network.ended(job, LONGEST_TRIAL);
		const all = await eventsBetween(network, receipt.job.submitted, receipt.job.ended);
		await unharmed(all);
		const audit = await network.audit(job);
		assert.deepEqual([audit.code, audit.holds], [0, true], JSON.stringify(audit));
		const { comparison } = receipt.stages.find((one) => one.stage === stage);
		const about = ({ section, data }) => section === 'verification' && data.job?.toNumber() === job && data.stage?.toNumber() === stage;
		return { receipt, comparison, audit, events: all.filter(about), ...parts(receipt, stage) };
	};

	/** Nobody was taken for a cheat, or lost of its bond. */
	const unharmed = async (events) => {
		const lost = events.filter(({ section, method }) => section === 'miners' && ['Slashed', 'Forfeited'].includes(method));
		assert.deepEqual(lost.map(String), []);
		for (const { cheats } of await network.pool()) assert.equal(cheats, 0);
	};

	/** Governance, for which sudo stands here, says how far the two classes may lie apart, in parts per billion. */
	const tolerate = async (tolerance) => {
		const { tx } = network.api;
		const call = tx.verification.setTolerance(...classes, { ...tolerance, calibration: CALIBRATION });
		const { events } = await network.send(tx.sudo.sudo(call), network.account('Alice'));
		const set = events.find(({ section, method }) => section === 'verification' && method === 'ToleranceSet');
		assert.ok(set, 'no tolerance was set');
		assert.deepEqual(set.data.classes.toJSON(), [...classes].sort());
	};

	/** The user has its money back, as nobody could say who was right. */
	const undecided = ({ receipt, lead }) => {
		assert.equal(lead.worker, old.address, JSON.stringify(receipt.stages));
		assert.equal(lead.verdict, 'indeterminate');
		assert.deepEqual(receipt.job.state, { kind: 'refunded', detail: 'indeterminate' });
		assert.equal(receipt.refunded, receipt.job.maxPrice);
		assert.deepEqual([receipt.miners, receipt.verifiers], [[], []]);
	};

	/** Both showed as many rows as are due of those that they had sent, and the chain compared them. */
	const compared = ({ comparison, events, lead, replica }, tolerance, likeness) => {
		const { positions } = comparison;
		const { rows } = lead.opening.roots;
		assert.deepEqual(comparison.tolerance, { ...tolerance, calibration: CALIBRATION });
		assert.equal(comparison.likeness, likeness);
		assert.equal(positions.length, Math.min(MAX_ROWS, rows));
		assert.ok(positions.every((position, at) => position < rows && (at === 0 || position > positions[at - 1])), positions.join());
		const named = (wanted) => events.filter(({ method }) => method === wanted);
		assert.equal(named('ComparisonDrawn').length, 1);
		assert.deepEqual(named('RowsShown').map(({ data }) => data.worker.toString()).sort(), [lead.worker, replica.worker].sort());
		assert.deepEqual(named('Compared').map(({ data }) => data.likeness.toString().toLowerCase()), [likeness]);
	};

	it('are undecided while the chain has no tolerance for their classes', async () => {
		const job = await ask('Hello!');
		undecided(job);
		const [own, other] = [job.lead, job.replica].map(({ opening }) => opening.roots);
		assert.equal(own.input, other.input);
		assert.notEqual(own.output, other.output, 'the two processors round alike');
		assert.notEqual(own.class, other.class);
		assert.equal(job.comparison, null);
		classes = [own.class, other.class];
	});

	it('pass both, and are paid, where their rows are within the tolerance', async () => {
		const tolerance = { median: 20_000, max: 50_000, version: 1 };
		await tolerate(tolerance);
		const job = await ask('And once more?');
		const { receipt, audit, lead, replica, tiebreak } = job;
		assert.equal(replica.worker, old.address, JSON.stringify(receipt.stages));
		compared(job, tolerance, 'alike');
		assert.deepEqual([lead.verdict, replica.verdict, tiebreak], ['pass', 'pass', undefined]);
		assert.equal(receipt.job.state.kind, 'settled');
		const paid = (payments, { worker }) => payments.some(({ to, amount }) => to === worker && BigInt(amount) > 0n);
		assert.ok(paid(receipt.miners, lead), 'the lead was not paid');
		assert.ok(paid(receipt.verifiers, replica), 'the checker was not paid');
		assert.match(audit.steps.agreement.data.join('\n'), /they differ by no more than the tolerance \(median 2e-5, max 5e-5, version 1, /);
		assert.match(audit.steps.verdicts.data.join('\n'), /replica .*pass – its rows and those of the lead, of another numerics class, differ by no more/);
	});

	it('are undecided, and nobody is convicted, where their rows are beyond it', async () => {
		const tolerance = { median: 1, max: 1, version: 2 };
		await tolerate(tolerance);
		const job = await ask('Hello again!');
		compared(job, tolerance, 'unlike');
		undecided(job);
		assert.match(job.audit.steps.agreement.data.join('\n'), /they differ by more than the tolerance \(median 1e-9, /);
	});
});
