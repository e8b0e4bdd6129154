// The built page in a real Chromium: a static server, and pages with a wallet in them.

import AxeBuilder from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const WEB = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = path.join(WEB, 'dist');
const CHROMIUM = process.env.DLLM_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
	'--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

/** Milliseconds that anything on a page may take: a job takes four blocks, more on a busy machine. */
export const PATIENCE = 150_000;

/** What a person may visit, with the number of a job and the address of a worker of the network. */
export const pages = ({ job, worker, model }) => ({
	chat: 'chat', network: 'network', model: `models/${model}`, jobs: 'jobs', job: `jobs/${job}`,
	miners: 'miners', miner: `miners/${worker}`, stake: 'stake',
});

/** A browser, and a server of the built page. */
export class Browser {
	static async start(network) {
		if (!existsSync(path.join(BUILT, 'index.html'))) throw new Error(`${BUILT} is not there: run "make web" first`);
		const browser = new Browser();
		browser.network = network;
		browser.server = await serve();
		browser.address = `http://127.0.0.1:${browser.server.address().port}`;
		browser.chromium = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
		browser.wallet = await bundleWallet();
		return browser;
	}

	/** Opens a page of the network's first node, with a wallet that holds the keys `uris`. */
	async open(route = 'chat', { uris = ['//User'], colorScheme = 'light', width = 1280, height = 860, query = {} } = {}) {
		const context = await this.chromium.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
		const page = await context.newPage();
		page.setDefaultTimeout(PATIENCE);
		await page.addInitScript(`window.walletUris = ${JSON.stringify(uris)};\n${this.wallet}`);
		page.failures = [];
		page.on('pageerror', (error) => page.failures.push(error.message));
		const search = new URLSearchParams({ node: this.network.url, ...query });
		page.goTo = (where) => page.goto(`${this.address}/?${search}#/${where}`);
		await page.goTo(route);
		return page;
	}

	async stop() {
		await this.chromium?.close();
		await new Promise((resolve) => this.server.close(resolve));
	}
}

/** Gives the page access to the wallet and takes the account `name`. */
export async function connectWallet(page, name) {
	await page.getByRole('button', { name: 'Connect wallet' }).click();
	await page.getByRole('menuitem', { name: 'test wallet' }).click();
	const account = page.getByRole('button', { name: /^Account / });
	await account.waitFor();
	if (!name) return;
	await account.click();
	await page.getByRole('menuitem', { name }).click();
}

/** Writes a prompt, waits for its price and sends it; answers the turn that appears. */
export async function ask(page, prompt) {
	const turns = page.getByTestId('turn');
	const before = await turns.count();
	await page.getByRole('textbox', { name: 'Prompt' }).fill(prompt);
	await page.getByTestId('price').filter({ hasText: /at most/ }).waitFor();
	await page.getByRole('button', { name: 'Sign and send' }).click();
	const turn = turns.nth(before);
	await turn.waitFor();
	return turn;
}

/** What axe finds wrong with a page, a line a finding. */
export async function barriers(page) {
	const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
	return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 160)}`));
}

function serve() {
	const server = createServer((request, response) => {
		const { pathname } = new URL(request.url, 'http://127.0.0.1');
		const file = path.join(BUILT, pathname === '/' ? 'index.html' : path.normalize(pathname));
		if (!file.startsWith(BUILT) || !existsSync(file) || !statSync(file).isFile()) {
			response.writeHead(404).end();
			return;
		}
		response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
		response.end(readFileSync(file));
	});
	return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function bundleWallet() {
	const lib = { entry: path.join(WEB, 'tests', 'lib', 'wallet.ts'), formats: ['iife'], name: 'testWallet' };
	const define = { 'process.env.NODE_ENV': '"production"' };
	const [{ output }] = await build({ root: WEB, configFile: false, logLevel: 'error', publicDir: false, define, build: { write: false, lib } });
	return output[0].code;
}
