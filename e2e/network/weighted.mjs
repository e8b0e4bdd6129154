// A network of four validators with weights 1 : 1 : 2 : 4, watched for 700 blocks: does weight move blocks as
// the chain says, does a node that joins by warp sync follow, does finality outlive the heaviest author?
// Prints the figures; ends with success only if all of it holds. Takes a quarter of an hour.

import path from 'node:path';
import { FinalisedBlocks, claimOf } from '../lib/blocks.mjs';
import { Network } from '../lib/network.mjs';
import { REPOSITORY, until } from '../lib/processes.mjs';
import { TOKEN } from '../lib/standard.mjs';

/** Weights that the validators are to have, in the order of the preset. */
const WEIGHTS = { alice: 10_000, bob: 10_000, charlie: 20_000, dave: 40_000 };
const NAMES = Object.keys(WEIGHTS);
const HEAVIEST = 'dave';
/** Blocks to judge by: at these weights enough to tell them from equal ones in 99 of 100 runs. */
const BLOCKS = 700;
/** Blocks that the joining node imports after it has arrived. */
const FOLLOWED = 200;
/** Blocks that the others finalise after the heaviest has stopped. */
const WITHOUT = 30;
/** Slots of a session: long enough to join in the middle of one. */
const SESSION = 60;
/** Slots of the test network last a second. */
const SLOT_MILLIS = 1_000;
/** χ² of three degrees of freedom that chance exceeds once in a thousand. */
const CRITICAL = 16.266;
/** Seconds for so many slots, at half of the chain's speed. */
const patience = (slots) => 60 + 2 * slots;

const began = Date.now();
const say = (text) => console.log(`[${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s] ${text}`);
const failures = [];

function hold(claim, holds) {
	console.log(`${holds ? 'holds' : 'FAILS'}  ${claim}`);
	if (!holds) failures.push(claim);
}

/**
 * Makes the weights last: κ = 4; a tenth of the own bond counts, which is a third of the target for Charlie
 * and all of it for Dave; and both have so much credit that no decay of this run reaches the cap.
 */
function unequal(genesis) {
	genesis.pace.lengths.sessionSlots = SESSION;
	const [, , charlie, dave] = genesis.staking.stakers;
	const bond = charlie[2];
	dave[2] = 3 * bond;
	const target = (3n * BigInt(bond)) / 10n;
	Object.assign(genesis.poaw.rules, { kappaMilli: 4_000, bondShare: 100_000, target: target.toString() });
	genesis.poaw.credits = [charlie, dave].map(([account]) => [account, Number(10n ** 7n * TOKEN)]);
}

/** What was seen of the finalised blocks. */
class Watch {
	constructor(network, names) {
		Object.assign(this, { network, names, judged: [], lags: [], weights: { turn: [], usual: [] }, last: 0 });
		this.made = Object.fromEntries(NAMES.map((name) => [name, 0]));
	}

	async visit({ number, hash, header, finalisedAt }) {
		const { place, slot } = claimOf(header);
		const { currentAuthors: authors, session } = await this.network.rpc('dllm_poaw', hash);
		const author = this.names[authors[place].account];
		this.last = number;
		this.lastSlot = slot;
		await this.#weigh(hash, session !== this.session);
		this.session = session;
		const weighted = authors.every(({ account, weight }) => WEIGHTS[this.names[account]] === weight);
		if (!weighted && this.judged.length > 0) throw new Error(`the weights changed in session ${session}`);
		if (!weighted || this.closed) return;
		this.shares ??= Object.fromEntries(authors.map(({ account, share }) => [this.names[account], share]));
		this.made[author]++;
		this.judged.push(slot);
		this.lags.push(finalisedAt - slot * SLOT_MILLIS);
		if (this.judged.length === BLOCKS) this.closed = true;
	}

	/** Notes the execution time that the block was charged, in milliseconds. */
	async #weigh(hash, turn) {
		const { normal, operational, mandatory } = await (await this.network.api.at(hash)).query.system.blockWeight();
		const picoseconds = [normal, operational, mandatory].reduce((sum, { refTime }) => sum + refTime.toNumber(), 0);
		this.weights[turn ? 'turn' : 'usual'].push(picoseconds / 1e9);
	}

	/** χ² of the blocks against shares by name. */
	chiSquared(shares) {
		const terms = Object.entries(this.made).map(([name, made]) => {
			const expected = shares[name] * this.judged.length;
			return (made - expected) ** 2 / expected;
		});
		return terms.reduce((sum, term) => sum + term, 0);
	}
}

