// Signs a staking call and says how it went.

import { notifications } from '@mantine/notifications';
import type { SubmittableExtrinsic } from '@polkadot/api/types';
import { useState } from 'react';
import { useChain } from '../chain/ChainProvider';
import type { Connection } from '../chain/connection';
import { send } from '../chain/send';
import { useWallet } from '../wallet/WalletProvider';

const CLOSE = { 'aria-label': 'Close' };

export type Call = (chain: Connection) => SubmittableExtrinsic<'promise'>;

export interface Action {
	/** What is being signed or sent now. */
	pending?: string;
	/** Answers whether the chain did it. */
	run(what: string, call: Call): Promise<boolean>;
}

export function useAction(): Action {
	const chain = useChain();
	const { payer } = useWallet();
	const [pending, setPending] = useState<string>();
	const run = async (what: string, call: Call) => {
		if (!payer) return false;
		setPending(what);
		try {
			await send(chain, call(chain), payer);
			notifications.show({ title: what, message: 'Done: it is in a block.', color: 'teal', closeButtonProps: CLOSE });
			return true;
		} catch (error) {
			notifications.show({ title: `${what}: not done`, message: (error as Error).message, color: 'red', autoClose: 12_000, closeButtonProps: CLOSE });
			return false;
		} finally {
			setPending(undefined);
		}
	};
	return { pending, run };
}
