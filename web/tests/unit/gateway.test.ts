// The client of the gateway against a real HTTP server on this machine.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Gateway, pieces, type Piece } from '../../src/gateway/client';

let server: Server | undefined;
afterEach(() => {
	server?.closeAllConnections();
	server?.close();
});

async function serving(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void): Promise<string> {
	server = createServer((request, response) => {
		let body = '';
		request.on('data', (piece) => (body += piece));
		request.on('end', () => answer(request, response, body));
	});
	await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
	return `http://127.0.0.1:${(server!.address() as AddressInfo).port}`;
}

const REQUEST = { model: 'tiny', messages: [{ role: 'user' as const, content: 'Hi' }], maxTokens: 8, temperature: 0 };

async function chat(base: string, key = 'secret', signal?: AbortSignal): Promise<Piece[]> {
	const found: Piece[] = [];
	for await (const piece of new Gateway(base, key).chat(REQUEST, signal)) found.push(piece);
	return found;
}

describe('the gateway', () => {
	it('streams text and the job, and is asked in OpenAI’s words', async () => {
		let asked: unknown;
		const base = await serving((request, response, body) => {
			asked = { path: request.url, key: request.headers.authorization, ...JSON.parse(body) };
			response.writeHead(200, { 'content-type': 'text/event-stream', 'x-dllm-job': '7' });
			for (const content of ['Hel', 'lo']) response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
			response.end('data: {"choices":[],"dllm":{"job":7}}\n\ndata: [DONE]\n\n');
		});
		expect(await chat(base)).toEqual([{ job: 7 }, { text: 'Hel' }, { text: 'lo' }, { job: 7 }]);
		expect(asked).toMatchObject({ path: '/v1/chat/completions', key: 'Bearer secret', model: 'tiny', max_tokens: 8, stream: true, messages: REQUEST.messages });
	});

	it('names who does not answer, and nobody where it reaches nobody', async () => {
		let absent: string[] | null = ['a'];
		const base = await serving((request, response) => {
			response.writeHead(request.url === '/v1/roll' ? 200 : 404, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ object: 'dllm.roll', called: ['a', 'b'], absent }));
		});
		expect(await new Gateway(base, '').absent()).toEqual(['a']);
		absent = null;
		expect(await new Gateway(base, '').absent()).toEqual([]);
	});

	it('reports a stream without its end', async () => {
		const base = await serving((_, response) => {
			response.writeHead(200, { 'content-type': 'text/event-stream' });
			response.end('data: {"choices":[{"delta":{"content":"Hal"}}]}\n\n');
		});
		await expect(chat(base)).rejects.toThrow('broke off');
	});

	it.each([
		[401, {}, /does not know this key.*bad key/],
		[402, {}, /no funds left/],
		[413, {}, /too long/],
		[429, { 'retry-after': '9' }, /in 9 seconds/],
		[503, {}, /No pipeline serves/],
		[500, {}, /answered 500/],
	])('explains status %i', async (status, headers, words) => {
		const base = await serving((_, response) => {
			response.writeHead(status, { 'content-type': 'application/json', ...headers });
			response.end('{"error":{"message":"bad key"}}');
		});
		await expect(chat(base)).rejects.toThrow(words);
	});

	it('tells a page of another server from a gateway', async () => {
		const base = await serving((_, response) => {
			response.writeHead(200, { 'content-type': 'text/html' });
			response.end('<!doctype html>');
		});
		await expect(new Gateway(base, '').models()).rejects.toThrow('no gateway at this address');
	});

	it('says when nobody listens', async () => {
		const base = await serving(() => undefined);
		await new Promise((resolve) => server!.close(resolve));
		await expect(chat(base)).rejects.toThrow('not reachable');
	});

	it('stops when it is told to', async () => {
		const abort = new AbortController();
		const base = await serving((_, response) => {
			response.writeHead(200, { 'content-type': 'text/event-stream' });
			response.write('data: {"choices":[{"delta":{"content":"One"}}]}\n\n', () => abort.abort());
		});
		await expect(chat(base, '', abort.signal)).rejects.toMatchObject({ name: 'AbortError' });
	});

	it('reports an error that comes in the stream, and ignores numbers that are none', () => {
		expect(() => pieces('{"error":{"message":"the miners left"}}')).toThrow('the miners left');
		expect(pieces('{"dllm":{"job":"12"}}')).toEqual([{ job: 12 }]);
		expect(pieces('{"dllm":{"job":"x"}}')).toEqual([]);
		expect(pieces('{"dllm":{"job":-1}}')).toEqual([]);
	});
});
