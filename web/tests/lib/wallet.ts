// A wallet for tests: the extension interface with a real key pair in the page, in place of the person who
// holds the key. It signs everything, or declines everything while `window.wallet.declines` is set.

import { Keyring } from '@polkadot/keyring';
import { TypeRegistry } from '@polkadot/types';
import type { SignerPayloadJSON } from '@polkadot/types/types';
import { cryptoWaitReady } from '@polkadot/util-crypto';

const uris = (window as unknown as { walletUris: string[] }).walletUris;
const state = { declines: false, asked: 0 };

const pairs = cryptoWaitReady().then(() => {
	const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
	return uris.map((uri) => keyring.addFromUri(uri, { name: uri.replace('//', '') }));
});

async function signPayload(payload: SignerPayloadJSON) {
	state.asked += 1;
	if (state.declines) throw new Error('Cancelled');
	const pair = (await pairs).find(({ address }) => address === payload.address);
	if (!pair) throw new Error(`no key of ${payload.address}`);
	const registry = new TypeRegistry();
	registry.setSignedExtensions(payload.signedExtensions);
	const { signature } = registry.createType('ExtrinsicPayload', payload, { version: payload.version }).sign(pair);
	return { id: state.asked, signature };
}

const accounts = { get: async () => (await pairs).map(({ address, meta }) => ({ address, name: meta.name, type: 'sr25519' })) };
const enable = async () => ({ accounts, signer: { signPayload } });

Object.assign(window, { wallet: state, injectedWeb3: { 'test wallet': { version: '1', enable } } });
