// Rules of the pages that need no browser: settings, limits of prompts and amounts, earnings, the diagram.

import { describe, expect, it } from 'vitest';
import { unsent } from '../../src/chain/send';
import type { Model, Pipeline, Receipt } from '../../src/chain/views';
import { lengthProblem } from '../../src/chat/limits';
import { keepTurns, readTurns, type Turn } from '../../src/chat/turns';
import { DLLM } from '../../src/format/money';
import { partsOf, totalPaid } from '../../src/miners/earnings';
import { adapterOf, baseOf } from '../../src/models/named';
import { layout, memberState } from '../../src/network/layout';
import { LinkMap } from '../../src/network/links';
import { gatewayProblem, keepKey, keepSettings, nodeProblem, readKey, readSettings } from '../../src/settings';
import { amountProblem } from '../../src/stake/limits';
import settled from './settled.json';

class Kept implements Pick<Storage, 'getItem' | 'setItem'> {
	#values = new Map<string, string>();
	getItem = (key: string) => this.#values.get(key) ?? null;
	setItem = (key: string, value: string) => void this.#values.set(key, value);
}
const storage = () => new Kept() as unknown as Storage;
const at = (address: string) => new URL(address) as unknown as Location;

describe('settings', () => {
	it('take the host of the page where nothing is set', () => {
		expect(readSettings(at('http://chain.example/'), storage())).toEqual({ node: 'ws://chain.example:9944', gateway: '' });
		expect(readSettings(at('https://chain.example/'), storage()).node).toBe('wss://chain.example:9944');
	});

	it('are kept, and a link changes them for one visit only', () => {
		const kept = storage();
		keepSettings({ node: 'ws://a:1', gateway: 'http://g' }, kept);
		expect(readSettings(at('http://x/?node=ws://b:2'), kept)).toEqual({ node: 'ws://b:2', gateway: 'http://g' });
		expect(readSettings(at('http://x/'), kept).node).toBe('ws://a:1');
	});

	it('never give a key to another gateway', () => {
		const kept = storage();
		keepKey('http://mine', 'secret', kept);
		expect(readKey('http://mine', kept)).toBe('secret');
		expect(readKey('http://other', kept)).toBe('');
		keepKey('http://mine', '', kept);
		expect(readKey('http://mine', kept)).toBe('');
	});

	it('refuse addresses that cannot be', () => {
		expect(nodeProblem('ws://127.0.0.1:9944')).toBeUndefined();
		expect(nodeProblem('http://127.0.0.1')).toMatch('websocket');
		expect(gatewayProblem('')).toBeUndefined();
		expect(gatewayProblem('ftp://x')).toMatch('web address');
	});

	it('survive nonsense in the storage', () => {
		const kept = storage();
		kept.setItem('dllm.settings', '{');
		kept.setItem('dllm.conversation', '7');
		expect(readSettings(at('http://x/'), kept).node).toBe('ws://x:9944');
		expect(readTurns(kept)).toEqual([]);
	});
});

describe('a prompt', () => {
	const model = settled.model as unknown as Model;

	it('must fit the chain and the model', () => {
		expect(lengthProblem('Hello', 64, model)).toBeUndefined();
		expect(lengthProblem('é'.repeat(2049), 1, model)).toMatch('4,098 bytes');
		const room = model.maxContext - 32 - 64;
		expect(lengthProblem('x'.repeat(room), 64, model)).toBeUndefined();
		expect(lengthProblem('x'.repeat(room + 1), 64, model)).toMatch('do not fit');
	});
});

describe('a model with adapters', () => {
	const adapter = { id: 4, owner: '5Fox', retired: false, name: 'fox', licence: 'MIT', manifestRoot: '0x01', rank: 8, bytes: 1000 };
	const model = { ...(settled.model as unknown as Model), name: 'tiny', adapters: [adapter] };
	const plain = { ...model, id: 9, name: 'tiny+large', adapters: [] };
	const job = (settled.receipt as unknown as Receipt).job;

	it('has the price of the model that the name begins with', () => {
		expect(baseOf([plain, model], 'tiny+fox')).toBe(model);
		expect(baseOf([model, plain], 'tiny+large')).toBe(plain);
		expect(baseOf([plain, model], 'tiny+wolf')).toBeUndefined();
		expect(baseOf([model], null)).toBeUndefined();
	});

	it('names what a job added', () => {
		expect(adapterOf({ ...job, adapter: null }, model)).toBe('');
		expect(adapterOf({ ...job, adapter: 4 }, model)).toBe(' with the adapter fox');
		expect(adapterOf({ ...job, adapter: 5 }, model)).toBe(' with the adapter 5');
	});
});

describe('a conversation', () => {
	const turn: Turn = { id: '1', prompt: 'Hi', paidBy: 'wallet', model: 'tiny', phase: 'accepted', reply: '', job: 3, chain: '0x' };

	it('comes back with its jobs, and says what was cut off', () => {
		const kept = storage();
		keepTurns([turn, { ...turn, id: '2', phase: 'signing', job: undefined }], kept);
		const [first, second] = readTurns(kept);
		expect(first).toEqual(turn);
		expect(second).toMatchObject({ phase: 'failed', error: expect.stringContaining('closed') });
	});
});

