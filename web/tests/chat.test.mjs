// The chat in a real browser on a real network: a prompt paid from a wallet, its receipt, and what happens when
// the wallet declines, the money is short, the node restarts, or a miner goes down.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Gateway } from '../../e2e/lib/gateway.mjs';
import { until } from '../../e2e/lib/processes.mjs';
import { standardNetwork } from '../../e2e/lib/standard.mjs';
import { ask, barriers, Browser, connectWallet, PATIENCE } from './lib/browser.mjs';

describe('the chat', () => {
	let network;
	let gateway;
	let browser;
	let page;
	let user;

	before(async () => {
		network = await standardNetwork('web-chat');
		user = network.account('User');
		gateway = await Gateway.start(network, { account: 'Eve', options: { allow_origin: ['*'] } });
		browser = await Browser.start(network);
		page = await browser.open('chat');
	});
	after(async () => {
		await browser?.stop();
		await gateway?.daemon.stop();
		await network?.stop();
	});

	/** The outcome line of a turn, once its job is over. */
	const ended = async (turn, state) => {
		const outcome = turn.locator(`[data-testid=outcome][data-state=${state}]`);
		await outcome.waitFor();
		return outcome;
	};

	/** Planck that the user can spend. */
	const free = async () => (await network.balance(user.address)).free;

	it('says what to do before a wallet is connected', async () => {
		await page.getByTestId('connection').filter({ hasText: 'DLLM' }).waitFor();
		await page.getByText('Connect a wallet to pay').waitFor();
		assert.ok(await page.getByRole('button', { name: 'Sign and send' }).isDisabled());
		await connectWallet(page);
	});

	it('charges nothing when the wallet declines, and says so', async () => {
		const before = await network.balance(user.address);
		const jobs = await network.api.query.jobs.nextJob();
		await page.evaluate(() => (window.wallet.declines = true));
		const turn = await ask(page, 'Never sent');
		const failure = turn.getByRole('alert');
		await failure.waitFor();
		assert.match(await failure.innerText(), /You declined in the wallet\. Nothing was sent and nothing was charged\./);
		assert.equal(await page.evaluate(() => window.wallet.asked), 1);
		await page.evaluate(() => (window.wallet.declines = false));
		assert.deepEqual(await network.balance(user.address), before);
		assert.equal((await network.api.query.jobs.nextJob()).toString(), jobs.toString());
	});

	it('answers a prompt paid from the wallet, and settles it at the charge that it shows', async () => {
		const before = await free();
		const next = (await network.api.query.jobs.nextJob()).toNumber();
		const turn = await ask(page, 'Hello from the browser');
		const outcome = await ended(turn, 'settled');
		const receipt = await network.ended(next);
		assert.equal(receipt.job.client, user.address);
		assert.equal(await turn.getByTestId('reply').textContent(), receipt.job.reply);
		assert.equal(await outcome.getAttribute('data-fee'), receipt.job.fee);
		assert.match(await outcome.innerText(), /verified and paid/);
		const events = await eventsOf(network, receipt.job.submitted, receipt.job.ended);
		const answered = events.find(({ section, method }) => section === 'jobs' && method === 'Answered');
		assert.equal(await turn.getByTestId('reply').textContent(), answered.data.reply.toUtf8());
		const settled = events.find(({ section, method }) => section === 'jobs' && method === 'Settled');
		assert.equal(await outcome.getAttribute('data-fee'), settled.data.fee.toString());
		const paid = events.find(({ method, data }) => method === 'TransactionFeePaid' && data.who.toString() === user.address);
		assert.equal(before - (await free()), settled.data.fee.toBigInt() + paid.data.actualFee.toBigInt(), 'what was not used came back');
	});

	it('shows the receipt behind the reply, checked in the browser', async () => {
		await page.getByTestId('turn').last().getByRole('button', { name: 'Receipt' }).click();
		const receipt = page.getByTestId('receipt');
		await receipt.getByText('The reply is the one that was verified').waitFor();
		assert.equal(await receipt.locator('[data-holds=true]').count(), 5, 'all five findings hold');
		assert.equal(await receipt.getByTestId('commitments').getByText('pass').count(), 6, 'lead and replica of three stages');
		const job = (await network.api.query.jobs.nextJob()).toNumber() - 1;
		const { stages } = await network.rpc('dllm_receipt', job);
		const [digest] = stages[1].participants[0].commitment;
		await receipt.getByText(`${digest.slice(0, 10)}…${digest.slice(-6)}`).first().waitFor();
		assert.deepEqual(await barriers(page), []);
		await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
	});

	it('keeps the conversation and its receipt over a reload', async () => {
		const reply = await page.getByTestId('reply').last().textContent();
		await page.reload();
		await page.getByTestId('reply').last().waitFor();
		assert.equal(await page.getByTestId('reply').last().textContent(), reply);
		// The wallet is asked for its accounts again by itself.
		await page.getByRole('button', { name: /^Account User/ }).waitFor();
	});

	it('says what is wrong where an account has no money', async () => {
		const poor = await browser.open('chat', { uris: ['//Nobody with money'] });
		await connectWallet(poor);
		const turn = await ask(poor, 'Who pays?');
		const failure = turn.getByRole('alert');
		await failure.waitFor();
		assert.match(await failure.innerText(), /cannot pay.*Nothing was charged/s);
		await poor.context().close();
	});

	it('refuses a prompt that does not fit, before it is signed', async () => {
		const asked = await page.evaluate(() => window.wallet.asked);
		await page.getByRole('textbox', { name: 'Prompt' }).fill('x'.repeat(5000));
		await page.getByText(/The prompt has 5,000 bytes; a public one may have 4,096/).waitFor();
		assert.ok(await page.getByRole('button', { name: 'Sign and send' }).isDisabled());
		await page.getByRole('textbox', { name: 'Prompt' }).fill('');
		assert.equal(await page.evaluate(() => window.wallet.asked), asked);
	});

	it('lives through a restart of the node', async () => {
		const [alice, bob] = network.validators;
		await alice.daemon.stop();
		await page.getByText('Connection to the node lost').waitFor();
		assert.ok(await page.getByTestId('reply').last().isVisible(), 'what was read stays on screen');
		alice.start(network.chain, `/ip4/127.0.0.1/tcp/${bob.port}/p2p/${await peerOf(bob)}`);
		await page.getByText('Connection to the node lost').waitFor({ state: 'hidden' });
		await until('workers follow the node again', 60, () => network.rpc('dllm_models'));
		const turn = await ask(page, 'Still there?');
		await ended(turn, 'settled');
	});

	it('shows a miner that goes down', async () => {
		const [miner] = network.workers.filter(({ name }) => name === 'Miner1');
		const watcher = await browser.open('network', { query: { gateway: gateway.url } });
		const node = watcher.getByTestId('diagram').locator(`.react-flow__node-member[data-id$="${miner.address}"]`);
		await node.waitFor();
		assert.match(await node.getAttribute('aria-label'), / 0 faults/);
		const gone = watcher.locator(`.react-flow__node-member[data-id$="${miner.address}"][aria-label*=", silent,"]`);
		assert.equal(await gone.count(), 0);
		await miner.daemon.stop();
		// The gateway calls the workers; the chain hears of it minutes later.
		await gone.waitFor({ timeout: 10_000 });
		const turn = await ask(page, 'Is everybody there?');
		await turn.locator('[data-testid=outcome]:is([data-state=settled],[data-state=refunded])').waitFor();
		await watcher.locator(`.react-flow__node-member[data-id$="${miner.address}"][aria-label*=" 1 fault"]`).waitFor({ timeout: PATIENCE });
		await watcher.goTo(`miners/${miner.address}`);
		await watcher.getByText(/worker fault|verifier fault/).first().waitFor();
		await watcher.goTo('miners');
		await watcher.locator(`tr[data-worker="${miner.address}"][data-faults="1"]`).waitFor();
		assert.deepEqual(watcher.failures, []);
	});

	it('threw nothing on the way', () => assert.deepEqual(page.failures, []));
});

/** The events of the blocks `from` to `to`. */
async function eventsOf({ api }, from, to) {
	const blocks = Array.from({ length: to - from + 1 }, async (_, index) => {
		const at = await api.at(await api.rpc.chain.getBlockHash(from + index));
		return (await at.query.system.events()).map(({ event }) => event);
	});
	return (await Promise.all(blocks)).flat();
}

/** The identity of a node in the network of nodes. */
async function peerOf({ rpcPort }) {
	const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'system_localPeerId', params: [] });
	const reply = await fetch(`http://127.0.0.1:${rpcPort}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
	return (await reply.json()).result;
}
