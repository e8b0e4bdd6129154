// Who of the workers answers now. The chain hears of a dead worker minutes later; a gateway calls them by itself.

import { useEffect, useState } from 'react';
import { Gateway } from '../gateway/client';
import { useSettings } from '../settings';

/** Milliseconds from one answer to the next question, and where no gateway answers. */
const AGAIN = { answered: 2_000, failed: 60_000 };

/** Addresses of the workers that do not answer; none without a gateway. */
export function useAbsent(): string[] {
	const { gateway } = useSettings().settings;
	const [absent, setAbsent] = useState<string[]>([]);
	useEffect(() => {
		const abort = new AbortController();
		let timer: number;
		const ask = async () => {
			const roll = await new Gateway(gateway, '').absent(abort.signal).catch(() => undefined);
			if (abort.signal.aborted) return;
			setAbsent((before) => (same(before, roll ?? []) ? before : roll ?? []));
			timer = window.setTimeout(() => void ask(), roll ? AGAIN.answered : AGAIN.failed);
		};
		void ask();
		return () => {
			abort.abort();
			window.clearTimeout(timer);
		};
	}, [gateway]);
	return absent;
}

/** Whether two lists have the same members: what is drawn stays then. */
function same(one: string[], other: string[]): boolean {
	return one.length === other.length && one.every((address) => other.includes(address));
}
