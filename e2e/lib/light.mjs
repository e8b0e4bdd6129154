// A light client, smoldot, in this process: it reads the specification, speaks to nodes as any light client
// does, and verifies headers, weights of authors and finality by itself.

import { readFileSync } from 'node:fs';
import { start } from 'smoldot';

/** Lines of its log that are kept for error messages. */
const KEPT = 30;
/** Warnings and errors. */
const LOUD = 2;

/** A light client of one chain. */
export class LightClient {
	/** Starts one on a raw specification, with one node to begin with, and follows finality. */
	static async start(specification, bootnode) {
		const light = new LightClient();
		Object.assign(light, { heads: [], log: [] });
		const logCallback = (level, target, message) => {
			light.log = [...light.log, `${target}: ${message}`].slice(-KEPT);
		};
		light.client = start({ maxLogLevel: LOUD, logCallback });
		const spec = { ...JSON.parse(readFileSync(specification, 'utf8')), bootNodes: [bootnode] };
		light.chain = await light.client.addChain({ chainSpec: JSON.stringify(spec) });
		light.chain.sendJsonRpc(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'chain_subscribeFinalizedHeads', params: [] }));
		light.#read().catch((error) => (light.failure = error));
		return light;
	}

	/** Gathers, in `heads`, the headers that it holds to be final, oldest first, as JSON-RPC writes them. */
	async #read() {
		for (;;) {
			const message = JSON.parse(await this.chain.nextJsonRpcResponse());
			if (message.error) throw new Error(`the light client answers ${JSON.stringify(message.error)}`);
			if (message.method === 'chain_finalizedHead') this.heads.push(message.params.result);
		}
	}

	/** Number of the last block that it holds to be final. */
	get finalised() {
		return this.heads.length > 0 ? Number(this.heads.at(-1).number) : 0;
	}

	/** Throws where it has given up, with the end of its log. */
	check() {
		if (this.failure) throw new Error(`${this.failure.message}\n${this.log.join('\n')}`);
	}

	/** Ends it. */
	stop() {
		return this.client.terminate();
	}
}
