// Child processes of a test network: started with a log file each, found dead or alive, always reaped.

import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Folder of the built binaries. */
export const BIN = process.env.DLLM_BIN ?? path.join(REPOSITORY, 'target', 'release');

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
	process.on(signal, () => {
		killAll();
		process.exit(130);
	});
}
process.on('exit', killAll);

function killAll() {
	for (const one of running) one.child.kill('SIGKILL');
}

/** A binary of this repository, or an error that says how to build it. */
export function binary(name) {
	const file = path.join(BIN, name);
	if (!existsSync(file)) throw new Error(`${file} is not there: run "make build" first`);
	return file;
}

/** Listens on a TCP port, and answers nobody. */
function listen(port) {
	return new Promise((resolve, reject) => {
		const server = createServer((socket) => socket.destroy());
		server.once('error', reject);
		server.listen(port, '127.0.0.1', () => resolve(server));
	});
}

const closed = (server) => new Promise((resolve) => server.close(resolve));

/** Ports below those that systems give to outgoing connections: one that is free now is free when it is used. */
const PORTS = { from: 10_000, to: 30_000 };
const given = new Set();

/** A TCP port that is free now, and that no other call has given. */
export async function freePort() {
	for (;;) {
		const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
		const server = !given.has(port) && (await listen(port).catch(() => undefined));
		if (!server) continue;
		given.add(port);
		await closed(server);
		return port;
	}
}

/** Takes a TCP port for oneself and answers what gives it back; throws where another program has it. */
export async function takePort(port) {
	try {
		const server = await listen(port);
		return () => closed(server);
	} catch (error) {
		if (error.code !== 'EADDRINUSE') throw error;
		throw new Error(`port ${port} is in use: end the network that holds it (make down, or Ctrl-C in its terminal)`);
	}
}

/** A long-running child process. */
export class Daemon {
	/** Starts `command args…`, with its output in `logFile`, and `input` if it is to be told something. */
	static start(name, command, args, { logFile, env = {}, input = false }) {
		mkdirSync(path.dirname(logFile), { recursive: true });
		const log = createWriteStream(logFile, { flags: 'a' });
		const child = spawn(command, args, {
			stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
			env: { ...process.env, ...env },
		});
		child.stdout.pipe(log);
		child.stderr.pipe(log);
		return new Daemon(name, child, logFile);
	}

	constructor(name, child, logFile) {
		this.name = name;
		this.child = child;
		this.logFile = logFile;
		this.exited = new Promise((resolve) => {
			child.once('exit', (code, signal) => {
				running.delete(this);
				resolve({ code, signal });
			});
			child.once('error', (error) => {
				running.delete(this);
				resolve({ code: null, error });
			});
		});
		running.add(this);
	}

	get alive() {
		return running.has(this);
	}

	/** All that it has said so far. */
	log() {
		return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
	}

	/** The end of its log, for error messages. */
	tail(lines = 15) {
		if (!existsSync(this.logFile)) return '(no output)';
		return this.log().trimEnd().split('\n').slice(-lines).join('\n');
	}

	/** Asks it to stop, and insists after `patience` milliseconds. */
	async stop(patience = 10_000) {
		if (!this.alive) return this.exited;
		this.child.kill('SIGTERM');
		const insist = setTimeout(() => this.child.kill('SIGKILL'), patience);
		const result = await this.exited;
		clearTimeout(insist);
		return result;
	}

	/** Ends it the hard way, as a power cut would. */
	async kill() {
		this.child.kill('SIGKILL');
		return this.exited;
	}
}

/**
 * Runs a command to its end and returns `{ code, stdout, stderr }`; throws with both outputs where it
 * fails and `allowFailure` is not set. `echo` also prints all that it says, as it comes, to stdout. After
 * `timeout` milliseconds it is ended, and its code is null.
 */
export function run(command, args, { env = {}, allowFailure = false, echo = false, timeout } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, ...env },
			timeout,
		});
		const out = { stdout: '', stderr: '' };
		for (const name of Object.keys(out)) {
			child[name].setEncoding('utf8').on('data', (text) => {
				out[name] += text;
				if (echo) process.stdout.write(text);
			});
		}
		child.once('error', reject);
		// Not `exit`: what it said last may come after that.
		child.once('close', (code) => {
			if (code === 0 || allowFailure) return resolve({ code, ...out });
			const said = echo ? '' : `\n${out.stderr}${out.stdout}`;
			reject(new Error(`${path.basename(command)} ${args.join(' ')} → ${code}${said}`));
		});
	});
}

/**
 * Polls `probe` until it answers something truthy and returns that; throws after `seconds`, naming
 * `what` and the last error. `guard` may throw to give up early (a daemon died, say).
 */
export async function until(what, seconds, probe, guard = () => {}) {
	const deadline = Date.now() + seconds * 1000;
	let last;
	for (;;) {
		guard();
		try {
			const answer = await probe();
			if (answer) return answer;
		} catch (error) {
			last = error;
		}
		if (Date.now() > deadline) {
			throw new Error(`${what}: not within ${seconds} s${last ? ` (${last.message})` : ''}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
}
