// Asks a prompt, from a wallet or through the gateway, and keeps the turn up to date.

import { useEffect, useRef, useState } from 'react';
import { useChain } from '../chain/ChainProvider';
import { submit, type Order } from '../chain/submit';
import { Gateway, GatewayError, type Message } from '../gateway/client';
import { useSettings } from '../settings';
import type { Payer } from '../wallet/injected';
import { keepTurns, readTurns, type Turn } from './turns';

/** What is asked, and who pays. */
export type Ask =
	| { paidBy: 'wallet'; payer: Payer; modelName: string; order: Order }
	| { paidBy: 'gateway'; model: string; prompt: string; maxTokens: number; temperature: number };

export function useConversation() {
	const chain = useChain();
	const { settings, apiKey } = useSettings();
	const [turns, setTurns] = useState<Turn[]>(() => readTurns(localStorage));
	const abort = useRef<AbortController>(undefined);

	useEffect(() => keepTurns(turns, localStorage), [turns]);

	const change = (id: string, changes: Partial<Turn> | ((turn: Turn) => Partial<Turn>)) =>
		setTurns((all) => all.map((turn) => (turn.id === id ? { ...turn, ...(typeof changes === 'function' ? changes(turn) : changes) } : turn)));

	const fromWallet = async (id: string, { order, payer }: Ask & { paidBy: 'wallet' }) => {
		const known = (job: number) => change(id, { job, chain: chain.api.genesisHash.toHex(), phase: 'accepted' });
		await submit(chain, order, payer, (phase) => change(id, { phase }), known);
	};

	const fromGateway = async (id: string, ask: Ask & { paidBy: 'gateway' }) => {
		abort.current = new AbortController();
		const { model, maxTokens, temperature } = ask;
		const request = { model, messages: history(turns, ask.prompt), maxTokens, temperature };
		for await (const piece of new Gateway(settings.gateway, apiKey).chat(request, abort.current.signal)) {
			if ('job' in piece) change(id, { job: piece.job, chain: chain.api.genesisHash?.toHex() });
			else change(id, (turn) => ({ reply: turn.reply + piece.text }));
		}
		change(id, { phase: 'done' });
	};

	const ask = async (asked: Ask) => {
		const id = crypto.randomUUID?.() ?? String(Math.random());
		const wallet = asked.paidBy === 'wallet';
		const prompt = wallet ? asked.order.prompt : asked.prompt;
		const model = wallet ? asked.modelName : asked.model;
		setTurns((all) => [...all, { id, prompt, model, paidBy: asked.paidBy, phase: wallet ? 'signing' : 'streaming', reply: '' }]);
		await (wallet ? fromWallet(id, asked) : fromGateway(id, asked)).catch((error: Error) => change(id, { phase: 'failed', error: told(error) }));
	};

	return {
		turns,
		busy: turns.some(({ phase }) => phase === 'signing' || phase === 'sent' || phase === 'streaming'),
		ask,
		/** Ends a streamed reply. */
		stop: () => abort.current?.abort(),
		clear: () => setTurns([]),
	};
}

/** Earlier turns that were answered through the gateway, and the new prompt. */
function history(turns: Turn[], prompt: string): Message[] {
	const answered = turns.filter(({ paidBy, phase, reply }) => paidBy === 'gateway' && phase === 'done' && reply);
	const before = answered.flatMap((turn): Message[] => [
		{ role: 'user', content: turn.prompt },
		{ role: 'assistant', content: turn.reply },
	]);
	return [...before, { role: 'user', content: prompt }];
}

function told(error: Error): string {
	if (error.name === 'AbortError') return 'You stopped the reply. Only what ran until then is charged.';
	if (error instanceof GatewayError) return error.message;
	return error.message || 'Something went wrong. Nothing was charged.';
}
