// Stake: who makes blocks and why, and where the chain has staking, taking part in it.

import { Alert, Stack, Text } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useState } from 'react';
import { useLive } from '../chain/ChainProvider';
import { Figure, Figures } from '../parts/Figure';
import { Money } from '../parts/Named';
import { Loaded, Page } from '../parts/Page';
import { useWallet } from '../wallet/WalletProvider';
import { Mine } from './Mine';
import { Pools } from './Pools';
import { readStake, type StakeView } from './reads';
import { useAction } from './useAction';
import { Validators } from './Validators';

export default function Stake() {
	const live = useLive('stake', readStake);
	return (
		<Page title="Stake" about="Stake secures finality; verified AI work weighs who makes blocks.">
			<Loaded live={live} rows={8}>{(view) => <Content view={view} />}</Loaded>
		</Page>
	);
}

function Content({ view }: { view: StakeView }) {
	const { payer } = useWallet();
	const [chosen, setChosen] = useState<string[]>([]);
	const action = useAction();
	return (
		<Stack gap="lg">
			<Absent view={view} />
			<Figures cols={3}>
				<Figure name="Validators" value={view.validators.filter(({ current }) => current).length} note="make blocks now" />
				{view.staked !== undefined && <Figure name="At stake" value={<Money planck={view.staked} />} note={`era ${view.era}`} />}
				{view.poaw && <Figure name="Pot of AI work" value={<Money planck={view.poaw.pot} />} note={`full weight from ${Number(BigInt(view.poaw.target) / 10n ** 9n) / 1000} DLLM of credit`} />}
			</Figures>
			{view.hasStaking && <Mine view={view} chosen={chosen} action={action} />}
			<Validators view={view} chosen={view.hasStaking && payer ? chosen : undefined} onChosen={setChosen} />
			{view.hasPools && <Pools view={view} action={action} />}
		</Stack>
	);
}

/** Says which parts the chain does not have. */
function Absent({ view: { hasStaking, hasPools, poaw } }: { view: StakeView }) {
	const missing = [
		!hasStaking && 'no staking: its validators stand from genesis, and nothing can be bonded or nominated',
		hasStaking && !hasPools && 'no nomination pools',
		!poaw && 'no proof of AI work: every validator has the same weight',
	].filter((part): part is string => Boolean(part));
	if (missing.length === 0) return null;
	return (
		<Alert variant="outline" color="indigo" icon={<IconInfoCircle />} title="Not on this chain" data-testid="absent">
			{missing.map((part) => <Text key={part} size="sm">This chain has {part}.</Text>)}
		</Alert>
	);
}
