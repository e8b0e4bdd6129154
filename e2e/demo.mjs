// The demo: a network of real processes on this machine, one sealed and one public prompt, and what the
// chain made of them. `--once` ends after the prompts; any step that fails ends it with an error.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { Network } from './lib/network.mjs';
import { binary, REPOSITORY, run } from './lib/processes.mjs';

const once = process.argv.includes('--once');
const RPC_PORT = 9944;
const PROFILE = process.env.DLLM_PROFILE ?? 'exact';
const QUESTION = process.env.DLLM_PROMPT ?? 'What is the capital of France?';

const began = Date.now();
const say = (text) => console.log(`[${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s] ${text}`);

/** The trained model where there is one, else a fixture with random weights. */
function chooseModel() {
	for (const name of ['tiny-chat-v2', 'tiny-chat-v1', 'tiny-chat-nano']) {
		if (existsSync(path.join(REPOSITORY, 'models', name, 'model.safetensors'))) {
			say(`model: ${name} (trained)`);
			return name;
		}
	}
	say('model: fixture-tied (random weights: the reply will be gibberish)');
	return 'fixture-tied';
}

async function main() {
	const folder = path.join(REPOSITORY, '.demo', 'network');
	const model = chooseModel();
	const network = await Network.start({ folder, rpcPort: RPC_PORT, say });

	say(`splitting the model into shards, profile ${PROFILE}`);
	const shards = await network.shards(model, PROFILE);
	say('registering four miners (four operators) and two entries, each with its own account and bond');
	const miner = { roles: ['miner', 'verifier'], models: [shards] };
	const entry = { roles: ['entry', 'verifier'], models: [shards] };
	await Promise.all([
		...[1, 2, 3, 4].map((n) => network.addWorker(`Miner${n}`, miner)),
		...[1, 2].map((n) => network.addWorker(`Entry${n}`, entry)),
	]);
	for (const { name, address } of network.workers) console.log(`           ${name}  ${address}`);
	say('registering and activating the model');
	const id = await network.offerModel(shards);
	say('placing its layers: two segments × two replicas');
	const pipeline = await network.offerPipeline(id);
	say(`pipeline ${pipeline.id} is live`);

	const user = ['--model', id, '--account', '//User', '--chain', network.url];
	const ask = (command, ...extra) => {
		const args = [command, ...user, ...extra, '--log', 'warn', '--max-tokens', '48', QUESTION];
		return run(binary('dllm-worker'), args.map(String), { inherit: true });
	};
	say(`a sealed prompt: the tokens stay with the user, the reply streams\n\n> ${QUESTION}\n`);
	await ask('prompt');
	console.log();
	say(`the same prompt in public, as polkadot.js would send it: an entry serves it\n\n> ${QUESTION}\n`);
	await ask('pay');
	console.log();
	network.checkAlive(...network.workers, ...network.validators);

	if (once) {
		await network.stop();
		say('done');
		return;
	}
	say('the network stays up; Ctrl-C ends it');
	console.log(`
  polkadot.js Apps    https://polkadot.js.org/apps/?rpc=${encodeURIComponent(network.url)}#/extrinsics
                      call jobs.submit, from an account with funds such as //User
  another prompt      ${path.relative(process.cwd(), binary('dllm-worker'))} prompt --model ${id} --account //User \\
                        --chain ${network.url} --folder ${path.relative(process.cwd(), shards)} "What is 12 + 30?"
  logs                ${path.relative(process.cwd(), folder)}/*/*.log
`);
	await new Promise(() => setInterval(() => network.checkAlive(...network.workers, ...network.validators), 5000));
}

main().then(
	() => process.exit(0),
	(error) => {
		say(`failed: ${error.message}`);
		process.exit(1);
	},
);
