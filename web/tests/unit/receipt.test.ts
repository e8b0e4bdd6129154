// The checks of a receipt against one that a real network wrote (`settled.json`), and against that receipt with
// one thing changed at a time.

import { describe, expect, it } from 'vitest';
import type { Model, Receipt, Roots } from '../../src/chain/views';
import { checkReceipt, commitment } from '../../src/receipt/check';
import settled from './settled.json';

const model = settled.model as unknown as Model;
const OTHER = `0x${'ab'.repeat(32)}`;

/** The receipt, changed. */
function changed(change: (receipt: Receipt) => void): Receipt {
	const receipt = structuredClone(settled.receipt) as unknown as Receipt;
	change(receipt);
	return receipt;
}

const failing = (receipt: Receipt) => checkReceipt(receipt, model).filter(({ holds }) => holds === false);

describe('a receipt', () => {
	it('of an honest job holds in every point', () => {
		const findings = checkReceipt(changed(() => undefined), model);
		expect(findings).toHaveLength(5);
		expect(findings.map(({ holds }) => holds)).toEqual([true, true, true, true, true]);
	});

	it.each<[string, (receipt: Receipt) => void, RegExp]>([
		['another salt', ({ stages }) => (stages[1]!.participants[0]!.opening!.salt = OTHER), /opening matches/],
		['another job', ({ job }) => (job.id += 1), /opening matches/],
		['another worker', ({ stages }) => (stages[0]!.participants[0]!.worker = stages[0]!.participants[1]!.worker), /opening matches/],
		['other rows of a replica', ({ stages }) => (stages[2]!.participants[1]!.opening!.roots.rows += 1), /same roots/],
		['a link that lost its rows', ({ stages }) => (stages[1]!.participants[0]!.opening!.roots.input = OTHER), /same rows/],
		['other shards', ({ stages }) => (stages[1]!.participants[1]!.opening!.roots.weights = OTHER), /shards/],
		['another reply', ({ job }) => (job.reply = 'Bye'), /reply/],
		['another count of tokens', ({ job }) => (job.tokens += 1), /reply/],
	])('with %s fails', (_, change, words) => {
		expect(failing(changed(change)).map(({ what }) => what)).toContainEqual(expect.stringMatching(words));
	});

	it('names the stage that fails', () => {
		const receipt = changed(({ stages }) => (stages[2]!.participants[0]!.opening!.salt = OTHER));
		expect(failing(receipt)).toEqual([{ what: 'Every opening matches its commitment', holds: false, where: 'in segment 2' }]);
	});

	it('that is not opened yet tells nothing, rather than that it holds', () => {
		const receipt = changed(({ stages }) => stages.forEach(({ participants }) => participants.forEach((one) => (one.opening = null))));
		expect(checkReceipt(receipt, model).map(({ holds }) => holds)).toEqual([undefined, undefined, undefined, undefined, undefined]);
	});

	it('of a job that the draw left to its leads says so, and does not fail', () => {
		const unchecked = changed((receipt) => {
			receipt.checked = false;
			receipt.stages.forEach((stage) => stage.participants.splice(1));
		});
		const findings = checkReceipt(unchecked, model);
		const agreement = findings.find(({ what }) => what.includes('same roots'));
		expect(agreement?.what).toMatch(/not checked/);
		expect(agreement?.holds).toBeUndefined();
		const others = findings.filter((one) => one !== agreement);
		expect(others.map(({ holds }) => holds)).toEqual([true, true, true, true]);
	});

	it('of a job in which a lot had one stage checked tells how many were', () => {
		const sampled = changed((receipt) => receipt.stages.slice(1).forEach((stage) => stage.participants.splice(1)));
		const agreement = checkReceipt(sampled, model).find(({ what }) => what.includes('same roots'));
		expect(agreement?.what).toMatch(new RegExp(`in 1 of ${sampled.stages.length} stages`));
		expect(agreement?.holds).toBe(true);
	});

	it('of workers on unlike devices holds, where they computed the same rows', () => {
		const receipt = changed(({ job, stages }) => {
			const replica = stages[1]!.participants[1]!;
			replica.opening!.roots.class = OTHER;
			replica.commitment![0] = commitment(job.id, 1, replica.worker, replica.opening!);
		});
		expect(failing(receipt)).toEqual([]);
	});

	describe('of workers whose rows were compared', () => {
		const compared = (likeness: 'alike' | 'unlike' | 'unshown' | null, more: (roots: Roots) => void = () => undefined) => changed(({ job, stages }) => {
			const replica = stages[1]!.participants[1]!;
			const { roots } = replica.opening!;
			Object.assign(roots, { class: OTHER, output: OTHER });
			more(roots);
			replica.commitment![0] = commitment(job.id, 1, replica.worker, replica.opening!);
			const tolerance = { median: 20_000, max: 50_000, version: 1, calibration: OTHER };
			stages[1]!.comparison = { positions: [1, 4], tolerance, likeness };
		});

		it('holds where they are alike, and says so', () => {
			const receipt = compared('alike');
			expect(failing(receipt)).toEqual([]);
			const agreement = checkReceipt(receipt, model).find(({ what }) => what.includes('same roots'));
			expect(agreement).toEqual({ what: expect.stringMatching(/rows that the chain compared and found alike$/), holds: true });
		});

		it.each(['unlike', 'unshown', null] as const)('fails where they are %s', (likeness) => {
			expect(failing(compared(likeness))).toEqual([{ what: 'Lead and replica opened the same roots', holds: false, where: 'in segment 1' }]);
		});

		it.each(['unlike', 'unshown'] as const)('holds where they are %s and a third worker confirmed the lead, not where that differs', (likeness) => {
			const confirmed = compared(likeness);
			const { participants } = confirmed.stages[1]!;
			participants[1]!.verdict = 'indeterminate';
			const third = { ...structuredClone(participants[0]!), part: 'tiebreak', commitment: null };
			participants.push(third);
			expect(failing(confirmed)).toEqual([]);
			// It agrees with the replica now, whatever its verdict says.
			third.opening!.roots.output = OTHER;
			expect(failing(confirmed)).toEqual([{ what: 'Lead and replica opened the same roots', holds: false, where: 'in segment 1' }]);
		});

		it('fails where they are alike, but not of the same work', () => {
			const fewer = compared('alike', (roots) => (roots.rows -= 1));
			expect(failing(fewer).map(({ where }) => where)).toEqual(['in segment 1']);
		});
	});

	it('whose replicas differ fails, whatever it says of the draw', () => {
		const receipt = changed((receipt) => {
			receipt.checked = false;
			receipt.stages[2]!.participants[1]!.opening!.roots.rows += 1;
		});
		expect(failing(receipt).map(({ what }) => what)).toContainEqual(expect.stringMatching(/same roots$/));
	});

	it('cannot tell of shards while the model is unknown', () => {
		const shards = checkReceipt(changed(() => undefined)).find(({ what }) => what.includes('shards'));
		expect(shards?.holds).toBeUndefined();
	});
});
