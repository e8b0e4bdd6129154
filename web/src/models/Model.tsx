// One model: where it stands in its life, what it is, who serves it, and its shards.

import { BarChart } from '@mantine/charts';
import { Anchor, Stack, Stepper, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconTopologyRing2 } from '@tabler/icons-react';
import { Link, useParams } from 'react-router';
import { useChain, useLive } from '../chain/ChainProvider';
import type { Connection } from '../chain/connection';
import { readModels, readPipelines } from '../chain/reads';
import type { Adapter, Model as ModelView, Pipeline, Shard } from '../chain/views';
import { formatBytes, plural } from '../format/text';
import { Figure, Figures } from '../parts/Figure';
import { Address, Digest } from '../parts/Named';
import { Empty, Loaded, Page, Problem, Section } from '../parts/Page';
import { State } from '../parts/State';

/** What the states of a model's life mean. */
const LIFE: Record<string, string> = {
	proposed: 'registered',
	canary: 'tried on a share',
	active: 'takes prompts',
	deprecated: 'finishes its jobs',
	retired: 'over',
};

/** The states that this chain knows, in their order, from its metadata. */
function lifeOf({ api }: Connection): string[] {
	const type = api.registry.createType('DllmPrimitivesModelModelState') as unknown as { defKeys: string[] };
	return type.defKeys.map((key) => key.toLowerCase());
}

export default function Model() {
	const id = Number(useParams().id);
	const live = useLive(`model ${id}`, async (chain) => {
		const model = (await readModels(chain)).find((one) => one.id === id);
		return { model, pipelines: model ? await readPipelines(chain, id) : [] };
	});
	return (
		<Page title={live.data?.model?.name ?? `Model ${id}`} about="A model is split into shards; miners hold ranges of its layers." aside={live.data?.model && <State of={live.data.model.state} />}>
			<Loaded live={live} rows={8}>
				{({ model, pipelines }) => (model ? <Content model={model} pipelines={pipelines} /> : <Problem title="Unknown model">No model of number {id} is registered. The network page lists them.</Problem>)}
			</Loaded>
		</Page>
	);
}

function Content({ model, pipelines }: { model: ModelView; pipelines: Pipeline[] }) {
	const narrow = useMediaQuery('(max-width: 48em)');
	const life = lifeOf(useChain());
	const at = life.indexOf(model.state);
	return (
		<Stack gap="lg">
			<Figures>
				<Figure name="Layers" value={model.layers.length} note={`${model.hiddenSize} values a row`} />
				<Figure name="Context" value={model.maxContext.toLocaleString('en-US')} note="tokens, prompt and reply" />
				<Figure name="Profile" value={model.profile} note={model.profile === 'exact' ? 'same bytes on every device' : 'same bytes in one class'} />
				<Figure name="Licence" value={<Text span fz={18} fw={650}>{model.licence || 'none given'}</Text>} />
			</Figures>
			<Section title="Lifecycle">
				<Stepper active={at} size="sm" allowNextStepsSelect={false} orientation={narrow ? 'vertical' : 'horizontal'}>
					{life.map((state, index) => (
						<Stepper.Step key={state} component="div" label={<span style={{ textTransform: 'capitalize' }}>{state}</span>} description={LIFE[state]} aria-current={index === at ? 'step' : undefined} />
					))}
				</Stepper>
			</Section>
			<Section title="Served by">
				{pipelines.length === 0 && <Empty icon={IconTopologyRing2} title="No pipeline serves this model">Prompts wait until one does, and are refunded at their deadline.</Empty>}
				<Stack gap="xs">
					{pipelines.map((pipeline) => (
						<Text key={pipeline.id} component="div" size="sm">
							<Anchor component={Link} to="/network" mr="xs">Pipeline {pipeline.id}</Anchor> <State of={pipeline.state} /> {plural(pipeline.stages.length - 1, 'segment')}, {pipeline.openJobs} of {pipeline.slots} slots taken
						</Text>
					))}
				</Stack>
			</Section>
			{model.adapters.length > 0 && (
				<Section title="Adapters" about="Added to the layers of a job that names one; the shards stay the same">
					<Adapters adapters={model.adapters} />
				</Section>
			)}
			<Section title="Work of a token" about="Operations by shard, in thousands">
				<BarChart
					h={200} dataKey="shard" withTooltip tickLine="none" gridAxis="x"
					data={named(model).map(({ name, shard }) => ({ shard: name, 'Operations (thousands)': Math.round(shard.flopsPerToken / 1000) }))}
					series={[{ name: 'Operations (thousands)', color: 'indigo.6' }]}
				/>
			</Section>
			<Section title="Shards" about={<>manifest <Digest hash={model.manifestRoot} what="manifest root" /> tokenizer <Digest hash={model.tokenizerHash} what="tokenizer digest" /> owner <Address address={model.owner} /></>}>
				<Shards model={model} />
			</Section>
		</Stack>
	);
}

function Adapters({ adapters }: { adapters: Adapter[] }) {
	return (
		<Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
			<Table aria-label="Adapters">
				<Table.Thead>
					<Table.Tr><Table.Th>Adapter</Table.Th><Table.Th>blake3</Table.Th><Table.Th ta="right">Rank</Table.Th><Table.Th ta="right">Size</Table.Th><Table.Th>Licence</Table.Th><Table.Th>Owner</Table.Th></Table.Tr>
				</Table.Thead>
				<Table.Tbody>
					{adapters.map(({ id, name, retired, manifestRoot, rank, bytes, licence, owner }) => (
						<Table.Tr key={id}>
							<Table.Td>{name} {retired && <State of="retired" />}</Table.Td>
							<Table.Td><Digest hash={manifestRoot} what="manifest root" /></Table.Td>
							<Table.Td ta="right" className="digits">{rank}</Table.Td>
							<Table.Td ta="right" className="digits">{formatBytes(bytes)}</Table.Td>
							<Table.Td>{licence || 'none given'}</Table.Td>
							<Table.Td><Address address={owner} /></Table.Td>
						</Table.Tr>
					))}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}

function named(model: ModelView): { name: string; shard: Shard }[] {
	const layers = model.layers.map((shard, index) => ({ name: `layer ${index}`, shard }));
	return [{ name: 'embedding', shard: model.embed }, ...layers, { name: 'head', shard: model.head }];
}

function Shards({ model }: { model: ModelView }) {
	return (
		<Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
			<Table aria-label="Shards">
				<Table.Thead>
					<Table.Tr><Table.Th>Shard</Table.Th><Table.Th>blake3</Table.Th><Table.Th ta="right">Size</Table.Th><Table.Th ta="right">Cache a token</Table.Th></Table.Tr>
				</Table.Thead>
				<Table.Tbody>
					{named(model).map(({ name, shard }) => (
						<Table.Tr key={name}>
							<Table.Td>{name}</Table.Td>
							<Table.Td><Digest hash={shard.hash} /></Table.Td>
							<Table.Td ta="right" className="digits">{formatBytes(shard.bytes)}</Table.Td>
							<Table.Td ta="right" className="digits">{shard.kvBytesPerToken ? formatBytes(shard.kvBytesPerToken) : '–'}</Table.Td>
						</Table.Tr>
					))}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}
