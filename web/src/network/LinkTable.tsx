// The ways that rows of a pipeline may take, a row each, with what was measured of them.

import { Table, Text } from '@mantine/core';
import type { Link, Pipeline } from '../chain/views';
import { stageName } from '../format/text';
import { Address } from '../parts/Named';
import { State } from '../parts/State';
import { formatBandwidth, formatLoss, formatTime, hopsOf, linkTone, toldBy, type LinkMap } from './links';

const WORDS = { good: 'good', warn: 'slow', bad: 'lossy', quiet: 'unmeasured' };

export function LinkTable({ pipeline, links }: { pipeline: Pipeline; links: LinkMap }) {
	return (
		<Table.ScrollContainer minWidth={820} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
			<Table aria-label={`Links of pipeline ${pipeline.id}`}>
				<Table.Thead>
					<Table.Tr><Table.Th>From</Table.Th><Table.Th>To</Table.Th><Table.Th>Link</Table.Th><Table.Th ta="right">Round trip</Table.Th><Table.Th ta="right">Jitter</Table.Th><Table.Th ta="right">Loss</Table.Th><Table.Th ta="right">Bandwidth</Table.Th><Table.Th>Told by</Table.Th></Table.Tr>
				</Table.Thead>
				<Table.Tbody>
					{hopsOf(pipeline).map(({ from, to }) => {
						const link = links.between(from.worker, to.worker);
						const tone = linkTone(link);
						return (
							<Table.Tr key={`${from.stage} ${from.worker} ${to.worker}`} data-link={link?.ends.join(' ')}>
								<Table.Td><End {...from} /></Table.Td>
								<Table.Td><End {...to} /></Table.Td>
								<Table.Td><State of={WORDS[tone]} tone={tone} /></Table.Td>
								<Measures link={link} />
							</Table.Tr>
						);
					})}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}

function End({ stage, worker }: { stage: number; worker: string }) {
	return <>{stageName(stage)} <Address address={worker} worker copy={false} /></>;
}

function Measures({ link }: { link?: Link }) {
	if (!link) return <Table.Td colSpan={5}><Text size="sm" c="dimmed">no report of late</Text></Table.Td>;
	return (
		<>
			<Table.Td ta="right" className="digits">{formatTime(link.rttUs)}</Table.Td>
			<Table.Td ta="right" className="digits">{formatTime(link.jitterUs)}</Table.Td>
			<Table.Td ta="right" className="digits">{formatLoss(link.lossPpm)}</Table.Td>
			<Table.Td ta="right" className="digits">{formatBandwidth(link.bytesPerSecond)}</Table.Td>
			<Table.Td>{toldBy(link)}</Table.Td>
		</>
	);
}
