// A light client, smoldot, as a process: it reads the specification, speaks to nodes as any light client does,
// and verifies headers, weights of authors and finality by itself.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { REPOSITORY } from './processes.mjs';

/** Characters of its log that are kept for error messages. */
const KEPT = 4_000;
/**
 * Times that a client which has crashed is replaced: where a double signer makes forks, smoldot 2 can panic in
 * its tree of blocks. A new one begins at genesis, and verifies all of it again.
 */
const RESTARTS = 5;

/** A light client of one chain. */
export class LightClient {
	/** Starts one on a raw specification, with one node to begin with, and follows finality. */
	static start(specification, bootnode) {
		const light = new LightClient();
		Object.assign(light, { arguments: [specification, bootnode], heads: [], log: '', restarts: 0 });
		light.#begin();
		return light;
	}

	/** Gathers, in `heads`, the headers that it holds to be final, oldest first, as JSON-RPC writes them. */
	#begin() {
		const program = path.join(REPOSITORY, 'e2e', 'lib', 'smoldot.mjs');
		this.child = spawn(process.execPath, [program, ...this.arguments], { stdio: ['ignore', 'pipe', 'pipe'] });
		createInterface({ input: this.child.stdout }).on('line', (line) => this.heads.push(JSON.parse(line)));
		this.child.stderr.on('data', (text) => (this.log = `${this.log}${text}`.slice(-KEPT)));
		this.ended = new Promise((resolve) => this.child.once('close', resolve));
		this.child.once('close', () => {
			if (this.stopped) return;
			if (this.restarts === RESTARTS) {
				this.failure = new Error(`the light client has ended ${RESTARTS + 1} times`);
				return;
			}
			this.restarts += 1;
			this.#begin();
		});
	}

	/** Number of the last block that it holds to be final. */
	get finalised() {
		return this.heads.length > 0 ? Number(this.heads.at(-1).number) : 0;
	}

	/** Throws where it has given up, with the end of its log. */
	check() {
		if (this.failure) throw new Error(`${this.failure.message}\n${this.log}`);
	}

	/** Ends it. */
	async stop() {
		this.stopped = true;
		this.child.kill();
		await this.ended;
	}
}
