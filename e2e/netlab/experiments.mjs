// What is measured: this machine, transport under loss, the patent's weak networks, and placements on drawn
// topologies.

import { binary, run } from '../lib/processes.mjs';
import { mean, median, quantile } from './figures.mjs';
import { LAYERS } from './model.mjs';
import { MACHINES, measuredOptions, NEW_TOKENS, planned, uniform } from './swarm.mjs';

/** Links that cost nothing but what software takes. */
const PERFECT = { rttMs: 0, mbitPerSecond: 10_000 };

/** Tokens of a reply whose percentiles are asked for. */
const LONG = 128;

const ms = (value) => `${value.toFixed(1)} ms`;

/** Layers in equal parts on the first machines. */
function spread(count) {
	const part = LAYERS / count;
	return MACHINES.slice(0, count).map((host, at) => ({ host, start: at * part, end: (at + 1) * part }));
}

/**
 * Waits for replies on a slot. Answers a function that waits until they are settled, while others are measured, and
 * tells the milliseconds from token to token.
 */
async function gaps(swarm, slot, tokens, replies = 1) {
	const reports = [];
	for (let reply = 0; reply < replies; reply++) reports.push((await swarm.prompt(slot, tokens)).report);
	return async () => (await Promise.all(reports)).flatMap(({ tokenMs }) => tokenMs);
}

/** What a layer, a hop and the entry take on this machine, in milliseconds. */
export async function calibrate(swarm, say) {
	await swarm.load(swarm.write('perfect', uniform(PERFECT)));
	const { stdout } = await run(...swarm.grouped('dllm-worker', ['bench', swarm.slots[0].shards, '--json']), { env: { DLLM_ORT_THREADS: '1' } });
	const [speed] = JSON.parse(stdout).models;
	const [layerMs, rowMs] = [speed.decodeTokensPerSecond, speed.prefillTokensPerSecond].map((rate) => 1000 / rate / LAYERS);
	await swarm.place([spread(1), spread(6)]);
	const times = [];
	for (const slot of [0, 1]) times.push(median(await (await gaps(swarm, slot, NEW_TOKENS, 2))()));
	const hopMs = Math.max(0, (times[1] - times[0]) / 5);
	const entryMs = Math.max(0, times[0] - LAYERS * layerMs - 2 * hopMs);
	const measured = { layerMs, rowMs, hopMs, entryMs };
	const figures = Object.entries(measured).map(([name, ms]) => `${name} ${ms.toFixed(3)}`);
	say(`this machine: ${figures.join(', ')}; a token takes ${times.map((ms) => ms.toFixed(1)).join(' ms on one machine, ')} ms on six`);
	return measured;
}

/** Percentiles of the time of a token, with hosts 50 ms apart, with and without loss. */
export async function lossy(swarm, say, quick) {
	const rings = quick ? [4] : [4, 2];
	await swarm.place(rings.map(spread));
	const seen = [];
	for (const loss of [0, 0.01]) {
		const file = swarm.write('lossy', uniform({ rttMs: 50, loss, mbitPerSecond: 100 }));
		for (const [slot, machines] of rings.entries()) {
			await swarm.load(file);
			const times = await (await gaps(swarm, slot, LONG, quick ? 1 : 3))();
			const { carried, lost } = await swarm.load(file);
			const [p50, p95, p99] = [0.5, 0.95, 0.99].map((part) => quantile(times, part));
			seen.push({ machines, loss, tokens: times.length, mean: mean(times), p50, p95, p99, carried, lost });
			say(`loss ${loss * 100} %, ${machines} machines: p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}; ${lost} of ${carried + lost} packets lost`);
		}
	}
	return seen;
}

/** The patent's weak networks: four workers and one model, against one machine that holds all of it. */
export async function patent(swarm, say, measured, quick) {
	const losses = quick ? [0, 0.1] : [0, 0.01, 0.02, 0.05, 0.1];
	const networks = [
		['10 ms, 100 Mbit/s', { rttMs: 10, mbitPerSecond: 100 }],
		['10 ms, 2 Mbit/s', { rttMs: 10, mbitPerSecond: 2 }],
		...losses.map((loss) => [`20 ms, ${loss * 100} % loss`, { rttMs: 20, loss, mbitPerSecond: 50 }]),
		['100 ± 20 ms one way', { rttMs: 200, jitterMs: 40, mbitPerSecond: 50 }],
	];
	const placements = [spread(4), spread(1)];
	await swarm.place(placements);
	const begun = [];
	for (const [name, figures] of networks) {
		const file = swarm.write('patent', uniform(figures));
		await swarm.load(file);
		const times = [await gaps(swarm, 0, NEW_TOKENS), await gaps(swarm, 1, NEW_TOKENS)];
		begun.push({ name, times, predicted: await predictions(file, placements, measured) });
	}
	const seen = [];
	for (const { name, times, predicted } of begun) {
		const [four, alone] = [mean(await times[0]()), mean(await times[1]())];
		seen.push({ name, four, alone, predicted });
		say(`${name}: ${ms(four)} a token on four machines (predicted ${ms(predicted[0])}), ${ms(alone)} on one (${ms(predicted[1])})`);
	}
	return seen;
}

/**
 * Placements by every method on topologies drawn from seeds 1, 2, …: what each predicts, and what is measured. After
 * `until` none is begun.
 */
export async function random(swarm, say, measured, { topologies, until }) {
	const begun = [];
	for (let seed = 1; seed <= topologies && Date.now() < until; seed++) {
		const { stdout } = await run(binary('dllm-netlab'), ['draw', seed, ...measuredOptions(measured)].map(String));
		const file = swarm.write(`drawn-${seed}`, stdout);
		const methods = await planned(file, measured);
		// Methods that agree are measured once.
		const placements = [...new Set(Object.values(methods).map(({ segments }) => JSON.stringify(segments)))];
		await swarm.place(placements.map((text) => JSON.parse(text)));
		await swarm.load(file);
		const times = [];
		for (const slot of placements.keys()) times.push(await gaps(swarm, slot, NEW_TOKENS));
		say(`topology ${seed}: ${placements.length} placements run`);
		begun.push({ seed, methods, placements, times });
	}
	const seen = [];
	for (const { seed, methods, placements, times } of begun) {
		const figures = await Promise.all(times.map(async (settled) => mean(await settled())));
		const result = Object.entries(methods).map(([name, { segments, predictedMs }]) => {
			const at = placements.indexOf(JSON.stringify(segments));
			return [name, { segments, predictedMs, measuredMs: figures[at] }];
		});
		seen.push({ seed, methods: Object.fromEntries(result) });
		say(`topology ${seed}: ${result.map(([name, { predictedMs, measuredMs }]) => `${name} ${ms(measuredMs)} (${ms(predictedMs)})`).join(', ')}`);
	}
	return seen;
}

/** Milliseconds that a token should take on placements. */
async function predictions(file, placements, measured) {
	const args = ['predict', file, JSON.stringify(placements), ...measuredOptions(measured)];
	return JSON.parse((await run(binary('dllm-netlab'), args)).stdout);
}
