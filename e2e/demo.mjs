// The demo: a network of real processes on this machine, one sealed and one public prompt, and what the
// chain made of them. `--once` ends after the prompts. It ends with an error unless everything that it is
// to show has happened: each job's finalised record is checked, not only printed.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { Network } from './lib/network.mjs';
import { binary, REPOSITORY } from './lib/processes.mjs';
import { dllm, expectSettled, linesOf } from './lib/receipt.mjs';
import { creditOf, linkWorkers, weightsLine } from './lib/work.mjs';

const once = process.argv.includes('--once');
/** Where polkadot.js Apps and the commands of the documents look for a node. */
const RPC_PORT = 9944;
const SEGMENTS = 2;
/** Who answers for the workers, and gets the weight of their work. */
const VALIDATOR = 'Alice';
const PROFILE = process.env.DLLM_PROFILE ?? 'exact';
const QUESTION = process.env.DLLM_PROMPT ?? 'What is the capital of France?';

const began = Date.now();
const say = (text) => console.log(`[${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s] ${text}`);
const show = (lines) => console.log(lines.map((line) => `           ${line}`).join('\n'));

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

/** How fast a reply came, out of what its command said. */
function speedOf(stderr, job) {
	const figure = (pattern) => Number(stderr.match(pattern)?.[1]);
	const [first, streamed] = [figure(/first token ([\d.]+) s/), figure(/([\d.]+) tokens\/s/)];
	if (!(first > 0)) throw new Error(`job ${job.id}: no time of its first token`);
	// A public reply comes whole, with the block of its commitment.
	if (!job.sealed) return `whole reply ${first} s after submission: ${(job.tokens / first).toFixed(1)} tokens/s`;
	if (!(streamed > 0)) throw new Error(`job ${job.id}: no tokens per second`);
	return `first token ${first} s after submission, then ${streamed} tokens/s`;
}

/** Pays for a prompt by a command of the worker, shows its reply as it comes, and checks what the chain did. */
async function ask(network, command, model) {
	const args = [command, '--model', model, '--account', '//User', '--chain', network.url];
	args.push('--log', 'warn', '--max-tokens', 48, QUESTION);
	const { stdout, stderr } = await network.worker(args, { echo: true });
	const numbers = [...stderr.matchAll(/^job (\d+)/gm)];
	if (numbers.length === 0) throw new Error(`${command} names no job`);
	// The last one: a fork may have given the job another number.
	const receipt = await network.ended(Number(numbers.at(-1)[1]));
	const pool = await network.pool();
	expectSettled(receipt, new Map(pool.map(({ account, operator }) => [account, operator])), SEGMENTS);
	const { job } = receipt;
	const user = network.account('User').address;
	if (job.client !== user || job.sealed !== (command === 'prompt')) throw new Error(`job ${job.id} is another one`);
	const reply = stdout.trim();
	if (!reply || (!job.sealed && reply !== job.reply.trim())) throw new Error(`job ${job.id}: no reply, or another one than on chain`);

	const names = new Map([...network.workers.map(({ name, address }) => [address, name]), [user, 'User']]);
	const treasury = network.api.consts.treasury.potAccount.toString();
	console.log();
	say('checked against the finalised record:');
	const [head, ...tables] = linesOf(receipt, names, treasury);
	show([`${head}, ${speedOf(stderr, job)}`, ...tables]);
	console.log();
	return BigInt(receipt.treasury) + BigInt(receipt.burned);
}

/** Shows what the sunk part of the fees has become, and throws unless it is credit of the validator. */
async function showWork(network, sunk) {
	const credit = await creditOf(network, VALIDATOR);
	// Each worker's part is rounded down, and a session that ended meanwhile has let a tenth fade.
	const least = (9n * sunk) / 10n - BigInt(2 * network.workers.length);
	if (credit > sunk || credit < least) throw new Error(`${sunk} planck were burned or the treasury's, ${credit} were credited`);
	say(`verified work is weight: ${VALIDATOR}, who answers for the workers, has ${dllm(credit)} DLLM of credit`);
	const names = new Map(['Alice', 'Bob'].map((name) => [network.account(name).address, name]));
	const weights = await network.rpc('dllm_poaw');
	show([weightsLine(weights, names), `the credit moves the weights of session ${weights.session + 2} on`]);
	return { names, shown: weights.session };
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
	show(network.workers.map(({ name, address }) => `${name}  ${address}`));
	say('registering and activating the model');
	const id = await network.offerModel(shards);
	say('placing its layers: two segments × two replicas');
	const pipeline = await network.offerPipeline(id, SEGMENTS);
	say(`pipeline ${pipeline.id} is live`);
	say(`linking the workers to ${VALIDATOR}, so that what they sink is weight in the draw of authors`);
	await linkWorkers(network, VALIDATOR);

	say(`a sealed prompt: the tokens stay with the user, the reply streams\n\n> ${QUESTION}\n`);
	const sealed = await ask(network, 'prompt', id);
	say(`the same prompt in public, as polkadot.js would send it: an entry serves it\n\n> ${QUESTION}\n`);
	const open = await ask(network, 'pay', id);
	const { names, shown } = await showWork(network, sealed + open);
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
	for (let last = shown; ; ) {
		await new Promise((later) => setTimeout(later, 5000));
		network.checkAlive(...network.workers, ...network.validators);
		const weights = await network.rpc('dllm_poaw').catch(() => undefined);
		if (weights && weights.session > last) say(`announced for ${weightsLine(weights, names)}`);
		last = weights?.session ?? last;
	}
}

main().then(
	() => process.exit(0),
	(error) => {
		say(`failed: ${error.message}`);
		process.exit(1);
	},
);
