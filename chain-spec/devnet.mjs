// Prints the specification of the network of docker/topology.json: the preset `local` with a third
// validator, Charlie, taken from the preset `testnet`. `make chain-spec` writes it to devnet.json.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

/** Validators of the network. */
const VALIDATORS = 3;

/** Wherever the pattern's list goes on where the preset's ends, the preset takes more of it. */
function lengthened(preset, pattern) {
	if (Array.isArray(preset) && Array.isArray(pattern)) {
		const begins = preset.every((item, at) => isDeepStrictEqual(item, pattern[at]));
		return begins && pattern.length > preset.length ? pattern.slice(0, VALIDATORS) : preset;
	}
	if (preset === null || typeof preset !== 'object') return preset;
	return Object.fromEntries(Object.entries(preset).map(([key, value]) => [key, lengthened(value, pattern?.[key])]));
}

/** The specification, from the two files beside this one. */
export function devnet() {
	const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'));
	const [local, testnet] = [read('local'), read('testnet')];
	local.genesis.runtimeGenesis.patch = lengthened(local.genesis.runtimeGenesis.patch, testnet.genesis.runtimeGenesis.patch);
	return { ...local, name: 'DLLM Devnet', id: 'dllm_devnet' };
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
	console.log(JSON.stringify(devnet(), null, 2));
}
