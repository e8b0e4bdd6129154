// Connects a wallet, and shows who pays and what they have.

import { Button, Group, Menu, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconLogout, IconWallet } from '@tabler/icons-react';
import { useState } from 'react';
import { useLive } from '../chain/ChainProvider';
import { readBalance } from '../chain/reads';
import { formatMoney } from '../format/money';
import { shorten } from '../format/text';
import { wallets, type Payer } from './injected';
import { useWallet } from './WalletProvider';

export function WalletButton() {
	const { payer } = useWallet();
	return payer ? <Connected payer={payer} /> : <Connect />;
}

function Connect() {
	const { open } = useWallet();
	const [found, setFound] = useState<string[]>([]);
	const connect = (wallet: string) => {
		open(wallet).catch((error: Error) => {
			const said = /cancel|reject|denied|not allowed/i.test(error.message) ? 'The wallet did not give this page access.' : error.message;
			notifications.show({ color: 'red', title: 'No wallet connected', message: said, closeButtonProps: { 'aria-label': 'Close' } });
		});
	};
	return (
		<Menu position="bottom-end" width={280} onOpen={() => setFound(wallets())}>
			<Menu.Target>
				<Button variant="default" size="sm" aria-label="Connect wallet" leftSection={<IconWallet size={16} />}>Connect<Text span visibleFrom="xs" inherit>&nbsp;wallet</Text></Button>
			</Menu.Target>
			<Menu.Dropdown>
				{found.map((wallet) => <Menu.Item key={wallet} onClick={() => connect(wallet)}>{wallet}</Menu.Item>)}
				{found.length === 0 && (
					<Menu.Item component="div" disabled opacity={1}>
						<Text size="sm" c="dimmed">No wallet found. Install a browser wallet for Substrate chains (polkadot.js, Talisman, SubWallet, Nova) and reload the page.</Text>
					</Menu.Item>
				)}
			</Menu.Dropdown>
		</Menu>
	);
}

function Connected({ payer }: { payer: Payer }) {
	const { accounts, choose, leave } = useWallet();
	const balance = useLive(`balance ${payer.address}`, (chain) => readBalance(chain, payer.address));
	const amount = balance.data ? formatMoney(balance.data.free, 2) : '…';
	return (
		<Menu position="bottom-end" width={300}>
			<Menu.Target>
				<Button variant="default" size="sm" leftSection={<IconWallet size={16} />} aria-label={`Account ${payer.name ?? shorten(payer.address)}, ${amount}`}>
					<Group gap={8} wrap="nowrap">
						<Text span inherit visibleFrom="sm">{payer.name ?? shorten(payer.address)}</Text>
						<Text span inherit c="dimmed" className="digits" data-testid="balance" data-planck={balance.data?.free.toString()}>{amount}</Text>
					</Group>
				</Button>
			</Menu.Target>
			<Menu.Dropdown>
				<Menu.Label>Pays from {payer.wallet}</Menu.Label>
				{accounts.map((account) => (
					<Menu.Item key={account.address} onClick={() => choose(account.address)} aria-current={account.address === payer.address}>
						<Stack gap={0}>
							<Text size="sm" fw={account.address === payer.address ? 650 : 400}>{account.name ?? 'Account'}</Text>
							<Text c="dimmed" className="mono">{shorten(account.address, 10, 8)}</Text>
						</Stack>
					</Menu.Item>
				))}
				<Menu.Divider />
				<Menu.Item leftSection={<IconLogout size={16} />} onClick={leave}>Disconnect</Menu.Item>
			</Menu.Dropdown>
		</Menu>
	);
}
