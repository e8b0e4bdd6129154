// The network as it is now: load, models, and every pipeline with its members and the links between them.

import { Accordion, Anchor, Group, Progress, Stack, Table, Text } from '@mantine/core';
import { IconCpu, IconTopologyRing2 } from '@tabler/icons-react';
import { useMemo } from 'react';
import { Link } from 'react-router';
import { useChainState, useLive } from '../chain/ChainProvider';
import type { Connection } from '../chain/connection';
import { nextJob, readLinks, readModels, readPipelines, readWorkers } from '../chain/reads';
import type { Model, Pipeline, Worker } from '../chain/views';
import { formatBytes, layersName, plural, stageName } from '../format/text';
import { Figure, Figures } from '../parts/Figure';
import { Address } from '../parts/Named';
import { Empty, Loaded, Page, Section } from '../parts/Page';
import { State } from '../parts/State';
import { Diagram } from './Diagram';
import { LinkTable } from './LinkTable';
import { formatLoss, formatTime, LinkMap, summary } from './links';
import { memberState } from './layout';
import { useAbsent } from './useAbsent';

async function readNetwork(chain: Connection) {
	const [models, pipelines, workers, links, jobs] = await Promise.all([readModels(chain), readPipelines(chain), readWorkers(chain), readLinks(chain), nextJob(chain)]);
	return { models, pipelines, workers: new Map(workers.map((worker) => [worker.account, worker])), links: new LinkMap(links), jobs };
}

type NetworkView = Awaited<ReturnType<typeof readNetwork>>;

export default function Network() {
	const live = useLive('network', readNetwork);
	return (
		<Page title="Network" about="Pipelines of miners that hold the models, live from the chain.">
			<Loaded live={live} rows={8}>{(view) => <Content view={view} />}</Loaded>
		</Page>
	);
}

function Content({ view: { models, pipelines, workers, links: measured, jobs } }: { view: NetworkView }) {
	const absent = useAbsent();
	const links = useMemo(() => measured.without(absent), [measured, absent]);
	const { best, finalized } = useChainState();
	const active = [...workers.values()].filter((worker) => worker.active).length;
	const slots = pipelines.reduce((sum, pipeline) => sum + pipeline.slots, 0);
	const taken = pipelines.reduce((sum, pipeline) => sum + pipeline.openJobs, 0);
	const way = summary(links.all);
	const silent = links.silent.size > 0 ? `, ${links.silent.size} silent` : '';
	return (
		<Stack gap="lg">
			<Figures cols={3}>
				<Figure name="Block" value={best.toLocaleString('en-US')} note={`final ${finalized.toLocaleString('en-US')}`} />
				<Figure name="Live pipelines" value={pipelines.filter(({ state }) => state === 'live').length} note={`of ${pipelines.length} standing`} />
				<Figure name="Active workers" value={active} note={`of ${workers.size} registered${silent}`} />
				<Figure name="Load" value={slots === 0 ? '–' : `${Math.round((100 * taken) / slots)} %`} note={`${taken} of ${plural(slots, 'slot')} taken`} />
				<Figure name="Links" value={links.all.length} note={way ? `median ${formatTime(way.rttUs)}, loss up to ${formatLoss(way.lossPpm)}` : 'none measured of late'} />
				<Figure name="Jobs" value={jobs.toLocaleString('en-US')} note="since the first block" />
			</Figures>
			{pipelines.map((pipeline) => (
				<PipelineSection key={pipeline.id} pipeline={pipeline} workers={workers} links={links} model={models.find(({ id }) => id === pipeline.model)} />
			))}
			{pipelines.length === 0 && (
				<Section title="Pipelines"><Empty icon={IconTopologyRing2} title="No pipeline stands">Once a plan for an active model is accepted, its pipeline appears here.</Empty></Section>
			)}
			<Section title="Models"><Models models={models} /></Section>
		</Stack>
	);
}

interface PipelineProps {
	pipeline: Pipeline;
	workers: Map<string, Worker>;
	links: LinkMap;
}

