// Memory of processes while they work, as Linux tells it.

import { readFileSync } from 'node:fs';
import { growth } from './figures.mjs';

/** Milliseconds between two looks. */
const EVERY = 5_000;

/**
 * Bytes of its own that a process holds in memory now; none where it has ended. Pages of programs and libraries are
 * left out: they come as code runs for the first time, and the system takes them back when it wants to.
 */
function resident(pid) {
	try {
		const [, kilobytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^RssAnon:\s+(\d+) kB$/m);
		return Number(kilobytes) * 1024;
	} catch {
		return undefined;
	}
}

/** Follows processes, `{ name, pid }`, until it is stopped. */
export class Memory {
	constructor(processes) {
		this.began = Date.now();
		this.processes = processes.map((process) => ({ ...process, samples: [] }));
		this.timer = setInterval(() => this.look(), EVERY);
		this.look();
	}

	look() {
		const second = (Date.now() - this.began) / 1000;
		for (const { pid, samples } of this.processes) {
			const bytes = resident(pid);
			if (bytes !== undefined) samples.push([second, bytes]);
		}
	}

	/** Ends the looks and answers `{ name, first, last, most, growth }` of each process. */
	stop() {
		clearInterval(this.timer);
		this.look();
		return this.processes.map(({ name, samples }) => {
			const bytes = samples.map(([, held]) => held);
			return { name, first: bytes.at(0), last: bytes.at(-1), most: Math.max(...bytes), growth: growth(samples) };
		});
	}
}
