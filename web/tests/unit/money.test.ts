import { describe, expect, it } from 'vitest';
import { DLLM, formatAmount, formatMoney, parseMoney } from '../../src/format/money';

describe('money', () => {
	it('shows whole and broken amounts', () => {
		expect(formatMoney(0n)).toBe('0 DLLM');
		expect(formatMoney(1n * DLLM)).toBe('1 DLLM');
		expect(formatMoney(1_234_567n * DLLM)).toBe('1,234,567 DLLM');
		expect(formatMoney((3n * DLLM) / 2n)).toBe('1.5 DLLM');
		expect(formatMoney(-DLLM / 4n)).toBe('−0.25 DLLM');
	});

	it('rounds down, and never a cost to nothing', () => {
		expect(formatAmount(1_999_999_999_999n)).toBe('1.9999');
		expect(formatAmount(636_136_107n)).toBe('0.000636');
		expect(formatAmount(1n)).toBe('0.000000000001');
		expect(formatAmount(63_613_610n)).toBe('0.0000636');
	});

	it('reads what it shows, to the planck', () => {
		expect(parseMoney('1.5')).toBe(1_500_000_000_000n);
		expect(parseMoney(' 0.000000000001 ')).toBe(1n);
		expect(parseMoney('12')).toBe(12n * DLLM);
	});

	it.each(['', '-1', '1,5', '.5', '1.', '1e3', '0x10', '1.0000000000001', 'all', '1 2'])('refuses %j', (text) => {
		expect(parseMoney(text)).toBeUndefined();
	});
});
