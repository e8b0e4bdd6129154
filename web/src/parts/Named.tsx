// Addresses, digests and amounts: short on screen, whole in the tooltip and on the clipboard.

import { ActionIcon, Anchor, CopyButton, Group, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { Link } from 'react-router';
import { formatMoney } from '../format/money';
import { shorten } from '../format/text';

function Copy({ value, what }: { value: string; what: string }) {
	return (
		<CopyButton value={value}>
			{({ copied, copy }) => (
				<ActionIcon variant="subtle" color="gray" size={24} onClick={copy} aria-label={copied ? 'Copied' : `Copy ${what} ${shorten(value)}`}>
					{copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
				</ActionIcon>
			)}
		</CopyButton>
	);
}

/** An account; a worker's leads to its page. */
export function Address({ address, worker = false, copy = true }: { address: string; worker?: boolean; copy?: boolean }) {
	const short = shorten(address);
	return (
		<Group gap={2} wrap="nowrap" display="inline-flex">
			<Tooltip label={address}>
				{worker ? (
					<Anchor component={Link} to={`/miners/${address}`} className="mono">{short}</Anchor>
				) : (
					<span className="mono">{short}</span>
				)}
			</Tooltip>
			{copy && <Copy value={address} what="address" />}
		</Group>
	);
}

export function Digest({ hash, what = 'digest' }: { hash: string; what?: string }) {
	return (
		<Group gap={2} wrap="nowrap" display="inline-flex">
			<Tooltip label={hash}>
				<span className="mono">{shorten(hash, 10, 6)}</span>
			</Tooltip>
			<Copy value={hash} what={what} />
		</Group>
	);
}

/** Planck as money, to the last planck in the tooltip. */
export function Money({ planck, fw }: { planck: bigint | string; fw?: number }) {
	const amount = BigInt(planck);
	return (
		<Tooltip label={`${amount.toLocaleString('en-US')} planck`}>
			<Text span inherit fw={fw} className="digits" style={{ whiteSpace: 'nowrap' }}>{formatMoney(amount)}</Text>
		</Tooltip>
	);
}
