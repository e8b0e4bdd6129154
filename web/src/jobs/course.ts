// The way of a job in steps for people, from the events of its blocks: who led, what was drawn, who checked,
// every move of a dispute, what was compared, the verdicts and the money.

import type { Happening } from '../chain/events';
import type { Receipt, Tally } from '../chain/views';
import { formatMoney } from '../format/money';
import { plural, shorten, tallyText } from '../format/text';
import { refundWords } from '../parts/State';

/** A line of a step: a worker, or what was said. */
export interface Line {
	stage?: number;
	worker?: string;
	text?: string;
	verdict?: string;
}

export interface Step {
	title: string;
	block: number;
	text?: string;
	lines: Line[];
}

type Data = Record<string, unknown>;
/** What an event says; steps of the same title in the same block become one. */
type Telling = (data: Data) => Omit<Step, 'block'> | undefined;

const PARTS = { lead: 'Leads', replica: 'Replicas', tiebreak: 'Third workers' } as Record<string, string>;
/** Sides of a dispute, by what they are to the stage. */
const SIDES = { defender: 'lead', challenger: 'replica' } as Record<string, string>;
const PHASES = {
	running: 'the leads run it and commit',
	tallying: 'it did not come to its end in time: its workers tell how far they came, which says who stopped it; then it is refunded or run again',
	drawing: 'randomness of coming blocks decides whether the job is checked for sure, and by whom',
	summoning: 'other holders of each stage draw lots that nobody else knows; whose wins checks the stage',
	verifying: 'the drawn checkers run their stages again and commit blind',
	revealing: 'lead and checker open what they committed to',
	reconciling: 'workers tell other rows of one hop; who holds its receipt shows who signed for others',
	disputing: 'lead and checker look for the first value in which they differ',
	appointing: 'randomness of coming blocks draws rows to compare, or a third worker, where the two do not agree',
	comparing: 'lead and checker, of unlike numerics classes, show some of their rows, which may differ by a tolerance',
	tiebreak: 'a third worker decides where the two do not agree',
	held: 'a breaker holds the verdicts, as many jobs like it blamed somebody: governance decides, or they stand',
} as Record<string, string>;

/** What came of comparing rows. */
const LIKENESSES = {
	alike: 'they differ by no more than their classes may',
	unlike: 'they differ by more than their classes may, so a third worker is asked for',
	unshown: 'one of the two showed none in time, so a third worker is asked for',
} as Record<string, string>;

/** Events with the end of a phase in them. */
const ENTERING = ['verification.TrialOpened', 'verification.PhaseEntered', 'verification.TrialHeld'];

const TELLINGS: Record<string, Telling> = {
	'jobs.Submitted': () => ({ title: 'Submitted', text: 'the ceiling of the price went on hold', lines: [] }),
	'jobs.Awarded': ({ pipeline }) => ({ title: 'Awarded', text: `the auction gave it to pipeline ${pipeline}`, lines: [] }),
	'jobs.Answered': ({ tokens }) => ({ title: 'Answered', text: `the entry posted a reply of ${plural(Number(tokens), 'token')}`, lines: [] }),
	'jobs.Settled': ({ fee, refunded }) => ({ title: 'Settled', text: `${money(fee)} were paid, ${money(refunded)} came back`, lines: [] }),
	'jobs.Refunded': ({ reason, amount }) => ({ title: 'Refunded', text: `${refundWords(camel(reason))}; ${money(amount)} came back`, lines: [] }),
	'jobs.Rerun': ({ by, reason }) => ({ title: 'Run again', text: `${refundWords(camel(reason))}; job ${by} asks the same of other workers, with the same price on hold`, lines: [] }),
	'verification.Committed': ({ stage, worker, part }) => ({ title: `${PARTS[camel(part)]} committed`, lines: [line(stage, worker)] }),
	'verification.Tallied': ({ stage, worker, tally }) => ({
		title: 'Told how far they came', lines: [{ ...line(stage, worker), text: tallyText(tally as Tally) }],
	}),
	'verification.Drawn': ({ checked, probability }) => ({ title: 'Drawn', text: drawn(Boolean(checked), Number(probability)), lines: [] }),
	'verification.CheckerDrawn': ({ stage, worker }) => ({ title: 'Checkers drawn', lines: [line(stage, worker)] }),
	'verification.Summoned': ({ stage, worker }) => ({ title: 'Summoned', lines: [line(stage, worker)] }),
	'verification.Revealed': ({ stage, worker, part }) => {
		const third = camel(part) === 'tiebreak';
		return { title: `${PARTS[camel(part)]} ${third ? 'told their roots' : 'revealed'}`, lines: [line(stage, worker)] };
	},
	'verification.Contradicted': ({ stage, worker }) => ({
		title: 'Receipt shown', text: 'a lead signed for other rows of a hop than it told', lines: [line(stage, worker)],
	}),
	'verification.DisputeOpened': ({ stage }) => ({
		title: 'Dispute opened', text: 'lead and checker did the same work and sent other rows', lines: [{ stage: Number(stage) }],
	}),
	'verification.DisputeMoved': ({ stage, side, made }) => ({
		title: `Dispute: the ${SIDES[camel(side)]} moved`, lines: [{ stage: Number(stage), text: moveText(made) }],
	}),
	'verification.DisputeEnded': ({ stage, outcome, silent }) => ({
		title: 'Dispute ended', lines: [{ stage: Number(stage), text: endText(silent), verdict: camel(outcome) }],
	}),
	'verification.ComparisonDrawn': ({ stage }) => ({
		title: 'Rows drawn to compare', text: 'lead and checker did the same work in unlike numerics classes', lines: [{ stage: Number(stage) }],
	}),
	'verification.RowsShown': ({ stage, worker }) => ({ title: 'Rows shown', lines: [line(stage, worker)] }),
	'verification.Compared': ({ stage, likeness }) => ({
		title: 'Rows compared', lines: [{ stage: Number(stage), text: LIKENESSES[camel(likeness)], verdict: camel(likeness) }],
	}),
	'verification.TiebreakerDrawn': ({ stage, worker }) => ({ title: 'Third worker drawn', lines: [line(stage, worker)] }),
	'verification.TrialHeld': ({ scope, until }) => ({
		title: 'Held by a breaker', text: `too many verdicts about ${scopeText(scope)} blamed somebody; nothing is paid or taken before governance decides, or block ${until} is over`, lines: [],
	}),
	'verification.Judged': ({ stage, worker, part, verdict }) => ({
		title: 'Judged', lines: [{ ...line(stage, worker), text: camel(part), verdict: camel(verdict) }],
	}),
};

