// One worker: earnings and jobs of late, faults, bond and roles.

import { BarChart } from '@mantine/charts';
import { Anchor, Stack, Table, Text } from '@mantine/core';
import { IconCoins } from '@tabler/icons-react';
import { Link, useParams } from 'react-router';
import { useLive } from '../chain/ChainProvider';
import { readPipelines, readReceipts, readWorkers } from '../chain/reads';
import type { Pipeline, Worker } from '../chain/views';
import { DLLM } from '../format/money';
import { formatBytes, layersName, plural, shorten, stageName, words } from '../format/text';
import { Figure, Figures } from '../parts/Figure';
import { Address, Money } from '../parts/Named';
import { Empty, Loaded, Page, Problem, Section } from '../parts/Page';
import { State } from '../parts/State';
import { partsOf, totalPaid, type Part } from './earnings';
import { rolesOf } from './roles';

/** Jobs whose receipts are searched. */
const SEARCHED = 40;

export default function Miner() {
	const { address = '' } = useParams();
	const live = useLive(`miner ${address}`, async (chain) => {
		const [workers, pipelines, receipts] = await Promise.all([readWorkers(chain), readPipelines(chain), readReceipts(chain, SEARCHED)]);
		return { worker: workers.find(({ account }) => account === address), pipelines, parts: partsOf(address, receipts) };
	});
	return (
		<Page title={`Worker ${shorten(address)}`} about={<Address address={address} />} aside={live.data?.worker && <State of={live.data.worker.state} />}>
			<Loaded live={live} rows={8}>
				{({ worker, pipelines, parts }) => (worker ? <Content worker={worker} pipelines={pipelines} parts={parts} /> : <Problem title="Unknown worker">No worker of this address is registered. It may have withdrawn its bond.</Problem>)}
			</Loaded>
		</Page>
	);
}

function Content({ worker, pipelines, parts }: { worker: Worker; pipelines: Pipeline[]; parts: Part[] }) {
	return (
		<Stack gap="lg">
			<Figures>
				<Figure name="Earned of late" value={<Money planck={totalPaid(parts)} />} note={`in the latest ${SEARCHED} jobs of the chain`} />
				<Figure name="Passed" value={worker.passed.toLocaleString('en-US')} note={`${plural(worker.openJobs, 'open job')} now`} />
				<Figure name="Faults" value={worker.faults} note={worker.cheats > 0 ? plural(worker.cheats, 'conviction') : 'no conviction'} />
				<Figure name="Bond" value={<Money planck={worker.bond} />} note="answers for its honesty" />
			</Figures>
			<Section title="Earnings" about="Paid for each job, in thousandths of a DLLM"><Earnings parts={parts} /></Section>
			<Section title="Offers">
				<Table variant="vertical" layout="fixed" aria-label="What the worker offers">
					<Table.Tbody>
						<Fact name="Roles">{rolesOf(worker)}</Fact>
						<Fact name="Hosts">{hosted(worker, pipelines)}</Fact>
						<Fact name="Operator"><Address address={worker.operator} /></Fact>
						<Fact name="Memory">{formatBytes(worker.memory)}</Fact>
						<Fact name="Price"><Money planck={worker.price} /> a GFLOP</Fact>
					</Table.Tbody>
				</Table>
			</Section>
			<Section title="Jobs of late"><Parts parts={parts} /></Section>
		</Stack>
	);
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
	return <Table.Tr><Table.Th w={120} scope="row">{name}</Table.Th><Table.Td>{children}</Table.Td></Table.Tr>;
}

function hosted({ account }: Worker, pipelines: Pipeline[]): string {
	const places = pipelines.flatMap(({ id, stages }) => stages.filter(({ workers }) => workers.includes(account)).map(({ stage, layers }) => `${stageName(stage).toLowerCase()} of pipeline ${id} (${layersName(layers)})`));
	return places.join('; ') || 'nothing now';
}

function Earnings({ parts }: { parts: Part[] }) {
	const paid = parts.filter((part) => part.paid > 0n).reverse();
	if (paid.length === 0) return <Empty icon={IconCoins} title="Nothing earned of late">A worker is paid when a job that it ran or checked is settled.</Empty>;
	const data = paid.map(({ job, paid: planck }) => ({ job: `job ${job}`, Paid: Number((planck * 1_000_000n) / DLLM) / 1_000 }));
	return <BarChart h={180} dataKey="job" data={data} series={[{ name: 'Paid', color: 'teal.6' }]} tickLine="none" gridAxis="x" maxBarWidth={42} />;
}

function Parts({ parts }: { parts: Part[] }) {
	if (parts.length === 0) return <Text c="dimmed" size="sm">It had no part in the latest jobs.</Text>;
	return (
		<Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
			<Table aria-label="Jobs of the worker">
				<Table.Thead><Table.Tr><Table.Th>Job</Table.Th><Table.Th>Stage</Table.Th><Table.Th>Part</Table.Th><Table.Th>Verdict</Table.Th><Table.Th ta="right">Paid</Table.Th></Table.Tr></Table.Thead>
				<Table.Tbody>
					{parts.map((part) => (
						<Table.Tr key={`${part.job} ${part.stage} ${part.part}`}>
							<Table.Td><Anchor component={Link} to={`/jobs/${part.job}`}>#{part.job}</Anchor></Table.Td>
							<Table.Td>{stageName(part.stage)}</Table.Td>
							<Table.Td>{words(part.part)}</Table.Td>
							<Table.Td>{part.verdict ? <State of={part.verdict} /> : '–'}</Table.Td>
							<Table.Td ta="right">{part.paid > 0n ? <Money planck={part.paid} /> : '–'}</Table.Td>
						</Table.Tr>
					))}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}
