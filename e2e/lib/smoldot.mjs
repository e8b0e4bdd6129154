// A light client as a process: `node smoldot.mjs SPECIFICATION BOOTNODE` writes the headers that it holds to be
// final to standard output, one JSON a line, and its log to standard error.

import { readFileSync } from 'node:fs';
import { start } from 'smoldot';

/** Warnings and errors. */
const LOUD = 2;

const [specification, bootnode] = process.argv.slice(2);
const client = start({ maxLogLevel: LOUD, logCallback: (level, target, message) => console.error(`${target}: ${message}`) });
const chainSpec = JSON.stringify({ ...JSON.parse(readFileSync(specification, 'utf8')), bootNodes: [bootnode] });
const chain = await client.addChain({ chainSpec });
chain.sendJsonRpc(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'chain_subscribeFinalizedHeads', params: [] }));
for (;;) {
	const message = JSON.parse(await chain.nextJsonRpcResponse());
	if (message.error) throw new Error(`the light client answers ${JSON.stringify(message.error)}`);
	if (message.method === 'chain_finalizedHead') console.log(JSON.stringify(message.params.result));
}
