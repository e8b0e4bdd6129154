// The way of a job in steps: an ordinary one, one that nobody checks, disputes to every end, ties.

import { describe, expect, it } from 'vitest';
import type { Happening } from '../../src/chain/events';
import type { Receipt } from '../../src/chain/views';
import { checkOf, stepsOf, waitsFor } from '../../src/jobs/course';
import { toneOf } from '../../src/parts/State';
import settled from './settled.json';

const at = (block: number, name: string, data: Record<string, unknown> = {}): Happening => ({ block, name, data: { job: 1, ...data } });
const committed = (block: number, stage: number, worker: string, part: string) => at(block, 'verification.Committed', { stage, worker, part, commitment: '0x' });
const moved = (side: string, made: unknown) => stepsOf([at(9, 'verification.DisputeMoved', { stage: 1, side, made })])[0]!;

describe('the way of a job', () => {
	it('puts what happened in a block to several workers into one step, in the order of the ring', () => {
		const steps = stepsOf([
			at(1, 'jobs.Submitted'), at(1, 'jobs.Awarded', { pipeline: 3 }), at(1, 'verification.TrialOpened', { until: 11 }),
			committed(2, 1, 'b', 'Lead'), at(2, 'jobs.Answered', { tokens: 9 }), committed(2, 0, 'a', 'Lead'), committed(3, 2, 'c', 'Lead'),
		]);
		expect(steps.map(({ title, block }) => `${block} ${title}`)).toEqual(['1 Submitted', '1 Awarded', '2 Leads committed', '2 Answered', '3 Leads committed']);
		expect(steps[1]!.text).toBe('the auction gave it to pipeline 3');
		expect(steps[2]!.lines).toEqual([{ stage: 0, worker: 'a' }, { stage: 1, worker: 'b' }]);
	});

	it('tells the draw with its probability, and who was drawn', () => {
		const draw = (checked: boolean, probability: number) => stepsOf([at(5, 'verification.Drawn', { checked, probability })])[0]!.text;
		expect(draw(true, 1_000_000)).toBe('checked, as it had to be');
		expect(draw(false, 125_000)).toBe('left to lots: holders of a stage are summoned to check it with a probability of 12.5 % at most');
		const [step] = stepsOf([at(5, 'verification.CheckerDrawn', { stage: 0, worker: 'x' }), at(5, 'verification.CheckerDrawn', { stage: 1, worker: 'y' })]);
		expect(step).toMatchObject({ title: 'Checkers drawn', lines: [{ stage: 0, worker: 'x' }, { stage: 1, worker: 'y' }] });
	});

	it('tells verdicts in the words of receipts', () => {
		const [step] = stepsOf([at(9, 'verification.Judged', { stage: 2, worker: 'a', part: 'Lead', verdict: 'WorkerFault' })]);
		expect(step!.lines).toEqual([{ stage: 2, worker: 'a', text: 'lead', verdict: 'workerFault' }]);
	});

	it('tells how far the leads came of a job that stopped', () => {
		const told = (stage: number, worker: string, tally: unknown) => at(30, 'verification.Tallied', { stage, worker, tally });
		const [step] = stepsOf([
			told(1, 'b', { received: 9, sent: 1, lostNext: true }), told(0, 'a', { received: 0, sent: 9, lostNext: false }), told(2, 'c', { received: null, sent: null, lostNext: false }),
		]);
		expect(step!.title).toBe('Told how far they came');
		expect(step!.lines.map(({ worker, text }) => `${worker}: ${text}`)).toEqual([
			'a: 0 rows came, 9 rows sent on',
			'b: 9 rows came, 1 row sent on; it lost the next stage',
			'c: no link from the stage before, no link to the next stage',
		]);
	});

	it('ends with the money', () => {
		const [settled] = stepsOf([at(9, 'jobs.Settled', { fee: 1_500_000_000_000, refunded: '0x000000000000000000000002540be400' })]);
		expect(settled!.text).toBe('1.5 DLLM were paid, 0.01 DLLM came back');
		const [refunded] = stepsOf([at(9, 'jobs.Refunded', { reason: 'Cheated', amount: 2_000_000_000_000 })]);
		expect(refunded!.text).toBe('a worker was convicted of cheating; 2 DLLM came back');
	});

	it('names the job that runs a failed one again', () => {
		const [rerun] = stepsOf([at(9, 'jobs.Rerun', { by: 2, reason: 'Unserved' })]);
		expect(rerun!.title).toBe('Run again');
		expect(rerun!.text).toBe('a worker did not deliver in time; job 2 asks the same of other workers, with the same price on hold');
	});

	it('tells that a breaker holds the verdicts of a model or of a class', () => {
		const held = (scope: unknown) => stepsOf([at(9, 'verification.TrialHeld', { scope, until: 90 })])[0]!;
		expect(held({ model: 3 })).toMatchObject({ title: 'Held by a breaker', text: expect.stringMatching(/about model 3 blamed .* block 90/) });
		expect(held({ class: `0x${'ab'.repeat(32)}` }).text).toMatch(/class 0xabababab…ababab /);
		expect(waitsFor([at(8, 'verification.PhaseEntered', { phase: 'Revealing', until: 20 }), at(9, 'verification.TrialHeld', { scope: { model: 3 }, until: 90 })])).toEqual({ text: expect.stringMatching(/governance/), until: 90 });
	});

	it('leaves out what it does not know', () => {
		expect(stepsOf([at(1, 'jobs.PaymentFailed'), at(1, 'verification.Unheard')])).toEqual([]);
	});
});

