// Links in the words of the map, on figures of good and bad lines.

import { describe, expect, it } from 'vitest';
import type { Link, Pipeline } from '../../src/chain/views';
import { formatBandwidth, formatLoss, formatTime, hopsOf, linkLabel, LinkMap, linkTone, summary, toldBy } from '../../src/network/links';

const link = (change: Partial<Link> = {}): Link => ({ ends: ['a', 'b'], rttUs: 12_000, jitterUs: 500, lossPpm: 0, bytesPerSecond: 12_500_000, ages: [2, 9], ...change });
const stage = (number: number, workers: string[]) => ({ stage: number, layers: { start: 0, end: 0 }, workers, ready: workers, price: '1' });
const pipeline = (...stages: ReturnType<typeof stage>[]): Pipeline => ({ id: 0, model: 0, state: 'live', slots: 1, openJobs: 0, inFlight: 0, pace: null, stages });

describe('a link', () => {
	it('is found by its ends in either order, and by no others', () => {
		const map = new LinkMap({ links: [link({ ends: ['b', 'a'] })], silent: ['c'] });
		expect(map.between('a', 'b')).toBeDefined();
		expect(map.between('b', 'a')).toBe(map.between('a', 'b'));
		expect(map.between('a', 'c')).toBeUndefined();
		expect(map.silent.has('c')).toBe(true);
	});

	it('stays where a worker does not answer, who is silent then', () => {
		const measured = new LinkMap({ links: [link()], silent: ['c'] });
		const map = measured.without(['b']);
		expect(map.between('a', 'b')).toBeDefined();
		expect([...map.silent].sort()).toEqual(['b', 'c']);
		expect([...measured.silent]).toEqual(['c']);
	});

	it('is good, slow, lossy or unmeasured', () => {
		expect(linkTone()).toBe('quiet');
		expect(linkTone(link())).toBe('good');
		expect(linkTone(link({ rttUs: 149_999 }))).toBe('good');
		expect(linkTone(link({ rttUs: 150_000 }))).toBe('warn');
		expect(linkTone(link({ lossPpm: 4_999 }))).toBe('good');
		expect(linkTone(link({ lossPpm: 5_000 }))).toBe('warn');
		expect(linkTone(link({ lossPpm: 49_999 }))).toBe('warn');
		expect(linkTone(link({ lossPpm: 50_000 }))).toBe('bad');
	});

	it('is labelled by its round trip, and by its loss where it loses anything', () => {
		expect(linkLabel(link())).toBe('12 ms');
		expect(linkLabel(link({ lossPpm: 35_000 }))).toBe('12 ms · 3.5 %');
	});

	it('says who reported it, and when', () => {
		expect(toldBy(link())).toBe('both ends, 9 blocks ago');
		expect(toldBy(link({ ages: [null, 4] }))).toBe('one end only, 4 blocks ago');
	});
});

describe('figures', () => {
	it.each([[90, '0.09 ms'], [310, '0.31 ms'], [1_240, '1.2 ms'], [9_960, '10.0 ms'], [12_400, '12 ms'], [1_200_000, '1.2 s']])('%i µs are %s', (micros, text) => {
		expect(formatTime(micros)).toBe(text);
	});

	it.each([[0, '0 %'], [200, '0.02 %'], [5_000, '0.5 %'], [1_000_000, '100.0 %']])('%i ppm are %s', (ppm, text) => {
		expect(formatLoss(ppm)).toBe(text);
	});

	it.each([[1, '8 bit/s'], [12_500, '100 kbit/s'], [1_000_000, '8.0 Mbit/s'], [117_500_000, '940 Mbit/s'], [1_250_000_000, '10 Gbit/s']])('%i bytes a second are %s', (bytes, text) => {
		expect(formatBandwidth(bytes)).toBe(text);
	});

	it('of many links are the middle round trip and the greatest loss', () => {
		expect(summary([])).toBeUndefined();
		expect(summary([link({ rttUs: 3 }), link({ rttUs: 1, lossPpm: 7 }), link({ rttUs: 2 })])).toEqual({ rttUs: 2, lossPpm: 7 });
	});
});

describe('the ways of a pipeline', () => {
	it('go from every worker of a stage to every one of the next, and back to the entry', () => {
		const hops = hopsOf(pipeline(stage(0, ['a', 'b']), stage(1, ['c', 'd']), stage(2, ['e'])));
		expect(hops).toHaveLength(4 + 2 + 2);
		expect(hops).toContainEqual({ from: { stage: 2, worker: 'e' }, to: { stage: 0, worker: 'b' } });
	});

	it('are none where there is one stage', () => {
		expect(hopsOf(pipeline(stage(0, ['a', 'b'])))).toEqual([]);
	});
});
