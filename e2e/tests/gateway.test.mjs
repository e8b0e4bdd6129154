// The gateway before a real network, asked by OpenAI's own clients as they come.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { Gateway } from '../lib/gateway.mjs';
import { parts, standardNetwork, TOKEN } from '../lib/standard.mjs';
import { until } from '../lib/processes.mjs';

const MODEL = 'tiny-chat-nano';
const MESSAGES = [{ role: 'user', content: 'Tell me a story about a fox.' }];
/** Always the same reply. */
const FIXED = { model: MODEL, messages: MESSAGES, temperature: 0, max_tokens: 24 };
/** Milliseconds that no single request of these takes: a job ends by its deadline long before. */
const PATIENCE = 120_000;
/** Requests at once. */
const CROWD = 100;

/** Reads a stream to its end: `{ text, chunks, finish, usage, dllm }`. */
async function collect(stream) {
	const read = { text: '', chunks: 0 };
	for await (const chunk of stream) {
		const [choice] = chunk.choices;
		const piece = choice?.delta?.content ?? choice?.text ?? '';
		if (piece) read.chunks += 1;
		read.text += piece;
		read.finish ??= choice?.finish_reason;
		read.usage ??= chunk.usage;
		read.dllm ??= chunk.dllm;
	}
	return read;
}

