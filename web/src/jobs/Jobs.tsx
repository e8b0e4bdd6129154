// The latest jobs of the chain, and what they were charged.

import { BarChart } from '@mantine/charts';
import { Anchor, Stack, Table, Text } from '@mantine/core';
import { IconListSearch } from '@tabler/icons-react';
import { Link } from 'react-router';
import { useLive } from '../chain/ChainProvider';
import { readJobs } from '../chain/reads';
import type { Job } from '../chain/views';
import { DLLM } from '../format/money';
import { Address, Money } from '../parts/Named';
import { Empty, Loaded, Page, Section } from '../parts/Page';
import { JobStateBadge } from '../parts/State';

/** Jobs that are listed. */
const SHOWN = 30;

export default function Jobs() {
	const live = useLive('jobs', (chain) => readJobs(chain, SHOWN));
	return (
		<Page title="Jobs" about="Every paid prompt with its commitments, verdicts and payments. Records stay for some time after a job ended.">
			<Loaded live={live} rows={8}>
				{(jobs) => (jobs.length === 0 ? (
					<Section title="Latest"><Empty icon={IconListSearch} title="No job yet">Ask something in the <Anchor component={Link} to="/chat" underline="always" inherit>chat</Anchor>; its job appears here.</Empty></Section>
				) : (
					<Stack gap="lg">
						<Section title="Charged" about="Fee of each settled job, in thousandths of a DLLM"><Fees jobs={jobs} /></Section>
						<Section title="Latest"><JobTable jobs={jobs} /></Section>
					</Stack>
				))}
			</Loaded>
		</Page>
	);
}

function Fees({ jobs }: { jobs: Job[] }) {
	const settled = jobs.filter(({ state }) => state.kind === 'settled').reverse();
	if (settled.length === 0) return <Text c="dimmed">None of these is settled yet.</Text>;
	const data = settled.map(({ id, fee }) => ({ job: `job ${id}`, Fee: Number((BigInt(fee) * 1_000_000n) / DLLM) / 1_000 }));
	return <BarChart h={180} dataKey="job" data={data} series={[{ name: 'Fee', color: 'indigo.6' }]} tickLine="none" gridAxis="x" maxBarWidth={42} />;
}

export function JobTable({ jobs }: { jobs: Job[] }) {
	return (
		<Table.ScrollContainer minWidth={680} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
			<Table aria-label="Jobs" highlightOnHover>
				<Table.Thead>
					<Table.Tr><Table.Th>Job</Table.Th><Table.Th>State</Table.Th><Table.Th>Model</Table.Th><Table.Th>Paid by</Table.Th><Table.Th>Privacy</Table.Th><Table.Th ta="right">Rows</Table.Th><Table.Th ta="right">Charged</Table.Th><Table.Th ta="right">Blocks</Table.Th></Table.Tr>
				</Table.Thead>
				<Table.Tbody>
					{jobs.map((job) => (
						<Table.Tr key={job.id}>
							<Table.Td><Anchor component={Link} to={`/jobs/${job.id}`} fw={550}>#{job.id}</Anchor></Table.Td>
							<Table.Td><JobStateBadge job={job} /></Table.Td>
							<Table.Td><Anchor component={Link} to={`/models/${job.model}`}>#{job.model}</Anchor></Table.Td>
							<Table.Td><Address address={job.client} /></Table.Td>
							<Table.Td>{job.sealed ? 'sealed' : 'public'}</Table.Td>
							<Table.Td ta="right" className="digits">{job.rows || '–'}</Table.Td>
							<Table.Td ta="right">{job.fee === '0' ? '–' : <Money planck={job.fee} />}</Table.Td>
							<Table.Td ta="right" className="digits">{job.submitted}{job.ended ? `–${job.ended}` : ''}</Table.Td>
						</Table.Tr>
					))}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}
