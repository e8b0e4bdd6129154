// Adapters of a model on a real network: published by somebody else than the model's owner, held by one worker,
// fetched by the others when a job first names them, and checked like every layer.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Gateway } from '../lib/gateway.mjs';
import { REPOSITORY, until } from '../lib/processes.mjs';
import { standardNetwork } from '../lib/standard.mjs';

const MODEL = 'fixture-tied';
/** A model of random weights answers the same question always alike, and otherwise with an adapter. */
const FIXED = { messages: [{ role: 'user', content: 'Hello!' }], temperature: 0, max_tokens: 12 };

describe('adapters', () => {
	let network;
	let gateway;
	let client;
	let folder;
	let adapter;

	before(async () => {
		network = await standardNetwork('adapters', { model: MODEL });
		folder = path.join(network.folder, 'adapter');
		await split(network.modelFolder, folder);
		const [holder] = network.workers;
		holder.options.models = [network.modelFolder, folder];
		await holder.daemon.stop();
		await holder.configure();
		holder.start();
		gateway = await Gateway.start(network, { account: 'Eve' });
		client = gateway.client(await gateway.key('adapters'));
	});
	after(async () => {
		await gateway?.daemon.stop();
		await network?.stop();
	});

	const split = (base, out) => network.worker(['split', path.join(REPOSITORY, 'models', 'fixture-tied-lora'), '--base', base, '--out', out]);

	/** Asks on the command line; gives the reply and the receipt of a job that was settled. */
	const ask = async (...more) => {
		const { stdout } = await network.worker([
			'prompt', '--model', network.model, '--account', '//User', '--chain', network.url,
			'--folder', network.modelFolder, '--max-tokens', 12, '--json', ...more, 'Hello!',
		]);
		const told = JSON.parse(stdout);
		assert.equal(told.settled, true, stdout);
		return told;
	};

	it('is published by anybody, for the base that it was split for', async () => {
		const owned = ['--account', '//Bob', '--chain', network.url, '--json'];
		const { stdout } = await network.worker(['adapter', 'add', folder, '--licence', 'Apache-2.0', ...owned]);
		adapter = JSON.parse(stdout);
		assert.equal(adapter.model, network.model);
		const [{ adapters }] = await network.rpc('dllm_models');
		assert.deepEqual(adapters.map(({ id, name }) => [id, name]), [[adapter.adapter, adapter.name]]);
	});

	it('changes the reply of the job that names it, and of no other', async () => {
		const plain = await ask();
		const adapted = await ask('--adapter', adapter.name);
		assert.notEqual(adapted.reply, plain.reply);
		assert.equal(adapted.receipt.job.adapter, adapter.adapter);
		assert.equal(plain.receipt.job.adapter, null);
		const verdicts = adapted.receipt.stages.flatMap(({ participants }) => participants.map(({ verdict }) => verdict));
		assert.ok(verdicts.length >= 4 && verdicts.every((verdict) => verdict === 'pass'), verdicts.join(', '));
		const [again, both] = await Promise.all([ask(), ask('--adapter', String(adapter.adapter))]);
		assert.equal(again.reply, plain.reply);
		assert.equal(both.reply, adapted.reply);
	});

	it('is one more model for OpenAI\'s clients', async () => {
		const named = `${MODEL}+${adapter.name}`;
		await until('the gateway lists it', 60, async () => (await client.models.list()).data.some(({ id }) => id === named));
		const reply = async (model) => (await client.chat.completions.create({ ...FIXED, model })).choices[0].message.content;
		const [plain, adapted] = await Promise.all([reply(MODEL), reply(named)]);
		assert.notEqual(adapted, plain);
		await assert.rejects(reply(`${MODEL}+none`), /404/);
	});

	it('is refused where it does not fit, and says why', async () => {
		const refused = async (...args) => {
			const { code, stderr } = await network.worker(args, { allowFailure: true });
			assert.notEqual(code, 0);
			return stderr;
		};
		const asked = ['prompt', '--model', network.model, '--account', '//User', '--chain', network.url, '--folder', network.modelFolder];
		assert.match(await refused(...asked, '--adapter', 'none', 'Hello!'), /none/);
		const exact = await network.shards(MODEL, 'exact');
		const source = path.join(REPOSITORY, 'models', 'fixture-tied-lora');
		assert.match(await refused('split', source, '--base', exact, '--out', path.join(network.folder, 'no')), /exact/);
		const other = await network.shards('fixture-untied');
		const odd = path.join(network.folder, 'odd');
		await network.worker(['split', source, '--base', other, '--out', odd]).then(
			() => refused('adapter', 'add', odd, '--licence', 'Apache-2.0', '--account', '//Bob', '--chain', network.url).then((says) => assert.match(says, /base|model/)),
			(error) => assert.match(error.message, /base|rank|shape|layers/),
		);
	});

	it('is taken back by who published it, and no job can name it then', async () => {
		const owned = ['--account', '//Bob', '--chain', network.url];
		await network.worker(['adapter', 'retire', adapter.name, ...owned]);
		const args = ['prompt', '--model', network.model, '--account', '//User', '--chain', network.url, '--folder', network.modelFolder, '--adapter', adapter.name, 'Hello!'];
		const { code, stderr } = await network.worker(args, { allowFailure: true });
		assert.notEqual(code, 0);
		assert.match(stderr, /retired/);
	});
});
