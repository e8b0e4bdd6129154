// What the load run makes of its numbers; without a network.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { growth, latencies, percentile, slope } from '../load/figures.mjs';

const MIB = 2 ** 20;
/** Samples of half an hour, one every 5 s. */
const samples = (bytes) => Array.from({ length: 361 }, (_, at) => [at * 5, bytes(at * 5)]);

describe('figures of the load run', () => {
	it('percentiles are values that were measured', () => {
		const values = Array.from({ length: 100 }, (_, at) => 100 - at);
		assert.deepEqual([0.5, 0.95, 0.99, 1].map((share) => percentile(values, share)), [50, 95, 99, 100]);
		assert.equal(percentile([7], 0.5), 7);
		assert.deepEqual(latencies([3, 1, 2]), { count: 3, p50: 2, p95: 3, p99: 3 });
		assert.equal(latencies([]), undefined);
	});

	it('a slope is not moved by outliers', () => {
		const points = Array.from({ length: 20 }, (_, at) => [at, 3 * at]);
		points[19][1] = 10_000;
		assert.equal(slope(points), 3);
		assert.equal(slope([[1, 2]]), 0);
	});

	it('a process that fills its caches and then holds still does not grow', () => {
		const still = growth(samples((second) => Math.min(100, 20 + second) * MIB + (second % 7) * 100_000));
		assert.ok(still.judged && !still.grows, JSON.stringify(still));
	});

	it('a leak is seen, and how fast it is', () => {
		const leak = growth(samples((second) => (100 + second / 60) * MIB));
		assert.ok(leak.grows);
		assert.ok(Math.abs(leak.anHour / MIB - 60) < 1, JSON.stringify(leak));
	});

	it('a step of an allocator is no leak, and few samples are not judged', () => {
		assert.ok(!growth(samples((second) => (second > 1500 ? 104 : 100) * MIB)).grows);
		assert.ok(!growth(samples(() => MIB).slice(0, 5)).judged);
		assert.ok(!growth([]).judged);
	});
});
