import { describe, expect, it } from 'vitest';
import { EventParser, events } from '../../src/gateway/sse';

const encoder = new TextEncoder();

/** A body that arrives in pieces of `size` bytes. */
function body(text: string, size: number): ReadableStream<Uint8Array> {
	const bytes = encoder.encode(text);
	let at = 0;
	return new ReadableStream({
		pull(controller) {
			if (at >= bytes.length) return controller.close();
			controller.enqueue(bytes.slice(at, at + size));
			at += size;
		},
	});
}

async function all(stream: ReadableStream<Uint8Array>): Promise<string[]> {
	const found: string[] = [];
	for await (const data of events(stream)) found.push(data);
	return found;
}

describe('server-sent events', () => {
	const text = ': a comment\n\ndata: {"a":"ü€𝄞"}\n\nevent: x\nid: 1\ndata: one\ndata: two\n\ndata:tight\r\n\r\ndata: [DONE]\n\n';
	const expected = ['{"a":"ü€𝄞"}', 'one\ntwo', 'tight', '[DONE]'];

	it.each([1, 2, 3, 5, 7, 1000])('come whole out of pieces of %i bytes', async (size) => {
		expect(await all(body(text, size))).toEqual(expected);
	});

	it('end lines with \\r as well, also where a piece ends between \\r and \\n', () => {
		const parser = new EventParser();
		expect(parser.feed('data: a\r')).toEqual([]);
		expect(parser.feed('\ndata: b\r\r')).toEqual(['a\nb']);
		expect(parser.feed('\ndata: c\n\n')).toEqual(['c']);
	});

	it('keep one space less, no more', () => {
		expect(new EventParser().feed('data:  two spaces\n\ndata\n\n')).toEqual([' two spaces', '']);
	});

	it('ignore fields of other names, also where they begin alike', () => {
		expect(new EventParser().feed('database: x\nretry: 5\n\n')).toEqual([]);
	});

	it('that break off are an error', async () => {
		await expect(all(body('data: one\n\ndata: tw', 4))).rejects.toThrow('broke off');
		await expect(all(body('data: one\n', 4))).rejects.toThrow('broke off');
	});
});
