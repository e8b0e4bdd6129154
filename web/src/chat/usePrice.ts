// What a prompt would cost now, while it is typed.

import { useDebouncedValue } from '@mantine/hooks';
import { useLive, type Live } from '../chain/ChainProvider';
import { readQuote } from '../chain/reads';

/** Milliseconds without a key before the node is asked. */
const PAUSE = 150;
/** The ceiling lies a tenth above the quote: prices can move until the award, and the rest comes back. */
const HEADROOM_PERCENT = 110n;

export interface Price {
	/** Planck at today's prices, if every token asked for is generated. */
	quote: bigint;
	/** Planck that go on hold: the job never costs more. */
	ceiling: bigint;
}

/** The price for `model`; the gateway is the entry of its own jobs (`ownEntry`). */
export function usePrice(model: number | undefined, prompt: string, maxTokens: number, ownEntry: boolean): Live<Price | undefined> {
	const [asked] = useDebouncedValue(prompt, PAUSE);
	return useLive(`quote ${model} ${maxTokens} ${ownEntry} ${asked.length} ${asked}`, async (chain) => {
		if (model === undefined || !asked) return undefined;
		const quote = await readQuote(chain, model, asked, maxTokens, ownEntry);
		return { quote, ceiling: (quote * HEADROOM_PERCENT + 99n) / 100n };
	});
}
