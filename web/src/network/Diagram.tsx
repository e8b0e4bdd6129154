// A pipeline as a diagram. Each member leads to its page; the tables below the diagram say the same in rows.

import { Group, Text, useComputedColorScheme } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Controls, Handle, Position, ReactFlow, type Node, type NodeProps } from '@xyflow/react';
import { useMemo, type KeyboardEvent } from 'react';
import { useNavigate } from 'react-router';
import type { Pipeline, Worker } from '../chain/views';
import { plural, shorten } from '../format/text';
import { toneOf, toneStyle } from '../parts/State';
import { LinkLine } from './LinkLine';
import type { LinkMap } from './links';
import { heightOf, layout, type MemberData, type StageData } from './layout';

const NODES = { member: Member, stage: StageHead };
const EDGES = { link: LinkLine };
const FIT = { padding: 0.02, maxZoom: 1 };
/** Pixels above and below the members. */
const MARGIN = 40;

export function Diagram({ pipeline, workers, links }: { pipeline: Pipeline; workers: Map<string, Worker>; links: LinkMap }) {
	const navigate = useNavigate();
	const scheme = useComputedColorScheme('light');
	const narrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false;
	const { nodes, edges } = useMemo(() => layout(pipeline, workers, narrow, links), [pipeline, workers, narrow, links]);
	const open = (id: string) => {
		const [, address] = id.split(' ');
		if (address && !id.startsWith('stage')) void navigate(`/miners/${address}`);
	};
	const keyed = (event: KeyboardEvent) => {
		const id = (event.target as HTMLElement).closest('[data-id]')?.getAttribute('data-id');
		if (event.key === 'Enter' && id) open(id);
	};
	return (
		// eslint-disable-next-line jsx-a11y/no-static-element-interactions -- keys of the focusable nodes inside bubble up to here
		<div className="diagram" style={{ height: heightOf(pipeline, narrow) + MARGIN }} onKeyDown={keyed} data-testid="diagram">
			<ReactFlow
				key={String(narrow)} nodes={nodes} edges={edges} nodeTypes={NODES} edgeTypes={EDGES} colorMode={scheme} fitView fitViewOptions={FIT} minZoom={0.3} maxZoom={1.5}
				nodesDraggable={false} nodesConnectable={false} zoomOnScroll={false} preventScrolling={false}
				onNodeClick={(_, node) => open(node.id)} aria-label={`Diagram of pipeline ${pipeline.id}`}
			>
				{!narrow && <Controls showInteractive={false} position="top-right" />}
			</ReactFlow>
		</div>
	);
}

function Member({ data: { address, state, narrow, openJobs, faults, cheats } }: NodeProps<Node<MemberData, 'member'>>) {
	const tone = cheats > 0 || state === 'inactive' || state === 'silent' ? 'bad' : faults > 0 ? 'warn' : toneOf(state);
	const note = [openJobs > 0 && plural(openJobs, 'open job'), faults > 0 && plural(faults, 'fault'), cheats > 0 && plural(cheats, 'conviction')];
	return (
		<div className="member" style={toneStyle(tone)}>
			<Handle type="target" position={narrow ? Position.Top : Position.Left} isConnectable={false} />
			<Text className="mono" fw={600}>{shorten(address)}</Text>
			<Group gap={6} wrap="nowrap">
				<span className="dot" />
				<Text size="xs" truncate>{[state, ...note.filter(Boolean)].join(' · ')}</Text>
			</Group>
			<Handle type="source" position={narrow ? Position.Bottom : Position.Right} isConnectable={false} />
		</div>
	);
}

function StageHead({ data }: NodeProps<Node<StageData, 'stage'>>) {
	return (
		<div className="stage-label">
			<Text size="sm" fw={650}>{data.name}</Text>
			<Text size="xs" c="dimmed">{data.layers}</Text>
		</div>
	);
}