function PipelineSection({ pipeline, workers, links, model }: PipelineProps & { model?: Model }) {
	const load = pipeline.slots === 0 ? 0 : (100 * pipeline.openJobs) / pipeline.slots;
	return (
		<Section
			title={`Pipeline ${pipeline.id}`}
			about={<>serves <Anchor component={Link} to={`/models/${pipeline.model}`} underline="always" inherit>{model?.name ?? `model ${pipeline.model}`}</Anchor></>}
			aside={(
				<Group gap="md">
					{pipeline.pace !== null && <Text size="sm" c="dimmed" className="digits">{Math.round(pipeline.pace / 1000)} rows a block</Text>}
					<Group gap={8}>
						<Text size="sm" className="digits">{pipeline.openJobs} of {pipeline.slots} slots</Text>
						<Progress value={load} w={80} aria-label={`Load of pipeline ${pipeline.id}`} />
					</Group>
					<State of={pipeline.state} />
				</Group>
			)}
		>
			<Diagram pipeline={pipeline} workers={workers} links={links} />
			<Accordion variant="contained" mt="sm" chevronPosition="left">
				<Accordion.Item value="members">
					<Accordion.Control>Members as a table</Accordion.Control>
					<Accordion.Panel><Members pipeline={pipeline} workers={workers} links={links} /></Accordion.Panel>
				</Accordion.Item>
				<Accordion.Item value="links">
					<Accordion.Control>Links as a table</Accordion.Control>
					<Accordion.Panel><LinkTable pipeline={pipeline} links={links} /></Accordion.Panel>
				</Accordion.Item>
			</Accordion>
		</Section>
	);
}

function Members({ pipeline, workers, links: { silent } }: PipelineProps) {
	return (
		<Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
			<Table aria-label={`Members of pipeline ${pipeline.id}`}>
				<Table.Thead>
					<Table.Tr><Table.Th>Stage</Table.Th><Table.Th>Layers</Table.Th><Table.Th>Worker</Table.Th><Table.Th>State</Table.Th><Table.Th ta="right">Open jobs</Table.Th><Table.Th ta="right">Faults</Table.Th></Table.Tr>
				</Table.Thead>
				<Table.Tbody>
					{pipeline.stages.flatMap(({ stage, layers, workers: members, ready }) => members.map((address) => {
						const worker = workers.get(address);
						return (
							<Table.Tr key={`${stage} ${address}`}>
								<Table.Td>{stageName(stage)}</Table.Td>
								<Table.Td>{layersName(layers)}</Table.Td>
								<Table.Td><Address address={address} worker /></Table.Td>
								<Table.Td><State of={memberState(address, ready, worker, silent)} /></Table.Td>
								<Table.Td ta="right" className="digits">{worker?.openJobs ?? '–'}</Table.Td>
								<Table.Td ta="right" className="digits">{worker?.faults ?? '–'}</Table.Td>
							</Table.Tr>
						);
					}))}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}

function Models({ models }: { models: Model[] }) {
	if (models.length === 0) return <Empty icon={IconCpu} title="No model is registered">The owner of a model registers it with dllm-worker model add.</Empty>;
	return (
		<Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
			<Table aria-label="Models" highlightOnHover>
				<Table.Thead>
					<Table.Tr><Table.Th>Model</Table.Th><Table.Th>State</Table.Th><Table.Th>Profile</Table.Th><Table.Th ta="right">Layers</Table.Th><Table.Th ta="right">Context</Table.Th><Table.Th ta="right">Shards</Table.Th></Table.Tr>
				</Table.Thead>
				<Table.Tbody>
					{models.map((model) => (
						<Table.Tr key={model.id}>
							<Table.Td><Anchor component={Link} to={`/models/${model.id}`} fw={550}>{model.name}</Anchor> <Text span c="dimmed" size="sm">#{model.id}</Text></Table.Td>
							<Table.Td><State of={model.state} /></Table.Td>
							<Table.Td className="mono">{model.profile}</Table.Td>
							<Table.Td ta="right" className="digits">{model.layers.length}</Table.Td>
							<Table.Td ta="right" className="digits">{model.maxContext.toLocaleString('en-US')}</Table.Td>
							<Table.Td ta="right" className="digits">{formatBytes([model.embed, model.head, ...model.layers].reduce((sum, { bytes }) => sum + bytes, 0))}</Table.Td>
						</Table.Tr>
					))}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}