describe('a dispute', () => {
	it.each<[string, string, unknown, RegExp]>([
		['its trace', 'Defender', { trace: { jobKey: '0x', groups: ['0x'], nodes: ['0x', '0x'] } }, /as 2 digests, bound/],
		['a choice', 'Challenger', { choose: { index: 4, node: '0x', siblings: [] } }, /digest 5 is the first/],
		['more digests', 'Defender', { nodes: ['0x', '0x', '0x'] }, /3 digests under/],
		['a step', 'Defender', { step: '0x00ff00ff' }, /4 bytes/],
		['a claim', 'Challenger', { claim: { index: 0, opening: {} } }, /value 1 of the step is wrong/],
		['a demand', 'Challenger', { demand: { group: 0, top: '0x', path: [] } }, /asks for their digests/],
		['rows', 'Defender', { rows: ['0x'] }, /1 committed row$/],
		['a mismatch', 'Challenger', { mismatch: { row: 1 } }, /not the one that was committed/],
		['a move within a batch', 'Challenger', undefined, /within another call/],
	])('tells %s', (_, side, made, words) => {
		const step = moved(side, made);
		expect(step.title).toBe(`Dispute: the ${side === 'Defender' ? 'lead' : 'replica'} moved`);
		expect(step.lines).toEqual([{ stage: 1, text: expect.stringMatching(words) }]);
	});

	it('tells its beginning and who lost it, by a value or by silence', () => {
		const ended = (silent: unknown) => stepsOf([at(9, 'verification.DisputeEnded', { stage: 1, outcome: 'Convicted', silent })])[0]!;
		expect(stepsOf([at(8, 'verification.DisputeOpened', { stage: 1 })])[0]).toMatchObject({ title: 'Dispute opened', lines: [{ stage: 1 }] });
		expect(ended(null).lines).toEqual([{ stage: 1, text: 'the chain computed the value', verdict: 'convicted' }]);
		expect(ended('Challenger').lines[0]!.text).toBe('the replica missed its move');
	});
});

