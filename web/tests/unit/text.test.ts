import { describe, expect, it } from 'vitest';
import { comparisonText, formatBytes, layersName, plural, shorten, stageName, words } from '../../src/format/text';

describe('text', () => {
	it('shortens only what gets shorter', () => {
		expect(shorten('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY')).toBe('5Grwva…utQY');
		expect(shorten('0123456789')).toBe('0123456789');
		expect(shorten('01234567890')).toBe('01234567890');
		expect(shorten('012345678901')).toBe('012345…8901');
	});

	it('writes bytes in binary units', () => {
		expect(formatBytes(0)).toBe('0 B');
		expect(formatBytes(1023)).toBe('1023 B');
		expect(formatBytes(1536)).toBe('1.5 KiB');
		expect(formatBytes(536_870_912)).toBe('512 MiB');
	});

	it('names layers and stages as people count them', () => {
		expect(layersName({ start: 0, end: 0 })).toBe('embedding and head');
		expect(layersName({ start: 3, end: 6 })).toBe('layers 3–5');
		expect(layersName({ start: 3, end: 4 })).toBe('layer 3');
		expect(stageName(0)).toBe('Entry');
		expect(stageName(2)).toBe('Segment 2');
	});

	it('tells what came of comparing rows', () => {
		const tolerance = { median: 20_000, max: 50_000, version: 1, calibration: '0x' };
		const told = (positions: number[], likeness: 'alike' | 'unlike' | 'unshown' | null) => comparisonText({ positions, tolerance, likeness });
		expect(told([2, 5, 9], 'alike')).toBe('3 rows compared: alike');
		expect(told([2], 'unlike')).toBe('1 row compared: unlike');
		expect(told([2, 5], 'unshown')).toBe('2 rows to compare, not shown');
		expect(told([2, 5], null)).toBe('2 rows being compared');
	});

	it('counts and spells', () => {
		expect(plural(1, 'token')).toBe('1 token');
		expect(plural(1200, 'token')).toBe('1,200 tokens');
		expect(words('workerFault')).toBe('worker fault');
	});
});
