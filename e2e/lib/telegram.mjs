// Telegram's side of the bot API, for one bot: people write, the bot asks for news and answers. It keeps the rules
// of https://core.telegram.org/bots/api that a bot of text meets: long polling, confirmation by offset, one
// poller at a time, and refusals with their codes.

import { createServer } from 'node:http';
import { once } from 'node:events';

/** Characters of a message at most, and updates of one answer. */
const LONGEST = 4096;
const UPDATES = 100;

/** A server that knows one bot. */
export class Telegram {
	/** Starts one on a free port of this machine. */
	static async start(token) {
		const telegram = new Telegram();
		Object.assign(telegram, { token, updates: [], said: [], typed: [], faults: [], known: new Set(), number: 0, waiting: undefined });
		telegram.server = createServer((request, response) => telegram.#serve(request, response));
		telegram.server.listen(0, '127.0.0.1');
		await once(telegram.server, 'listening');
		telegram.url = `http://127.0.0.1:${telegram.server.address().port}`;
		return telegram;
	}

	/** A person writes; without `text` it is something else than text. */
	write(chat, text) {
		this.known.add(chat);
		const message = { message_id: ++this.number, date: Math.floor(Date.now() / 1000), chat: { id: chat, type: 'private' } };
		message.from = { id: chat, is_bot: false, first_name: `Person ${chat}` };
		this.updates.push({ update_id: 1000 + this.number, message: text === undefined ? message : { ...message, text } });
		this.waiting?.();
	}

	/** What the bot said in a chat, oldest first. */
	heard(chat) {
		return this.said.filter((message) => message.chat.id === chat).map(({ text }) => text);
	}

	/** Refuses the next call of a method: `{ code, description, retryAfter }`, or drops it where there is no code. */
	fail(method, fault = {}) {
		this.faults.push({ method, ...fault });
	}

	async stop() {
		this.waiting?.();
		this.server.closeAllConnections();
		await new Promise((resolve) => this.server.close(resolve));
	}

	async #serve(request, response) {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		const answer = (code, body) => response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
		try {
			const [, token, method] = request.url.match(/^\/bot([^/]+)\/(\w+)$/) ?? [];
			if (token !== this.token) throw new Refusal(401, 'Unauthorized');
			const at = this.faults.findIndex((fault) => fault.method === method);
			if (at >= 0) {
				const [{ code, description, retryAfter }] = this.faults.splice(at, 1);
				if (!code) return request.socket.destroy();
				throw new Refusal(code, description, retryAfter);
			}
			const fields = JSON.parse(Buffer.concat(chunks).toString() || '{}');
			const gone = new Promise((resolve) => response.once('close', resolve));
			answer(200, { ok: true, result: await this.#call(method, fields, gone) });
		} catch (error) {
			if (!(error instanceof Refusal)) throw error;
			const parameters = error.retryAfter === undefined ? undefined : { retry_after: error.retryAfter };
			answer(error.code, { ok: false, error_code: error.code, description: error.message, parameters });
		}
	}

	#call(method, fields, gone) {
		if (method === 'getUpdates') return this.#news(fields, gone);
		if (method === 'sendMessage') return this.#take(fields);
		if (method === 'sendChatAction') {
			this.typed.push(this.#chat(fields).id);
			return true;
		}
		throw new Refusal(404, 'Not Found');
	}

	/** Updates from `offset` on; those before it are confirmed, and gone. Waits for one for `timeout` seconds. */
	async #news({ offset = 0, timeout = 0, limit = UPDATES }, gone) {
		this.waiting?.(new Refusal(409, 'Conflict: terminated by other getUpdates request'));
		this.updates = this.updates.filter((update) => update.update_id >= offset);
		if (this.updates.length === 0 && timeout > 0) {
			let wake;
			const woken = new Promise((resolve) => (wake = resolve));
			this.waiting = wake;
			const timer = setTimeout(wake, timeout * 1000);
			const refusal = await Promise.race([woken, gone]);
			clearTimeout(timer);
			if (this.waiting === wake) this.waiting = undefined;
			if (refusal) throw refusal;
		}
		return this.updates.slice(0, Math.min(limit, UPDATES));
	}

	#take(fields) {
		const chat = this.#chat(fields);
		if (typeof fields.text !== 'string' || !fields.text.trim()) throw new Refusal(400, 'Bad Request: message text is empty');
		if (fields.text.length > LONGEST) throw new Refusal(400, 'Bad Request: message is too long');
		const message = { message_id: ++this.number, date: Math.floor(Date.now() / 1000), chat, text: fields.text };
		this.said.push(message);
		return message;
	}

	/** A bot may write only to who has written to it. */
	#chat({ chat_id: id }) {
		if (!this.known.has(id)) throw new Refusal(400, 'Bad Request: chat not found');
		return { id, type: 'private' };
	}
}

/** A call that Telegram refuses. */
class Refusal extends Error {
	constructor(code, description, retryAfter) {
		super(description);
		Object.assign(this, { code, retryAfter });
	}
}
