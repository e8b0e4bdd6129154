// What the wallet's account has at stake, and what it can do with it.

import { Button, Group, Stack, Text } from '@mantine/core';
import { IconWallet } from '@tabler/icons-react';
import { useLive } from '../chain/ChainProvider';
import { readBalance } from '../chain/reads';
import { plural } from '../format/text';
import { Figure, Figures } from '../parts/Figure';
import { Money } from '../parts/Named';
import { Empty, Loaded, Section } from '../parts/Page';
import type { Payer } from '../wallet/injected';
import { useWallet } from '../wallet/WalletProvider';
import { AmountButton } from './AmountForm';
import { readPosition, type Position, type StakeView } from './reads';
import type { Action } from './useAction';

/** Planck that stay free for fees when all is bonded. */
const FEES = 10n ** 12n;

interface Props {
	view: StakeView;
	chosen: string[];
	action: Action;
}

export function Mine(props: Props) {
	const { payer } = useWallet();
	return (
		<Section title="Your stake">
			{payer ? <Account {...props} payer={payer} /> : <Empty icon={IconWallet} title="No wallet connected">Connect one above to bond, nominate and collect rewards.</Empty>}
		</Section>
	);
}

function Account({ payer, view, ...rest }: Props & { payer: Payer }) {
	const live = useLive(`position ${payer.address}`, async (chain) => ({
		balance: await readBalance(chain, payer.address),
		position: await readPosition(chain, payer.address, view.era ?? 0),
	}));
	return <Loaded live={live}>{({ balance, position }) => <Held {...rest} view={view} position={position} free={balance.free} />}</Loaded>;
}

function Held({ view, chosen, action, position, free }: Props & { position: Position; free: bigint }) {
	const { total, active, unlocking, nominations, unpaid } = position;
	const leaving = unlocking.reduce((sum, { value }) => sum + value, 0n);
	const withdrawable = unlocking.some(({ era }) => era <= (view.era ?? 0));
	const busy = action.pending !== undefined;
	const most = free > FEES ? free - FEES : 0n;
	return (
		<Stack gap="md" data-testid="position">
			<Figures>
				<Figure name="Bonded" value={<Money planck={active} />} note={nominations.length > 0 ? `nominates ${plural(nominations.length, 'validator')}` : 'nominates nobody'} />
				<Figure name="Leaving" value={<Money planck={leaving} />} note={unlocking[0] ? `from era ${unlocking[0].era}` : 'nothing'} />
				<Figure name="Unpaid rewards" value={plural(unpaid.length, 'era')} note="of your validators" />
				<Figure name="Free" value={<Money planck={free} />} />
			</Figures>
			<Group gap="xs">
				{total === 0n ? (
					<AmountButton primary label="Bond" about="Bonded money stands behind the validators that you nominate, earns with them, and is slashed with them." least={view.leastBond} most={most} busy={busy} onAmount={(planck) => action.run('Bond', ({ api }) => api.tx.staking!.bond!(planck, 'Staked'))} />
				) : (
					<AmountButton label="Bond more" about="Adds to what you have bonded." most={most} busy={busy} onAmount={(planck) => action.run('Bond more', ({ api }) => api.tx.staking!.bondExtra!(planck))} />
				)}
				<Button loading={action.pending === 'Nominate'} disabled={busy || total === 0n || chosen.length === 0} onClick={() => void action.run('Nominate', ({ api }) => api.tx.staking!.nominate!(chosen))}>
					{chosen.length > 0 ? `Nominate ${plural(chosen.length, 'validator')}` : 'Nominate'}
				</Button>
				{active > 0n && <AmountButton label="Unbond" about="Unbonded money can be withdrawn after the bonding time." most={active} busy={busy} onAmount={(planck) => action.run('Unbond', ({ api }) => api.tx.staking!.unbond!(planck))} />}
				{withdrawable && <Button variant="default" disabled={busy} onClick={() => void action.run('Withdraw', ({ api }) => api.tx.staking!.withdrawUnbonded!(0))}>Withdraw</Button>}
				{nominations.length > 0 && <Button variant="default" disabled={busy} onClick={() => void action.run('Stop nominating', ({ api }) => api.tx.staking!.chill!())}>Stop nominating</Button>}
				{unpaid.length > 0 && (
					<Button variant="default" disabled={busy} onClick={() => void action.run('Pay out rewards', ({ api }) => api.tx.utility!.batch!(unpaid.map(({ validator, era }) => api.tx.staking!.payoutStakers!(validator, era))))}>Pay out rewards</Button>
				)}
			</Group>
			{total > 0n && chosen.length === 0 && <Text size="sm" c="dimmed">Choose validators in the table below to nominate them.</Text>}
		</Stack>
	);
}
