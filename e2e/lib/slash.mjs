// What a conviction took of a bond and who got it, as the chain's events tell, and what the stage was worth.

import { eventsBetween } from './record.mjs';

/** Operations in one GFLOP, the unit of prices. */
const GFLOP = 10n ** 9n;

/** What the end of a job took of a worker's bond: `{ amount, toUser, toConvictors, burned }`, in planck; nothing where it was not slashed. */
export async function slashOf(network, { job }, worker) {
	const events = await eventsBetween(network, job.ended, job.ended);
	const slashed = events.find(({ section, method, data }) => section === 'miners' && method === 'Slashed' && data.worker.toString() === worker);
	const parts = ['amount', 'toUser', 'toConvictors', 'burned'];
	return slashed && Object.fromEntries(parts.map((part) => [part, slashed.data[part].toBigInt()]));
}

/** What the lead of a pipeline's segment would earn for as many rows as a job may have, in planck. */
export async function worth(network, { job }, { layers, price }) {
	const { rowsCeiling } = (await network.api.query.jobs.jobs(job.id)).unwrap();
	const model = (await network.rpc('dllm_models')).find(({ id }) => id === job.model);
	const executed = model.layers.slice(layers.start, layers.end);
	const operations = executed.reduce((sum, { flopsPerToken }) => sum + BigInt(flopsPerToken), 0n);
	return BigInt(price) * operations * rowsCeiling.toBigInt() / GFLOP;
}
