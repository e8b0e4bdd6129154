// Finalised blocks in their order, each exactly once, and what BABE wrote into their headers.

/** Engine of BABE, as digests name it. */
const BABE = 'BABE';

/** What the author of a block claimed: its place among the authorities, and the slot. */
export function claimOf(header) {
	const item = header.digest.logs.find((log) => log.isPreRuntime && log.asPreRuntime[0].toUtf8() === BABE);
	// One byte for primary or secondary, the place as u32, the slot as u64, all little-endian.
	const bytes = item.asPreRuntime[1].toU8a(true);
	const view = new DataView(bytes.buffer, bytes.byteOffset);
	return { primary: bytes[0] === 1, place: view.getUint32(1, true), slot: Number(view.getBigUint64(5, true)) };
}

/** Follows finality of a network and tells `visit` of every block. */
export class FinalisedBlocks {
	/**
	 * Starts with the first block. `visit` is awaited for each `{ number, hash, header, finalisedAt }`, with
	 * `finalisedAt` in milliseconds since 1970: when this process heard of it. Whatever goes wrong is
	 * thrown by `check` and `stop`.
	 */
	static async start(network, visit) {
		const blocks = new FinalisedBlocks();
		Object.assign(blocks, { network, visit, number: 0, heads: [], walking: Promise.resolve() });
		blocks.unsubscribe = await network.api.rpc.chain.subscribeFinalizedHeads((head) => blocks.#hear(head));
		return blocks;
	}

	#hear(head) {
		const finalisedAt = Date.now();
		this.walking = this.walking
			.then(() => this.#walk(head.number.toNumber(), finalisedAt))
			.catch((error) => (this.failure ??= error));
	}

	async #walk(to, finalisedAt) {
		const { chain } = this.network.api.rpc;
		while (this.number < to && !this.failure) {
			const number = this.number + 1;
			const hash = (await chain.getBlockHash(number)).toHex();
			await this.visit({ number, hash, header: await chain.getHeader(hash), finalisedAt });
			this.number = number;
		}
	}

	/** Throws what went wrong so far. */
	check() {
		if (this.failure) throw this.failure;
	}

	/** Stops after the blocks that are known. */
	async stop() {
		this.unsubscribe();
		await this.walking;
		this.check();
	}
}
