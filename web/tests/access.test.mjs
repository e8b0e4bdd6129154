// Every page in both schemes, on a desk and on a phone: nothing that axe finds wrong, nothing wider than the
// screen, no error thrown; and the ways of who uses a keyboard.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { standardNetwork, TOKEN } from '../../e2e/lib/standard.mjs';
import { barriers, Browser, connectWallet, pages } from './lib/browser.mjs';

const SIZES = { desk: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };

describe('every page', () => {
	let network;
	let browser;
	let routes;

	before(async () => {
		network = await standardNetwork('web-access');
		const user = network.account('User');
		const { job } = await network.submit(user, { model: network.model, text: 'Hello!', maxPrice: 5n * TOKEN });
		const receipt = await network.ended(job);
		assert.equal(receipt.job.state.kind, 'settled', JSON.stringify(receipt));
		const [worker] = network.workers;
		routes = pages({ job, model: network.model, worker: worker.address });
		browser = await Browser.start(network);
	});
	after(async () => {
		await browser?.stop();
		await network?.stop();
	});

	/** Waits until a page shows what it is about. */
	const filled = async (page) => {
		await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
		await page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
		await page.getByRole('main').locator('dl, form, table').first().waitFor();
	};

	for (const colorScheme of ['light', 'dark']) {
		for (const [size, viewport] of Object.entries(SIZES)) {
			it(`is without barriers, ${colorScheme}, ${size}`, async () => {
				const page = await browser.open('chat', { colorScheme, ...viewport });
				await connectWallet(page);
				for (const [name, route] of Object.entries(routes)) {
					await page.goTo(route);
					await filled(page);
					assert.deepEqual(await barriers(page), [], `${name}, ${colorScheme}, ${size}`);
					const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
					assert.ok(content <= screen, `${name} is ${content} wide on a screen of ${screen}`);
				}
				assert.deepEqual(page.failures, []);
				await page.context().close();
			});
		}
	}

	it('is without barriers where it shows a dialog or an error', async () => {
		const page = await browser.open('chat');
		await page.getByRole('button', { name: 'Settings' }).click();
		await page.getByRole('dialog').getByLabel('Node').waitFor();
		assert.deepEqual(await barriers(page), [], 'settings');
		await page.getByLabel('Node', { exact: true }).fill('http://nowhere');
		await page.getByText(/write a websocket address/).waitFor();
		assert.ok(await page.getByRole('button', { name: 'Save' }).isDisabled());
		for (const [route, words] of [['jobs/4000000', /is not known at this block/], ['models/4000', /No model of number 4000/], ['miners/5Nobody', /No worker of this address/]]) {
			await page.goTo(route);
			await page.getByRole('alert').filter({ hasText: words }).waitFor();
			assert.deepEqual(await barriers(page), [], route);
		}
		await page.context().close();
	});

	it('says what this chain does not have, and offers nothing that it cannot do', async () => {
		const page = await browser.open('stake');
		await filled(page);
		const has = (pallet) => network.api.query[pallet] !== undefined;
		assert.equal(await page.getByText('This chain has no staking').count(), has('staking') ? 0 : 1);
		assert.equal(await page.getByText('This chain has no proof of AI work').count(), has('poaw') ? 0 : 1);
		assert.equal(await page.getByRole('heading', { name: 'Your stake' }).count(), has('staking') ? 1 : 0);
		const validators = await network.api.query.session.validators();
		assert.equal(await page.getByRole('table', { name: 'Validators' }).locator('tbody tr').count(), validators.length);
		await page.context().close();
	});

	it('can be used with a keyboard alone', async () => {
		const page = await browser.open('network');
		await filled(page);
		await page.keyboard.press('Tab');
		assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
		await page.keyboard.press('Enter');
		assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
		const [miner] = network.workers;
		await page.locator(`.react-flow__node-member[data-id$="${miner.address}"]`).focus();
		await page.keyboard.press('Enter');
		await page.getByRole('heading', { name: /^Worker / }).waitFor();
		assert.ok(page.url().endsWith(`#/miners/${miner.address}`));
		await page.context().close();
	});

	it('says that a node does not answer, and which', async () => {
		const page = await browser.open('network', { query: { node: 'ws://127.0.0.1:1' } });
		await page.getByText('The node does not answer yet').waitFor();
		await page.getByText('Trying ws://127.0.0.1:1').waitFor();
		assert.deepEqual(await barriers(page), []);
		await page.context().close();
	});

	it('says that an address cannot be one, and offers another', async () => {
		const page = await browser.open('network', { query: { node: 'nonsense' } });
		await page.getByRole('heading', { name: 'This is not the address of a node' }).waitFor();
		assert.deepEqual(await barriers(page), []);
		await page.getByRole('button', { name: 'Use ws://127.0.0.1:9944' }).click();
		await page.getByRole('navigation', { name: 'Pages' }).first().waitFor();
		assert.deepEqual(page.failures, []);
		await page.context().close();
	});

	it('says that there is no gateway where there is none', async () => {
		const page = await browser.open('chat', { query: { gateway: 'http://127.0.0.1:1' } });
		await page.getByText('Gateway', { exact: true }).click();
		await page.getByText('The gateway is not reachable. Check its address in the settings.').waitFor();
		await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
		assert.ok(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled());
		assert.deepEqual(await barriers(page), []);
		await page.context().close();
	});
});
