// Short forms of addresses, digests, sizes and names for people.

import type { Comparison, Tally } from '../chain/views';

/** The two ends of an address or digest. */
export function shorten(text: string, head = 6, tail = 4): string {
	return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}

/** Bytes in binary units: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let value = bytes;
	let unit = 0;
	while (value >= 1024 && unit < units.length - 1) {
		value /= 1024;
		unit += 1;
	}
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A count with its noun: `1 token`, `2 tokens`. */
export function plural(count: number, noun: string): string {
	return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** How far a lead came, by its own word: `9 rows came, 8 rows sent on`. */
export function tallyText({ received, sent, lostNext }: Tally): string {
	const came = received === null ? 'no link from the stage before' : `${plural(received, 'row')} came`;
	const went = sent === null ? 'no link to the next stage' : `${plural(sent, 'row')} sent on`;
	return `${came}, ${went}${lostNext ? '; it lost the next stage' : ''}`;
}

/** What came of comparing rows: `16 rows compared: alike`. */
export function comparisonText({ positions, likeness }: Comparison): string {
	const rows = plural(positions.length, 'row');
	if (likeness === null) return `${rows} being compared`;
	return likeness === 'unshown' ? `${rows} to compare, not shown` : `${rows} compared: ${likeness}`;
}

/** `workerFault` as `worker fault`. */
export function words(name: string): string {
	return name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`).trim();
}

/** Layers `start..end` as people count them; the entry has none. */
export function layersName(layers: { start: number; end: number }): string {
	if (layers.end <= layers.start) return 'embedding and head';
	if (layers.end - layers.start === 1) return `layer ${layers.start}`;
	return `layers ${layers.start}–${layers.end - 1}`;
}

/** Name of a stage: the entry, or its segment's number. */
export function stageName(stage: number): string {
	return stage === 0 ? 'Entry' : `Segment ${stage}`;
}
