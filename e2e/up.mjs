// `make up` and `make down`: the network of docker/topology.json as processes that stay. Another topology
// with --topology FILE, another folder with --folder DIR.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Devnet, TOPOLOGY } from './lib/devnet.mjs';
import { REPOSITORY } from './lib/processes.mjs';

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		topology: { type: 'string', default: TOPOLOGY },
		folder: { type: 'string', default: path.join(REPOSITORY, '.demo', 'devnet') },
	},
});
const topology = JSON.parse(readFileSync(values.topology, 'utf8'));
const network = new Devnet({ topology, folder: path.resolve(values.folder), say: (text) => console.log(text) });

const commands = {
	async up() {
		const { model, shards, key } = await network.up();
		const rows = topology.validators.map(({ name, rpc, metrics }) => `  ${name.padEnd(10)} ws://127.0.0.1:${rpc}   metrics :${metrics}`);
		rows.push(...topology.workers.map(({ name, metrics }) => `  ${name.padEnd(10)} metrics :${metrics}`));
		rows.push(`  ${topology.gateway.name.padEnd(10)} ${network.gateway}   web page, /v1, /metrics`);
		console.log(`up, in ${values.folder}:\n${rows.join('\n')}`);
		if (network.running().includes('prometheus')) console.log(`  prometheus http://127.0.0.1:${topology.prometheus}`);
		console.log(`\n  dllm-worker prompt --account //User --chain ${network.url} --model ${model} --folder ${shards} "Hello!"`);
		console.log(`\n  export OPENAI_BASE_URL=${network.gateway}/v1 OPENAI_API_KEY=${key}`);
	},
	async down() {
		await network.down();
		console.log('down; the chain and the keys stay for the next `make up`');
	},
	async status() {
		console.log(network.running().join('\n') || 'nothing runs');
	},
};

const command = commands[positionals[0]];
if (!command) {
	console.error('use: node e2e/up.mjs up | down | status [--topology FILE] [--folder DIR]');
	process.exit(2);
}
command().then(
	() => process.exit(0),
	(error) => {
		console.error(`failed: ${error.message}`);
		process.exit(1);
	},
);
