// Pays for a public prompt with polkadot-api: node pay.mjs "What is the capital of France?"
import { sr25519CreateDerive } from '@polkadot-labs/hdkd';
import { DEV_PHRASE, entropyToMiniSecret, mnemonicToEntropy } from '@polkadot-labs/hdkd-helpers';
import { Binary, createClient, Enum } from 'polkadot-api';
import { getPolkadotSigner } from 'polkadot-api/signer';
import { getWsProvider } from 'polkadot-api/ws';
import { WebSocket } from 'ws';

const { NODE = 'ws://127.0.0.1:9944', ACCOUNT = '//User', MODEL = '0' } = process.env;
const client = createClient(getWsProvider(NODE, { websocketClass: WebSocket }));
const api = client.getUnsafeApi();
const keys = sr25519CreateDerive(entropyToMiniSecret(mnemonicToEntropy(DEV_PHRASE)))(ACCOUNT);
const signer = getPolkadotSigner(keys.publicKey, 'Sr25519', keys.sign);

const limits = { max_tokens: 48, temperature_milli: 0, top_p_milli: 1000, seed: 0n, stop: [] };
const body = Enum('Inline', Binary.fromText(process.argv[2] ?? 'Hello!'));
const call = { model: Number(MODEL), body, limits, max_price: 10n ** 12n, deadline_blocks: 50, assurance: Enum('Standard') };
const paid = await api.tx.Jobs.submit(call).signAndSubmit(signer);
if (!paid.ok) throw new Error(JSON.stringify(paid.dispatchError));
const { job } = paid.events.find(({ type, value }) => type === 'Jobs' && value.type === 'Submitted').value.value;

// The node tells everything that stands behind a job; a reply is worth its money once it is settled.
const look = async () => (await client._request('dllm_receipt', [Number(job)])).job;
let found = await look();
while (!['settled', 'refunded'].includes(found.state.kind)) {
	await new Promise((later) => setTimeout(later, 1000));
	found = await look();
}
console.log(found.reply ?? 'refunded: nobody served the prompt in time');
console.error(`job ${job} ${found.state.kind}: ${found.fee} planck`);
client.destroy();
