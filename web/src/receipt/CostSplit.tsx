// How the fee of a settled job was divided.

import { Group, Stack, Table, Text } from '@mantine/core';
import type { Payment, Receipt } from '../chain/views';
import { plural } from '../format/text';
import { Money } from '../parts/Named';

/** Colours of the parts, apart from each other in both schemes and for colour-blind eyes. */
const COLOURS = ['#4263eb', '#12b886', '#f59f00', '#868e96'];

export function CostSplit({ receipt }: { receipt: Receipt }) {
	const fee = BigInt(receipt.job.fee);
	const parts = [
		{ name: `Miners (${receipt.miners.length})`, planck: sum(receipt.miners) },
		{ name: `Verifiers (${receipt.verifiers.length})`, planck: sum(receipt.verifiers) },
		{ name: 'Treasury', planck: BigInt(receipt.treasury) },
		{ name: 'Burned', planck: BigInt(receipt.burned) },
	];
	return (
		<Stack gap="sm">
			<Text size="sm" c="dimmed">
				<Text span c="var(--mantine-color-text)"><Money planck={fee} fw={650} /></Text> for {plural(receipt.job.rows, 'row')} through the ring;{' '}
				<Money planck={receipt.refunded} /> of the ceiling came back.
			</Text>
			<div className="meter" aria-hidden="true">
				{parts.map(({ name, planck }, index) => <div key={name} style={{ width: `${percent(planck, fee)}%`, background: COLOURS[index] }} />)}
			</div>
			<Table verticalSpacing={4} horizontalSpacing={0} withRowBorders={false} aria-label="Division of the fee">
				<Table.Tbody>
					{parts.map(({ name, planck }, index) => (
						<Table.Tr key={name}>
							<Table.Td><Group gap={8}><span className="dot" style={{ background: COLOURS[index] }} />{name}</Group></Table.Td>
							<Table.Td ta="right"><Money planck={planck} /></Table.Td>
							<Table.Td ta="right" w={70} c="dimmed" className="digits">{percent(planck, fee).toFixed(1)} %</Table.Td>
						</Table.Tr>
					))}
				</Table.Tbody>
			</Table>
		</Stack>
	);
}

function sum(payments: Payment[]): bigint {
	return payments.reduce((total, { amount }) => total + BigInt(amount), 0n);
}

function percent(part: bigint, whole: bigint): number {
	return whole === 0n ? 0 : Number((part * 10_000n) / whole) / 100;
}
