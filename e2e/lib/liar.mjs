// A node that lies: a proxy before an honest one, which changes its answers.

import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

/**
 * Starts a proxy before the node at `url` and returns `{ url, stop }`. `lie({ method, params }, result)` makes
 * what a client is told.
 */
export async function liar(url, lie) {
	const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
	await once(server, 'listening');
	server.on('connection', (client) => {
		const asked = new Map();
		const node = new WebSocket(url);
		const opened = once(node, 'open');
		client.on('message', async (data) => {
			const question = JSON.parse(data.toString());
			asked.set(question.id, question);
			await opened;
			node.send(data.toString());
		});
		node.on('message', (data) => {
			const answer = JSON.parse(data.toString());
			const question = asked.get(answer.id);
			if (question && answer.result !== undefined) answer.result = lie(question, answer.result);
			client.send(JSON.stringify(answer));
		});
		client.on('close', () => node.close());
		node.on('close', () => client.close());
	});
	const stop = () => {
		for (const client of server.clients) client.terminate();
		server.close();
	};
	return { url: `ws://127.0.0.1:${server.address().port}`, stop };
}
