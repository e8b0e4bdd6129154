// The examples, as a reader runs them, against a running network.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { REPOSITORY, run } from '../lib/processes.mjs';
import { standardNetwork } from '../lib/standard.mjs';

const EXAMPLES = path.join(REPOSITORY, 'examples');
const QUESTION = 'What is the capital of France?';
/** Folder of the Python packages, made once. */
const PYTHON = path.join(REPOSITORY, '.demo', 'python');

describe('examples', () => {
	let network;
	let env;

	before(async () => {
		if (!existsSync(path.join(EXAMPLES, 'node_modules'))) {
			await run('npm', ['ci', '--prefix', EXAMPLES, '--no-audit', '--no-fund', '--loglevel=error']);
		}
		if (!existsSync(path.join(PYTHON, 'substrateinterface'))) {
			const requirements = path.join(EXAMPLES, 'python', 'requirements.txt');
			await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', PYTHON, '--requirement', requirements]);
		}
		network = await standardNetwork('examples', { model: 'tiny-chat-nano', profile: 'exact' });
		env = { NODE: network.url, ACCOUNT: '//User', MODEL: String(network.model), PYTHONPATH: PYTHON };
	});
	after(() => network?.stop());

	const programs = {
		'polkadot-js/pay.mjs': 'node',
		'papi/pay.mjs': 'node',
		'python/pay.py': 'python3',
	};
	for (const [file, program] of Object.entries(programs)) {
		it(`${file} pays for a prompt and prints the reply`, async () => {
			const job = (await network.api.query.jobs.nextJob()).toNumber();
			const { stdout } = await run(program, [path.join(EXAMPLES, file), QUESTION], { env });
			const receipt = await network.ended(job);
			assert.equal(receipt.job.state.kind, 'settled');
			assert.ok(receipt.job.reply.length > 0);
			assert.equal(stdout.trim(), receipt.job.reply);
		});

		it(`${file} says why it failed`, async () => {
			// An account without money: the chain refuses.
			const failed = await run(program, [path.join(EXAMPLES, file), QUESTION], { env: { ...env, ACCOUNT: '//Nobody' }, allowFailure: true });
			assert.notEqual(failed.code, 0);
			assert.match(failed.stderr, /payment|balance|funds/i);
		});

		it(`${file} takes about thirty lines`, () => {
			const lines = readFileSync(path.join(EXAMPLES, file), 'utf8').split('\n');
			assert.ok(lines.filter((line) => line.trim() && !line.startsWith('//')).length <= 30, file);
		});
	}
});
