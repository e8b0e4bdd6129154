// The examples, as a reader runs them, against a running network and a gateway before it: paying in three
// libraries, the use cases, and the bot, whose other peer is a server that speaks Telegram's API.

import { blake3 } from '@noble/hashes/blake3';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { Gateway } from '../lib/gateway.mjs';
import { Daemon, REPOSITORY, run, until } from '../lib/processes.mjs';
import { standardNetwork } from '../lib/standard.mjs';
import { Telegram } from '../lib/telegram.mjs';

const EXAMPLES = path.join(REPOSITORY, 'examples');
const MODEL = 'tiny-chat-nano';
const QUESTION = 'What is the capital of France?';
/** Folder of the Python packages, made once. */
const PYTHON = path.join(REPOSITORY, '.demo', 'python');
/** Where the set-up puts OpenAI's Python client; nothing is compiled beside the sources. */
const OPENAI = { PYTHONPATH: path.join(REPOSITORY, '.tools', 'python'), PYTHONDONTWRITEBYTECODE: '1' };

describe('examples', () => {
	let network;
	let gateway;
	let env;

	before(async () => {
		if (!existsSync(path.join(EXAMPLES, 'node_modules'))) {
			await run('npm', ['ci', '--prefix', EXAMPLES, '--no-audit', '--no-fund', '--loglevel=error']);
		}
		if (!existsSync(path.join(PYTHON, 'substrateinterface'))) {
			const requirements = path.join(EXAMPLES, 'python', 'requirements.txt');
			await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', PYTHON, '--requirement', requirements]);
		}
		network = await standardNetwork('examples', { model: MODEL, profile: 'exact', slots: 8 });
		env = { NODE: network.url, ACCOUNT: '//User', MODEL: String(network.model), PYTHONPATH: PYTHON };
		// An account of its own: whoever pays by hand signs with //User.
		gateway = await Gateway.start(network, { account: 'Eve' });
	});
	after(async () => {
		await gateway?.daemon.stop();
		await network?.stop();
	});

	/** The end of a job that the gateway bought: settled, sealed, paid by its account, checked by replicas. */
	const settled = async (job) => {
		const told = await gateway.ended(job);
		assert.ok(told.settled && told.receipt.job.sealed, JSON.stringify(told));
		assert.equal(told.receipt.job.client, gateway.account.address);
		assert.ok(told.receipt.stages.some(({ participants }) => participants.some(({ part }) => part === 'replica')));
		return told;
	};
	/** What stands on chain of what a job asks. */
	const request = (job) => until(`the chain knows job ${job}`, 30, async () => (await network.api.query.jobs.requests(job)).unwrapOr(undefined));
	/** Tokens of a sealed prompt, as the chain knows them. */
	const promptTokens = async (job) => (await request(job)).body.asSealed.promptTokens.toNumber();

	const programs = {
		'polkadot-js/pay.mjs': 'node',
		'papi/pay.mjs': 'node',
		'python/pay.py': 'python3',
	};
	for (const [file, program] of Object.entries(programs)) {
		it(`${file} pays for a prompt and prints the reply`, async () => {
			const job = (await network.api.query.jobs.nextJob()).toNumber();
			const { stdout } = await run(program, [path.join(EXAMPLES, file), QUESTION], { env });
			const receipt = await network.ended(job);
			assert.equal(receipt.job.state.kind, 'settled');
			assert.ok(receipt.job.reply.length > 0);
			assert.equal(stdout.trim(), receipt.job.reply);
		});

		it(`${file} says why it failed`, async () => {
			// An account without money: the chain refuses.
			const failed = await run(program, [path.join(EXAMPLES, file), QUESTION], { env: { ...env, ACCOUNT: '//Nobody' }, allowFailure: true });
			assert.notEqual(failed.code, 0);
			assert.match(failed.stderr, /payment|balance|funds/i);
		});

		it(`${file} takes about thirty lines`, () => {
			const lines = readFileSync(path.join(EXAMPLES, file), 'utf8').split('\n');
			assert.ok(lines.filter((line) => line.trim() && !line.startsWith('//')).length <= 30, file);
		});
	}

	it('all that use the gateway want the client that the set-up installs', () => {
		const [, wanted] = readFileSync(path.join(REPOSITORY, 'scripts', 'setup.sh'), 'utf8').match(/^openai=(openai==\S+)$/m);
		for (const folder of ['bot', 'use-cases']) {
			assert.equal(readFileSync(path.join(EXAMPLES, folder, 'requirements.txt'), 'utf8').trim(), wanted, folder);
		}
	});

	describe('use cases', () => {
		const folder = path.join(REPOSITORY, '.demo', 'e2e', 'use-cases');
		const file = (name) => path.join(EXAMPLES, 'use-cases', name);
		let key;
		let asks;

		before(async () => {
			mkdirSync(folder, { recursive: true });
			key = await gateway.key('use-cases');
			asks = { ...OPENAI, OPENAI_BASE_URL: `${gateway.url}/v1`, OPENAI_API_KEY: key };
		});

		/** Runs one to its end; answers its output and the jobs that it names as settled. */
		const use = async (name, args) => {
			const told = await run('python3', [file(name), ...args], { env: asks });
			assert.match(told.stderr, /^privacy: sealed\./m);
			const jobs = [...told.stderr.matchAll(/^job (\d+) is settled/gm)].map(([, job]) => Number(job));
			return { ...told, jobs };
		};

		it('the clinic\'s summariser sends nothing that names the patient, and is settled', async () => {
			const note = readFileSync(file('note.txt'), 'utf8');
			const names = ['--name', 'Anna Berg'];
			const shown = await run('python3', [file('clinic_notes.py'), file('note.txt'), ...names, '--show'], { env: OPENAI });
			for (const giveaway of ['Anna', '4711202', '2026-03-14', '28.03.2026', '5550199', 'example.org']) {
				assert.ok(note.includes(giveaway) && !shown.stdout.includes(giveaway), giveaway);
			}
			assert.ok(shown.stdout.includes('blood pressure 128/82'), 'findings stay');

			const { stdout, jobs } = await use('clinic_notes.py', [file('note.txt'), ...names, '--max-tokens', '24']);
			assert.ok(stdout.trim().length > 0);
			assert.equal(jobs.length, 1);
			await settled(jobs[0]);
			assert.ok((await promptTokens(jobs[0])) > 100, 'the note went along');
		});

		it('the tutor answers line by line, remembers, and tells the cost of the lesson', async () => {
			const child = spawn('python3', [file('tutor.py')], { env: { ...process.env, ...asks, MAX_TOKENS: '16' }, stdio: ['pipe', 'pipe', 'pipe'] });
			let told = '';
			child.stderr.on('data', (chunk) => (told += chunk));
			// Not `exit`: the cost of the lesson, which it says last, may come after that.
			const ended = new Promise((resolve) => child.once('close', resolve));
			const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
			for (const question of ['What is 12 + 30?', 'And twice that?']) {
				child.stdin.write(`${question}\n`);
				const reply = await lines.next();
				assert.ok(!reply.done, told);
			}
			child.stdin.end();
			assert.equal(await ended, 0, told);
			const jobs = [...told.matchAll(/^job (\d+) is settled/gm)].map(([, job]) => Number(job));
			assert.equal(jobs.length, 2, told);
			const receipts = await Promise.all(jobs.map(settled));
			const [first, second] = await Promise.all(jobs.map(promptTokens));
			assert.ok(second > first, `the first turn goes along with the second question: ${first}, ${second}`);
			const cost = receipts.reduce((sum, { receipt }) => sum + Number(receipt.job.fee), 0) / 1e12;
			assert.ok(told.includes(`2 questions, ${cost.toFixed(6)} DLLM\n`), told);
		});

		it('the finance answers come with evidence that the chain confirms', async () => {
			const evidence = path.join(folder, 'evidence.json');
			const ask = ['figures.csv', 'How did revenue develop?'];
			const args = [file(ask[0]), ask[1], '--max-tokens', '24', '--evidence', evidence];
			const { stdout, stderr, jobs } = await use('finance_qa.py', args);
			assert.equal(jobs.length, 1, stderr);
			const proof = JSON.parse(readFileSync(evidence, 'utf8'));
			assert.equal(stdout.trim(), proof.answer.trim());
			assert.match(proof.request.messages[0].content, /^revenue: .*; sum 379\.9, last change -2\.0 %$/m);
			const told = await settled(jobs[0]);
			assert.deepEqual(proof.receipt.receipt, told.receipt);
			assert.equal(proof.receipt.genesis, network.api.genesisHash.toHex());
			// What an auditor does: the digest on chain is that of the salt and the very prompt in the evidence.
			const prompt = JSON.stringify(proof.request.messages.map(({ role, content }) => ({ content, role })));
			const digest = blake3(Buffer.concat([Buffer.from(proof.salt.slice(2), 'hex'), Buffer.from(prompt)]));
			const stands = (await request(jobs[0])).toHex();
			assert.ok(stands.includes(Buffer.from(digest).toString('hex')), `${stands} of job ${jobs[0]}`);

			const again = await use('finance_qa.py', args);
			assert.equal(again.stdout, stdout, 'the same question gives the same answer');
			assert.notEqual(again.jobs[0], jobs[0]);
		});

		it('they say why they failed', async () => {
			const refused = await run('python3', [file('finance_qa.py'), file('figures.csv'), 'Why?'], { env: { ...asks, OPENAI_API_KEY: 'sk-dllm-wrong' }, allowFailure: true });
			assert.notEqual(refused.code, 0);
			assert.match(refused.stderr, /incorrect API key: ask who runs this gateway/);
		});
	});

	describe('the bot', () => {
		const TOKEN = '424242:examples';
		const TURNS = 2;
		const MAX_TOKENS = 8;
		/** Seconds until a person hears something, a job and its queue included. */
		const PATIENCE = 120;
		let telegram;
		let bot;

		/** Starts a bot; `changes` stand over its environment. */
		const start = (from, key, changes = {}) => Daemon.start('bot', 'python3', [path.join(EXAMPLES, 'bot', 'bot.py')], {
			logFile: path.join(network.folder, 'bot.log'),
			env: {
				...OPENAI, TELEGRAM_URL: from.url, TELEGRAM_TOKEN: from.token, OPENAI_BASE_URL: `${gateway.url}/v1`, OPENAI_API_KEY: key,
				TURNS: String(TURNS), MAX_TOKENS: String(MAX_TOKENS), ...changes,
			},
		});
		/** What the bot says next in a chat. */
		const heard = async (chat, before, from = telegram, daemon = bot) => {
			await until(`the bot says something in chat ${chat}`, PATIENCE, () => from.heard(chat).length > before, () => network.checkAlive({ name: 'bot', daemon }));
			return from.heard(chat)[before];
		};
		const say = (chat, text, from = telegram, daemon = bot) => {
			const before = from.heard(chat).length;
			from.write(chat, text);
			return heard(chat, before, from, daemon);
		};
		/** The job behind the last reply in a chat. */
		const job = async (chat) => Number((await say(chat, '/receipt')).match(/^Job (\d+) is/)[1]);

		before(async () => {
			telegram = await Telegram.start(TOKEN);
			bot = start(telegram, await gateway.key('bot'));
		});
		after(async () => {
			await bot?.stop();
			await telegram?.stop();
		});

		it('tells its privacy label, answers, and shows the receipt of what it said', async () => {
			assert.match(await say(1, '/start'), /Privacy: sealed\..*digest.*Telegram.*can read it.*miners.*could guess it/);
			assert.match(await say(1, '/receipt'), /no reply yet/);
			assert.equal(await say(1), 'I can read text only.');
			assert.ok((await say(1, QUESTION)).length > 0);
			assert.ok(telegram.typed.includes(1));
			const number = await job(1);
			const { receipt, block } = await settled(number);
			const told = await until('the receipt is final', PATIENCE, async () => {
				const text = await say(1, '/receipt');
				return text.includes('settled') && text;
			});
			assert.ok(told.startsWith(`Job ${number} is settled since block `), told);
			assert.ok(told.endsWith(`for ${(Number(receipt.job.fee) / 1e12).toFixed(6)} DLLM.`), told);
			assert.ok(block.number > 0);
		});

		it('remembers the last turns of each chat, no more, and apart', async () => {
			const ask = async (chat) => {
				await say(chat, 'Tell me a story about a fox, please.');
				return promptTokens(await job(chat));
			};
			const first = await ask(2);
			const sizes = [first];
			for (let turn = 0; turn < 2 * TURNS + 1; turn++) sizes.push(await ask(2));
			// A turn is a question and a reply; the template puts at most four tokens around the reply.
			const most = first + TURNS * (first + MAX_TOKENS + 4);
			assert.ok(sizes[1] > first && sizes[TURNS] > sizes[1], sizes.join(' '));
			assert.ok(sizes.every((size) => size <= most), `${sizes.join(' ')} of ${most}`);
			assert.equal(await ask(3), first, 'another chat begins at nothing');
			assert.match(await say(2, '/reset'), /forgotten/);
			assert.equal(await ask(2), first);
		});

		it('drops old turns where the model\'s context is full, and says so where one message fills it', async () => {
			// 400 tokens a message, of the 1024 that the model can hold: the third one has room for one turn only.
			const long = 'word '.repeat(400);
			const sizes = [];
			for (let turn = 0; turn < 3; turn++) {
				assert.doesNotMatch(await say(4, long), /too long/);
				sizes.push(await promptTokens(await job(4)));
			}
			assert.ok(sizes[0] > 400 && sizes[1] > 800 && sizes[2] > 800, sizes.join(' '));
			// Three tokens a letter.
			assert.match(await say(4, '字'.repeat(600)), /too long for this model/);
			assert.ok((await say(4, QUESTION)).length > 0);
		});

		it('tells people why it cannot answer, and answers when it can again', async () => {
			const poor = await Telegram.start('1:poor');
			const begging = start(poor, await gateway.key('bot-poor', { budget: 1 }));
			assert.match(await say(5, QUESTION, poor, begging), /budget is used up: please tell who runs me/);
			await begging.stop();
			await poor.stop();

			await gateway.daemon.stop();
			assert.match(await say(5, QUESTION), /cannot reach my gateway: please try again later/);
			await gateway.run();
			assert.doesNotMatch(await say(5, QUESTION), /gateway|try again/);
		});

		it('goes on where Telegram fails, and waits where it is told to', async () => {
			telegram.fail('getUpdates', { code: 502, description: 'Bad Gateway' });
			telegram.fail('getUpdates');
			telegram.fail('sendMessage', { code: 429, description: 'Too Many Requests: retry after 1', retryAfter: 1 });
			assert.match(await say(6, '/reset'), /forgotten/);
			assert.deepEqual(telegram.faults, []);
			assert.equal(telegram.heard(6).length, 1);
		});

		it('answers what was asked before it ends, and nothing twice', async () => {
			const typed = telegram.typed.length;
			telegram.write(7, QUESTION);
			await until('the bot begins an answer', PATIENCE, () => telegram.typed.length > typed);
			assert.equal((await bot.stop(PATIENCE * 1000)).code, 0, bot.tail());
			assert.equal(telegram.heard(7).length, 1);
			assert.deepEqual(telegram.updates, [], 'Telegram has nothing left to tell');
		});

		it('ends where Telegram does not know it, and does not show its token', async () => {
			const strange = start(telegram, 'sk-dllm-any', { TELEGRAM_TOKEN: '1:strange' });
			assert.equal((await strange.exited).code, 1);
			assert.match(strange.tail(1), /correct TELEGRAM_TOKEN/);
			assert.doesNotMatch(readFileSync(strange.logFile, 'utf8'), /1:strange|424242:examples/);
		});
	});
});
