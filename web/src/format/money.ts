// Amounts of money as people read and type them. One DLLM is 10¹² planck, the unit of the chain.

/** Planck in one DLLM. */
export const DLLM = 10n ** 12n;
const DECIMALS = 12;

/**
 * Planck as text with at most `digits` significant decimals, rounded down, the unit left out. An amount too
 * small to show keeps its first significant digits, so that nothing that costs money reads as 0.
 */
export function formatAmount(planck: bigint, digits = 4): string {
	const sign = planck < 0n ? '−' : '';
	const size = planck < 0n ? -planck : planck;
	const whole = (size / DLLM).toLocaleString('en-US');
	const decimals = (size % DLLM).toString().padStart(DECIMALS, '0');
	const zeros = decimals.length - decimals.replace(/^0+/, '').length;
	const kept = size < DLLM && zeros < DECIMALS ? Math.min(DECIMALS, Math.max(digits, zeros + 3)) : digits;
	const fraction = decimals.slice(0, kept).replace(/0+$/, '');
	return `${sign}${whole}${fraction && `.${fraction}`}`;
}

/** Planck as text with its unit: `1.5 DLLM`. */
export function formatMoney(planck: bigint, digits = 4): string {
	return `${formatAmount(planck, digits)} DLLM`;
}

/** What a person typed as planck; nothing where it is not a decimal number of at most 12 decimals. */
export function parseMoney(text: string): bigint | undefined {
	const match = /^(\d+)(?:[.](\d{1,12}))?$/.exec(text.trim());
	if (!match) return undefined;
	const [, whole = '0', fraction = ''] = match;
	return BigInt(whole) * DLLM + BigInt(fraction.padEnd(DECIMALS, '0'));
}