describe('a comparison of rows', () => {
	it('is told from its draw to its end', () => {
		const steps = stepsOf([
			at(9, 'verification.ComparisonDrawn', { stage: 1 }),
			at(10, 'verification.RowsShown', { stage: 1, worker: 'b' }), at(10, 'verification.RowsShown', { stage: 1, worker: 'a' }),
			at(10, 'verification.Compared', { stage: 1, likeness: 'Alike' }),
		]);
		expect(steps.map(({ title, block }) => `${block} ${title}`)).toEqual(['9 Rows drawn to compare', '10 Rows shown', '10 Rows compared']);
		expect(steps[0]).toMatchObject({ text: expect.stringMatching(/unlike numerics classes/), lines: [{ stage: 1 }] });
		expect(steps[1]!.lines).toEqual([{ stage: 1, worker: 'b' }, { stage: 1, worker: 'a' }]);
		expect(steps[2]!.lines).toEqual([{ stage: 1, text: expect.stringMatching(/no more than/), verdict: 'alike' }]);
	});

	it.each<[string, RegExp]>([['Unlike', /more than .* third worker/], ['Unshown', /showed none .* third worker/]])('%s says what follows', (likeness, words) => {
		const [step] = stepsOf([at(9, 'verification.Compared', { stage: 2, likeness })]);
		expect(step!.lines).toEqual([{ stage: 2, text: expect.stringMatching(words), verdict: likeness.toLowerCase() }]);
	});
});

describe('a phase', () => {
	it.each([
		'Running', 'Tallying', 'Drawing', 'Summoning', 'Verifying', 'Revealing', 'Reconciling', 'Disputing', 'Appointing', 'Comparing', 'Tiebreak', 'Held',
	])('%s has its words and its colour', (phase) => {
		const waits = waitsFor([at(9, 'verification.PhaseEntered', { phase, until: 12 })]);
		expect(waits).toEqual({ text: expect.stringMatching(/\w+ \w+/), until: 12 });
		expect(toneOf(phase.toLowerCase())).toBe('warn');
	});
});

describe('an open job', () => {
	it('says what it waits for, and until when', () => {
		const opened = [at(1, 'verification.TrialOpened', { until: 11 })];
		expect(waitsFor([at(1, 'jobs.Submitted')])).toBeUndefined();
		expect(waitsFor(opened)).toEqual({ text: 'the leads run it and commit', until: 11 });
		const drawing = waitsFor([...opened, at(3, 'verification.PhaseEntered', { phase: 'Drawing', until: 6 })]);
		expect(drawing).toEqual({ text: expect.stringMatching(/randomness/), until: 6 });
		const appointing = waitsFor([...opened, at(9, 'verification.PhaseEntered', { phase: 'Appointing', until: 12 })]);
		expect(appointing).toEqual({ text: expect.stringMatching(/randomness .* third worker/), until: 12 });
		const tallying = waitsFor([...opened, at(11, 'verification.PhaseEntered', { phase: 'Tallying', until: 17 })]);
		expect(tallying).toEqual({ text: expect.stringMatching(/did not come to its end.* refunded/), until: 17 });
		expect(waitsFor([...opened, at(9, 'verification.PhaseEntered', { phase: 'Closed', until: 9 })])).toBeUndefined();
	});
});

describe('whether a job is checked', () => {
	const receipt = settled.receipt as unknown as Receipt;
	const byLot = (...checked: boolean[]): Receipt => ({
		...receipt,
		checked: checked.includes(true),
		stages: checked.map((one, at) => ({ ...receipt.stages[at]!, chance: 100_000, participants: receipt.stages[at]!.participants.filter(({ part }) => one || part === 'lead') })),
	});

	it('is told of all stages, of some, and of none', () => {
		expect(checkOf({ ...receipt, checked: true })).toBe('Checked: other operators run every stage again.');
		expect(checkOf(byLot(true, false))).toBe('Checked in part: 1 of 2 stages, by holders whose lots won.');
		expect(checkOf(byLot(false, false))).toMatch('no lot of a holder won');
	});

	it('is open until it is drawn', () => {
		const open = { ...receipt.job, ended: null };
		expect(checkOf({ ...receipt, checked: null, job: { ...open, awarded: null } })).toMatch('once it has been run');
		expect(checkOf({ ...receipt, checked: null, job: { ...open, phase: 'drawing' } })).toMatch('once every lead has committed');
		expect(checkOf({ ...receipt, checked: null, job: { ...open, phase: 'summoning' } })).toMatch('draw lots now');
	});

	it('is settled where it did not come to its end', () => {
		const stopped = { ...receipt.job, ended: null, phase: 'tallying' };
		expect(checkOf({ ...receipt, checked: null, job: stopped })).toMatch('did not come to its end');
	});
});