describe('a transaction that was not sent', () => {
	it('says what helps', () => {
		expect(unsent(new Error('1010: Invalid Transaction: Inability to pay some fees'))).toMatch('Send it some DLLM');
		expect(unsent(new Error('1002: Verification Error: Runtime error: Api called for an unknown Block: State already discarded for 0x01'))).toMatch('Try again in a few seconds');
		expect(unsent(new Error('Cancelled'))).toMatch('You declined');
		expect(unsent(new Error('7: other'))).toMatch('7: other');
	});
});

describe('an amount to stake', () => {
	it('lies between the least and what there is', () => {
		expect(amountProblem(5n * DLLM, DLLM, 10n * DLLM)).toBeUndefined();
		expect(amountProblem(undefined, DLLM, DLLM)).toMatch('12 decimals');
		expect(amountProblem(DLLM - 1n, DLLM, 10n * DLLM)).toBe('at least 1 DLLM');
		expect(amountProblem(10n * DLLM + 1n, DLLM, 10n * DLLM)).toBe('at most 10 DLLM');
	});
});

describe('earnings', () => {
	const receipt = settled.receipt as unknown as Receipt;

	it('of all workers and the sunk parts together are the fee', () => {
		const workers = new Set(receipt.stages.flatMap(({ participants }) => participants.map(({ worker }) => worker)));
		const paid = [...workers].reduce((sum, worker) => sum + totalPaid(partsOf(worker, [receipt])), 0n);
		expect(paid + BigInt(receipt.treasury) + BigInt(receipt.burned)).toBe(BigInt(receipt.job.fee));
	});

	it('of a worker in two parts of a job count once', () => {
		const twice = structuredClone(receipt);
		const [first] = twice.stages[0]!.participants;
		twice.stages[1]!.participants.push({ ...first!, part: 'tiebreak' });
		const parts = partsOf(first!.worker, [twice]);
		expect(parts).toHaveLength(2);
		expect(totalPaid(parts)).toBe(totalPaid(partsOf(first!.worker, [receipt])));
	});
});

describe('the diagram', () => {
	const pipeline: Pipeline = {
		id: 0, model: 0, state: 'live', slots: 1, openJobs: 0, inFlight: 0, pace: null,
		stages: [
			{ stage: 0, layers: { start: 0, end: 0 }, workers: ['a', 'b'], ready: ['a', 'b'], price: '1' },
			{ stage: 1, layers: { start: 0, end: 3 }, workers: ['c', 'd', 'e'], ready: ['c', 'd'], price: '1' },
		],
	};

	it('has a place for every member and a link between neighbours', () => {
		const { nodes, edges } = layout(pipeline, new Map());
		expect(nodes.filter(({ type }) => type === 'member')).toHaveLength(5);
		expect(nodes.filter(({ type }) => type === 'stage')).toHaveLength(2);
		expect(edges).toHaveLength(6);
		for (const narrow of [false, true]) {
			const places = layout(pipeline, new Map(), narrow).nodes.map(({ position: { x, y } }) => `${x} ${y}`);
			expect(new Set(places).size).toBe(nodes.length);
		}
	});

	it.each([[2, false], [3, false], [4, false], [2, true]])('puts the figures of links between %i and as many apart, narrow %s', (count, narrow) => {
		const members = (letter: string) => Array.from({ length: count }, (_, index) => `${letter}${index}`);
		const stages = ['a', 'b'].map((letter, stage) => ({ ...pipeline.stages[0]!, stage, workers: members(letter) }));
		const { nodes, edges } = layout({ ...pipeline, stages }, new Map(), narrow);
		const at = (id: string) => nodes.find((node) => node.id === id)!.position;
		const places = edges.map(({ source, target, data }) => {
			const [from, to, place] = [at(source), at(target), data!.place];
			return { x: from.x + place * (to.x - from.x), y: from.y + place * (to.y - from.y) };
		});
		const overlap = places.filter((one, index) => places.some((other, at) => at !== index && Math.abs(one.x - other.x) < 100 && Math.abs(one.y - other.y) < 17));
		expect(overlap).toEqual([]);
		expect(edges).toHaveLength(count * count);
	});

	it('gives a link what was measured of it, whoever reported it', () => {
		const link = { ends: ['d', 'a'] as [string, string], rttUs: 1, jitterUs: 0, lossPpm: 0, bytesPerSecond: 1, ages: [3, null] as [number, null] };
		const { edges } = layout(pipeline, new Map(), false, new LinkMap({ links: [link], silent: [] }));
		expect(edges.filter(({ data }) => data?.link).map(({ source, target }) => `${source} ${target}`)).toEqual(['0 a 1 d']);
	});

	it('marks who answers nobody, unless it has left anyway', () => {
		const silent = new Set(['a']);
		expect(memberState('a', ['a'], undefined, silent)).toBe('silent');
		expect(memberState('b', ['b'], undefined, silent)).toBe('ready');
		expect(memberState('a', ['a'], { active: false } as never, silent)).toBe('inactive');
	});

	it('tells in words who is not ready', () => {
		const { nodes } = layout(pipeline, new Map());
		expect(nodes.find(({ id }) => id === '1 e')?.ariaLabel).toBe('Segment 1, worker e, preparing, 0 open jobs, 0 faults');
	});
});
