// What a settled job has to show: the promises of the walk, one by one, and the same as lines for people.

import { isDeepStrictEqual } from 'node:util';

/** Planck of a DLLM. */
const DLLM = 10n ** 12n;
/** Stage of the entry. */
const ENTRY = 0;

const total = (payments) => payments.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
const partOf = ({ participants }, wanted) => participants.find(({ part }) => part === wanted);

/**
 * Throws, and says what did not happen, unless a job was run by `segments` segments, verified by replicas of
 * other operators, and paid for in full. `operators` gives the operator of a worker's address.
 */
export function expectSettled(receipt, operators, segments) {
	const { job, stages } = receipt;
	const expect = (holds, what) => {
		if (!holds) throw new Error(`job ${job.id}: ${what}`);
	};
	expect(job.state.kind === 'settled', `not settled but ${JSON.stringify(job.state)}`);
	expect(stages.filter(({ stage }) => stage !== ENTRY).length === segments, `not run by ${segments} segments`);
	// The user of a sealed job is its entry, and checks itself.
	const checked = stages.filter(({ stage }) => stage !== ENTRY || !job.sealed);
	expect(checked.length === segments + (job.sealed ? 0 : 1), 'its entry is missing');
	for (const stage of checked) {
		const [lead, replica] = ['lead', 'replica'].map((part) => partOf(stage, part));
		const at = `stage ${stage.stage}`;
		expect(lead && replica, `${at} has no lead or no replica`);
		const [own, other] = [lead, replica].map(({ worker }) => operators.get(worker));
		expect(own && other && own !== other, `${at}: lead and replica are not of two operators`);
		expect(lead.commitment && replica.commitment, `${at}: somebody did not commit`);
		expect(lead.commitment[0] !== replica.commitment[0], `${at}: the commitments are not salted`);
		expect(lead.opening && replica.opening, `${at}: somebody did not open its commitment`);
		expect(isDeepStrictEqual(lead.opening.roots, replica.opening.roots), `${at}: the opened roots differ`);
		expect(lead.verdict === 'pass' && replica.verdict === 'pass', `${at}: ${lead.verdict}, ${replica.verdict}`);
		expect(receipt.miners.some(({ to, amount }) => to === lead.worker && BigInt(amount) > 0n), `${at}: its lead was not paid`);
		expect(receipt.verifiers.some(({ to, amount }) => to === replica.worker && BigInt(amount) > 0n), `${at}: its replica was not paid`);
	}
	const [fee, treasury, burned] = [job.fee, receipt.treasury, receipt.burned].map(BigInt);
	const paid = total(receipt.miners) + total(receipt.verifiers) + treasury + burned;
	expect(treasury > 0n && burned > 0n, 'nothing for the treasury, or nothing burned');
	expect(paid === fee, `${paid} planck were paid and burned, ${fee} charged`);
	expect(BigInt(receipt.refunded) === BigInt(job.maxPrice) - fee, 'what was not used did not come back');
}

/** A receipt as lines. `names` gives the name of an address, `treasury` is the treasury's. */
export function linesOf(receipt, names, treasury) {
	const { job } = receipt;
	const named = (address) => names.get(address) ?? address;
	const stages = receipt.stages.filter(({ participants }) => participants.length > 0).map((stage) => {
		const [lead, replica] = ['lead', 'replica'].map((part) => partOf(stage, part));
		const ran = stage.stage === ENTRY ? 'entry' : `layers ${stage.layers.start}..${stage.layers.end}`;
		const of = ({ worker, commitment }) => [named(worker), `${short(commitment[0])} #${commitment[1]}`];
		return [ran, ...of(lead), ...of(replica), short(lead.opening.roots.output), `${lead.verdict}, ${replica.verdict}`];
	});
	const payments = [
		...receipt.miners.map(({ to, amount }) => ['miner', named(to), amount]),
		...receipt.verifiers.map(({ to, amount }) => ['verifier', named(to), amount]),
		['treasury', treasury, receipt.treasury],
		['burned', '', receipt.burned],
		['fee', `of ${dllm(job.maxPrice)} at most`, job.fee],
		['refunded', named(job.client), receipt.refunded],
	];
	return [
		`job ${job.id} settled in block ${job.ended}, finalised`,
		...table([['ran', 'lead', 'committed', 'replica', 'committed', 'both opened', 'verdicts'], ...stages]),
		...table([['paid', 'to', 'DLLM'], ...payments.map(([what, to, amount]) => [what, to, dllm(amount)])]),
	];
}

/** Both ends of a digest. */
const short = (digest) => `${digest.slice(0, 10)}…${digest.slice(-4)}`;

/** Planck in DLLM, with all digits that count. */
export function dllm(planck) {
	const [whole, part] = [BigInt(planck) / DLLM, BigInt(planck) % DLLM];
	const digits = part.toString().padStart(12, '0').replace(/0+$/, '');
	return digits ? `${whole}.${digits}` : `${whole}`;
}

/** Rows in columns. */
function table(rows) {
	const widths = rows[0].map((_, column) => rows.reduce((most, row) => Math.max(most, row[column].length), 0));
	return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd());
}
