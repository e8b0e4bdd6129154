// What was measured, as lines in the form of the benchmarks, and as tables and charts of docs/placement.md.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { REPOSITORY } from '../lib/processes.mjs';
import { bars, points } from './chart.mjs';
import { median } from './figures.mjs';
import { MACHINES } from './swarm.mjs';

const PAGE = path.join(REPOSITORY, 'docs', 'placement.md');
const IMAGES = path.join(REPOSITORY, 'docs', 'images');
const MARKS = ['<!-- netlab -->', '<!-- /netlab -->'];

/** Methods that ours is compared with, and what they are called. */
const BASELINES = { memory: 'memory-proportional', flops: 'FLOPS-proportional', petals: 'Petals-greedy', 'patent-text': 'patent as printed' };
/** Goals: ours over a baseline, on this part of the topologies; ours over a baseline at worst; prediction; p95/p50. */
const GOALS = { ratio: 0.8, part: 0.7, worst: 1.05, error: 0.15, tail: 1.3 };

const ms = (value) => value.toFixed(1);
const percent = (part) => `${(100 * part).toFixed(0)} %`;
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** |predicted − measured| / measured. */
const error = ({ predictedMs, measuredMs }) => Math.abs(predictedMs - measuredMs) / measuredMs;

/** Ours over a baseline, for every topology. */
function ratios(topologies, baseline) {
	return topologies.map(({ methods }) => methods.ours.measuredMs / methods[baseline].measuredMs);
}

/** What each baseline comes to. */
function against(topologies) {
	return Object.keys(BASELINES).map((baseline) => {
		const all = ratios(topologies, baseline);
		return { baseline, median: median(all), part: all.filter((ratio) => ratio <= GOALS.ratio).length / all.length, worst: Math.max(...all) };
	});
}

/** Every measured placement of the topologies, once. */
function measuredOnce(topologies) {
	return topologies.flatMap(({ methods }) => {
		const byPlacement = Object.values(methods).map((one) => [JSON.stringify(one.segments), one]);
		return [...new Map(byPlacement).values()];
	});
}

/** The lines, as arguments of `print`. */
function lines({ loss, random }) {
	const all = [];
	for (const { machines, p50, p95 } of (loss ?? []).filter((one) => one.loss > 0)) {
		const tail = p95 / p50;
		all.push([`P6t${machines}`, `p95-over-p50-at-50-ms-and-1-percent-loss-${machines}-machines`, tail.toFixed(2), 'ratio', `≤ ${GOALS.tail}`, tail <= GOALS.tail]);
	}
	if (!random) return all;
	for (const { baseline, part, worst } of against(random)) {
		all.push([`P6.${baseline}`, `topologies-with-ours-at-most-${GOALS.ratio}-of-${baseline}`, part.toFixed(2), 'part', `≥ ${GOALS.part}`, part >= GOALS.part]);
		all.push([`P6w.${baseline}`, `ours-over-${baseline}-at-worst`, worst.toFixed(2), 'ratio', `≤ ${GOALS.worst}`, worst <= GOALS.worst]);
	}
	const errors = measuredOnce(random).map(error);
	all.push(['P6e', `prediction-error-median-of-${errors.length}-placements`, median(errors).toFixed(3), 'part', `≤ ${GOALS.error}`, median(errors) <= GOALS.error]);
	return all;
}