describe('the gateway', () => {
	let network;
	let gateway;
	let key;
	let client;

	before(async () => {
		network = await standardNetwork('gateway', { model: MODEL, slots: 8 });
		gateway = await Gateway.start(network);
		key = await gateway.key('acceptance');
		client = gateway.client(key);
	});
	after(async () => {
		await gateway?.daemon.stop();
		await network?.stop();
	});

	it('lists the models of the chain', async () => {
		const { data } = await client.models.list();
		assert.deepEqual(data.map(({ id }) => id), [MODEL]);
		assert.equal((await client.models.retrieve(MODEL)).dllm.id, network.model);
	});

	it('answers whole, with a receipt that is the chain\'s own', async () => {
		const { data: reply, response } = await client.chat.completions.create(FIXED).withResponse();
		const [choice] = reply.choices;
		assert.ok(choice.message.content.length > 0);
		assert.ok(['stop', 'length'].includes(choice.finish_reason));
		assert.ok(reply.usage.prompt_tokens > 0 && reply.usage.completion_tokens <= 24);
		assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
		assert.equal(response.headers.get('x-dllm-job'), String(reply.dllm.job));

		const told = await gateway.ended(reply.dllm.job);
		const receipt = await network.rpc('dllm_receipt', reply.dllm.job, told.block.hash);
		assert.deepEqual(told.receipt, receipt);
		assert.ok(told.settled && receipt.job.sealed);
		assert.equal(receipt.pipeline, reply.dllm.pipeline);
		assert.equal(receipt.job.client, gateway.account.address);
		assert.ok(BigInt(receipt.job.fee) > 0n && BigInt(receipt.job.fee) <= BigInt(reply.dllm.maxPrice));
		assert.equal(told.genesis, network.api.genesisHash.toHex());
		const header = await network.api.rpc.chain.getHeader(told.block.hash);
		assert.equal(told.block.stateRoot, header.stateRoot.toHex());
		for (const stage of [1, 2]) {
			const { lead, replica } = parts(told.receipt, stage);
			assert.deepEqual(lead.opening.roots, replica.opening.roots);
			assert.ok(lead.commitment && lead.verdict === 'pass');
		}
	});

	it('shows nothing of the prompt and of how it is sampled on chain', async () => {
		const reply = await client.chat.completions.create({ ...FIXED, seed: 424_242, stop: ['secretstop'] });
		const request = await network.api.query.jobs.requests(reply.dllm.job);
		const hex = request.toHex();
		for (const text of ['fox', 'secretstop']) assert.ok(!hex.includes(Buffer.from(text).toString('hex')), text);
		const { limits } = request.toJSON();
		assert.deepEqual([limits.seed, limits.temperatureMilli, limits.stop], [0, 0, []]);
	});

	it('streams the same reply token by token', async () => {
		const whole = await client.chat.completions.create(FIXED);
		const stream = await client.chat.completions.create({ ...FIXED, stream: true, stream_options: { include_usage: true } });
		const read = await collect(stream);
		assert.equal(read.text, whole.choices[0].message.content);
		assert.ok(read.chunks > 1);
		assert.equal(read.finish, whole.choices[0].finish_reason);
		assert.deepEqual(read.usage, whole.usage);
		assert.ok(read.dllm.job > whole.dllm.job);
	});

	it('goes on with a text', async () => {
		const ask = { model: MODEL, prompt: 'Once upon a time', temperature: 0, max_tokens: 8 };
		const whole = await client.completions.create(ask);
		const read = await collect(await client.completions.create({ ...ask, stream: true }));
		assert.ok(whole.choices[0].text.length > 0);
		assert.equal(read.text, whole.choices[0].text);
		assert.ok(whole.usage.completion_tokens <= 8);
	});

	it('gives the same reply for the same seed, and stops where it is told', async () => {
		const ask = (seed) => client.chat.completions.create({ ...FIXED, temperature: 1.2, seed });
		const replies = await Promise.all([ask(1), ask(1), ask(2), ask(3)]);
		const [one, again, ...others] = replies.map(({ choices }) => choices[0].message.content);
		assert.equal(one, again);
		assert.ok(others.some((text) => text !== one), 'other seeds vary');

		const whole = (await client.chat.completions.create(FIXED)).choices[0].message.content;
		const stop = whole.slice(6, 10);
		const stopped = await client.chat.completions.create({ ...FIXED, stop });
		assert.equal(stopped.choices[0].message.content, whole.slice(0, whole.indexOf(stop)));
		assert.equal(stopped.choices[0].finish_reason, 'stop');
		const short = await client.chat.completions.create({ ...FIXED, max_tokens: 2 });
		assert.equal(short.choices[0].finish_reason, 'length');
		assert.equal(short.usage.completion_tokens, 2);
	});

	it('serves the official Python client as it comes', async () => {
		const told = await gateway.python(key, `
import json, openai
client = openai.OpenAI(max_retries=0)
ask = dict(model="${MODEL}", messages=[{"role": "user", "content": "Tell me a story about a fox."}], temperature=0, max_tokens=24)
whole = client.chat.completions.create(**ask)
parts = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
def refused(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code]
print(json.dumps({
    "models": [model.id for model in client.models.list()],
    "whole": whole.choices[0].message.content, "text": text,
    "usage": parts[-1].usage.completion_tokens, "counted": whole.usage.completion_tokens,
    "completion": client.completions.create(model="${MODEL}", prompt="Once", max_tokens=4).choices[0].text,
    "key": refused(lambda: openai.OpenAI(api_key="sk-wrong").models.list()),
    "model": refused(lambda: client.chat.completions.create(**{**ask, "model": "gpt-4o"})),
    "wrong": refused(lambda: client.chat.completions.create(**{**ask, "temperature": 3})),
    "logprobs": [token.logprob for token in client.chat.completions.create(**ask, logprobs=True, top_logprobs=2).choices[0].logprobs.content],
    "embeddings": [len(one.embedding) for one in client.embeddings.create(model="${MODEL}", input=["A fox.", "A hen."]).data],
}))`);
		const whole = (await client.chat.completions.create(FIXED)).choices[0].message.content;
		assert.deepEqual(told.models, [MODEL]);
		assert.deepEqual([told.whole, told.text], [whole, whole]);
		assert.equal(told.usage, told.counted);
		assert.ok(told.completion.length > 0);
		assert.deepEqual(told.key, ['AuthenticationError', 401, 'invalid_api_key']);
		assert.deepEqual(told.model, ['NotFoundError', 404, 'model_not_found']);
		assert.deepEqual(told.wrong, ['BadRequestError', 400, null]);
		assert.ok(told.logprobs.length > 0 && told.logprobs.every((logprob) => logprob <= 0));
		assert.ok(told.embeddings[0] > 0 && told.embeddings[0] === told.embeddings[1]);
	});

	it('tells how likely tokens were, whole and streamed', async () => {
		const ask = { ...FIXED, logprobs: true, top_logprobs: 3 };
		const reply = await client.chat.completions.create(ask);
		const { content } = reply.choices[0].logprobs;
		assert.equal(content.map(({ token }) => token).join(''), reply.choices[0].message.content);
		for (const { logprob, top_logprobs: [first] } of content) {
			// Greedy: what was chosen was likeliest.
			assert.equal(logprob, first.logprob);
			assert.ok(logprob <= 0);
		}
		const streamed = [];
		for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
			streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
		}
		assert.deepEqual(streamed, content);
	});

	it('makes vectors of texts, and charges the rows of these', async () => {
		// A key of its own: what it has spent are these jobs, and nothing else.
		const own = gateway.client(await gateway.key('vectors'), { timeout: PATIENCE });
		const input = ['The fox runs through the wood.', 'The fox runs through the forest.', 'Taxes are due in March.'];
		const { data, usage } = await own.embeddings.create({ model: MODEL, input });
		const product = (a, b) => data[a].embedding.reduce((sum, value, at) => sum + value * data[b].embedding[at], 0);
		for (const at of input.keys()) assert.ok(Math.abs(product(at, at) - 1) < 1e-4);
		// Which of them are closest is a matter of the weights; that they are not the same is one of the gateway.
		for (const [a, b] of [[0, 1], [0, 2], [1, 2]]) assert.ok(product(a, b) < 1 - 1e-4, `${a} ${b}: ${product(a, b)}`);
		const receipts = await Promise.all(data.map(({ dllm }) => gateway.ended(dllm.job)));
		assert.ok(receipts.every(({ settled }) => settled));
		const rows = receipts.map(({ receipt }) => parts(receipt, 1).lead.opening.roots.rows);
		assert.equal(rows.reduce((sum, count) => sum + count, 0), usage.prompt_tokens);
		const fees = receipts.reduce((sum, { receipt }) => sum + BigInt(receipt.job.fee), 0n);
		await until('the key has paid', 30, async () => (await gateway.spent('vectors')) === fees);
		const floats = await own.embeddings.create({ model: MODEL, input: input[0], encoding_format: 'float' });
		const apart = floats.data[0].embedding.map((value, at) => Math.abs(value - data[0].embedding[at]));
		assert.ok(Math.max(...apart) < 1e-6);
		await assert.rejects(client.embeddings.create({ model: MODEL, input, dimensions: 8 }), (error) => error.param === 'dimensions');
	});

	it('refuses with the errors that the client knows', async () => {
		const ask = (from, changes = {}) => from.chat.completions.create({ ...FIXED, ...changes });
		await assert.rejects(ask(gateway.client('sk-dllm-wrong')), OpenAI.AuthenticationError);
		await assert.rejects(ask(client, { model: 'gpt-4o' }), OpenAI.NotFoundError);
		await assert.rejects(ask(client, { n: 2 }), (error) => error.status === 400 && error.param === 'n');
		const long = [{ role: 'user', content: 'word '.repeat(3000) }];
		await assert.rejects(ask(client, { messages: long }), (error) => error.code === 'context_length_exceeded');
		const huge = [{ role: 'user', content: 'x'.repeat(2 << 20) }];
		await assert.rejects(ask(client, { messages: huge }), (error) => error.status === 413);
		const poor = gateway.client(await gateway.key('poor', { budget: 1 }));
		await assert.rejects(ask(poor), (error) => error.status === 402 && error.code === 'insufficient_quota');
		assert.equal(await gateway.spent('poor'), 0n);
		const slow = gateway.client(await gateway.key('slow', { rate: 1 }));
		await slow.models.list();
		await ask(slow);
		await assert.rejects(ask(slow), OpenAI.RateLimitError);
	});

	it('has every stage checked of what it tells only once it is verified', async () => {
		const held = await Gateway.start(network, { account: 'Eve', name: 'gateway-held', options: { rerun: true } });
		try {
			const { chat } = held.client(await held.key('acceptance'));
			const { dllm } = await chat.completions.create(FIXED);
			const { job } = await network.rpc('dllm_receipt', dllm.job);
			assert.deepEqual([job.assurance, job.onFailure, job.state.kind], ['full', 'rerun', 'settled']);
			const streamed = await collect(await chat.completions.create({ ...FIXED, stream: true }));
			const other = await network.rpc('dllm_job', streamed.dllm.job);
			assert.deepEqual([other.assurance, other.onFailure], ['standard', 'refund']);
		} finally {
			await held.daemon.stop();
		}
	});

	it('tells within ten seconds who of the workers is gone', async () => {
		const roll = async () => (await fetch(`${gateway.url}/v1/roll`)).json();
		const [gone] = network.workers.filter(({ name }) => name === 'Entry2');
		const all = await roll();
		assert.deepEqual(all.called.toSorted(), network.workers.map(({ address }) => address).toSorted());
		// On a machine that is busy enough a worker that lives may be late for one roll.
		const absent = (...addresses) => async () => {
			const told = (await roll()).absent;
			return told?.length === addresses.length && addresses.every((address) => told.includes(address));
		};
		await until('all answer', 60, absent());
		await gone.daemon.kill();
		await until('the roll tells', 10, async () => (await roll()).absent?.includes(gone.address));
		await until('it tells of nobody else', 60, absent(gone.address));
		gone.start();
		await until('it answers again', 60, absent());
	});

	it('settles for what ran where the client hangs up', async () => {
		// A key of its own: what it has spent is this job, and nothing else.
		const own = gateway.client(await gateway.key('leaver'), { timeout: PATIENCE });
		const ask = { ...FIXED, max_tokens: 400, temperature: 1.5, seed: 5 };
		const { data: stream, response } = await own.chat.completions.create({ ...ask, stream: true }).withResponse();
		let heard = 0;
		for await (const chunk of stream) {
			if (chunk.choices[0].delta.content) heard += 1;
			if (heard === 3) break;
		}
		assert.equal(heard, 3, 'the model ended the reply before the client could leave it');
		const left = () => gateway.figure('dllm_gateway_clients_left_total');
		await until('the gateway sees the client leave', 30, async () => (await left()) === 1);
		const job = Number(response.headers.get('x-dllm-job'));
		const { receipt, settled } = await gateway.ended(job);
		assert.ok(settled, JSON.stringify(receipt.job));
		assert.ok(BigInt(receipt.job.fee) < BigInt(receipt.job.maxPrice) / 2n, 'most of the ceiling came back');
		await until('the key has paid', 30, async () => (await gateway.spent('leaver')) === BigInt(receipt.job.fee));
	});

	it('answers a crowd, by its own or by the client\'s patience', async () => {
		const patient = gateway.client(key, { maxRetries: 30, timeout: 600_000 });
		const ask = (at) => patient.chat.completions.create({ ...FIXED, max_tokens: 4, seed: at });
		const replies = await Promise.all(Array.from({ length: CROWD }, (_, at) => ask(at)));
		const jobs = new Set(replies.map(({ dllm }) => dllm.job));
		assert.equal(jobs.size, CROWD);
		assert.ok(replies.every(({ choices }) => choices[0].message.content.length > 0));
	});

	it('counts to the planck what the chain took, over a restart', async () => {
		const name = 'counted';
		const counted = gateway.client(await gateway.key(name, { budget: TOKEN }));
		const replies = [];
		for (let round = 0; round < 2; round++) replies.push(await counted.chat.completions.create(FIXED));
		// Before the second job is verified: the next process has to ask the chain.
		await gateway.daemon.stop();
		await gateway.run();
		const receipts = await Promise.all(replies.map(({ dllm }) => gateway.ended(dllm.job)));
		const fees = receipts.reduce((sum, { receipt }) => sum + BigInt(receipt.job.fee), 0n);
		assert.ok(fees > 0n);
		await until('the fees are counted', 30, async () => (await gateway.spent(name)) === fees);
	});

	it('finishes what runs before it stops, and refuses what is new', async () => {
		// Told to stop while the job waits for its block, which takes seconds; the reply itself is over in no time.
		const running = client.chat.completions.create({ ...FIXED, stream: true }).then(collect);
		await until('the request runs', 10, async () => (await gateway.figure('dllm_gateway_requests_running')) === 1);
		gateway.daemon.child.kill('SIGTERM');
		await until('the gateway drains', 10, async () => (await fetch(`${gateway.url}/readyz`)).status === 503);
		await assert.rejects(client.chat.completions.create(FIXED), (error) => error.status === 503 && error.code === 'draining');
		const read = await running;
		assert.ok(read.finish && read.text.length > 0);
		assert.equal((await gateway.daemon.exited).code, 0);
	});
});
