// One running network for all attacks: honest workers that stay, and for every attack a cheat with an account of
// its own in a plan of its own.

import path from 'node:path';
import { coarsen } from '../lib/coarse.mjs';
import { binary, REPOSITORY, run, until } from '../lib/processes.mjs';
import { standardNetwork, TOKEN } from '../lib/standard.mjs';

const MODEL = 'fixture-tied';
const PROFILE = 'exact';
const MAX_PRICE = 5n * TOKEN;
/** What a cheat starts with: the least bond and some fees. */
const FUNDS = 1_200n * TOKEN;
/** Seconds in which a trial ends, also one whose disputes wait for every deadline. */
const LONGEST_TRIAL = 900;
const ENTRY = 0;
/** What the chain says of a pipeline that has ended, or takes no more jobs. */
const ENDED = /allocation\.(UnknownPipeline|AlreadyDraining)/;

export class Arena {
	/** Starts the honest network. */
	static async start() {
		const arena = new Arena();
		arena.network = await standardNetwork('attacks', { model: MODEL, profile: PROFILE });
		arena.honest = [...arena.network.workers];
		arena.pipeline = arena.network.pipeline;
		arena.jobs = 0;
		return arena;
	}

	stop() {
		return this.network.stop();
	}

	/** Carries out an attack; answers what the chain said, and what it cost whom, in planck. */
	async attack({ cheat, part, stage }, number) {
		const { network } = this;
		const cheater = await this.#enter(`Attacker${number}`, cheat, stage);
		await this.#plan(cheater, part, stage);
		const before = await this.#bonds(cheater);
		const user = network.account('User');
		const { job } = await network.submit(user, { model: network.model, text: 'Hello!', maxPrice: MAX_PRICE, deadline: 20 });
		this.jobs = job + 1;
		const receipt = await this.#ended(job);
		const after = await this.#bonds(cheater);
		await cheater.daemon.stop();
		network.workers.splice(network.workers.indexOf(cheater), 1);
		const all = receipt.stages.flatMap((one) => one.participants.map((worker) => ({ ...worker, stage: one.stage })));
		const own = all.find(({ worker }) => worker === cheater.address);
		if (own?.part !== part) throw new Error(`the cheat was no ${part}: ${JSON.stringify(receipt.stages)}`);
		const lost = (address) => before.get(address) - after.get(address);
		return {
			job,
			stage,
			stages: receipt.stages.length,
			verdict: own.verdict,
			slashed: lost(cheater.address),
			honest: this.honest.reduce((sum, { address }) => sum + lost(address), 0n),
			blamed: all.filter(({ worker, verdict }) => worker !== cheater.address && ['cheat', 'workerFault', 'verifierFault'].includes(verdict)),
			state: receipt.job.state.kind,
			refunded: BigInt(receipt.refunded),
		};
	}

	/**
	 * Waits until the end of a job is finalised and returns its receipt. So many attackers trip a breaker, which
	 * holds what they are convicted of: governance, for which sudo stands here, upholds it.
	 */
	async #ended(job) {
		const { network } = this;
		await until(`job ${job} ends`, LONGEST_TRIAL, async () => {
			for (const { scope, ruling } of await network.api.query.verification.breakers()) {
				const upheld = network.api.tx.sudo.sudo(network.api.tx.verification.uphold(scope));
				if (ruling.isNone) await network.send(upheld, network.account('Alice'), { settle: false });
			}
			return (await network.rpc('dllm_job', job, await network.finalized())).ended;
		});
		return network.rpc('dllm_receipt', job, await network.finalized());
	}

	/** A cheat with an account of its own, registered and running. */
	async #enter(name, cheat, stage) {
		const { network } = this;
		const { address } = network.account(name);
		await network.send(network.api.tx.balances.transferKeepAlive(address, FUNDS), network.account('Alice'), { settle: false });
		const args = ['--cheat', cheat];
		if (cheat === 'cheap-model') args.push('--cheap', await this.#cheapShards());
		const roles = stage === ENTRY ? ['entry', 'verifier'] : ['miner', 'verifier'];
		const options = { roles, models: [network.modelFolder] };
		const cheater = await network.addWorker(name, options, (worker) => worker.start(binary('dllm-cheater'), args));
		await until(`${name} is registered`, 90, async () => {
			const at = await network.api.at(await network.finalized());
			return (await at.query.miners.workers(address)).isSome;
		});
		return cheater;
	}

	/** Shards of a cheaper model. */
	async #cheapShards() {
		const folder = path.join(this.network.folder, 'cheap');
		coarsen(path.join(REPOSITORY, 'models', MODEL), path.join(folder, MODEL));
		const out = path.join(folder, 'shards');
		await run(binary('dllm-worker'), ['split', path.join(folder, MODEL), '--out', out, '--profile', PROFILE]);
		return out;
	}

	/** Puts the cheat into a plan with honest workers, in place of the last plan, so that it leads the next job or does not. */
	async #plan(cheater, part, stage) {
		const { network } = this;
		const alice = network.account('Alice');
		await this.#close(alice);
		const [first, second, third, fourth, ...entries] = this.honest.map(({ address }) => address);
		const holders = [entries, [first, second], [third, fourth]];
		// The number of a job says who leads it.
		const leads = this.jobs % 2;
		const at = part === 'lead' ? leads : 1 - leads;
		holders[stage][at] = cheater.address;
		const [middle, end] = [1, 2].map((of) => this.pipeline.stages.find((one) => one.stage === of).layers.end);
		const segment = (from, to, replicas) => ({ layers: { start: from, end: to }, replicas });
		const plan = {
			model: network.model,
			slots: 2,
			entries: holders[ENTRY],
			segments: [segment(0, middle, holders[1]), segment(middle, end, holders[2])],
		};
		await network.send(network.api.tx.allocation.submitPlan(plan), alice);
		this.pipeline = await network.live(network.model);
	}

	/** Ends the last plan, where the chain has not done so: it closes one whose worker was convicted. */
	async #close(owner) {
		try {
			await this.network.send(this.network.api.tx.allocation.close(this.pipeline.id), owner);
		} catch (error) {
			if (!ENDED.test(error.message)) throw error;
		}
	}

	/** Bonds on hold, of the cheat and all honest workers. */
	async #bonds(cheater) {
		const of = async ({ address }) => [address, (await this.network.balance(address)).reserved];
		return new Map(await Promise.all([cheater, ...this.honest].map(of)));
	}
}
