// The script that lets a phone work only on a charger, cool and on Wi-Fi, with stand-ins for Termux's commands.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Daemon, REPOSITORY, run, until } from '../lib/processes.mjs';

const SCRIPT = path.join(REPOSITORY, 'examples', 'phone', 'charging.sh');
const FOLDER = path.join(REPOSITORY, '.demo', 'e2e', 'charging');
/** A worker: it tells its start and its end. */
const WORKER = 'trap "echo ended; exit 0" TERM; echo started at ADDRESS; while true; do sleep 0.1; done';

describe('a phone that works on a charger only', () => {
	let daemon;

	/** What the commands tell, in the form that Termux prints. */
	const tell = (command, values) => writeFileSync(path.join(FOLDER, command), `${JSON.stringify(values, null, 2)}\n`);
	const battery = (plugged, temperature) => tell('battery-status', { health: 'GOOD', percentage: 62, plugged, status: 'CHARGING', temperature });
	const wifi = (ip, state = 'COMPLETED') => tell('wifi-connectioninfo', { bssid: '02:00:00:00:00:00', ip, supplicant_state: state });

	/** Waits until the log ends with a line. */
	const says = (line) => until(`it says ${line}`, 20, () => daemon.tail(1) === line, () => assert.ok(daemon.alive, daemon.tail()));

	before(() => {
		rmSync(FOLDER, { recursive: true, force: true });
		mkdirSync(FOLDER, { recursive: true });
		for (const command of ['battery-status', 'wifi-connectioninfo']) {
			const file = path.join(FOLDER, `termux-${command}`);
			writeFileSync(file, `#!/bin/sh\ncat '${path.join(FOLDER, command)}'\n`);
			chmodSync(file, 0o755);
		}
		battery('PLUGGED_AC', 25.9);
		wifi('192.168.1.7');
		daemon = Daemon.start('charging', SCRIPT, ['sh', '-c', WORKER], {
			logFile: path.join(FOLDER, 'log'),
			env: { PATH: `${FOLDER}:${process.env.PATH}`, INTERVAL: '1' },
		});
	});
	after(() => daemon?.stop());

	it('follows charger, temperature and Wi-Fi, and gives the worker time to end', async () => {
		const WAITS = 'charging: waiting for charger, a cool battery and Wi-Fi';
		await says('started at 192.168.1.7');
		battery('UNPLUGGED', 25.9);
		await says(WAITS);
		battery('PLUGGED_USB', '41.2');
		wifi('192.168.1.9');
		await new Promise((resolve) => setTimeout(resolve, 2500));
		await says(WAITS);
		battery('PLUGGED_USB', '30.0');
		await says('started at 192.168.1.9');
		wifi('192.168.1.11');
		await says('started at 192.168.1.11');
		wifi('192.168.1.11', 'DISCONNECTED');
		await says(WAITS);
		wifi('192.168.1.11');
		await says('started at 192.168.1.11');
		await daemon.stop();
		const lines = readFileSync(path.join(FOLDER, 'log'), 'utf8').split('\n');
		const count = (start) => lines.filter((line) => line.startsWith(start)).length;
		assert.equal(count('started'), 4);
		assert.equal(count('ended'), 4);
	});

	it('says how it is used', async () => {
		const { code, stderr } = await run(SCRIPT, [], { allowFailure: true });
		assert.equal(code, 2);
		assert.match(stderr, /Usage: charging\.sh COMMAND/);
	});
});
