// Miners that cheat are convicted and slashed, and the user is refunded or served.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { coarsen } from '../lib/coarse.mjs';
import { binary, REPOSITORY, run } from '../lib/processes.mjs';
import { convicted, explained, outvoted, proved, trial } from '../lib/trial.mjs';

describe('cheating miners', () => {
	it('an altered activation is convicted, and the user refunded', async () => {
		const result = await trial('alter', ['--cheat', 'alter-activation'], 'lead');
		convicted(result);
		outvoted(result);
		explained(result, /lead .*cheat – replica and tiebreak told other roots of the same rows/);
		assert.match(result.audit.steps.agreement.data.join('\n'), /differ in rows sent/);
		assert.equal(result.receipt.job.state.kind, 'refunded');
	});

	it('a skipped layer is convicted', async () => {
		const result = await trial('skip', ['--cheat', 'skip-layer'], 'lead');
		convicted(result);
		outvoted(result);
		explained(result, /cheat – replica and tiebreak told other roots/);
		assert.equal(result.receipt.job.state.kind, 'refunded');
	});

	it('a copied commitment is convicted, and the user served', async () => {
		const result = await trial('copy', ['--cheat', 'copy-commitment'], 'replica');
		convicted(result);
		proved(result);
		explained(result, /replica .*cheat – its commitment is another worker's/);
		assert.equal(result.receipt.job.state.kind, 'settled');
	});

	it('a cheaper model is convicted', async () => {
		const folder = mkdtempSync(path.join(tmpdir(), 'dllm-coarse-'));
		coarsen(path.join(REPOSITORY, 'models', 'fixture-tied'), path.join(folder, 'model'));
		await run(binary('dllm-worker'), ['split', path.join(folder, 'model'), '--out', path.join(folder, 'shards'), '--profile', 'f32']);
		const result = await trial('cheap', ['--cheat', 'cheap-model', '--cheap', path.join(folder, 'shards')], 'lead');
		rmSync(folder, { recursive: true });
		convicted(result);
		outvoted(result);
		explained(result, /cheat – replica and tiebreak told other roots/);
		assert.equal(result.receipt.job.state.kind, 'refunded');
	});

	/** Lead and replica argue on chain: nobody else is asked who is right. */
	const argued = ({ receipt }, outcome) => {
		const stage = receipt.stages.find(({ dispute }) => dispute);
		assert.deepEqual(stage?.dispute, { over: outcome }, JSON.stringify(receipt.stages));
		assert.ok(stage.participants.every(({ part }) => part !== 'tiebreak'));
	};

	it('a lie that is carried on is found by one value that the chain computes', async () => {
		const result = await trial('lie', ['--cheat', 'lying-trace'], 'lead', 'exact');
		convicted(result);
		proved(result);
		argued(result, 'convicted');
		explained(result, /lead .*cheat – lost the dispute with the replica/);
		assert.equal(result.receipt.job.state.kind, 'refunded');
	});

	it('who accuses falsely is convicted by the same, and the user served', async () => {
		const result = await trial('accuse', ['--cheat', 'false-accuser'], 'replica', 'exact');
		convicted(result);
		proved(result);
		argued(result, 'dismissed');
		explained(result, /replica .*cheat – lost the dispute with the lead/);
		assert.equal(result.receipt.job.state.kind, 'settled');
	});
});
