// Checks a receipt in the browser, with the digests of `dllm-primitives` (`commitment.rs`): that every opening
// matches its commitment, that who checked a stage, where the draw chose somebody, found the same roots, or did the
// same work and sent rows that the chain compared and found alike, that each link carried the same rows, that the shards
// are those of the model, and that the reply is the one that was verified.

import { decodeAddress } from '@polkadot/util-crypto/address';
import { blake3 } from '@noble/hashes/blake3';
import type { Model, Opening, Receipt, Roots, StageReceipt } from '../chain/views';

export interface Finding {
	what: string;
	/** Nothing where the receipt does not hold enough to tell, or where there was nothing to check. */
	holds?: boolean;
	/** Where it fails. */
	where?: string;
}

const text = new TextEncoder();
const ROOTS = text.encode('dllm/roots/v1');
const COMMIT = text.encode('dllm/commit/v1');
const SHARDS = text.encode('dllm/shards/v1');
const RESULT = text.encode('dllm/result/v1');

/** The commitment to an opening, as hex. */
export function commitment(job: number, stage: number, worker: string, opening: Opening): string {
	const account = decodeAddress(worker);
	return digest(
		COMMIT, little(BigInt(job), 8), Uint8Array.of(stage), little(BigInt(account.length), 8), account,
		bytes(opening.salt), bytes(rootsHash(opening.roots)),
	);
}

/** Digest of shards in the order of the layers. */
export function shardsRoot(hashes: string[]): string {
	return digest(SHARDS, ...hashes.map(bytes));
}

/** Digest that binds a reply and its count of tokens. */
export function resultHash(tokens: number, reply: string): string {
	return digest(RESULT, little(BigInt(tokens), 4), text.encode(reply));
}

/** Checks what can be checked; `model` may not be known yet. */
export function checkReceipt(receipt: Receipt, model?: Model): Finding[] {
	return [
		openings(receipt),
		agreement(receipt),
		links(receipt),
		shards(receipt, model),
		reply(receipt),
	];
}

function openings({ job, stages }: Receipt): Finding {
	const opened = stages.flatMap(({ stage, participants }) => participants.flatMap((one) => (one.opening && one.commitment ? [{ stage, ...one }] : [])));
	const wrong = opened.find(
		(one) => one.opening && one.commitment && commitment(job.id, one.stage, one.worker, one.opening) !== one.commitment[0],
	);
	return finding('Every opening matches its commitment', opened.length > 0, wrong && stageOf(wrong.stage));
}

function agreement({ checked, stages }: Receipt): Finding {
	const what = 'Lead and replica opened the same roots';
	const pairs = stages.map((stage) => ({ stage: stage.stage, roots: agreedRoots(stage), alike: isAlike(stage) })).filter(({ roots }) => roots.length > 1);
	const wrong = pairs.find(({ roots, alike }) => roots.some((one) => !(alike ? sameWork : sameRows)(one, roots[0]!)));
	// The draw left the job to its leads: nobody ran a stage again.
	if (checked === false && pairs.length === 0) return { what: `${what}: not checked, as the draw chose no replica` };
	const some = pairs.length < stages.length ? ` in ${pairs.length} of ${stages.length} stages, the others were not run again` : '';
	const alike = pairs.some((pair) => pair.alike) ? ', or rows that the chain compared and found alike' : '';
	return finding(pairs.length > 0 ? what + alike + some : what, pairs.length > 0, wrong && stageOf(wrong.stage));
}

/**
 * The roots that are to agree: where rows were compared in vain and a third worker confirmed the lead, only those of who
 * passed, as the replica may be honest too; else all that were opened.
 */
function agreedRoots(stage: StageReceipt): Roots[] {
	const passed = stage.participants.filter(({ verdict, opening }) => verdict === 'pass' && opening);
	const inVain = stage.comparison?.likeness === 'unlike' || stage.comparison?.likeness === 'unshown';
	const confirmed = passed.length > 1 && passed.some(({ part }) => part === 'lead');
	return openedRoots(inVain && confirmed ? { ...stage, participants: passed } : stage);
}

/** Whether the chain found the rows of lead and replica, who did the same work in unlike classes, within the tolerance. */
function isAlike({ comparison }: StageReceipt): boolean {
	return comparison?.likeness === 'alike';
}

/** Whether two workers did the same work, whatever rows it gave. */
function sameWork(one: Roots, other: Roots): boolean {
	return sameRows({ ...one, output: other.output }, other);
}

/** Whether two workers computed the same; their classes may differ where a profile gives every device the same bytes. */
function sameRows(one: Roots, other: Roots): boolean {
	return rootsHash({ ...one, class: other.class }) === rootsHash(other);
}

function links({ stages }: Receipt): Finding {
	const leads = stages.map((stage) => openedRoots(stage)[0]);
	const known = leads.length > 1 && leads.every(Boolean);
	const wrong = known ? leads.findIndex((lead, at) => lead!.output !== leads[(at + 1) % leads.length]!.input) : -1;
	return finding('Every link carried the same rows at both ends', known, wrong >= 0 ? `after ${stageOf(wrong)}` : undefined);
}

function shards({ stages }: Receipt, model?: Model): Finding {
	const opened = stages.flatMap((stage) => openedRoots(stage).map((roots) => ({ stage, roots })));
	const wrong = model && opened.find(({ stage, roots }) => roots.weights !== shardsRoot(expectedShards(stage, model)));
	return finding('The shards are those registered for the model', Boolean(model) && opened.length > 0, wrong && stageOf(wrong.stage.stage));
}

function reply({ job, stages }: Receipt): Finding {
	const entry = stages[0] && openedRoots(stages[0])[0];
	const known = job.reply !== null && entry !== undefined;
	const wrong = known && entry.result !== resultHash(job.tokens, job.reply!);
	return finding('The reply is the one that was verified', known, wrong ? 'in the entry' : undefined);
}

function expectedShards({ stage, layers }: StageReceipt, model: Model): string[] {
	const files = stage === 0 ? [model.embed, model.head] : model.layers.slice(layers.start, layers.end);
	return files.map(({ hash }) => hash);
}

function openedRoots({ participants }: StageReceipt): Roots[] {
	return participants.flatMap(({ opening }) => (opening ? [opening.roots] : []));
}

function rootsHash(roots: Roots): string {
	const parts = [roots.class, roots.weights, roots.input, roots.output, roots.result];
	return digest(ROOTS, ...parts.map(bytes), little(BigInt(roots.rows), 4));
}

function finding(what: string, known: boolean, where: string | undefined): Finding {
	if (where !== undefined) return { what, holds: false, where };
	return known ? { what, holds: true } : { what };
}

function stageOf(stage: number): string {
	return stage === 0 ? 'in the entry' : `in segment ${stage}`;
}

function digest(...parts: Uint8Array[]): string {
	const hasher = blake3.create({});
	for (const part of parts) hasher.update(part);
	return `0x${Array.from(hasher.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function bytes(hex: string): Uint8Array {
	return Uint8Array.from(hex.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A number in `length` bytes, the least significant first. */
function little(value: bigint, length: number): Uint8Array {
	return Uint8Array.from({ length }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}
