// Figures of a whole network, one line each: ID name value unit (goal …) ok|SHORT. Never fails a build.

import { performance } from 'node:perf_hooks';
import { Gateway } from './lib/gateway.mjs';
import { standardNetwork, TOKEN } from './lib/standard.mjs';

const ROUNDS = 5;
const MODEL = 'tiny-chat-nano';
const QUESTION = 'Tell me a story about a fox.';

/** So that no process takes the other processor too. */
const ONE_THREAD = { DLLM_ORT_THREADS: '1' };

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function print(id, name, value, unit, goal, good) {
	console.log(`${id} ${name} ${value} ${unit} (goal ${goal}) ${good ? 'ok' : 'SHORT'}`);
}

/** Bytes of all signed extrinsics of the blocks `from..=to`, or of those to one pallet. */
async function signedBytes(network, from, to, pallet) {
	let bytes = 0;
	for (let number = from; number <= to; number++) {
		const hash = await network.api.rpc.chain.getBlockHash(number);
		const { block } = await network.api.rpc.chain.getBlock(hash);
		const counts = ({ isSigned, method }) => isSigned && (!pallet || method.section === pallet);
		for (const extrinsic of block.extrinsics) if (counts(extrinsic)) bytes += extrinsic.encodedLength;
	}
	return bytes;
}

/** A streamed reply by OpenAI's client: seconds to its first text, and tokens a second after that. */
async function streamed(client) {
	const began = performance.now();
	const stream = await client.chat.completions.create({
		model: MODEL,
		messages: [{ role: 'user', content: QUESTION }],
		temperature: 0,
		max_tokens: 32,
		stream: true,
		stream_options: { include_usage: true },
	});
	let first;
	let last;
	let tokens = 0;
	for await (const chunk of stream) {
		if (chunk.choices[0]?.delta.content) first ??= performance.now();
		if (chunk.choices[0]?.finish_reason) last = performance.now();
		tokens = chunk.usage?.completion_tokens ?? tokens;
	}
	return { first: (first - began) / 1000, rate: (tokens - 1) / ((last - first) / 1000) };
}

/** The report of a sealed prompt of so many tokens. */
async function sealed(network, tokens, env = {}) {
	const args = ['prompt', '--model', network.model, '--account', '//User', '--chain', network.url];
	args.push('--folder', network.modelFolder, '--max-tokens', tokens, '--json', QUESTION);
	return JSON.parse((await network.worker(args, { env })).stdout);
}

/** Time to the first token and to settlement, bytes on chain, and the gateway's figures, in profile f32. */
async function walk(network) {
	const user = network.account('User');
	const seconds = { first: [], settled: [] };
	const sizes = [];
	const verified = [];
	for (let round = 0; round < ROUNDS; round++) {
		const began = performance.now();
		const report = await sealed(network, 32);
		seconds.first.push(report.firstTokenMs / 1000);
		seconds.settled.push((performance.now() - began) / 1000);

		const { job } = await network.submit(user, { model: network.model, text: 'What is 12 + 30?', maxPrice: TOKEN });
		const receipt = await network.ended(job);
		const blocks = [receipt.job.submitted, receipt.job.ended];
		sizes.push(await signedBytes(network, ...blocks));
		verified.push(await signedBytes(network, ...blocks, 'verification'));
	}
	print('A1', 'submit-to-first-token-sealed-median', median(seconds.first).toFixed(2), 's', '≤ 9', median(seconds.first) <= 9);
	print('A2', 'prompt-command-to-settlement-median', median(seconds.settled).toFixed(1), 's', '≤ 30', median(seconds.settled) <= 30);
	print('A3', 'bytes-on-chain-per-public-job', median(sizes), 'B', '≤ 4096', median(sizes) <= 4096);
	// The reply is among them. One transaction a worker and step: nothing is batched.
	print('P7c', 'bytes-on-chain-of-verification-per-checked-job', median(verified), 'B', '≤ 100 once batched', median(verified) <= 100);

	const gateway = await Gateway.start(network);
	const client = gateway.client(await gateway.key('bench'));
	const replies = [];
	for (let round = 0; round < 2 * ROUNDS; round++) replies.push(await streamed(client));
	await gateway.daemon.stop();
	const first = median(replies.map((reply) => reply.first));
	const rate = median(replies.map((reply) => reply.rate));
	print('A4', 'gateway-request-to-first-token-median', first.toFixed(2), 's', '≤ 4.5', first <= 4.5);
	print('A5', 'gateway-tokens-a-second-median', rate.toFixed(1), 'tokens/s', '≥ 20', rate >= 20);
}

/**
 * Decode through the network against the same shards in one process, in profile exact. One thread for every
 * process; the one process runs all layers, without the entry's embedding, head and sampler.
 */
async function decode(network) {
	const rates = [];
	for (let round = 0; round < ROUNDS; round++) rates.push((await sealed(network, 64, ONE_THREAD)).tokensPerSecond);
	const measured = await network.worker(['bench', network.modelFolder, '--json'], { env: ONE_THREAD });
	const [{ decodeTokensPerSecond: alone }] = JSON.parse(measured.stdout).models;
	const through = median(rates);
	const part = through / alone;
	print('A6', 'sealed-prompt-tokens-a-second-exact-median', through.toFixed(1), 'tokens/s', '≥ 20', through >= 20);
	print('A7', 'one-process-tokens-a-second-exact', alone.toFixed(1), 'tokens/s', 'none', true);
	print('A7.ratio', 'network-over-one-process-exact', part.toFixed(3), 'ratio', 'none', true);
}

for (const [name, profile, measure] of [['bench', 'f32', walk], ['bench-exact', 'exact', decode]]) {
	const network = await standardNetwork(name, { model: MODEL, profile });
	try {
		await measure(network);
	} finally {
		await network.stop();
	}
}
process.exit(0);
