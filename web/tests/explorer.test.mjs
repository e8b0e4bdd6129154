// What the page shows of a network at work: links as workers measured them, and the way of a job whose lead and
// checker do not agree, with every move of their dispute.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { binary, until } from '../../e2e/lib/processes.mjs';
import { standardNetwork, TOKEN } from '../../e2e/lib/standard.mjs';
import { barriers, Browser } from './lib/browser.mjs';

/** Seconds until every worker has measured its links and reported them: it begins with a rest. */
const SURVEY = 240;

describe('the explorer', () => {
	let network;
	let browser;

	before(async () => {
		const starts = { Miner1: (worker) => worker.start(binary('dllm-cheater'), ['--cheat', 'lying-trace']) };
		// The plan sorts workers by price, and the first of a stage leads the first job.
		network = await standardNetwork('web-explorer', { profile: 'exact', starts, prices: { Miner1: '0.009 DLLM' } });
		browser = await Browser.start(network);
	});
	after(async () => {
		await browser?.stop();
		await network?.stop();
	});

	/** Pairs of workers of neighbouring stages. */
	const neighbours = async () => {
		const [{ stages }] = await network.rpc('dllm_pipelines', network.model);
		return stages.slice(1).flatMap(({ workers }, at) => stages[at].workers.flatMap((from) => workers.map((to) => [from, to])));
	};
	/** What `dllm_links` tells of a pair, whichever of them is named first. */
	const measured = async () => {
		const { links } = await network.rpc('dllm_links');
		const known = new Map(links.flatMap((link) => [[link.ends.join(' '), link], [[...link.ends].reverse().join(' '), link]]));
		return { of: (pair) => known.get(pair.join(' ')) };
	};

	it('shows links as workers measured them, on the map and in rows', async () => {
		await until('workers report their links', SURVEY, async () => {
			const [{ of }, pairs] = await Promise.all([measured(), neighbours()]);
			return pairs.every((pair) => of(pair));
		});
		const page = await browser.open('network');
		const pairs = await neighbours();
		await page.waitForFunction((count) => document.querySelectorAll('.link-label').length === count, pairs.length);
		const { of } = await measured();
		for (const pair of pairs) {
			const { ends, rttUs } = of(pair);
			const label = page.locator(`.link-label[data-link="${ends.join(' ')}"]`);
			const [text] = await label.allInnerTexts();
			const [value, unit] = text.split(/[ ·]+/);
			assert.equal(unit, 'ms');
			assert.ok(Math.abs(Number(value) * 1000 - rttUs) <= Math.max(10, rttUs * 0.05), `${text} for ${rttUs} µs`);
		}
		await page.getByRole('button', { name: 'Links as a table' }).click();
		const rows = page.getByRole('table', { name: /^Links of pipeline/ }).locator('tbody tr');
		await rows.first().waitFor();
		const [{ stages }] = await network.rpc('dllm_pipelines', network.model);
		assert.equal(await rows.count(), pairs.length + stages.at(-1).workers.length * stages[0].workers.length, 'with the ways back to the entry');
		await rows.filter({ hasText: /both ends, \d+ blocks ago/ }).first().waitFor();
		assert.match(await rows.first().innerText(), /bit\/s/);
		await page.getByText(/^median [\d.]+ ms, loss up to /).waitFor();
		assert.deepEqual(await barriers(page), []);
		assert.deepEqual(page.failures, []);
		await page.context().close();
	});

	it('shows every step of a dispute, while it goes on and afterwards', async () => {
		const { job } = await network.submit(network.account('User'), { model: network.model, text: 'Hello!', maxPrice: 5n * TOKEN, deadline: 10, settle: false });
		const page = await browser.open(`jobs/${job}`);
		const course = page.getByTestId('course');
		await course.getByText(/^Now$/).waitFor();
		await course.getByText('Dispute opened').waitFor();
		await page.getByTestId('commitments').getByText('in dispute').waitFor();
		const receipt = await network.ended(job, 300);
		const disputed = receipt.stages.find(({ dispute }) => dispute);
		assert.deepEqual(disputed?.dispute, { over: 'convicted' }, JSON.stringify(receipt.stages));
		await course.getByText('Refunded', { exact: true }).waitFor();
		const titles = await course.locator('.mantine-Timeline-itemTitle').allInnerTexts();
		const first = (kind) => titles.indexOf(kind);
		const order = ['Submitted', 'Awarded', 'Drawn', 'Checkers drawn', 'Replicas committed', 'Dispute opened', 'Dispute: the lead moved', 'Dispute: the replica moved', 'Dispute ended', 'Judged', 'Refunded'];
		assert.deepEqual([...order].sort((one, other) => first(one) - first(other)), order, titles.join(', '));
		// In a block whoever comes first: leads one after another, the reply with the first of them, openings of both.
		const between = (kind, from, to) => assert.ok(first(from) < first(kind) && first(kind) < first(to), `${kind} in ${titles.join(', ')}`);
		for (const kind of ['Leads committed', 'Answered']) between(kind, 'Awarded', 'Drawn');
		for (const kind of ['Leads revealed', 'Replicas revealed']) between(kind, 'Replicas committed', 'Dispute opened');
		assert.ok(order.every((kind) => titles.includes(kind)), titles.join(', '));
		const moves = titles.filter((title) => title.startsWith('Dispute: '));
		assert.ok(moves.length >= 4, titles.join(', '));
		moves.forEach((title, at) => assert.equal(title, `Dispute: the ${at % 2 === 0 ? 'lead' : 'replica'} moved`));
		const told = await course.innerText();
		for (const words of [/bound to the rows that it sent/, /digest \d+ is the first that differs/, /the values of the step that was chosen: [\d,]+ bytes/, /value [\d,]+ of the step is wrong/, /the chain computed the value/, /checked, as it had to be/]) {
			assert.match(told, words);
		}
		assert.match(told, new RegExp(`Submitted\\s+block ${receipt.job.submitted}:`));
		assert.match(told, new RegExp(`Refunded\\s+block ${receipt.job.ended}:`));
		await page.getByTestId('commitments').getByText('dispute over: the lead lost').waitFor();
		await page.getByText('Checked: other operators run every stage again.').waitFor();
		assert.deepEqual(await barriers(page), []);
		assert.deepEqual(page.failures, []);
		await page.context().close();
	});

	it('says what it can of a job whose blocks the node has dropped', async () => {
		const page = await browser.open('jobs/0');
		await page.routeWebSocket(/.*/, (socket) => {
			const node = socket.connectToServer();
			socket.onMessage((message) => {
				const call = JSON.parse(message);
				const old = call.method === 'state_getRuntimeVersion' && call.params.length > 0;
				if (!old) return node.send(message);
				socket.send(JSON.stringify({ jsonrpc: '2.0', id: call.id, error: { code: 4003, message: 'Client error: UnknownBlock: State already discarded for 0x' } }));
			});
		});
		await page.reload();
		await page.getByText(/This node no longer holds the events of these blocks/).waitFor();
		await page.getByText(/^block \d+: a worker was convicted of cheating$/).waitFor();
		assert.deepEqual(page.failures, []);
		await page.context().close();
	});
});
