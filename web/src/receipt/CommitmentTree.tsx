// Stages of a job in the order of the ring, with the commitment, the opened roots and the verdict of everybody
// who ran or checked each.

import { Box, Group, Text, ThemeIcon } from '@mantine/core';
import { IconStack2, IconTransform } from '@tabler/icons-react';
import type { Participant, Receipt, StageReceipt, Tally } from '../chain/views';
import { comparisonText, layersName, plural, stageName, tallyText, words } from '../format/text';
import { Address, Digest } from '../parts/Named';
import { State } from '../parts/State';

export function CommitmentTree({ receipt }: { receipt: Receipt }) {
	return (
		<ul className="tree" data-testid="commitments">
			{receipt.stages.map((stage) => <StageNode key={stage.stage} stage={stage} />)}
		</ul>
	);
}

function StageNode({ stage: { stage, layers, participants, dispute, comparison, tally } }: { stage: StageReceipt }) {
	return (
		<li>
			<Group gap={10} mt="xs">
				<ThemeIcon variant="light" size={24} radius="xl">{stage === 0 ? <IconTransform size={14} /> : <IconStack2 size={14} />}</ThemeIcon>
				<Text fw={600} size="sm">{stageName(stage)}</Text>
				<Text size="sm" c="dimmed">{layersName(layers)}</Text>
				{dispute !== null && <DisputeBadge dispute={dispute} />}
				{comparison && <State of={comparison.likeness ?? 'comparing'} label={comparisonText(comparison)} />}
			</Group>
			<ul>
				{participants.map((one) => <ParticipantNode key={`${one.part} ${one.worker}`} one={one} tally={one.part === 'lead' ? tally : null} />)}
			</ul>
		</li>
	);
}

/** How far lead and replica have come in their dispute; the job explorer tells its moves. */
function DisputeBadge({ dispute }: { dispute: NonNullable<StageReceipt['dispute']> }) {
	const over = typeof dispute === 'object' ? dispute.over : undefined;
	return <State of={over ?? 'disputing'} label={over ? `dispute over: ${over === 'convicted' ? 'the lead lost' : 'the replica lost'}` : 'in dispute'} />;
}

function ParticipantNode({ one: { worker, part, commitment, opening, verdict }, tally }: { one: Participant; tally?: Tally | null }) {
	return (
		<li>
			<Group gap="xs">
				<Text size="sm" fw={550} tt="capitalize">{words(part)}</Text>
				<Address address={worker} worker />
				{verdict && <State of={verdict} />}
			</Group>
			<Box fz="sm" c="dimmed">
				{commitment ? <Group gap={4}>commitment <Digest hash={commitment[0]} what="commitment" /> in block {commitment[1]}</Group> : 'no commitment'}
				{tally && <div>by its own word: {tallyText(tally)}</div>}
				{opening && <Group gap={4}>opened output <Digest hash={opening.roots.output} what="root" /> over {plural(opening.roots.rows, 'row')}</Group>}
			</Box>
		</li>
	);
}
