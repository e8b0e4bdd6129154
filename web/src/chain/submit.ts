// Pays for a public prompt from a wallet: `jobs.submit`, then the number of the job. The job is looked for on
// chain as well as in the wallet's own transaction, so a node that restarts in between loses nothing.

import type { EventRecord } from '@polkadot/types/interfaces';
import type { Payer } from '../wallet/injected';
import type { Connection } from './connection';
import { nextJob, readJob, readPrompt } from './reads';
import { send, SendError, type Step } from './send';

/** Blocks from submission to deadline: an ordinary job takes four or five. */
const DEADLINE_BLOCKS = 20;
/** Blocks after which a transaction that is in none has expired: the era of 64 blocks that wallets sign. */
const EXPIRY_BLOCKS = 70;

export interface Order {
	model: number;
	prompt: string;
	maxTokens: number;
	/** Thousandths; 0 is greedy. */
	temperatureMilli: number;
	/** Planck at most. */
	maxPrice: bigint;
}

/**
 * Submits an order; done once its job has a number. `known` gets that number, and another one where a fork
 * gives the job another one.
 */
export async function submit(chain: Connection, order: Order, payer: Payer, step: (step: Step) => void, known: (job: number) => void): Promise<void> {
	const first = await nextJob(chain);
	const limits = { maxTokens: order.maxTokens, temperatureMilli: order.temperatureMilli, topPMilli: 1000, seed: seed(order), stop: [] };
	const bytes = Array.from(new TextEncoder().encode(order.prompt));
	const call = chain.api.tx.jobs!.submit!(order.model, { Inline: bytes }, limits, order.maxPrice, DEADLINE_BLOCKS, 'Standard');
	const search = new AbortController();
	return new Promise<void>((resolve, reject) => {
		const told = (now: Step) => {
			step(now);
			if (now === 'sent') searchFor(chain, order, payer.address, first, search.signal).then(known).then(resolve, reject);
		};
		send(chain, call, payer, told, (events) => known(submitted(events))).then(resolve, reject);
	}).finally(() => search.abort());
}

/** The number that the chain gave the job. */
function submitted(events: EventRecord[]): number {
	const found = events.find(({ event: { section, method } }) => section === 'jobs' && method === 'Submitted');
	if (!found) throw new SendError('The block holds the transaction, but no job. Look at the list of jobs.', true);
	return Number(found.event.data[0]!.toString());
}

/** Looks for the job at every new block. */
function searchFor(chain: Connection, order: Order, client: string, first: number, signal: AbortSignal): Promise<number> {
	return new Promise((resolve, reject) => {
		const began = chain.state().best;
		let looked = began;
		const stop = chain.subscribe(() => {
			const { best, status } = chain.state();
			if (status !== 'ready' || best <= looked) return;
			looked = best;
			if (best - began > EXPIRY_BLOCKS) {
				stop();
				reject(new SendError('The transaction expired in no block. Nothing was charged.', false));
			}
			void find(chain, order, client, first).then(
				(job) => {
					if (job === undefined) return;
					stop();
					resolve(job);
				},
				// The next block asks again.
				() => undefined,
			);
		});
		signal.addEventListener('abort', stop);
	});
}

async function find(chain: Connection, order: Order, client: string, first: number): Promise<number | undefined> {
	const next = await nextJob(chain);
	for (let id = first; id < next; id += 1) {
		const job = await readJob(chain, id);
		const same = job.client === client && job.model === order.model && BigInt(job.maxPrice) === order.maxPrice;
		if (same && (await readPrompt(chain, id)) === order.prompt) return id;
	}
	return undefined;
}

/** A fresh seed where the reply is sampled; the greedy reply needs none. */
function seed({ temperatureMilli }: Order): number {
	return temperatureMilli === 0 ? 0 : crypto.getRandomValues(new Uint32Array(1))[0]!;
}
