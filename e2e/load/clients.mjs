// The clients of the mixed load: each sends one request after another until the end, and notes how it went.
// Who is told to come back later does so; everything else that does not go as it should is a fault.

import http from 'node:http';
import { performance } from 'node:perf_hooks';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Milliseconds for which nobody waits longer: more than a request waits for a place, and runs. */
const GIVE_UP = 240_000;
/** Chunks that a client hears before it hangs up. */
const HEARD = 3;
/** How a slow reader reads: so many bytes, then a pause of so many milliseconds. */
const SIP = 64;
const SLOWNESS = 100;
/** Milliseconds between requests of those who only make trouble. */
const TROUBLE_EVERY = 500;
const MAX_BODY = 1 << 20;
/** How a connection ends that the other side closes while one still writes. */
const CUT_OFF = ['EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET'];

/** What all clients share: where they ask, until when, and what they noted. */
export class Crowd {
	/** `rate` is how many requests a minute the key `slow` may make. */
	constructor({ url, model, keys, rate, until }) {
		Object.assign(this, { url, model, keys, rate, until, notes: [], faults: [], count: 0 });
	}

	get over() {
		return Date.now() >= this.until;
	}

	/** A body that asks for a short reply; `changes` stand over its fields. */
	body(changes = {}) {
		this.count += 1;
		const messages = [{ role: 'user', content: `Tell me story number ${this.count} about a fox.` }];
		return { model: this.model, messages, max_tokens: 4 + (this.count % 13), seed: this.count, ...changes };
	}

	fault(kind, what) {
		// The first of each kind say what is wrong, and the number how often.
		this.faults.push(`${kind}: ${what}`);
	}

	/** Posts a body, a text or something that becomes JSON, and gives the answer as it begins. */
	post(route, key, body, options = {}) {
		return fetch(`${this.url}${route}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
			body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
			signal: options.signal ?? AbortSignal.timeout(GIVE_UP),
		});
	}

	/**
	 * Notes an answer that is no reply. 429 and 503 have to say when to come back, and are obeyed; others are
	 * faults unless they are `expected`.
	 */
	async refused(kind, response, began, expected) {
		const { status } = response;
		const text = await response.text();
		let code;
		try {
			code = JSON.parse(text).error.code;
		} catch {
			this.fault(kind, `${status} with a body that is no error of OpenAI's: ${text.slice(0, 80)}`);
		}
		this.notes.push({ kind, status, code, ms: performance.now() - began });
		if (status === 429 || status === 503) {
			const after = response.headers.get('retry-after');
			if (!/^[1-9]\d*$/.test(after ?? '')) this.fault(kind, `${status} with Retry-After ${after}`);
			// So many come back at once otherwise that nobody else gets a place.
			await pause(Math.min(Number(after) || 1, 10) * 1000 * (0.75 + Math.random() / 2));
			if (code === 'reply_broke_off') this.fault(kind, text.slice(0, 200));
		} else if (status !== expected) {
			this.fault(kind, `${status} instead of ${expected ?? 200}: ${text.slice(0, 200)}`);
		}
	}

	/** Runs one client until the end. A request that fails without an answer is a fault. */
	async client(kind, ask) {
		while (!this.over) {
			try {
				await ask(kind);
			} catch (error) {
				this.notes.push({ kind, status: 0 });
				this.fault(kind, `${error.cause?.message ?? error.message}`);
				await pause(1000);
			}
		}
	}

	/** Waits for whole replies. */
	whole = async (kind) => {
		const began = performance.now();
		const response = await this.post('/v1/chat/completions', this.keys.main, this.body());
		if (!response.ok) return this.refused(kind, response, began);
		const reply = await response.json();
		if (reply.usage.completion_tokens < 1) this.fault(kind, 'a reply without tokens');
		this.notes.push({ kind, status: 200, ms: performance.now() - began });
	};

	/** Waits for vectors. */
	vectors = async (kind) => {
		const began = performance.now();
		const body = { model: this.model, input: [`A fox, ${this.count}`, 'A hen'] };
		const response = await this.post('/v1/embeddings', this.keys.main, body);
		if (!response.ok) return this.refused(kind, response, began);
		const { data } = await response.json();
		if (data.length !== 2 || data[0].embedding.length < 2) this.fault(kind, 'no vectors');
		this.notes.push({ kind, status: 200, ms: performance.now() - began });
	};

