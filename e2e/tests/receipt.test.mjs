// What the demo takes for a settled job: a real receipt passes, and one in which anything is missing does not.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { expectSettled, linesOf } from '../lib/receipt.mjs';
import { REPOSITORY } from '../lib/processes.mjs';

const SETTLED = readFileSync(path.join(REPOSITORY, 'web', 'tests', 'unit', 'settled.json'), 'utf8');
const read = () => JSON.parse(SETTLED).receipt;
const workers = read().stages.flatMap(({ participants }) => participants.map(({ worker }) => worker));
const operators = new Map(workers.map((worker) => [worker, worker]));
const segments = read().stages.length - 1;

describe('a settled job', () => {
	it('is one where everything happened', () => expectSettled(read(), operators, segments));

	const defects = {
		'not settled': (receipt) => (receipt.job.state = { kind: 'refunded', detail: 'expired' }),
		'not run by': (receipt) => receipt.stages.pop(),
		'its entry is missing': (receipt) => receipt.stages.shift(),
		'no replica': ({ stages }) => stages[1].participants.pop(),
		'did not commit': ({ stages }) => (stages[1].participants[1].commitment = null),
		'not salted': ({ stages }) => (stages[1].participants[1].commitment[0] = stages[1].participants[0].commitment[0]),
		'did not open': ({ stages }) => (stages[2].participants[0].opening = null),
		'opened roots differ': ({ stages }) => (stages[2].participants[1].opening.roots.output = `0x${'00'.repeat(32)}`),
		'pass, workerFault': ({ stages }) => (stages[0].participants[1].verdict = 'workerFault'),
		'its lead was not paid': ({ miners }) => (miners[1].amount = '0'),
		'its replica was not paid': ({ verifiers }) => verifiers.pop(),
		'nothing for the treasury': (receipt) => (receipt.treasury = '0'),
		'charged': (receipt) => (receipt.burned = String(BigInt(receipt.burned) + 1n)),
		'did not come back': (receipt) => (receipt.refunded = String(BigInt(receipt.refunded) - 1n)),
	};
	for (const [says, spoil] of Object.entries(defects)) {
		it(`is none: ${says}`, () => {
			const receipt = read();
			spoil(receipt);
			assert.throws(() => expectSettled(receipt, operators, segments), (error) => error.message.includes(says));
		});
	}

	it('is none where lead and replica have one operator', () => {
		const one = new Map(workers.map((worker) => [worker, workers[0]]));
		assert.throws(() => expectSettled(read(), one, segments), /not of two operators/);
	});

	it('shows both commitments of a stage in one line, and all of the money', () => {
		const receipt = read();
		const names = new Map(workers.map((worker, at) => [worker, `Worker${at}`]));
		const lines = linesOf(receipt, names, 'the treasury');
		const line = lines.find((one) => one.startsWith('layers 0..'));
		for (const { commitment } of receipt.stages[1].participants) assert.ok(line.includes(commitment[0].slice(0, 10)), line);
		assert.match(line, /Worker2 .*Worker3 .*pass, pass/);
		const text = lines.join('\n');
		assert.match(text, /treasury +the treasury +0\.0000\d+/);
		for (const word of ['burned', 'fee', 'refunded', `block ${receipt.job.ended}`]) assert.ok(text.includes(word), word);
	});
});
