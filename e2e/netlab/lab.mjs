// `make netlab`: weak networks on this machine, with a real node and real workers on hosts in network namespaces
// (root only). Prints what it sees, its last lines in the form of the benchmarks, and writes tables and charts
// into docs/placement.md where it is told to. `--quick` measures the least of each.

import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { calibrate, lossy, patent, random } from './experiments.mjs';
import { print } from './figures.mjs';
import { writePage } from './page.mjs';
import { Swarm } from './swarm.mjs';

const { values: options } = parseArgs({
	options: {
		quick: { type: 'boolean', default: false },
		topologies: { type: 'string' },
		minutes: { type: 'string' },
		only: { type: 'string' },
		write: { type: 'boolean', default: false },
	},
});

/** Placements that stand at once: one for every method. */
const SLOTS = 5;
const topologies = Number(options.topologies ?? (options.quick ? 2 : 30));
/** Minutes after which no further topology is begun. */
const until = Date.now() + 60_000 * Number(options.minutes ?? 40);
const say = (text) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

if (process.getuid() !== 0) throw new Error('the lab makes network namespaces and control groups: run it as root');

const wanted = (name) => !options.only || options.only.split(',').includes(name);
const [load] = loadavg();
const swarm = await Swarm.start({ slots: SLOTS, say });
const seen = { load };
try {
	seen.measured = await calibrate(swarm, say);
	if (wanted('loss')) seen.loss = await lossy(swarm, say, options.quick);
	if (wanted('patent')) seen.patent = await patent(swarm, say, seen.measured, options.quick);
	if (wanted('random')) seen.random = await random(swarm, say, seen.measured, { topologies, until });
} finally {
	await swarm.stop();
}
const lines = writePage(seen, options.write);
for (const line of lines) print(...line);
process.exit(0);
