// Attacks by real processes on one running network: `make attacks`. Prints what the chain said of each, and
// writes a line of JSON an attack to the file named by --out, from which dllm-attacks makes the table.
//
// Usage: node e2e/attacks/attacks.mjs [--quick] [--out FILE] [--only NAME]

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dllm } from '../lib/receipt.mjs';
import { Arena } from './network.mjs';
import { ATTACKS } from './suite.mjs';

const { values: options } = parseArgs({
	options: { quick: { type: 'boolean' }, out: { type: 'string' }, only: { type: 'string' } },
});

/** What is wrong with an outcome; empty where nothing is. */
function faults(attack, outcome) {
	const { verdict, honest, slashed } = outcome;
	const wrong = [];
	if (verdict !== attack.verdict) wrong.push(`the cheat is ${verdict}, not ${attack.verdict}`);
	if (honest !== 0n) wrong.push(`honest bonds lost ${dllm(honest)} DLLM`);
	const loses = verdict === 'cheat' || Boolean(attack.forfeits);
	if (loses !== slashed > 0n) wrong.push(`its bond lost ${dllm(slashed)} DLLM`);
	for (const { part, stage, verdict: found } of misblamed(attack, outcome)) wrong.push(`blame falls on the honest ${part} of stage ${stage} (${found})`);
	return wrong;
}

/** Who is blamed and must not be: where the blame may be shared, all but one lead beside the cheat. */
function misblamed({ shared }, { stage, stages, blamed }) {
	const isBeside = (other) => [1, stages - 1].includes(Math.abs(other - stage));
	const sharer = blamed.find((one) => shared && one.part === 'lead' && one.verdict === 'workerFault' && isBeside(one.stage));
	return blamed.filter((one) => one !== sharer);
}

const chosen = ATTACKS.filter(({ name, quick }) => (options.only ? name === options.only : quick || !options.quick));
const lines = [];
let failed = 0;
const arena = await Arena.start();
try {
	for (const [number, attack] of chosen.entries()) {
		const outcome = await arena.attack(attack, number + 1);
		const wrong = faults(attack, outcome);
		failed += wrong.length > 0;
		const said = `${attack.name}: ${outcome.verdict}, slashed ${dllm(outcome.slashed)} DLLM, job ${outcome.job} ${outcome.state}`;
		console.log(wrong.length ? `${said} – WRONG: ${wrong.join('; ')}` : said);
		lines.push(JSON.stringify({
			attack: attack.name,
			part: attack.part,
			verdicts: [outcome.verdict],
			slashed: `${outcome.slashed}`,
			honest: `${outcome.honest}`,
			...(attack.works && { works: true }),
		}));
	}
} finally {
	await arena.stop();
}
if (options.out) {
	mkdirSync(path.dirname(options.out), { recursive: true });
	writeFileSync(options.out, `${lines.join('\n')}\n`);
}
console.log(`${chosen.length - failed} of ${chosen.length} attacks came to what they should`);
process.exit(failed === 0 ? 0 : 1);
