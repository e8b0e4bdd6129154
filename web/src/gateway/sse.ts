// Server-sent events, as the gateway streams a reply: blocks of `field: value` lines that end with an empty
// line. Bytes come in pieces of any size, which may end inside a letter or a line.

/** The data of every event of a body, in order. Throws where the body breaks off inside an event. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
	const reader = body.getReader();
	const parser = new EventParser();
	const decoder = new TextDecoder();
	try {
		for (;;) {
			const { done, value } = await reader.read();
			yield* parser.feed(done ? decoder.decode() : decoder.decode(value, { stream: true }));
			if (done) break;
		}
		if (parser.unfinished) throw new Error('the stream broke off');
	} finally {
		await reader.cancel().catch(() => undefined);
	}
}

/** Turns text in pieces into the data of events. */
export class EventParser {
	#rest = '';
	#data: string[] = [];
	#return = false;

	/** Data of the events that `text` completes. */
	feed(text: string): string[] {
		// A line may end in \n, \r or \r\n, and the piece may end between the two.
		const joined = this.#return && text.startsWith('\n') ? text.slice(1) : text;
		if (text) this.#return = text.endsWith('\r');
		const lines = (this.#rest + joined).split(/\r\n|\r|\n/);
		this.#rest = lines.pop() ?? '';
		return lines.flatMap((line) => this.#line(line));
	}

	/** Whether an event has begun and not ended. */
	get unfinished(): boolean {
		return this.#rest !== '' || this.#data.length > 0;
	}

	#line(line: string): string[] {
		if (line === '') {
			const data = this.#data;
			this.#data = [];
			return data.length > 0 ? [data.join('\n')] : [];
		}
		const match = /^data(?:: ?(.*))?$/s.exec(line);
		if (match) this.#data.push(match[1] ?? '');
		return [];
	}
}
