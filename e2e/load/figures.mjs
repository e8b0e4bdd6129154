// What is made of measured numbers: percentiles, and whether memory grows.

/** Below this many bytes nothing is called growth: allocators return memory in steps. */
const GRAIN = 8 * 2 ** 20;
/** Growth over the judged half, relative to what is held, that allocators explain. */
const SHARE = 0.04;
/** Samples without which nothing is judged. */
const LEAST_SAMPLES = 6;

/** The value below which `share` of the values lie, the nearest one that was measured. */
export function percentile(values, share) {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** p50, p95 and p99 of milliseconds, or none where nothing was measured. */
export function latencies(values) {
	if (values.length === 0) return undefined;
	const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => Math.round(percentile(values, share)));
	return { count: values.length, p50, p95, p99 };
}

/** The median of the slopes between all pairs of points `[x, y]` (Theil and Sen): outliers do not move it. */
export function slope(points) {
	const slopes = [];
	for (let a = 0; a < points.length; a++) {
		for (let b = a + 1; b < points.length; b++) {
			if (points[b][0] !== points[a][0]) slopes.push((points[b][1] - points[a][1]) / (points[b][0] - points[a][0]));
		}
	}
	return slopes.length === 0 ? 0 : percentile(slopes, 0.5);
}

/**
 * Whether a process grows, by the second half of its samples `[second, bytes]`: the first half fills caches and
 * arenas. Growth is what the slope adds over that half, and more than an allocator explains.
 */
export function growth(samples) {
	const half = (samples.at(0)?.[0] + samples.at(-1)?.[0]) / 2;
	const judged = samples.filter(([second]) => second >= half);
	if (judged.length < LEAST_SAMPLES) return { judged: false, grows: false, bytes: 0 };
	const seconds = judged.at(-1)[0] - judged[0][0];
	const held = percentile(judged.map(([, bytes]) => bytes), 0.5);
	const bytes = Math.round(slope(judged) * seconds);
	return { judged: true, grows: bytes > Math.max(GRAIN, SHARE * held), bytes, held, anHour: Math.round((bytes / seconds) * 3600) };
}
