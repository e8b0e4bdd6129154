// Hosts as network namespaces of this machine (root only). Each has two devices: `lab`, whose other end the
// user-space links are, and `control`, on a bridge that is never weak, over which processes reach the node.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Daemon, binary } from '../lib/processes.mjs';

const PREFIX = 'netlab-';
const BRIDGE = 'netlab0';
/** This machine on the bridge. */
export const CONTROL = '10.79.0.1';
/** Bytes of a packet, as on most paths. */
const MTU = 1_500;
/** Microseconds in which a share of a processor is given: short, so that a token does not wait for its turn long. */
const PERIOD = 5_000;

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Network namespaces of hosts, by name, in an order that gives them their addresses. */
export class Namespaces {
	constructor(hosts) {
		this.hosts = hosts;
	}

	/** Makes them and starts the links; whatever an earlier run left is removed. */
	async start(folder) {
		this.remove();
		// Also where this process is ended early.
		process.once('exit', () => this.remove());
		ip('link', 'add', BRIDGE, 'type', 'bridge');
		ip('addr', 'add', `${CONTROL}/24`, 'dev', BRIDGE);
		ip('link', 'set', BRIDGE, 'up');
		this.hosts.forEach((host, at) => this.#make(host, at + 1));
		// What hands over a packet must not wait for those who compute.
		const args = ['--fifo', '50', binary('dllm-netlab'), 'link', '--prefix', PREFIX, ...this.hosts];
		this.links = new Links(Daemon.start('links', 'chrt', args, { logFile: path.join(folder, 'links.log'), input: true }));
	}

	/** Address of a host on the weak links. */
	address(host) {
		return `10.78.0.${this.hosts.indexOf(host) + 1}`;
	}

	/** A command line that runs another one on a host. */
	command(host, command, args) {
		return ['nsenter', [`--net=/run/netns/${PREFIX}${host}`, command, ...args]];
	}

	/** Ends the links and removes everything. */
	async stop() {
		await this.links?.daemon.stop();
		this.remove();
	}

	remove() {
		const standing = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
		for (const name of standing.filter((name) => name.startsWith(PREFIX))) ip('netns', 'del', name);
		if (existsSync(`/sys/class/net/${BRIDGE}`)) ip('link', 'del', BRIDGE);
		// What a lab that was killed has left: a process that outlived it may hold the namespace without its name.
		for (const name of readdirSync('/sys/class/net').filter((name) => /^netlab\d+$/.test(name))) ip('link', 'del', name);
	}

	#make(host, at) {
		const name = PREFIX + host;
		const inside = (...args) => ip('-n', name, ...args);
		ip('netns', 'add', name);
		inside('link', 'set', 'lo', 'up');
		inside('tuntap', 'add', 'dev', 'lab', 'mode', 'tun');
		inside('addr', 'add', `10.78.0.${at}/24`, 'dev', 'lab');
		inside('link', 'set', 'lab', 'mtu', String(MTU), 'up');
		ip('link', 'add', `netlab${at}`, 'type', 'veth', 'peer', 'name', 'control', 'netns', name);
		ip('link', 'set', `netlab${at}`, 'master', BRIDGE, 'up');
		inside('addr', 'add', `10.79.0.${at + 1}/24`, 'dev', 'control');
		inside('link', 'set', 'control', 'up');
	}
}

/** The process that carries packets. */
class Links {
	#answers = [];
	#rest = '';

	constructor(daemon) {
		this.daemon = daemon;
		daemon.child.stdout.on('data', (bytes) => {
			const lines = (this.#rest + bytes).split('\n');
			this.#rest = lines.pop();
			for (const line of lines) this.#answers.shift()?.resolve(JSON.parse(line));
		});
		daemon.exited.then(() => {
			for (const { reject } of this.#answers) reject(new Error(`the links have died:\n${daemon.tail()}`));
		});
	}

	/** Makes the links those of a topology's file; answers what they did since the last time. */
	load(file) {
		if (!this.daemon.alive) throw new Error(`the links have died:\n${this.daemon.tail()}`);
		return new Promise((resolve, reject) => {
			this.#answers.push({ resolve, reject });
			this.daemon.child.stdin.write(`${file}\n`);
		});
	}
}

/** Shares of a processor for groups of processes, in control groups of either version. */
export class Shares {
	#unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
	#root = path.join(this.#unified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/cpu', 'dllm-netlab');
	#groups = new Set();

	/** Makes a group and answers a command line that runs another one in it. */
	group(name) {
		const folder = this.#folder(name);
		const enter = 'echo $$ > "$0/cgroup.procs"; exec "$@"';
		return (command, args) => ['sh', ['-c', enter, folder, command, ...args]];
	}

	/** Takes a process that runs into a group. */
	adopt(name, pid) {
		writeFileSync(path.join(this.#folder(name), 'cgroup.procs'), String(pid));
	}

	#folder(name) {
		const folder = path.join(this.#root, name);
		mkdirSync(folder, { recursive: true });
		if (this.#unified) {
			writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+cpu');
			writeFileSync(path.join(this.#root, 'cgroup.subtree_control'), '+cpu');
		}
		// All together go before whatever else this machine does: at most one of them works on a token at a time.
		writeFileSync(path.join(this.#root, this.#unified ? 'cpu.weight' : 'cpu.shares'), this.#unified ? '10000' : '262144');
		this.#groups.add(folder);
		return folder;
	}

	/** Gives a group this share of a processor. */
	set(name, share) {
		const folder = path.join(this.#root, name);
		const quota = share >= 1 ? undefined : Math.round(share * PERIOD);
		if (this.#unified) return writeFileSync(path.join(folder, 'cpu.max'), `${quota ?? 'max'} ${PERIOD}`);
		// A quota is never above its period, whichever stood before.
		writeFileSync(path.join(folder, 'cpu.cfs_quota_us'), '-1');
		writeFileSync(path.join(folder, 'cpu.cfs_period_us'), String(PERIOD));
		if (quota) writeFileSync(path.join(folder, 'cpu.cfs_quota_us'), String(quota));
	}

	/** Removes the groups, whose other processes have ended. */
	remove() {
		writeFileSync(path.join(path.dirname(this.#root), 'cgroup.procs'), String(process.pid));
		for (const folder of this.#groups) rmdirSync(folder);
		if (existsSync(this.#root)) rmdirSync(this.#root);
	}
}
