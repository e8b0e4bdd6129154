// Signs a transaction in the wallet, sends it, and waits for the block that holds it.

import type { SubmittableExtrinsic } from '@polkadot/api/types';
import type { EventRecord } from '@polkadot/types/interfaces';
import type { Payer } from '../wallet/injected';
import type { Connection } from './connection';

/** Why nothing happened, for people; `charged` tells whether the transaction's fee was taken. */
export class SendError extends Error {
	constructor(message: string, readonly charged: boolean) {
		super(message);
	}
}

export type Step = 'signing' | 'sent';

/**
 * Signs and sends; done once a block holds the transaction. `included` gets its events in that block, and again
 * where a fork puts it into another one, until it is final.
 */
export function send(
	chain: Connection,
	call: SubmittableExtrinsic<'promise'>,
	payer: Payer,
	step: (step: Step) => void = () => {},
	included: (events: EventRecord[]) => void = () => {},
): Promise<void> {
	step('signing');
	let told = false;
	return new Promise((resolve, reject) => {
		call
			.signAndSend(payer.address, { signer: payer.signer as never, nonce: -1 }, ({ status, events, dispatchError }) => {
				if (!told) step('sent');
				told = true;
				if (status.isInvalid || status.isDropped || status.isUsurped) {
					return reject(new SendError(`The transaction was dropped (${status.type}). Nothing was charged; try again.`, false));
				}
				if (!status.isInBlock && !status.isFinalized) return;
				if (dispatchError) return reject(new SendError(refusal(chain, dispatchError as never), true));
				included(events);
				resolve();
			})
			.catch((error: Error) => reject(new SendError(unsent(error), false)));
	});
}

/** The chain's own words for a refused call: the documentation of its error. */
function refusal(chain: Connection, error: { isModule: boolean; asModule: never; toString(): string }): string {
	if (!error.isModule) return `The chain refused the transaction: ${error.toString()}.`;
	const { section, name, docs } = chain.api.registry.findMetaError(error.asModule);
	return `${docs.join(' ').trim()} (${section}.${name})`;
}

/** What went wrong before the transaction was in the pool. */
export function unsent(error: Error): string {
	if (/cancel|reject|declin|denied/i.test(error.message)) {
		return 'You declined in the wallet. Nothing was sent and nothing was charged.';
	}
	if (/1010|inability to pay|balance too low/i.test(error.message)) {
		return 'This account cannot pay the transaction. Send it some DLLM, or choose another account. Nothing was charged.';
	}
	if (/not connected|disconnected/i.test(error.message)) {
		return 'The node is not reachable, so nothing was sent or charged. Try again once it is back.';
	}
	// A node that has just left a fork may check a transaction on a block whose state is gone.
	if (/already discarded|unknown block/i.test(error.message)) {
		return 'The node was changing to another fork, so nothing was sent or charged. Try again in a few seconds.';
	}
	return `The transaction was not sent: ${error.message}. Nothing was charged.`;
}
