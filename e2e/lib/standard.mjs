// The network that most acceptance tests start from: two validators, a model, four miners of four
// operators (two segments × two replicas) and two entries.

import path from 'node:path';
import { Network } from './network.mjs';
import { REPOSITORY } from './processes.mjs';

/** Runs a program as on an x86 processor of 2008, before AVX: of another numerics class than any of today. */
export const NEHALEM = ['qemu-x86_64', '-cpu', 'Nehalem'];
/** One token of the chain, in planck. */
export const TOKEN = 10n ** 12n;

/**
 * Starts the network of test `name` and waits until its pipeline is live. `profile` is the numeric profile of
 * the model's shards, `slots` how many jobs its pipeline runs at once. `starts` says, by worker name,
 * how to start a worker that is not an ordinary one; `prices` what it asks, if not the usual price.
 */
export async function standardNetwork(name, { model = 'fixture-tied', profile = 'f32', slots = 2, starts = {}, prices = {} } = {}) {
	const folder = path.join(REPOSITORY, '.demo', 'e2e', name);
	const network = await Network.start({ folder });
	try {
		network.modelFolder = await network.shards(model, profile);
		const models = [network.modelFolder];
		const workers = [
			...[1, 2, 3, 4].map((n) => [`Miner${n}`, { roles: ['miner', 'verifier'], models }]),
			...[1, 2].map((n) => [`Entry${n}`, { roles: ['entry', 'verifier'], models }]),
		];
		await Promise.all(workers.map(([worker, options]) => network.addWorker(worker, { ...options, price: prices[worker] }, starts[worker])));
		network.model = await network.offerModel(network.modelFolder);
		network.pipeline = await network.offerPipeline(network.model, 2, { slots });
		return network;
	} catch (error) {
		await network.stop();
		throw error;
	}
}

/** The worker process of an account. */
export function workerOf(network, address) {
	return network.workers.find((worker) => worker.address === address);
}

/** The participants of a receipt's stage, by part. */
export function parts(receipt, stage) {
	const { participants } = receipt.stages.find((one) => one.stage === stage);
	return Object.fromEntries(participants.map((participant) => [participant.part, participant]));
}
