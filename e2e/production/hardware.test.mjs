// What hardware wallets rely on, with the node of `make production`: a transaction that commits to the digest of the
// chain's metadata, as such a wallet computes it from what it was shown, is taken; one with another digest is not.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { merkleizeMetadata } from '@polkadot-api/merkleize-metadata';
import { Network } from '../lib/network.mjs';
import { REPOSITORY } from '../lib/processes.mjs';

/** The version of metadata that wallets take the digest of. */
const VERSION = 15;
const OTHER = `0x${'ab'.repeat(32)}`;

describe('a hardware wallet', () => {
	let network;
	before(async () => {
		network = await Network.start({ folder: path.join(REPOSITORY, '.demo', 'e2e', 'hardware') });
	});
	after(() => network?.stop());

	/** The digest of what the chain says of itself. */
	async function digest() {
		const { registry, call, runtimeVersion } = network.api;
		const metadata = await call.metadata.metadataAtVersion(VERSION);
		const merkleized = merkleizeMetadata(metadata.unwrap().toHex(), {
			base58Prefix: registry.chainSS58,
			decimals: registry.chainDecimals[0],
			tokenSymbol: registry.chainTokens[0],
			specName: runtimeVersion.specName.toString(),
			specVersion: runtimeVersion.specVersion.toNumber(),
		});
		return `0x${Buffer.from(merkleized.digest()).toString('hex')}`;
	}

	/** Whether a block takes a transaction that commits to this digest; throws where the pool refuses it. */
	const sent = (metadataHash) =>
		new Promise((resolve, reject) => {
			const call = network.api.tx.system.remark('0x00');
			const settled = ({ status, dispatchError }) => status.isInBlock && resolve(!dispatchError);
			call.signAndSend(network.account('Alice'), { mode: 1, metadataHash, nonce: -1 }, settled).catch(reject);
		});

	it('signs for the metadata that it was shown', async () => {
		assert.equal(await sent(await digest()), true);
	});

	it('is refused with the digest of another chain', async () => {
		await assert.rejects(sent(OTHER), /bad signature/);
	});
});
