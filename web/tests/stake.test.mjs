// Staking from a wallet in the browser: bond, nominate, unbond; on a chain without staking, that the page says so.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Network } from '../../e2e/lib/network.mjs';
import { REPOSITORY } from '../../e2e/lib/processes.mjs';
import { TOKEN } from '../../e2e/lib/standard.mjs';
import { barriers, Browser, connectWallet } from './lib/browser.mjs';

describe('the stake page', () => {
	let network;
	let browser;
	let page;
	let user;

	before(async () => {
		network = await Network.start({ folder: path.join(REPOSITORY, '.demo', 'e2e', 'web-stake') });
		user = network.account('User');
		browser = await Browser.start(network);
		page = await browser.open('stake');
		await connectWallet(page);
	});
	after(async () => {
		await browser?.stop();
		await network?.stop();
	});

	const ledger = async () => (await network.api.query.staking.ledger(user.address)).unwrapOrDefault();

	/** Fills in the dialog of a button and confirms it. */
	const amount = async (label, text) => {
		await page.getByTestId('position').getByRole('button', { name: label, exact: true }).click();
		const dialog = page.getByRole('dialog', { name: label });
		await dialog.getByLabel('Amount in DLLM').fill(text);
		await dialog.getByRole('button', { name: label }).click();
		return dialog;
	};

	it('shows the validators of the chain, or says what the chain lacks', async () => {
		const validators = await network.api.query.session.validators();
		const rows = page.getByRole('table', { name: 'Validators' }).locator('tbody tr');
		await rows.first().waitFor();
		assert.equal(await rows.count(), validators.length);
		if (network.api.query.poaw) {
			const { currentAuthors } = await network.rpc('dllm_poaw');
			const [first] = currentAuthors;
			await page.getByRole('cell', { name: first.weight.toLocaleString('en-US'), exact: true }).first().waitFor();
		}
		assert.equal(await page.getByText('This chain has no staking').count(), network.api.query.staking ? 0 : 1);
		assert.deepEqual(await barriers(page), []);
	});

	it('bonds, nominates and unbonds from the wallet, where there is staking', async () => {
		if (!network.api.query.staking) {
			assert.equal(await page.getByRole('button', { name: 'Bond' }).count(), 0, 'nothing is offered that cannot be done');
			return;
		}
		const dialog = await amount('Bond', '200');
		await dialog.waitFor({ state: 'hidden' });
		assert.equal((await ledger()).active.toBigInt(), 200n * TOKEN);

		const [validator] = (await network.api.query.session.validators()).map(String);
		await page.getByRole('checkbox', { name: `Nominate ${validator.slice(0, 6)}` }).check();
		await page.getByRole('button', { name: 'Nominate 1 validator' }).click();
		await page.getByText('nominates 1 validator').waitFor();
		const nominations = (await network.api.query.staking.nominators(user.address)).unwrap();
		assert.deepEqual(nominations.targets.map(String), [validator]);

		await (await amount('Unbond', '50')).waitFor({ state: 'hidden' });
		const after = await ledger();
		assert.equal(after.active.toBigInt(), 150n * TOKEN);
		assert.equal(after.unlocking[0].value.toBigInt(), 50n * TOKEN);
		await page.getByTestId('position').getByText('50 DLLM', { exact: true }).waitFor();
	});

	it('bonds nothing when the wallet declines, and refuses more than there is', async () => {
		if (!network.api.query.staking) return assert.equal(await page.getByTestId('position').count(), 0);
		const before = await ledger();
		await page.evaluate(() => (window.wallet.declines = true));
		const dialog = await amount('Bond more', '1');
		await page.getByText('You declined in the wallet. Nothing was sent and nothing was charged.').waitFor();
		await dialog.getByLabel('Amount in DLLM').fill('1000000000000');
		await dialog.getByText(/^at most .* DLLM$/).last().waitFor();
		assert.ok(await dialog.getByRole('button', { name: 'Bond more' }).isDisabled());
		// Messages of earlier tests fade, and what fades has no contrast.
		await page.getByText('Done: it is in a block.').first().waitFor({ state: 'detached' });
		assert.deepEqual(await barriers(page), []);
		assert.equal((await ledger()).active.toBigInt(), before.active.toBigInt());
	});

	it('threw nothing on the way', () => assert.deepEqual(page.failures, []));
});
