// Charts as SVG text: points over a line, and bars side by side. Colours are legible on light and dark pages.

const WIDTH = 760;
const HEIGHT = 380;
const EDGE = { left: 70, right: 20, top: 50, bottom: 56 };
const INK = '#7a828c';
const COLOURS = ['#2f81f7', '#d9822b', '#2da44e', '#bf4b8a', '#8250df', '#57606a'];

const escape = (text) => String(text).replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const text = (x, y, words, more = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escape(words)}</text>`;
const line = (x1, y1, x2, y2, more = '') =>
	`<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${INK}" ${more}/>`;

/** Round numbers from 0 to at least `most`, about five. */
function ticks(most) {
	const power = 10 ** Math.floor(Math.log10(most / 4));
	const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= 6);
	return Array.from({ length: Math.ceil(most / step) + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

const across = (part) => EDGE.left + part * (WIDTH - EDGE.left - EDGE.right);
const up = (part) => HEIGHT - EDGE.bottom - part * (HEIGHT - EDGE.top - EDGE.bottom);

function frame({ title, xName, yName, yTicks, series, inside }) {
	const top = yTicks.at(-1);
	const lines = yTicks.map((value) => line(across(0), up(value / top), across(1), up(value / top), 'stroke-opacity="0.3"'));
	const names = yTicks.map((value) => text(across(0) - 8, up(value / top) + 4, value, 'text-anchor="end"'));
	let at = across(0);
	const legend = series.map((name, index) => {
		const entry = `<circle cx="${at + 5}" cy="36" r="5" fill="${COLOURS[index]}"/>${text(at + 14, 40, name)}`;
		at += 34 + 7 * name.length;
		return entry;
	});
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="${INK}" role="img">`,
		`<title>${escape(title)}</title>`,
		text(across(0), 18, title, 'font-size="14" font-weight="bold"'),
		...legend, ...lines, ...names, ...inside,
		text(across(0.5), HEIGHT - 8, xName, 'text-anchor="middle"'),
		text(0, 0, yName, `text-anchor="middle" transform="translate(16 ${up(0.5)}) rotate(-90)"`),
		'</svg>', '',
	].join('\n');
}

/**
 * Points `[x, y]` of several series, `{ name: points }`. `diagonal` draws where both are equal, on one scale;
 * `mark` a level line.
 */
export function points({ title, xName, yName, series, diagonal = false, mark }) {
	const all = Object.values(series).flat();
	const most = (values) => Math.max(...values, mark ?? 0);
	const [xMost, yMost] = diagonal ? [most(all.flat()), most(all.flat())] : [Math.max(...all.map(([x]) => x)), most(all.map(([, y]) => y))];
	const [xTicks, yTicks] = [ticks(xMost), ticks(yMost)];
	const [right, top] = [xTicks.at(-1), yTicks.at(-1)];
	const dots = Object.values(series).flatMap((points, index) => points.map(([x, y]) =>
		`<circle cx="${across(x / right).toFixed(1)}" cy="${up(y / top).toFixed(1)}" r="4" fill="${COLOURS[index]}" fill-opacity="0.8"/>`));
	const below = xTicks.map((value) => text(across(value / right), up(0) + 18, value, 'text-anchor="middle"'));
	const lines = diagonal ? [line(across(0), up(0), across(1), up(1))] : [];
	if (mark !== undefined) lines.push(line(across(0), up(mark / top), across(1), up(mark / top), 'stroke-dasharray="6 4"'));
	return frame({ title, xName, yName, yTicks, series: Object.keys(series), inside: [...below, ...lines, ...dots] });
}

/** Bars of several series side by side: `groups` names the groups, `series` has a value for each, `{ name: values }`. */
export function bars({ title, yName, groups, series }) {
	const yTicks = ticks(Math.max(...Object.values(series).flat()));
	const top = yTicks.at(-1);
	const names = Object.keys(series);
	const width = 0.8 / groups.length / names.length;
	const inside = groups.flatMap((group, at) => {
		const left = (at + 0.1) / groups.length;
		const drawn = names.map((name, index) => {
			const [x, y] = [across(left + index * width), up(series[name][at] / top)];
			return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(across(width) - across(0)).toFixed(1)}" height="${(up(0) - y).toFixed(1)}" fill="${COLOURS[index]}"/>`;
		});
		const words = group.split(', ');
		const middle = across((at + 0.5) / groups.length);
		return [...drawn, ...words.map((word, row) => text(middle, up(0) + 16 + 13 * row, word, 'text-anchor="middle" font-size="10"'))];
	});
	return frame({ title, xName: '', yName, yTicks, series: names, inside });
}