	/** Reads streams to their ends. */
	stream = async (kind) => {
		const began = performance.now();
		const response = await this.post('/v1/chat/completions', this.keys.main, this.body({ stream: true, logprobs: true }));
		if (!response.ok) return this.refused(kind, response, began);
		let text = '';
		let first;
		for await (const chunk of response.body) {
			first ??= performance.now() - began;
			text += Buffer.from(chunk).toString();
		}
		this.ended(kind, text, began, first);
	};

	/** Hangs up in the middle of a stream. */
	leave = async (kind) => {
		const began = performance.now();
		const controller = new AbortController();
		const late = setTimeout(() => controller.abort(), GIVE_UP);
		try {
			const body = this.body({ stream: true, max_tokens: 200 });
			const response = await this.post('/v1/chat/completions', this.keys.main, body, { signal: controller.signal });
			if (!response.ok) return await this.refused(kind, response, began);
			let heard = 0;
			for await (const _ of response.body) if (++heard === HEARD) break;
			this.notes.push({ kind, status: 200, left: true, ms: performance.now() - began });
		} finally {
			clearTimeout(late);
			controller.abort();
		}
	};

	/** Reads a stream a few bytes at a time. */
	sip = (kind) => {
		const began = performance.now();
		const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.keys.main}` };
		return new Promise((resolve, reject) => {
			const request = http.request(`${this.url}/v1/chat/completions`, { method: 'POST', headers, highWaterMark: SIP, timeout: GIVE_UP }, (response) => {
				const read = async () => {
					const parts = [];
					for (;;) {
						const part = response.read(Math.min(SIP, response.readableLength || SIP)) ?? response.read();
						if (part) parts.push(part);
						else if (response.readableEnded || response.complete) break;
						await pause(SLOWNESS);
					}
					return Buffer.concat(parts).toString();
				};
				read().then(async (text) => {
					if (response.statusCode === 200) return this.ended(kind, text, began);
					const headers = { 'retry-after': response.headers['retry-after'] ?? '' };
					return this.refused(kind, new Response(text, { status: response.statusCode, headers }), began);
				}).then(resolve, reject);
			});
			request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer in time')));
			request.end(JSON.stringify(this.body({ stream: true })));
		});
	};

	/** Notes the end of a stream. */
	ended(kind, text, began, first) {
		if (!text.trimEnd().endsWith('data: [DONE]')) return this.fault(kind, `a stream ends with ${text.slice(-200)}`);
		this.notes.push({ kind, status: 200, ms: performance.now() - began, first });
	}

	/** Asks more often than its key may: once more than in a minute, all at once, as a reply may take longer. */
	greedy = async (kind) => {
		await Promise.all(Array.from({ length: this.rate + 1 }, () => this.once(kind)));
	};

	once = async (kind) => {
		const began = performance.now();
		const response = await this.post('/v1/completions', this.keys.slow, { model: this.model, prompt: 'Once', max_tokens: 1 });
		if (!response.ok) return this.refused(kind, response, began);
		await response.json();
		this.notes.push({ kind, status: 200, ms: performance.now() - began });
	};

	/** Sends what has to be refused, one thing after another. */
	rude = async (kind) => {
		const { main, poor } = this.keys;
		const chat = '/v1/chat/completions';
		const invalid = Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
		const wrongs = [
			[400, chat, main, '{"model":'],
			[400, chat, main, invalid],
			[400, chat, main, this.body({ temperature: 9 })],
			[400, chat, main, this.body({ n: 2 })],
			[400, chat, main, this.body({ messages: [{ role: 'user', content: 'word '.repeat(3000) }] })],
			[400, '/v1/embeddings', main, { model: this.model, input: 'x', dimensions: 3 }],
			[401, chat, 'sk-dllm-00000000-00', this.body()],
			[401, chat, undefined, this.body()],
			[402, chat, poor, this.body()],
			[404, chat, main, this.body({ model: 'gpt-4o' })],
			[404, '/v1/audio/speech', main, {}],
			[405, '/v1/models', main, {}],
			[413, chat, main, ' '.repeat(MAX_BODY + 1)],
		];
		const [expected, route, key, body] = wrongs[this.wrong++ % wrongs.length];
		const began = performance.now();
		const response = await this.post(route, key, body).catch((error) => {
			// The gateway answers without having read it all, and closes: whoever still writes may miss that.
			if (expected === 413 && CUT_OFF.includes(error.cause?.code)) return undefined;
			throw error;
		});
		if (!response) return void this.notes.push({ kind, status: 413, code: 'cut_off' });
		if (response.ok) this.fault(kind, `${route} took what is wrong`);
		await this.refused(kind, response, began, expected);
		await pause(TROUBLE_EVERY);
	};

	wrong = 0;
}
