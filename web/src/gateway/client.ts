// The gateway's OpenAI-compatible interface: models, streamed chat, and errors in words; and which workers answer.

import { events } from './sse';

export interface Message {
	role: 'user' | 'assistant';
	content: string;
}

export interface GatewayModel {
	id: string;
}

export interface ChatRequest {
	model: string;
	messages: Message[];
	maxTokens: number;
	temperature: number;
}

/** A piece of a reply, or the number of its job. */
export type Piece = { text: string } | { job: number };

/** Says why the gateway refused, and what to do. */
export class GatewayError extends Error {
	constructor(readonly status: number, message: string) {
		super(message);
	}
}

/** A gateway and the key for it. */
export class Gateway {
	constructor(readonly base: string, readonly key: string) {}

	async models(signal?: AbortSignal): Promise<GatewayModel[]> {
		const response = await this.#ask('/v1/models', { signal });
		return ((await response.json()) as { data: GatewayModel[] }).data;
	}

	/** Workers that do not answer now; nobody where the gateway reaches nobody at all. Takes up to eight seconds. */
	async absent(signal?: AbortSignal): Promise<string[]> {
		const response = await this.#ask('/v1/roll', { signal });
		return ((await response.json()) as { absent: string[] | null }).absent ?? [];
	}

	/** Streams a reply. Aborting `signal` ends it; what ran until then is charged. */
	async *chat(request: ChatRequest, signal?: AbortSignal): AsyncGenerator<Piece> {
		const { model, messages, maxTokens, temperature } = request;
		const body = JSON.stringify({ model, messages, max_tokens: maxTokens, temperature, stream: true });
		const response = await this.#ask('/v1/chat/completions', { method: 'POST', body, signal, headers: { 'content-type': 'application/json' } });
		const header = jobNumber(response.headers.get('x-dllm-job'));
		if (header !== undefined) yield { job: header };
		if (!response.body) throw new GatewayError(response.status, 'The gateway sent no reply. Try again.');
		let ended = false;
		for await (const data of events(response.body)) {
			ended ||= data === '[DONE]';
			if (data !== '[DONE]') yield* pieces(data);
		}
		if (!ended) throw new GatewayError(response.status, 'The reply broke off. Only what ran until then is charged.');
	}

	async #ask(path: string, { headers, ...options }: RequestInit): Promise<Response> {
		const authorization: Record<string, string> = this.key ? { authorization: `Bearer ${this.key}` } : {};
		const asked = fetch(`${this.base.replace(/\/$/, '')}${path}`, { ...options, headers: { ...authorization, ...(headers as Record<string, string>) } });
		const response = await asked.catch((error: Error) => {
			if (error.name === 'AbortError') throw error;
			throw new GatewayError(0, 'The gateway is not reachable. Check its address in the settings.');
		});
		if (!response.ok) throw new GatewayError(response.status, refusal(response, await message(response)));
		if (!isExpected(response)) throw new GatewayError(response.status, 'There is no gateway at this address. Check it in the settings.');
		return response;
	}
}

/** What one event of a streamed completion says. Throws what the gateway reports in the stream. */
export function pieces(data: string): Piece[] {
	const chunk = JSON.parse(data) as {
		choices?: { delta?: { content?: string | null } }[];
		dllm?: { job?: number | string };
		error?: { message?: string };
	};
	if (chunk.error) throw new GatewayError(200, chunk.error.message ?? 'The gateway reported an error.');
	const text = chunk.choices?.[0]?.delta?.content;
	const job = jobNumber(chunk.dllm?.job);
	return [...(text ? [{ text }] : []), ...(job === undefined ? [] : [{ job }])];
}

function jobNumber(value: unknown): number | undefined {
	const number = typeof value === 'string' && value !== '' ? Number(value) : value;
	return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** A static server may answer any path with a page. */
function isExpected(response: Response): boolean {
	return !(response.headers.get('content-type') ?? '').startsWith('text/html');
}

async function message(response: Response): Promise<string | undefined> {
	const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
	return body?.error?.message;
}

/** Words for a status, and the gateway's own where it has some. */
function refusal(response: Response, said: string | undefined): string {
	const own = said ? ` The gateway says: ${said}` : '';
	switch (response.status) {
		case 401:
			return `The gateway does not know this key. Enter another in the settings.${own}`;
		case 402:
			return `This key has no funds left.${own}`;
		case 404:
			return `The gateway does not serve this.${own}`;
		case 413:
			return `The prompt is too long for the gateway.${own}`;
		case 429: {
			const wait = response.headers.get('retry-after');
			return `Too many requests. Try again ${wait ? `in ${wait} seconds` : 'shortly'}.${own}`;
		}
		case 503:
			return `No pipeline serves this model now. Try again in a minute.${own}`;
		default:
			return `The gateway answered ${response.status}.${own}`;
	}
}