/** Steps of what happened, the first first. Events that tell nothing new are left out. */
export function stepsOf(happenings: Happening[]): Step[] {
	const steps: Step[] = [];
	for (const { block, name, data } of happenings) {
		const told = TELLINGS[name]?.(data);
		if (!told) continue;
		const same = steps.find((step) => step.block === block && step.title === told.title);
		if (same) same.lines.push(...told.lines);
		else steps.push({ block, ...told });
	}
	for (const { lines } of steps) lines.sort((one, other) => (one.stage ?? 0) - (other.stage ?? 0));
	return steps;
}

/** What an open job waits for; nothing where it has not been awarded. */
export function waitsFor(happenings: Happening[]): { text: string; until: number } | undefined {
	const entered = happenings.findLast(({ name }) => ENTERING.includes(name));
	if (!entered) return undefined;
	const { phase, until } = entered.data;
	const text = PHASES[{ 'verification.TrialOpened': 'running', 'verification.TrialHeld': 'held' }[entered.name] ?? camel(phase)];
	return text === undefined ? undefined : { text, until: Number(until) };
}

function line(stage: unknown, worker: unknown): Line {
	return { stage: Number(stage), worker: String(worker) };
}

function drawn(checked: boolean, probability: number): string {
	const share = `${Number((probability / 10_000).toFixed(2))} %`;
	if (!checked) return `left to lots: holders of a stage are summoned to check it with a probability of ${share} at most`;
	return 'checked, as it had to be';
}

/** A move in words: `pallets/primitives/src/dispute/moves.rs` says what each holds. */
function moveText(made: unknown): string {
	const [kind, content] = Object.entries((made ?? {}) as Record<string, unknown>)[0] ?? [];
	const list = (Array.isArray(content) ? content : []) as unknown[];
	const fields = (content ?? {}) as Data;
	switch (kind) {
		case 'trace': return `its whole work as ${plural((fields.nodes as unknown[]).length, 'digest')}, bound to the rows that it sent`;
		case 'choose': return `digest ${Number(fields.index) + 1} is the first that differs`;
		case 'nodes': return `${plural(list.length, 'digest')} under the one that was chosen`;
		case 'step': return `the values of the step that was chosen: ${plural(hexLength(content), 'byte')}`;
		case 'claim': return `value ${Number(fields.index) + 1} of the step is wrong; the chain computes it from what its rule reads`;
		case 'demand': return 'the trace agrees, so the rows that were sent cannot: it asks for their digests';
		case 'rows': return `digests of ${plural(list.length, 'committed row')}`;
		case 'mismatch': return 'a row of the trace is not the one that was committed to';
		default: return 'the move is within another call';
	}
}

/** What a breaker is about: a model, or the numerics class of workers. */
function scopeText(scope: unknown): string {
	const [[kind, of] = ['', '']] = Object.entries((scope ?? {}) as Data);
	return kind === 'model' ? `model ${of}` : `the numerics class ${shorten(String(of), 10, 6)}`;
}

function endText(silent: unknown): string {
	return silent === null || silent === undefined ? 'the chain computed the value' : `the ${SIDES[camel(silent)]} missed its move`;
}

function hexLength(content: unknown): number {
	return typeof content === 'string' ? content.length / 2 - 1 : 0;
}

function money(planck: unknown): string {
	return formatMoney(BigInt(planck as string | number));
}

/** Names of variants as events write them, `WorkerFault`, the way that receipts do. */
function camel(name: unknown): string {
	const text = String(name);
	return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Whether a job is checked, and which of its stages, in words. */
export function checkOf({ checked, job, stages }: Receipt): string {
	if (job.awarded === null) return 'Who checks it is drawn once it has been run.';
	if (job.phase === 'tallying') return 'Not checked: it did not come to its end in time, and is refunded or run again.';
	if (job.phase === 'summoning') return 'Holders of its stages draw lots now: whose lot wins checks one.';
	if (checked === null) return job.ended === null ? 'Who checks it is drawn once every lead has committed.' : 'It ended before its checkers were drawn.';
	if (!checked) return 'Not checked: no lot of a holder won, so it was left to those who ran it.';
	const summoned = stages.filter(({ chance, participants }) => !chance || participants.some(({ part }) => part === 'replica'));
	if (summoned.length === stages.length) return 'Checked: other operators run every stage again.';
	return `Checked in part: ${summoned.length} of ${plural(stages.length, 'stage')}, by holders whose lots won.`;
}
