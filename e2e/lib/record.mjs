// What finalised blocks held: who authored each, with which weights, and every event.

import { claimOf, FinalisedBlocks } from './blocks.mjs';

/** All events of the blocks `from` to `to`, in their order. */
export async function eventsBetween({ api }, from, to) {
	const events = [];
	for (let number = from; number <= to; number++) {
		const at = await api.at(await api.rpc.chain.getBlockHash(number));
		events.push(...(await at.query.system.events()).map(({ event }) => event));
	}
	return events;
}

/** All that each account has at a block, free or not, in planck. */
export async function totalsAt({ api }, hash) {
	const accounts = await (await api.at(hash)).query.system.account.entries();
	return new Map(accounts.map(([key, { data }]) => [key.args[0].toString(), data.free.toBigInt() + data.reserved.toBigInt()]));
}

/** A record of a network from the first block on. */
export class Record {
	/** Starts it. */
	static async start(network) {
		const record = new Record();
		Object.assign(record, { network, blocks: [] });
		record.following = await FinalisedBlocks.start(network, (block) => record.#visit(block));
		return record;
	}

	async #visit({ number, hash, header }) {
		const { place } = claimOf(header);
		const { currentAuthors: authors, session } = await this.network.rpc('dllm_poaw', hash);
		const events = await (await this.network.api.at(hash)).query.system.events();
		this.blocks.push({ number, hash, session, authors, author: authors[place].account, events: events.map(({ event }) => event) });
	}

	/** Throws where it could not go on. */
	check() {
		this.following.check();
	}

	/** A block by its number. */
	block(number) {
		return this.blocks[number - 1];
	}

	/** The first event of a name, with the `number` of its block. */
	find(section, method) {
		for (const { number, events } of this.blocks) {
			const event = events.find((one) => one.section === section && one.method === method);
			if (event) return { number, data: event.data };
		}
		return undefined;
	}

	/** Sum of a field of all events of a name in the blocks `from` to `to`, in planck. */
	sum(section, method, field, from, to) {
		const events = this.blocks.slice(from - 1, to).flatMap((block) => block.events);
		const named = events.filter((event) => event.section === section && event.method === method);
		return named.reduce((sum, { data }) => sum + data[field].toBigInt(), 0n);
	}
}
