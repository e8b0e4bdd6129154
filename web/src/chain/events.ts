// What blocks say happened to jobs: the events of the pallets `jobs` and `verification`, and with a move in a
// dispute the move itself, which the event does not repeat.

import type { EventRecord, SignedBlock } from '@polkadot/types/interfaces';
import type { Connection } from './connection';

/** Blocks that are read for one job at most; a usual one takes ten, a disputed one some thirty. */
export const BLOCKS_READ = 200;
/** Blocks that are kept: those of a few jobs. */
const KEPT = 1_000;

/** An event of a job. */
export interface Happening {
	block: number;
	/** Pallet and event: `jobs.Settled`. */
	name: string;
	/** Its fields, and under `made` the move of a `verification.DisputeMoved`. */
	data: Record<string, unknown>;
}

/** By hash of the block: a fork has other hashes. */
const blocks = new Map<string, Happening[]>();

/** Events of the jobs of the blocks `from` to `to`, in order; nothing where the node dropped the state of one. */
export async function readHappenings(chain: Connection, from: number, to: number): Promise<Happening[] | undefined> {
	try {
		const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
		return (await Promise.all(numbers.map((number) => ofBlock(chain, number)))).flat();
	} catch (error) {
		if (/discarded|pruned|unknown ?block/i.test((error as Error).message)) return undefined;
		throw error;
	}
}

async function ofBlock({ api }: Connection, number: number): Promise<Happening[]> {
	const hash = (await api.rpc.chain.getBlockHash(number)).toHex();
	const held = blocks.get(hash);
	if (held) return held;
	const records = (await (await api.at(hash)).query.system!.events!()) as unknown as EventRecord[];
	const told = [...records].filter(({ event: { section } }) => section === 'jobs' || section === 'verification');
	const argued = told.some(({ event }) => event.method === 'DisputeMoved');
	const body = argued ? ((await api.rpc.chain.getBlock(hash)) as SignedBlock) : undefined;
	const happenings = told.map((record) => happening(number, record, body));
	if (blocks.size >= KEPT) blocks.clear();
	blocks.set(hash, happenings);
	return happenings;
}

function happening(block: number, { event, phase }: EventRecord, body?: SignedBlock): Happening {
	const names = event.data.names ?? [];
	const data = Object.fromEntries(event.data.map((field, at) => [names[at] ?? String(at), field.toJSON()] as [string, unknown]));
	if (event.method === 'DisputeMoved' && body && phase.isApplyExtrinsic) {
		const call = body.block.extrinsics[phase.asApplyExtrinsic.toNumber()]?.method;
		// Within another call, like a batch, the move is not looked for.
		if (call?.section === 'verification' && call.method === 'dispute') data.made = call.args[2]?.toJSON();
	}
	return { block, name: `${event.section}.${event.method}`, data };
}
