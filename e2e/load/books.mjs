// Follows every job that an account buys to its end, and compares what was charged with what ran. Records of old
// jobs leave the chain, so they are read as they end.

import { expectSettled } from '../lib/receipt.mjs';

/** Milliseconds between two looks: a block. */
const EVERY = 3_000;
/** Looks after which a job that the final chain still does not know is given up: a fork took it. */
const PATIENCE = 20;

export class Books {
	/** Begins with the next job of a network; `payer` is the address that buys. */
	static async open(network, payer, segments) {
		const books = new Books();
		const workers = await network.pool();
		const operators = new Map(workers.map(({ account, operator }) => [account, operator]));
		const next = (await network.api.query.jobs.nextJob()).toNumber();
		Object.assign(books, { network, payer, segments, operators, next, open: new Map(), ended: [], faults: [], lost: 0 });
		books.running = books.follow();
		return books;
	}

	async follow() {
		while (!this.closing || (this.open.size > 0 && Date.now() < this.closing)) {
			await new Promise((resolve) => setTimeout(resolve, EVERY));
			try {
				await this.look();
			} catch (error) {
				// The node is asked again at the next look; what stays open is a fault at the end.
				this.trouble = error.message;
			}
		}
	}

	async look() {
		const next = (await this.network.api.query.jobs.nextJob()).toNumber();
		for (; this.next < next; this.next++) this.open.set(this.next, 0);
		const at = await this.network.finalized();
		for (const [job, looks] of this.open) {
			const view = await this.network.rpc('dllm_job', job, at).catch(() => undefined);
			if (!view) {
				this.open.set(job, looks + 1);
				if (looks > PATIENCE && this.open.delete(job)) this.lost += 1;
			} else if (view.client !== this.payer) {
				this.open.delete(job);
			} else if (view.ended) {
				this.check(await this.network.rpc('dllm_receipt', job, at));
				this.open.delete(job);
			}
		}
	}

	/** Notes an ended job, and everything in it that should not be. */
	check(receipt) {
		const { job } = receipt;
		const [fee, ceiling] = [job.fee, job.maxPrice].map(BigInt);
		const settled = job.state.kind === 'settled';
		this.ended.push({ job: job.id, settled, fee, rows: job.rows });
		const fault = (what) => this.faults.push(`job ${job.id}: ${what}`);
		if (fee > ceiling) fault(`${fee} planck charged of ${ceiling} at most`);
		if (!settled) {
			if (fee > 0n) fault(`${fee} planck charged for a job that is ${job.state.kind}`);
			return;
		}
		try {
			expectSettled(receipt, this.operators, this.segments);
		} catch (error) {
			fault(error.message);
		}
		for (const stage of receipt.stages) {
			const ran = stage.participants.map(({ opening }) => opening?.roots.rows).filter((rows) => rows !== undefined);
			if (ran.length > 0 && job.rows > Math.max(...ran)) fault(`${job.rows} rows charged, ${Math.max(...ran)} ran in stage ${stage.stage}`);
		}
	}

	/** Waits until all jobs have ended, at most `seconds`, and sums up. */
	async close(seconds) {
		this.closing = Date.now() + seconds * 1000;
		await this.running;
		if (this.open.size > 0) this.faults.push(`${this.open.size} jobs have not ended${this.trouble ? ` (${this.trouble})` : ''}: ${[...this.open.keys()].slice(0, 10)}`);
		const settled = this.ended.filter((job) => job.settled);
		return {
			settled: settled.length,
			refunded: this.ended.length - settled.length,
			lost: this.lost,
			fees: this.ended.reduce((sum, { fee }) => sum + fee, 0n),
			rows: settled.reduce((sum, { rows }) => sum + rows, 0),
			faults: this.faults,
		};
	}
}
