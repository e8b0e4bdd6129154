// Nomination pools: staking together, with amounts too small to nominate alone.

import { Button, Group, Stack, Table, Text } from '@mantine/core';
import { IconUsersGroup } from '@tabler/icons-react';
import { useLive } from '../chain/ChainProvider';
import { readBalance } from '../chain/reads';
import { Money } from '../parts/Named';
import { Empty, Section } from '../parts/Page';
import { State } from '../parts/State';
import type { Payer } from '../wallet/injected';
import { useWallet } from '../wallet/WalletProvider';
import { AmountButton } from './AmountForm';
import { readPosition, type Pool, type Position, type StakeView } from './reads';
import type { Action } from './useAction';

/** Planck that stay free for fees. */
const FEES = 10n ** 12n;

export function Pools({ view, action }: { view: StakeView; action: Action }) {
	const { payer } = useWallet();
	return (
		<Section title="Pools" about="Stake together with others from a small amount; the pool nominates.">
			{view.pools.length === 0 ? (
				<Empty icon={IconUsersGroup} title="No pool yet">Anybody with enough stake can open one with nominationPools.create.</Empty>
			) : payer ? <WithAccount view={view} action={action} payer={payer} /> : <PoolTable pools={view.pools} />}
		</Section>
	);
}

function WithAccount({ view, action, payer }: { view: StakeView; action: Action; payer: Payer }) {
	const live = useLive(`pools ${payer.address}`, async (chain) => ({
		free: (await readBalance(chain, payer.address)).free,
		position: await readPosition(chain, payer.address, view.era ?? 0),
	}));
	const mine = live.data?.position.pool;
	const most = live.data && live.data.free > FEES ? live.data.free - FEES : 0n;
	const join = (pool: Pool) => (mine || pool.state !== 'open' ? undefined : (
		<AmountButton label={`Join ${pool.name}`} about="The pool nominates with your money; you earn your part of its rewards." least={view.leastJoin} most={most} busy={action.pending !== undefined || !live.data} onAmount={(planck) => action.run('Join', ({ api }) => api.tx.nominationPools!.join!(planck, pool.id))} />
	));
	return (
		<Stack>
			{mine && <Membership pool={mine} era={view.era ?? 0} address={payer.address} action={action} />}
			<PoolTable pools={view.pools} join={join} />
		</Stack>
	);
}

function Membership({ pool, era, address, action }: { pool: NonNullable<Position['pool']>; era: number; address: string; action: Action }) {
	const busy = action.pending !== undefined;
	const free = pool.unbonding.some((chunk) => chunk.era <= era);
	return (
		<Group justify="space-between">
			<Text>You hold <Money planck={pool.points} fw={650} /> in pool {pool.id}; <Money planck={pool.pending} /> of rewards wait.</Text>
			<Group gap="xs">
				<Button variant="default" disabled={busy || pool.pending === 0n} onClick={() => void action.run('Claim', ({ api }) => api.tx.nominationPools!.claimPayout!())}>Claim</Button>
				{pool.points > 0n && <AmountButton label="Leave the pool" about="Your part can be withdrawn after the bonding time." most={pool.points} busy={busy} onAmount={(planck) => action.run('Leave the pool', ({ api }) => api.tx.nominationPools!.unbond!(address, planck))} />}
				{free && <Button variant="default" disabled={busy} onClick={() => void action.run('Withdraw', ({ api }) => api.tx.nominationPools!.withdrawUnbonded!(address, 0))}>Withdraw</Button>}
			</Group>
		</Group>
	);
}

function PoolTable({ pools, join }: { pools: Pool[]; join?: (pool: Pool) => React.ReactNode }) {
	return (
		<Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
			<Table aria-label="Pools">
				<Table.Thead><Table.Tr><Table.Th>Pool</Table.Th><Table.Th>State</Table.Th><Table.Th ta="right">Members</Table.Th><Table.Th ta="right">Stake</Table.Th>{join && <Table.Th>Join</Table.Th>}</Table.Tr></Table.Thead>
				<Table.Tbody>
					{pools.map((pool) => (
						<Table.Tr key={pool.id}>
							<Table.Td>{pool.name}</Table.Td>
							<Table.Td><State of={pool.state} tone={pool.state === 'open' ? 'good' : 'quiet'} /></Table.Td>
							<Table.Td ta="right" className="digits">{pool.members}</Table.Td>
							<Table.Td ta="right"><Money planck={pool.points} /></Table.Td>
							{join && <Table.Td>{join(pool)}</Table.Td>}
						</Table.Tr>
					))}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}
