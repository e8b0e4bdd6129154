// Miners that cheat are convicted and slashed, and the user is refunded or served; a silent one is never
// taken for a cheat. The dishonest workers are a binary of their own (e2e/cheater).

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { coarsen } from '../lib/coarse.mjs';
import { binary, REPOSITORY, run } from '../lib/processes.mjs';
import { parts, standardNetwork, TOKEN } from '../lib/standard.mjs';

const MAX_PRICE = 5n * TOKEN;

describe('cheating miners', () => {
	/**
	 * Runs one job with Miner1 cheating in the part `wanted`. The plan sorts workers by price and the first
	 * of a stage leads the first job, so the price decides which part that is.
	 */
	async function trial(name, args, wanted, profile = 'f32') {
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
			return { receipt, own, worker, lost, audit, gained: after.free - before.free + fee + BigInt(receipt.job.fee) };
		} finally {
			await network.stop();
		}
	}

	/** The chain's verdict follows from its data, and the audit says why. */
	const explained = ({ audit }, why) => {
		assert.equal(audit.code, 0, JSON.stringify(audit));
		assert.match(audit.steps.verdicts.data.join('\n'), why);
	};

	const convicted = ({ own, worker, lost, receipt, gained, audit }) => {
		assert.equal(own.verdict, 'cheat', JSON.stringify(receipt.stages));
		assert.equal(worker.cheats, 1);
		assert.ok(lost > 0n, 'the bond is slashed');
		assert.ok(gained > 0n, 'the user has its share of the slash');
		assert.equal(audit.steps.slashes.found, 'ok', JSON.stringify(audit));
	};

	it('an altered activation is convicted, and the user refunded', async () => {
		const result = await trial('alter', ['--cheat', 'alter-activation'], 'lead');
		convicted(result);
		explained(result, /lead .*cheat – replica and tiebreak told other roots of the same rows/);
		assert.match(result.audit.steps.agreement.data.join('\n'), /differ in rows sent/);
		assert.equal(result.receipt.job.state.kind, 'refunded');
	});

	it('a skipped layer is convicted', async () => {
		const result = await trial('skip', ['--cheat', 'skip-layer'], 'lead');
		convicted(result);
		explained(result, /cheat – replica and tiebreak told other roots/);
		assert.equal(result.receipt.job.state.kind, 'refunded');
	});

	it('a copied commitment is convicted, and the user served', async () => {
		const result = await trial('copy', ['--cheat', 'copy-commitment'], 'replica');
		convicted(result);
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
		explained(result, /cheat – /);
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
		argued(result, 'convicted');
		explained(result, /lead .*cheat – lost the dispute with the replica/);
		assert.equal(result.receipt.job.state.kind, 'refunded');
	});

	it('who accuses falsely is convicted by the same, and the user served', async () => {
		const result = await trial('accuse', ['--cheat', 'false-accuser'], 'replica', 'exact');
		convicted(result);
		argued(result, 'dismissed');
		explained(result, /replica .*cheat – lost the dispute with the lead/);
		assert.equal(result.receipt.job.state.kind, 'settled');
	});

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

	it('silence costs the job, never the bond', async () => {
		const { own, worker, lost, receipt, audit } = await trial('silent', ['--cheat', 'silent'], 'lead');
		explained({ audit }, /late or silent – it had not committed by its deadline/);
		assert.equal(own.verdict, 'workerFault');
		assert.equal(worker.cheats, 0);
		assert.equal(lost, 0n);
		assert.equal(receipt.job.state.kind, 'refunded');
	});
});
