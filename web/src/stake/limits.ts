// Which amounts can be staked.

import { formatMoney } from '../format/money';

/** Why an amount will not do; nothing where it will. */
export function amountProblem(planck: bigint | undefined, least: bigint, most: bigint): string | undefined {
	if (planck === undefined) return 'write a number such as 12.5, with at most 12 decimals';
	if (planck < least) return `at least ${formatMoney(least)}`;
	if (planck > most) return `at most ${formatMoney(most)}`;
	return undefined;
}
