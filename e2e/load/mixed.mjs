// `make load`: a gateway at its limit before a real network, for half an hour or as long as it is told. Clients
// that wait, stream, hang up, read slowly, ask too often and ask nonsense, all at once. Ends with an error where
// memory of gateway or workers grows, anything is charged that did not run, or an answer is not what it should be.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Gateway } from '../lib/gateway.mjs';
import { until } from '../lib/processes.mjs';
import { dllm } from '../lib/receipt.mjs';
import { standardNetwork } from '../lib/standard.mjs';
import { Books } from './books.mjs';
import { Crowd } from './clients.mjs';
import { latencies } from './figures.mjs';
import { Memory } from './memory.mjs';

const MODEL = 'tiny-chat-nano';
const SEGMENTS = 2;
const SLOTS = 8;
/** Places of the gateway: fewer than there are clients, so that some always find it full. */
const RUNNING = 12;
const WAITING = 12;
/** How many clients of each kind. */
const CROWD = { whole: 10, stream: 10, leave: 4, sip: 4, vectors: 2, greedy: 1, rude: 1 };
/** Requests a minute of the key that asks too often. */
const SLOW = 6;
/** Places that they take at once if they all get one: vectors of two texts take two. */
const WANTED = CROWD.whole + CROWD.stream + CROWD.leave + CROWD.sip + 2 * CROWD.vectors + SLOW * CROWD.greedy;
/** Seconds for jobs to end after the last request: their deadline of 100 blocks, six in which a stopped one is asked who stopped it, and finality. */
const SETTLING = 420;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes}: give a number above 0`);

const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** How many there are of each value. */
function counts(list) {
	const sums = {};
	for (const one of list) sums[one] = (sums[one] ?? 0) + 1;
	return sums;
}

/** The load, from the first request to the end of the last job; answers the report. */
async function load(network, gateway) {
	const keys = {
		main: await gateway.key('main'),
		slow: await gateway.key('slow', { rate: SLOW }),
		poor: await gateway.key('poor', { budget: 1 }),
	};
	const books = await Books.open(network, gateway.account.address, SEGMENTS);
	const watched = [{ name: 'gateway', daemon: gateway.daemon }, ...network.workers];
	const memory = new Memory(watched.map(({ name, daemon }) => ({ name, pid: daemon.child.pid })));
	const crowd = new Crowd({ url: gateway.url, model: MODEL, keys, rate: SLOW, until: Date.now() + minutes * 60_000 });

	const clients = Object.entries(CROWD).flatMap(([kind, count]) => Array.from({ length: count }, () => crowd.client(kind, crowd[kind])));
	const told = setInterval(() => console.log(`${crowd.notes.length} answers, ${books.ended.length} jobs ended, ${crowd.faults.length} faults`), 60_000);
	await Promise.all(clients);
	clearInterval(told);
	const processes = memory.stop();
	const money = await books.close(SETTLING);
	const faults = [...crowd.faults, ...money.faults];

	const fees = money.fees;
	const spent = async () => {
		const all = await Promise.all(Object.keys(keys).map((name) => gateway.spent(name)));
		return all.reduce((sum, planck) => sum + planck, 0n);
	};
	const same = until('the keys have paid what the jobs cost', 60, async () => (await spent()) === fees);
	await same.catch(async () => faults.push(`the keys have paid ${await spent()} planck, the jobs cost ${fees}`));
	if ((await gateway.spent('poor')) !== 0n) faults.push('the key without money has paid');
	for (const { name, daemon } of watched) if (!daemon.alive) faults.push(`${name} has died: ${daemon.tail(3)}`);
	for (const { name, growth } of processes) if (growth.grows) faults.push(`${name} grows by ${mib(growth.anHour)} an hour`);

	const good = crowd.notes.filter(({ status, left }) => status === 200 && !left);
	for (const kind of Object.keys(CROWD).filter((kind) => kind !== 'rude')) {
		if (!crowd.notes.some((note) => note.kind === kind && note.status === 200)) faults.push(`${kind}: no request was answered`);
	}
	if (!crowd.notes.some(({ code }) => code === 'rate_limit_exceeded')) faults.push('nobody reached the rate of a key');
	if (WANTED > RUNNING + WAITING && !crowd.notes.some(({ code }) => code === 'queue_full')) faults.push('nobody found the gateway full');
	return {
		minutes,
		answers: counts(crowd.notes.map(({ status, code }) => (code ? `${status} ${code}` : String(status)))),
		milliseconds: {
			all: latencies(good.map(({ ms }) => ms)),
			firstChunk: latencies(good.map(({ first }) => first).filter((first) => first !== undefined)),
			...Object.fromEntries(Object.keys(CROWD).map((kind) => [kind, latencies(good.filter((note) => note.kind === kind).map(({ ms }) => ms))]).filter(([, told]) => told)),
		},
		jobs: { settled: money.settled, refunded: money.refunded, lost: money.lost, rows: money.rows, fees: dllm(money.fees) },
		memory: processes,
		faults: counts(faults),
	};
}

/** The report as lines for people. */
function lines({ answers, milliseconds, jobs, memory, faults }) {
	return [
		...Object.entries(answers).sort().map(([status, count]) => `answers ${status}: ${count}`),
		...Object.entries(milliseconds).map(([what, told]) => told && `ms ${what}: p50 ${told.p50}, p95 ${told.p95}, p99 ${told.p99} of ${told.count}`),
		`jobs: ${jobs.settled} settled, ${jobs.refunded} refunded, ${jobs.lost} lost to forks; ${jobs.rows} rows for ${jobs.fees} DLLM`,
		...memory.map(({ name, first, last, most, growth }) => {
			const trend = growth.judged ? `${mib(growth.anHour)} an hour over the second half` : 'too short to judge';
			return `memory ${name}: ${mib(first)} to ${mib(last)}, most ${mib(most)}; ${trend}${growth.grows ? ' GROWS' : ''}`;
		}),
		...Object.entries(faults).map(([what, count]) => `FAULT ${count} × ${what}`),
	].filter(Boolean);
}

const network = await standardNetwork('load', { model: MODEL, slots: SLOTS });
let gateway;
try {
	gateway = await Gateway.start(network, { options: { running: RUNNING, waiting: WAITING } });
	const report = await load(network, gateway);
	const file = path.join(network.folder, 'report.json');
	mkdirSync(path.dirname(file), { recursive: true });
	writeFileSync(file, JSON.stringify(report, null, '\t'));
	console.log(lines(report).join('\n'));
	console.log(`the report lies in ${file}`);
	process.exitCode = Object.keys(report.faults).length > 0 ? 1 : 0;
} finally {
	await gateway?.daemon.stop();
	await network.stop();
}
