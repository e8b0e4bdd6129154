// Takes the pictures of docs/web.md on a network of this machine: every page, light and dark, desk and phone.
// `node web/tests/screenshots.mjs` from the root of the repository, after `make build web`; with names of pages,
// like `stake`, only these.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from '../../e2e/lib/processes.mjs';
import { standardNetwork, TOKEN } from '../../e2e/lib/standard.mjs';
import { ask, Browser, connectWallet, pages } from './lib/browser.mjs';

const IMAGES = path.join(REPOSITORY, 'docs', 'images');
const PROMPTS = ['What is the capital of France?', 'Hello!', 'What is 12 + 30?', 'Who are you?'];
const PHONE = { width: 390, height: 844 };
/** What the user has at stake in the pictures. */
const STAKE = 200n * TOKEN;
const VIEWS = { light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, phone: { colorScheme: 'light', ...PHONE } };

const only = process.argv.slice(2);
const wanted = (name) => only.length === 0 || only.includes(name);

/** Puts money of the user behind a validator, as the stake page shows it then. */
async function stake(network, user) {
	const [validator] = (await network.api.query.session.validators()).map(String);
	const { bond, nominate } = network.api.tx.staking;
	await network.send(bond(STAKE, 'Staked'), user);
	await network.send(nominate([validator]), user);
}

/** Milliseconds until workers have measured their links. */
const SURVEY = 240_000;

/** What has to stand on a page before its picture is taken, beside what every page has. */
const shown = {
	chat: (page) => page.getByTestId('outcome').waitFor(),
	network: (page) => page.locator('.link-label').first().waitFor({ timeout: SURVEY }),
	job: (page) => page.getByTestId('course').getByText('Settled', { exact: true }).waitFor(),
	stake: async (page) => {
		await page.getByTestId('position').getByText('nominates 1 validator').waitFor();
		await page.getByRole('table', { name: 'Validators' }).locator('tbody tr').first().waitFor();
	},
};

const network = await standardNetwork('web-screenshots', { model: 'tiny-chat-nano', profile: 'exact' });
const browser = await Browser.start(network);
try {
	mkdirSync(IMAGES, { recursive: true });
	const user = network.account('User');
	const jobs = [];
	for (const text of PROMPTS) {
		const { job } = await network.submit(user, { model: network.model, text, maxTokens: 32, maxPrice: TOKEN });
		await network.ended(job);
		jobs.push(job);
	}
	await stake(network, user);
	const routes = pages({ job: jobs[0], model: network.model, worker: network.workers[0].address });
	for (const [view, options] of Object.entries(VIEWS)) {
		const page = await browser.open('chat', options);
		await connectWallet(page);
		if (wanted('chat') || wanted('receipt')) {
			const turn = await ask(page, PROMPTS[0]);
			await turn.locator('[data-testid=outcome][data-state=settled]').waitFor();
		}
		for (const [name, route] of Object.entries(routes).filter(([name]) => wanted(name))) {
			await page.goTo(route);
			await page.getByRole('main').locator('dl, form, table').first().waitFor();
			await page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
			await page.waitForFunction(() => document.fonts.status === 'loaded');
			await page.getByRole('button', { name: /^Account User/ }).waitFor();
			await page.mouse.move(0, 0);
			await shown[name]?.(page);
			await page.screenshot({ path: path.join(IMAGES, `web-${name}-${view}.png`) });
		}
		if (wanted('receipt')) {
			await page.goTo('chat');
			await page.getByRole('button', { name: 'Receipt' }).click();
			await page.getByTestId('receipt').getByTestId('commitments').waitFor();
			await page.mouse.move(0, 0);
			await page.screenshot({ path: path.join(IMAGES, `web-receipt-${view}.png`) });
		}
		await page.context().close();
	}
} finally {
	await browser.stop();
	await network.stop();
}
