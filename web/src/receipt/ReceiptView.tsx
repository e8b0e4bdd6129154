// All that stands behind a reply: what it cost and who was paid, what this browser checked, and the tree of
// commitments by stage.

import { Group, Stack, Text, Title } from '@mantine/core';
import { IconCircleCheck, IconCircleDashed, IconCircleX } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { Model, Receipt } from '../chain/views';
import { CommitmentTree } from './CommitmentTree';
import { CostSplit } from './CostSplit';
import { checkReceipt, type Finding } from './check';

export function ReceiptView({ receipt, model }: { receipt: Receipt; model?: Model }) {
	const findings = useMemo(() => checkReceipt(receipt, model), [receipt, model]);
	if (receipt.stages.length === 0) {
		return <Text c="dimmed">No pipeline has taken this job{receipt.job.ended ? '; nothing was run and nothing was charged.' : ' yet.'}</Text>;
	}
	return (
		<Stack gap="lg">
			{receipt.job.state.kind === 'settled' && <Part title="Cost"><CostSplit receipt={receipt} /></Part>}
			<Part title="Checked in this browser">
				<Stack component="ul" gap={6} m={0} p={0} style={{ listStyle: 'none' }}>
					{findings.map((one) => <Line key={one.what} finding={one} />)}
				</Stack>
			</Part>
			<Part title="Commitments and verdicts"><CommitmentTree receipt={receipt} /></Part>
		</Stack>
	);
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
	return (
		<section>
			<Title order={3} mb="xs">{title}</Title>
			{children}
		</section>
	);
}

function Line({ finding: { what, holds, where } }: { finding: Finding }) {
	return (
		<Group component="li" gap={8} wrap="nowrap" align="flex-start" data-holds={String(holds)}>
			{holds === undefined && <IconCircleDashed size={20} color="var(--quiet)" aria-label="Not told:" style={{ flex: 'none' }} />}
			{holds === true && <IconCircleCheck size={20} color="var(--good)" aria-label="Holds:" style={{ flex: 'none' }} />}
			{holds === false && <IconCircleX size={20} color="var(--bad)" aria-label="Fails:" style={{ flex: 'none' }} />}
			<Text size="sm" fw={holds === false ? 650 : 400}>{what}{where && `: not ${where}`}</Text>
		</Group>
	);
}
