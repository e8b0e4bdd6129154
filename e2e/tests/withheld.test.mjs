// Miners that hand out no rows, or other ones than they sent, forfeit, and stop no check; a silent one is never taken
// for a cheat, and is blamed alone.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { binary } from '../lib/processes.mjs';
import { parts, standardNetwork } from '../lib/standard.mjs';
import { convicted, explained, proved, trial } from '../lib/trial.mjs';

/** Who else is blamed for a job beside the worker that the test is about. */
const others = ({ own, receipt }) => receipt.stages.flatMap(({ participants }) => participants)
	.filter(({ worker, verdict }) => worker !== own.worker && verdict === 'workerFault');

describe('miners that keep their rows', () => {
	it('who refuses its checkers stops no check: the rows come from the other end of each hop', async () => {
		const { own, worker, lost, receipt, audit } = await trial('refuse', ['--cheat', 'refuse-checkers'], 'lead');
		explained({ audit }, /lead .*pass – told the same as replica/);
		assert.equal(own.verdict, 'pass', JSON.stringify(receipt.stages));
		assert.equal(worker.cheats, 0);
		assert.equal(lost, 0n);
		assert.equal(receipt.job.state.kind, 'settled');
	});

	it('who denies the rows for which it signed is convicted by the receipt that the stage before holds', async () => {
		const result = await trial('deny', ['--cheat', 'deny-rows'], 'lead');
		convicted(result);
		proved(result);
		explained(result, /lead .*cheat – it signed for other rows of a hop than it told/);
		assert.equal(result.receipt.job.state.kind, 'refunded');
		assert.ok(result.receipt.stages.some(({ contradiction }) => contradiction?.end === 'receiver'));
	});

	it('who repeats the rows of another job has no signature of its user for them: no checker takes them, and it forfeits', async () => {
		// Whoever leads the first segment again repeats; as a checker, and in the other segment, it is honest.
		const cheats = (worker) => worker.start(binary('dllm-cheater'), ['--cheat', 'repeat-rows']);
		const starts = Object.fromEntries([1, 2, 3, 4].map((number) => [`Miner${number}`, cheats]));
		const network = await standardNetwork('cheat-repeat', { starts });
		try {
			const bonds = new Map();
			for (const { address } of network.workers) bonds.set(address, (await network.balance(address)).reserved);
			const ask = async (words) => {
				const { stdout } = await network.worker([
					'prompt', '--model', network.model, '--account', '//User', '--chain', network.url,
					'--folder', network.modelFolder, '--max-tokens', 12, '--json', words,
				], { allowFailure: true });
				const { settled, receipt } = JSON.parse(stdout);
				return { settled, receipt: await network.ended(receipt.job.id, 300) };
			};
			const led = new Set();
			let last;
			for (const words of ['Tell me, and at some length, of a ring.', 'And of another one, as long as that.', 'Hello!']) {
				last = await ask(words);
				const { lead } = parts(last.receipt, 1);
				if (led.has(lead.worker)) break;
				led.add(lead.worker);
				assert.equal(last.settled, true, JSON.stringify(last.receipt));
			}
			const { lead } = parts(last.receipt, 1);
			assert.ok(led.has(lead.worker), 'two workers take turns to lead');
			assert.equal(last.settled, false);
			assert.deepEqual(last.receipt.job.state, { kind: 'refunded', detail: 'unserved' });
			assert.equal(lead.verdict, 'workerFault', JSON.stringify(last.receipt.stages));
			for (const { address } of network.workers) {
				const lost = bonds.get(address) - (await network.balance(address)).reserved;
				assert.equal(lost > 0n, address === lead.worker, `${address} lost ${lost}`);
			}
			for (const { cheats: convicted } of await network.pool()) assert.equal(convicted, 0);
			const audit = await network.audit(last.receipt.job.id);
			explained({ audit }, /lead .*two checkers, one drawn after the other, got no rows/);
		} finally {
			await network.stop();
		}
	});

	it('who keeps the rows stops the ring: nobody commits, and it alone is blamed', async () => {
		const { own, worker, lost, receipt, audit } = await trial('keep', ['--cheat', 'withhold-rows'], 'lead');
		explained({ audit }, /late or silent – it had not committed by its deadline, and told nothing/);
		assert.ok(receipt.stages.every(({ participants }) => participants.every(({ commitment }) => commitment === null)));
		for (const { participants, tally } of receipt.stages) assert.equal(participants[0].worker !== own.worker, tally !== null, JSON.stringify(receipt.stages));
		assert.equal(own.verdict, 'workerFault');
		assert.deepEqual(others({ own, receipt }), []);
		assert.equal(worker.cheats, 0);
		assert.equal(lost, 0n);
		assert.deepEqual(receipt.job.state, { kind: 'refunded', detail: 'unserved' });
	});

	it('silence costs the job, never the bond', async () => {
		const { own, worker, lost, receipt, audit } = await trial('silent', ['--cheat', 'silent'], 'lead');
		explained({ audit }, /late or silent – it had not committed by its deadline/);
		assert.equal(own.verdict, 'workerFault');
		assert.deepEqual(others({ own, receipt }), []);
		assert.equal(worker.cheats, 0);
		assert.equal(lost, 0n);
		assert.equal(receipt.job.state.kind, 'refunded');
	});
});
