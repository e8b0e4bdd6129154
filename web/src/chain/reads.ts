// What the pages ask of a node. Every function answers for the best block.

import type { Connection } from './connection';
import { BLOCKS_READ, readHappenings, type Happening } from './events';
import { promptBytes, TEMPLATE_TOKENS } from './prompt';
import type { Job, Links, Model, Pipeline, Poaw, Quote, Receipt, Worker } from './views';

/** Receipts and jobs that can change no more, by chain and number: asked for once. */
const ended = new Map<string, unknown>();

export function readModels(chain: Connection): Promise<Model[]> {
	return chain.rpc('dllm_models');
}

/** Pipelines of every model that takes prompts, or of one model. */
export async function readPipelines(chain: Connection, model?: number): Promise<Pipeline[]> {
	if (model !== undefined) return chain.rpc('dllm_pipelines', model);
	const models = await readModels(chain);
	const lists = await Promise.all(models.map(({ id }) => chain.rpc<Pipeline[]>('dllm_pipelines', id)));
	return lists.flat();
}

/** Every worker of the pool. */
export async function readWorkers(chain: Connection): Promise<Worker[]> {
	const workers = chain.api.call.dllmApi?.workers;
	if (!workers) throw new Error('this node is not of a DLLM chain; choose another one in the settings');
	return ((await workers()).toJSON() as unknown as RawWorker[]).map(worker);
}

type RawWorker = Omit<Worker, 'bond' | 'price' | 'memory' | 'state'> & { bond: string | number; price: string | number; memory: string | number; state: string };

function worker(raw: RawWorker): Worker {
	return { ...raw, bond: BigInt(raw.bond), price: BigInt(raw.price), memory: Number(raw.memory) };
}

/** Links between workers as these measured them of late. */
export function readLinks(chain: Connection): Promise<Links> {
	return chain.rpc('dllm_links');
}

/** Lowest fee in planck for a prompt, counted a token a byte; `ownEntry` where the payer makes the tokens. */
export async function readQuote(chain: Connection, model: number, prompt: string, maxTokens: number, ownEntry: boolean): Promise<bigint> {
	const tokens = promptBytes(prompt) + TEMPLATE_TOKENS;
	const quote = await chain.rpc<Quote>('dllm_quote', model, tokens, maxTokens, ownEntry);
	return BigInt(quote.fee);
}

/** Number that the next job will have. */
export async function nextJob(chain: Connection): Promise<number> {
	const next = chain.api.query.jobs?.nextJob;
	if (!next) throw new Error('this node is not of a DLLM chain; choose another one in the settings');
	return Number((await next()).toString());
}

export function readJob(chain: Connection, id: number): Promise<Job> {
	return onceEnded(chain, 'job', id, () => chain.rpc<Job>('dllm_job', id), (job) => job);
}

export function readReceipt(chain: Connection, id: number): Promise<Receipt> {
	return onceEnded(chain, 'receipt', id, () => chain.rpc<Receipt>('dllm_receipt', id), ({ job }) => job);
}

/** What happened to a job, in the order of the chain; nothing where the node no longer holds all of it. */
export async function readCourse(chain: Connection, id: number): Promise<Happening[] | undefined> {
	const view = await onceEnded(chain, 'course', id, async () => {
		const job = await readJob(chain, id);
		const last = job.ended ?? chain.state().best;
		const readable = last - job.submitted < BLOCKS_READ;
		return { job, course: readable ? await readHappenings(chain, job.submitted, last) : undefined };
	}, ({ job }) => job);
	return view.course?.filter(({ data }) => Number(data.job) === id);
}

/** Blocks after which an ended job is taken for settled for good: finality is a few blocks behind. */
const FORK_DEPTH = 12;

async function onceEnded<T>(chain: Connection, kind: string, id: number, read: () => Promise<T>, job: (view: T) => Job): Promise<T> {
	const key = `${chain.url} ${chain.api.genesisHash.toHex()} ${kind} ${id}`;
	const held = ended.get(key);
	if (held) return held as T;
	const view = await read();
	const { ended: end } = job(view);
	if (end !== null && chain.state().finalized >= end && chain.state().best - end > FORK_DEPTH) ended.set(key, view);
	return view;
}

/** The latest jobs whose records stand, the newest first, `limit` at most. */
export async function readJobs(chain: Connection, limit: number): Promise<Job[]> {
	return existing(await latest(chain, limit), (id) => readJob(chain, id));
}

/** The receipts of the latest jobs, the newest first, `limit` at most. */
export async function readReceipts(chain: Connection, limit: number): Promise<Receipt[]> {
	return existing(await latest(chain, limit), (id) => readReceipt(chain, id));
}

async function latest(chain: Connection, limit: number): Promise<number[]> {
	const next = await nextJob(chain);
	return Array.from({ length: Math.min(limit, next) }, (_, index) => next - 1 - index);
}

/** Code with which `dllm_*` says that a job is pruned or was never there. */
const UNKNOWN_JOB = 12_001;

async function existing<T>(ids: number[], read: (id: number) => Promise<T>): Promise<T[]> {
	const views = await Promise.all(
		ids.map((id) =>
			read(id).catch((error: Error & { code?: number }) => {
				if (error.code === UNKNOWN_JOB) return undefined;
				throw error;
			}),
		),
	);
	return views.filter((view) => view !== undefined) as T[];
}

/** The text of a public prompt; nothing for a sealed one. */
export async function readPrompt(chain: Connection, id: number): Promise<string | undefined> {
	const request = await chain.api.query.jobs!.requests!(id);
	const stored = request.toHuman() as { body?: { Inline?: string } } | null;
	const inline = stored?.body?.Inline;
	if (inline === undefined) return undefined;
	return inline.startsWith('0x') ? new TextDecoder().decode(hexBytes(inline)) : inline;
}

function hexBytes(hex: string): Uint8Array {
	return Uint8Array.from(hex.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Weights by AI work; nothing where the node does not offer them. */
export async function readPoaw(chain: Connection): Promise<Poaw | undefined> {
	if (!chain.api.query.poaw) return undefined;
	return chain.rpc<Poaw>('dllm_poaw');
}

/** Free balance in planck that can be spent, and what is on hold. */
export async function readBalance(chain: Connection, address: string): Promise<{ free: bigint; held: bigint }> {
	const account = (await chain.api.query.system!.account!(address)) as unknown as {
		data: { free: { toBigInt(): bigint }; reserved: { toBigInt(): bigint } };
	};
	return { free: account.data.free.toBigInt(), held: account.data.reserved.toBigInt() };
}