/** Says how quiet a machine the figures come from. */
function circumstances({ measured, load }) {
	const commit = execFileSync('git', ['-C', REPOSITORY, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
	const [processor] = cpus();
	return `Seen on ${new Date().toISOString().slice(0, 10)} at \`${commit}\`, on ${cpus().length} cores of ${processor.model.trim()} that ran node, ${2 * MACHINES.length} workers, user and links, with a load of ${load.toFixed(1)} before the start. On them a layer takes ${measured.layerMs.toFixed(2)} ms a token, a hop over a perfect link ${measured.hopMs.toFixed(2)} ms, and the entry ${measured.entryMs.toFixed(1)} ms.`;
}

function lossSection(loss) {
	const rows = loss.map((one) => [one.machines, percent(one.loss), one.tokens, ms(one.p50), ms(one.p95), ms(one.p99), (one.p95 / one.p50).toFixed(2), `${one.lost} of ${one.carried + one.lost}`]);
	return ['**Transport under loss**: hosts 50 ms apart (round trip), 100 Mbit/s; milliseconds from token to token.', '',
		table(['machines', 'loss', 'tokens', 'p50', 'p95', 'p99', 'p95/p50', 'packets lost'], rows), ''];
}

function patentSection(patent) {
	const rows = patent.map(({ name, four, alone, predicted }) => [name, ms(four), ms(predicted[0]), ms(alone), ms(predicted[1])]);
	writeFileSync(path.join(IMAGES, 'netlab-patent.svg'), bars({
		title: 'Time of a token on weak networks', yName: 'ms', groups: patent.map(({ name }) => name),
		series: { 'four machines': patent.map(({ four }) => four), 'one machine': patent.map(({ alone }) => alone) },
	}));
	return ['**The patent\'s weak networks**: every link alike, four machines with a quarter of the layers each, against one that has all; mean milliseconds a token.', '',
		table(['network', 'four machines', 'predicted', 'one machine', 'predicted'], rows), '', '![Time of a token on weak networks](images/netlab-patent.svg)', ''];
}

function randomSection(random) {
	const named = Object.entries(BASELINES);
	const rows = random.map(({ seed, methods }) => [seed, ...['ours', ...Object.keys(BASELINES)].map((name) => `${ms(methods[name].measuredMs)} (${ms(methods[name].predictedMs)})`)]);
	const sums = against(random).map(({ baseline, median, part, worst }) => [BASELINES[baseline], median.toFixed(2), percent(part), worst.toFixed(2)]);
	const errors = measuredOnce(random).map(error);
	writeFileSync(path.join(IMAGES, 'netlab-ratios.svg'), points({
		title: 'Our placement over the others, measured', xName: 'topology', yName: 'time of a token, ours over theirs', mark: GOALS.ratio,
		series: Object.fromEntries(named.map(([baseline, name]) => [name, ratios(random, baseline).map((ratio, at) => [random[at].seed, ratio])])),
	}));
	const all = ['ours', ...Object.keys(BASELINES)];
	writeFileSync(path.join(IMAGES, 'netlab-predictions.svg'), points({
		title: 'Predicted and measured time of a token', xName: 'predicted, ms', yName: 'measured, ms', diagonal: true,
		series: Object.fromEntries(all.map((name) => [BASELINES[name] ?? 'ours', random.map(({ methods }) => [methods[name].predictedMs, methods[name].measuredMs])])),
	}));
	return [`**Placements on ${random.length} drawn topologies**, all of them run: six machines in three places, with 0.2 to 1 processor and memory for a sixth to five twelfths of the model's layers. Ours over the others:`, '',
		table(['against', 'median', `at most ${GOALS.ratio}`, 'worst'], sums), '',
		`The prediction misses the measured time by ${percent(median(errors))} in the median of ${errors.length} placements.`, '',
		'![Our placement over the others](images/netlab-ratios.svg)', '', '![Predicted and measured](images/netlab-predictions.svg)', '',
		'Mean milliseconds a token, measured (predicted):', '',
		table(['topology', 'ours', ...Object.values(BASELINES)], rows), ''];
}

/** Answers the lines, and puts tables and charts into the page where `write` says so. */
export function writePage(seen, write) {
	if (write) {
		mkdirSync(IMAGES, { recursive: true });
		const parts = [circumstances(seen), ''];
		if (seen.loss) parts.push(...lossSection(seen.loss));
		if (seen.patent) parts.push(...patentSection(seen.patent));
		if (seen.random) parts.push(...randomSection(seen.random));
		const [before, rest] = readFileSync(PAGE, 'utf8').split(MARKS[0]);
		const [, after] = rest.split(MARKS[1]);
		writeFileSync(PAGE, `${before}${MARKS[0]}\n${parts.join('\n')}${MARKS[1]}${after}`);
	}
	return lines(seen);
}
