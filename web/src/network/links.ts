// What is known of the ways between workers, in the words of the map.

import type { Link, Links, Pipeline } from '../chain/views';
import type { Tone } from '../parts/State';

/**
 * Share of lost packets from which a link slows tokens, and from which it hardly carries them, in ppm. One ping
 * that is late by chance, at most 3 % of those that a reading needs, lies between.
 */
const LOSS = { some: 5_000, much: 50_000 };
/** Round trip from which a ring of a few stages is slower than reading, in microseconds. */
const SLOW_US = 150_000;

/** Links by the pair of their ends, in either order. */
export class LinkMap {
	readonly #links: Map<string, Link>;
	readonly silent: Set<string>;

	constructor({ links, silent }: Links = { links: [], silent: [] }) {
		this.#links = new Map(links.map((link) => [pair(...link.ends), link]));
		this.silent = new Set(silent);
	}

	/** The same links, with these workers silent too. */
	without(absent: string[]): LinkMap {
		return new LinkMap({ links: this.all, silent: [...this.silent, ...absent] });
	}

	get all(): Link[] {
		return [...this.#links.values()];
	}

	between(one: string, other: string): Link | undefined {
		return this.#links.get(pair(one, other));
	}
}

function pair(one: string, other: string): string {
	return one < other ? `${one} ${other}` : `${other} ${one}`;
}

/** A way that rows of a pipeline may take. */
export interface Hop {
	from: { stage: number; worker: string };
	to: { stage: number; worker: string };
}

/** Every worker of a stage may send to every worker of the next; the last stage sends to the entry. */
export function hopsOf({ stages }: Pipeline): Hop[] {
	if (stages.length < 2) return [];
	return stages.flatMap((stage, at) => {
		const next = stages[(at + 1) % stages.length]!;
		return stage.workers.flatMap((from) => next.workers.map((to) => ({ from: { stage: stage.stage, worker: from }, to: { stage: next.stage, worker: to } })));
	});
}

/** How good a link is for a ring; nothing where it is not measured. */
export function linkTone(link?: Link): Tone {
	if (!link) return 'quiet';
	if (link.lossPpm >= LOSS.much) return 'bad';
	return link.lossPpm >= LOSS.some || link.rttUs >= SLOW_US ? 'warn' : 'good';
}

/** `0.31 ms`, `12 ms`, `1.2 s`: two digits or three. */
export function formatTime(micros: number): string {
	if (micros >= 1_000_000) return `${(micros / 1_000_000).toFixed(1)} s`;
	const millis = micros / 1_000;
	return `${millis >= 10 ? Math.round(millis) : millis.toFixed(millis >= 1 ? 1 : 2)} ms`;
}

/** Parts per million as per cent: `0 %`, `0.02 %`, `3.5 %`. */
export function formatLoss(ppm: number): string {
	if (ppm === 0) return '0 %';
	return ppm < 1_000 ? `${(ppm / 10_000).toFixed(2)} %` : `${(ppm / 10_000).toFixed(1)} %`;
}

/** Bytes a second as bits, as people know their lines: `940 Mbit/s`. */
export function formatBandwidth(bytesPerSecond: number): string {
	const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];
	let value = bytesPerSecond * 8;
	let unit = 0;
	while (value >= 1_000 && unit < units.length - 1) {
		value /= 1_000;
		unit += 1;
	}
	return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** What stands on a link in the map: its round trip, and what it loses where it loses anything. */
export function linkLabel(link: Link): string {
	const loss = link.lossPpm > 0 ? ` · ${formatLoss(link.lossPpm)}` : '';
	return `${formatTime(link.rttUs)}${loss}`;
}

/** Who says so: both ends, or one alone, and how many blocks ago at most. */
export function toldBy({ ages }: Link): string {
	const known = ages.filter((age) => age !== null);
	const ends = known.length === 2 ? 'both ends' : 'one end only';
	return `${ends}, ${Math.max(0, ...known)} blocks ago`;
}

/** The middle round trip and the greatest loss of some links; nothing without links. */
export function summary(links: Link[]): { rttUs: number; lossPpm: number } | undefined {
	if (links.length === 0) return undefined;
	const rtts = links.map(({ rttUs }) => rttUs).sort((one, other) => one - other);
	return { rttUs: rtts[Math.floor((rtts.length - 1) / 2)]!, lossPpm: Math.max(...links.map(({ lossPpm }) => lossPpm)) };
}