/** The value below which the part `part` of them lies. */
function quantile(values, part) {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

/** Slots since the running session began. */
async function position(api) {
	const { babe } = api.query;
	const [slot, genesis, epoch] = await Promise.all([babe.currentSlot(), babe.genesisSlot(), babe.epochIndex()]);
	return slot.toNumber() - genesis.toNumber() - epoch.toNumber() * SESSION;
}

/** Starts a fifth node by warp sync in the middle of a session, and waits until it is where the others are. */
async function join(network) {
	const { api } = network;
	const middle = async () => {
		const at = await position(api);
		return at >= SESSION / 3 && at < SESSION / 2 && at;
	};
	const at = await until('a session is in its middle', patience(SESSION), middle);
	const old = (await api.rpc.chain.getHeader(await network.finalized())).number.toNumber();
	const others = await Promise.all(network.validators.slice(1).map((validator) => network.addressOf(validator)));
	const started = Date.now();
	const node = await network.addNode('warp', ['--sync', 'warp', '--bootnodes', ...others]);
	const arrived = async () => {
		const finalised = await node.rpc('chain_getFinalizedHead');
		const { number } = await node.rpc('chain_getHeader', finalised);
		const { isSyncing } = await node.rpc('system_health');
		return !isSyncing && Number(number) >= old && Number(number);
	};
	const number = await until('the fifth node arrives', 120, arrived, () => network.checkAlive(node));
	const seconds = (Date.now() - started) / 1000;
	say(`a fifth node, started in slot ${at} of ${SESSION} of a session, has warped to block ${number} in ${seconds.toFixed(1)} s`);
	return { node, number, seconds, warped: await lacksState(network, node, old - 50) };
}

/** Whether a node has no state of a block that every node which executed it still has. */
async function lacksState(network, node, number) {
	const hash = await network.rpc('chain_getBlockHash', number);
	const state = (one) => one.rpc('state_getRuntimeVersion', hash).then(() => true, () => false);
	return (await state(network.validators[0])) && !(await state(node));
}

/** Waits until the node has finalised `FOLLOWED` blocks more, and answers whether they are the network's. */
async function follows(network, { node, number }) {
	const to = number + FOLLOWED;
	const there = async () => {
		const { number } = await node.rpc('chain_getHeader', await node.rpc('chain_getFinalizedHead'));
		return Number(number) >= to;
	};
	await until(`the fifth node finalises block ${to}`, patience(FOLLOWED), there, () => network.checkAlive(node));
	const hashes = [node, network.validators[0]].map((one) => one.rpc('chain_getBlockHash', to));
	const [its, ours] = await Promise.all(hashes);
	return its === ours;
}

function report(watch) {
	const { judged, lags, made, shares, weights } = watch;
	const uniform = Object.fromEntries(NAMES.map((name) => [name, 1 / NAMES.length]));
	const interval = (judged.at(-1) - judged[0]) * SLOT_MILLIS / (judged.length - 1);
	console.log(`\nblock time          ${(interval / 1000).toFixed(3)} s over ${judged.length} finalised blocks`);
	console.log(`finality lag        median ${quantile(lags, 0.5)} ms, p95 ${quantile(lags, 0.95)} ms after the block's slot began`);
	const most = (values) => values.reduce((most, value) => Math.max(most, value), 0).toFixed(1);
	console.log(`charged execution   session-change blocks ${most(weights.turn)} ms at most, others ${most(weights.usual)} ms at most\n`);
	console.log('author    weight  blocks   share  predicted  uniform');
	for (const [name, blocks] of Object.entries(made)) {
		const figures = [blocks / judged.length, shares[name], uniform[name]].map((share) => share.toFixed(4));
		console.log(`${name.padEnd(8)}  ${String(WEIGHTS[name]).padStart(6)}  ${String(blocks).padStart(6)}  ${figures[0]}     ${figures[1]}   ${figures[2]}`);
	}
	const [predicted, equal] = [shares, uniform].map((one) => watch.chiSquared(one));
	console.log(`χ² (3 degrees)            predicted ${predicted.toFixed(2)}, uniform ${equal.toFixed(2)}, critical at 0.001 ${CRITICAL}\n`);
	hold('equal shares are rejected (p < 0.001)', equal > CRITICAL);
	hold('the predicted shares are not rejected (p > 0.001)', predicted < CRITICAL);
}

async function main(network) {
	const address = (name) => network.account(`${name[0].toUpperCase()}${name.slice(1)}`).address;
	const watch = new Watch(network, Object.fromEntries(NAMES.map((name) => [address(name), name])));
	const blocks = await FinalisedBlocks.start(network, (block) => watch.visit(block));
	const alive = () => {
		blocks.check();
		network.checkAlive(...network.validators);
	};
	await until('the weights are 1 : 1 : 2 : 4', patience(4 * SESSION), () => watch.judged.length > 0, alive);
	say(`the weights stand since block ${watch.last}, session ${watch.session}`);

	const joined = await join(network);
	hold('the fifth node came by warp sync: it has no state of blocks before', joined.warped);
	hold(`it finalised ${FOLLOWED} blocks more, the same as the others`, await follows(network, joined));
	say(`${watch.judged.length} of ${BLOCKS} blocks`);
	await until(`${BLOCKS} blocks are finalised`, patience(BLOCKS), () => watch.closed, alive);

	const heaviest = network.validators.find(({ name }) => name === HEAVIEST);
	await heaviest.daemon.stop();
	const stopped = { block: watch.last, slot: watch.lastSlot };
	say(`${HEAVIEST} stopped at finalised block ${stopped.block}`);
	const goesOn = () => watch.last >= stopped.block + WITHOUT && watch.last;
	const last = await until('finality goes on without the heaviest', patience(4 * WITHOUT), goesOn, () => blocks.check()).catch(() => null);
	if (last) say(`${last - stopped.block} blocks finalised in ${watch.lastSlot - stopped.slot} slots without ${HEAVIEST}`);
	hold(`${WITHOUT} blocks were finalised after the heaviest author had stopped`, Boolean(last));
	await blocks.stop();
	report(watch);
	console.log(`warp sync           ${joined.seconds.toFixed(1)} s from the start of the process\n`);
}

const network = await Network.start({
	folder: path.join(REPOSITORY, '.demo', 'network-test'),
	chain: 'fast',
	change: unequal,
	validators: NAMES,
	say,
});
try {
	await main(network);
} catch (error) {
	hold(`the run came to its end: ${error.message}`, false);
} finally {
	await network.stop();
}
console.log(failures.length === 0 ? 'all of it holds' : `${failures.length} of it failed`);
process.exit(failures.length === 0 ? 0 : 1);
