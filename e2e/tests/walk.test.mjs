// The walk of a paid prompt, as polkadot.js sees it, on a running network.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { liar } from '../lib/liar.mjs';
import { parts, standardNetwork, TOKEN } from '../lib/standard.mjs';

const MAX_PRICE = 5n * TOKEN;

/** Names of the steps of an audit that hold, none having failed. */
function held({ code, holds, error, steps }) {
	assert.equal(error, undefined);
	const failed = Object.values(steps).filter(({ found }) => found === 'failed');
	assert.deepEqual(failed, []);
	assert.equal(holds, true);
	assert.equal(code, 0);
	return Object.keys(steps).filter((name) => steps[name].found === 'ok');
}

describe('the walk of a prompt', () => {
	let network;
	let user;
	/** A model without a pipeline: its jobs wait. */
	let idle;

	before(async () => {
		network = await standardNetwork('walk');
		user = network.account('User');
		idle = await network.offerModel(await network.shards('fixture-untied'));
	});
	after(() => network?.stop());

	it('answers, verifies and settles an inline prompt, to the planck', async () => {
		const before = await network.balance(user.address);
		const { job, fee: transactionFee } = await network.submit(user, {
			model: network.model, text: 'Hello!', maxPrice: MAX_PRICE,
		});
		const receipt = await network.ended(job);
		assert.equal(receipt.job.state.kind, 'settled', JSON.stringify(receipt));
		assert.ok(receipt.job.reply.length > 0);
		assert.equal(receipt.job.tokens, 16);

		const fee = BigInt(receipt.job.fee);
		const after = await network.balance(user.address);
		assert.equal(after.reserved, 0n);
		assert.equal(after.free, before.free - transactionFee - fee);
		assert.equal(BigInt(receipt.refunded), MAX_PRICE - fee);
		const paid = [...receipt.miners, ...receipt.verifiers].reduce((sum, { amount }) => sum + BigInt(amount), 0n);
		assert.equal(paid + BigInt(receipt.treasury) + BigInt(receipt.burned), fee);

		for (const stage of [0, 1, 2]) {
			const { lead, replica } = parts(receipt, stage);
			assert.notEqual(lead.worker, replica.worker);
			assert.notEqual(lead.commitment[0], replica.commitment[0], 'commitments are salted');
			assert.deepEqual(lead.opening.roots, replica.opening.roots);
			assert.equal(lead.verdict, 'pass');
			assert.equal(replica.verdict, 'pass');
			assert.ok(replica.commitment[1] > lead.commitment[1], 'the replica commits after the lead');
		}

		const audit = await network.audit(job);
		const served = ['record', 'plan', 'order', 'commitments', 'shards', 'agreement', 'links', 'reply', 'verdicts', 'outcome', 'fee'];
		assert.deepEqual(held(audit), served);
		assert.equal(audit.block, receipt.job.ended);
		assert.match(audit.steps.commitments.why, /^6 commitments/);
		const { stdout } = await network.worker(['audit', job, '--chain', network.url]);
		assert.match(stdout, /^\d+\. fee: ok$/m);
		assert.match(stdout, /every step holds/);
	});

	it('finds a node that tells another fee', async () => {
		const { job } = await network.submit(user, { model: network.model, text: 'Honestly?', maxPrice: MAX_PRICE });
		const fee = BigInt((await network.ended(job)).job.fee);
		/** Planck as the chain encodes them: 16 bytes, the least significant first. */
		const encoded = (planck) => Buffer.from(planck.toString(16).padStart(32, '0'), 'hex').reverse().toString('hex');
		const lie = ({ method, params }, result) => (method === 'state_call' && params[0] === 'DllmApi_receipt'
			? result.replaceAll(encoded(fee), encoded(fee + 1n))
			: result);
		const { url, stop } = await liar(network.url, lie);
		try {
			const { code, holds, steps } = await network.audit(job, url);
			assert.equal(code, 3);
			assert.equal(holds, false);
			const failed = Object.values(steps).filter(({ found }) => found === 'failed').map(({ name }) => name);
			assert.deepEqual(failed, ['record']);
			assert.match(steps.record.why, /^fee: /);
		} finally {
			stop();
		}
	});

	it('shows the reply in an event', async () => {
		const answered = new Promise((resolve) => {
			network.api.query.system.events((records) => {
				const found = records.find(({ event }) => event.section === 'jobs' && event.method === 'Answered');
				if (found) resolve(found.event.data);
			});
		});
		const { job } = await network.submit(user, { model: network.model, text: 'Hi there', maxPrice: MAX_PRICE });
		const event = await answered;
		assert.equal(event.job.toNumber(), job);
		const receipt = await network.ended(job);
		assert.equal(event.reply.toUtf8(), receipt.job.reply);
	});

	it('tells a subscriber every change of a job until its end', async () => {
		const { job } = await network.submit(user, { model: idle, text: 'Tell me', maxPrice: MAX_PRICE });
		const views = [];
		const ended = new Promise((resolve) => {
			const heard = (error, view) => {
				if (error) throw error;
				views.push(view);
				if (view.ended) resolve();
			};
			network.provider.subscribe('dllm_jobUpdate', 'dllm_subscribeJob', [job], heard);
		});
		await network.send(network.api.tx.jobs.cancel(job), user);
		await ended;
		assert.ok(views.every(({ id }) => id === job));
		assert.deepEqual(views.at(0).state, { kind: 'waiting' });
		assert.deepEqual(views.at(-1), await network.rpc('dllm_job', job), 'the last view is how the job ended');
		assert.deepEqual(views.at(-1).state, { kind: 'refunded', detail: 'cancelled' });
		const unknown = network.provider.subscribe('dllm_jobUpdate', 'dllm_subscribeJob', [job + 1000], () => {});
		await assert.rejects(unknown, /is not known at this block/);
	});

	it('tells a subscriber of receipts, pipelines and quotes what changes', async () => {
		const heard = { receipts: [], pipelines: [], quotes: [] };
		const follow = (name, kind, params, into) => new Promise((resolve, reject) => {
			network.provider.subscribe(`dllm_${name}Update`, `dllm_subscribe${kind}`, params, (error, view) => {
				if (error) return reject(error);
				into.push(view);
				if (view.job?.ended) resolve();
			}).catch(reject);
		});
		follow('pipelines', 'Pipelines', [network.model], heard.pipelines);
		follow('quote', 'Quote', [network.model, 40, 16], heard.quotes);
		const { job } = await network.submit(user, { model: network.model, text: 'Follow me', maxPrice: MAX_PRICE, settle: false });
		await follow('receipt', 'Receipt', [job], heard.receipts);
		assert.deepEqual(heard.receipts.at(-1), await network.rpc('dllm_receipt', job), 'the last receipt is how the job ended');
		assert.ok(heard.receipts.length > 2, 'commitments and openings were told as they came');
		const busy = (pipelines) => pipelines.some(({ openJobs }) => openJobs > 0);
		assert.ok(heard.pipelines.some(busy), 'a pipeline had a job');
		assert.equal(heard.quotes[0].fee, (await network.rpc('dllm_quote', network.model, 40, 16)).fee);
	});

	it('gives the same reply for the same prompt and seed', async () => {
		const ask = () => network.submit(user, { model: network.model, text: 'Same?', maxPrice: MAX_PRICE });
		const [one, two] = [await ask(), await ask()];
		const [first, second] = [await network.ended(one.job), await network.ended(two.job)];
		assert.equal(first.job.reply, second.job.reply);
	});

	it('serves two prompts at once', async () => {
		const other = network.account('Ferdie');
		const [one, two] = await Promise.all([
			network.submit(user, { model: network.model, text: 'First', maxPrice: MAX_PRICE }),
			network.submit(other, { model: network.model, text: 'Second', maxPrice: MAX_PRICE }),
		]);
		const receipts = await Promise.all([network.ended(one.job), network.ended(two.job)]);
		assert.deepEqual(receipts.map(({ job }) => job.state.kind), ['settled', 'settled']);
		const leads = receipts.map((receipt) => parts(receipt, 1).lead.worker);
		assert.notEqual(leads[0], leads[1], 'two jobs in a row are led by two replicas');
	});

	it('runs a sealed prompt with the user as its own entry', async () => {
		const args = ['prompt', '--model', network.model, '--account', '//User', '--chain', network.url];
		args.push('--folder', network.modelFolder, '--max-tokens', '12', '--json', 'a secret question');
		const { stdout } = await network.worker(args);
		const { settled, reply, receipt } = JSON.parse(stdout);
		assert.ok(settled && reply.length > 0);
		assert.equal(receipt.job.state.kind, 'settled');
		assert.equal(receipt.job.sealed, true);
		assert.equal(receipt.job.reply, null);
		const request = await network.api.query.jobs.requests(receipt.job.id);
		assert.ok(request.isSome);
		assert.ok(!request.toHex().includes(Buffer.from('secret').toString('hex')), 'the prompt is not on chain');

		await network.ended(receipt.job.id);
		const steps = held(await network.audit(receipt.job.id));
		assert.ok(steps.includes('fee') && !steps.includes('reply'), 'nothing is public of the reply');
	});

	it('refunds a job that its owner cancels while it waits', async () => {
		const before = await network.balance(user.address);
		const { job, fee } = await network.submit(user, { model: idle, text: 'Never mind', maxPrice: MAX_PRICE });
		assert.equal((await network.balance(user.address)).reserved, MAX_PRICE);
		const cancelled = await network.send(network.api.tx.jobs.cancel(job), user);
		const after = await network.balance(user.address);
		assert.equal(after.free, before.free - fee - cancelled.fee);
		assert.equal(after.reserved, 0n);
		await assert.rejects(network.send(network.api.tx.jobs.cancel(job), user), /jobs\.NotWaiting/);
	});

	it('refunds a job that nobody takes by its deadline', async () => {
		const { job } = await network.submit(user, { model: idle, text: 'Anybody?', maxPrice: MAX_PRICE, deadline: 5 });
		const receipt = await network.ended(job, 60);
		assert.deepEqual(receipt.job.state, { kind: 'refunded', detail: 'notAwarded' });
		assert.equal(receipt.job.ended, receipt.job.deadline);
		assert.equal(BigInt(receipt.refunded), MAX_PRICE);
		assert.equal((await network.balance(user.address)).reserved, 0n);
		assert.deepEqual(held(await network.audit(job)), ['record']);
	});

	it('says why it cannot audit a job', async () => {
		const { job } = await network.submit(user, { model: idle, text: 'Not yet', maxPrice: MAX_PRICE });
		const open = await network.audit(job);
		assert.equal(open.code, 1);
		assert.match(open.error, new RegExp(`job ${job} waits for a pipeline`));
		await network.send(network.api.tx.jobs.cancel(job), user);
		const unknown = await network.audit(job + 1000);
		assert.equal(unknown.code, 1);
		assert.match(unknown.error, new RegExp(`the chain has no job ${job + 1000}`));
	});

	it('refuses what cannot be served, by name', async () => {
		const submit = (changes) => network.submit(user, {
			model: network.model, text: 'Hello', maxPrice: MAX_PRICE, ...changes,
		});
		await assert.rejects(submit({ model: 4_000_000 }), /jobs\.UnknownModel/);
		await assert.rejects(submit({ maxPrice: 1n }), /jobs\.PriceBelowBase/);
		await assert.rejects(submit({ maxPrice: 10n ** 30n }), /jobs\.InsufficientFunds/);
		await assert.rejects(submit({ text: '' }), /jobs\.EmptyPrompt/);
		await assert.rejects(submit({ maxTokens: 0 }), /jobs\.InvalidLimits/);
		await assert.rejects(submit({ deadline: 1 }), /jobs\.DeadlineOutOfRange/);
		await assert.rejects(submit({ text: 'x'.repeat(4000) }), /jobs\.PromptTooLong/);
		assert.equal((await network.balance(user.address)).reserved, 0n);
	});

	it('refunds what was awarded but not run, and blames nobody for cheating', async () => {
		await Promise.all(network.workers.map((worker) => worker.daemon.stop()));
		const { job } = await network.submit(user, { model: network.model, text: 'Hello?', maxPrice: MAX_PRICE, deadline: 5 });
		const receipt = await network.ended(job, 120);
		assert.equal(receipt.job.state.kind, 'refunded');
		assert.equal(BigInt(receipt.refunded), MAX_PRICE);
		const verdicts = receipt.stages.flatMap(({ participants }) => participants.map(({ verdict }) => verdict));
		assert.ok(verdicts.length > 0 && !verdicts.includes('cheat'));
		for (const worker of await network.pool()) assert.equal(worker.cheats, 0);
		const audit = await network.audit(job);
		assert.ok(held(audit).includes('outcome'));
		assert.match(audit.steps.verdicts.data.join('\n'), /had not committed by its deadline/);
	});
});
