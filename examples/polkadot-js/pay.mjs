// Pays for a public prompt with polkadot.js: node pay.mjs "What is the capital of France?"
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

const { NODE = 'ws://127.0.0.1:9944', ACCOUNT = '//User', MODEL = '0' } = process.env;
const api = await ApiPromise.create({ provider: new WsProvider(NODE), noInitWarn: true });
const account = new Keyring({ type: 'sr25519' }).addFromUri(ACCOUNT);

const limits = { maxTokens: 48, temperatureMilli: 0, topPMilli: 1000, seed: 0, stop: [] };
const submit = api.tx.jobs.submit(MODEL, { Inline: process.argv[2] ?? 'Hello!' }, limits, 10n ** 12n, 50, 'Standard');

// To have others run it again where its workers fail: `submitWith(…, 'Standard', { onFailure: 'Rerun' })`; the event
// `Rerun` then names the job to follow.

// The number of the job stands in the event of the block that holds the transaction.
const job = await new Promise((resolve, reject) => {
	submit.signAndSend(account, ({ status, events, dispatchError }) => {
		if (dispatchError) reject(new Error(dispatchError.toString()));
		const submitted = events.find(({ event }) => api.events.jobs.Submitted.is(event));
		if (status.isInBlock && submitted) resolve(submitted.event.data.job);
	}).catch(reject);
});

// The reply comes in an event, and the charge in another one once the reply is verified. A fork repeats events.
let reply;
await api.query.system.events((events) => {
	const of = (kind) => events.find(({ event }) => kind.is(event) && event.data.job.eq(job))?.event.data;
	const [answered, settled, refunded] = ['Answered', 'Settled', 'Refunded'].map((name) => of(api.events.jobs[name]));
	if (answered && reply === undefined) console.log((reply = answered.reply.toUtf8()));
	if (settled) console.error(`job ${job} settled: ${settled.fee} planck`);
	if (settled || refunded) process.exit(settled ? 0 : 1);
});
