// Sums over measured times.

/** The value below which this part of the values lies, interpolated. */
export function quantile(values, part) {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (sorted.length - 1) * part;
	const below = sorted[Math.floor(at)];
	return below + (sorted[Math.ceil(at)] - below) * (at - Math.floor(at));
}

export const median = (values) => quantile(values, 0.5);

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A line in the form of the benchmarks. */
export function print(id, name, value, unit, goal, good) {
	console.log(`${id} ${name} ${value} ${unit} (goal ${goal}) ${good ? 'ok' : 'SHORT'}`);
}
