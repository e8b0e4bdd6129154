// Where the members of a pipeline stand in its diagram, and which may send to which. On a wide screen a stage is
// a column and the ring runs to the right; on a narrow one a stage is a row and the ring runs down.

import type { Edge, Node } from '@xyflow/react';
import type { Pipeline, Stage, Worker } from '../chain/views';
import { layersName, plural, shorten, stageName } from '../format/text';

/** Pixels of a member, and between members and stages. */
export const MEMBER = { width: 190, height: 60 };
const HEAD = 52;
/** How much smaller two members side by side have to be on a phone. */
const PHONE = 0.8;
const GAP = { stage: 80, member: 34, head: 16 };

export interface MemberData extends Record<string, unknown> {
	address: string;
	/** `ready`, `preparing` or `inactive`. */
	state: string;
	/** Whether the ring runs down. */
	narrow: boolean;
	openJobs: number;
	faults: number;
	cheats: number;
}

export interface StageData extends Record<string, unknown> {
	name: string;
	layers: string;
}

export type DiagramNode = Node<MemberData, 'member'> | Node<StageData, 'stage'>;

/** State of a member of a stage. */
export function memberState(address: string, ready: string[], worker?: Worker): string {
	if (worker && !worker.active) return 'inactive';
	return ready.includes(address) ? 'ready' : 'preparing';
}

/** Pixels that a diagram is high. */
export function heightOf({ stages }: Pipeline, narrow: boolean): number {
	return narrow ? PHONE * (stages.length * (HEAD + MEMBER.height + GAP.stage) - GAP.stage) : HEAD + tallest(stages) * (MEMBER.height + GAP.member);
}

export function layout(pipeline: Pipeline, workers: Map<string, Worker>, narrow = false): { nodes: DiagramNode[]; edges: Edge[] } {
	const most = tallest(pipeline.stages);
	const nodes = pipeline.stages.flatMap((stage): DiagramNode[] => {
		const along = stage.stage * (narrow ? HEAD + MEMBER.height + GAP.stage : MEMBER.width + GAP.stage);
		const step = narrow ? MEMBER.width + GAP.head : MEMBER.height + GAP.member;
		const first = ((most - stage.workers.length) * step) / 2;
		const head: DiagramNode = {
			id: `stage ${stage.stage}`, type: 'stage', focusable: false, selectable: false,
			position: narrow ? { x: ((most - 1) * step) / 2, y: along } : { x: along, y: 0 },
			data: { name: stageName(stage.stage), layers: layersName(stage.layers) },
		};
		const placed = stage.workers.map((address, index): DiagramNode => {
			const across = first + index * step;
			const position = narrow ? { x: across, y: along + HEAD } : { x: along, y: HEAD + across };
			return { type: 'member', position, ...member(stage, address, narrow, workers.get(address)) };
		});
		return [head, ...placed];
	});
	return { nodes, edges: links(pipeline) };
}

function tallest(stages: Stage[]): number {
	return Math.max(1, ...stages.map(({ workers }) => workers.length));
}

function member({ stage, ready }: Stage, address: string, narrow: boolean, worker?: Worker): { id: string; ariaLabel: string; data: MemberData } {
	const state = memberState(address, ready, worker);
	const data = { address, state, narrow, openJobs: worker?.openJobs ?? 0, faults: worker?.faults ?? 0, cheats: worker?.cheats ?? 0 };
	const counts = `${plural(data.openJobs, 'open job')}, ${plural(data.faults, 'fault')}`;
	return { id: `${stage} ${address}`, ariaLabel: `${stageName(stage)}, worker ${shorten(address)}, ${state}, ${counts}`, data };
}

/** Every replica of a stage may send to every replica of the next. */
function links({ stages, openJobs }: Pipeline): Edge[] {
	return stages.slice(0, -1).flatMap((stage, at) => {
		const next = stages[at + 1]!;
		return stage.workers.flatMap((from) =>
			next.workers.map((to): Edge => ({
				id: `${stage.stage} ${from} ${to}`,
				source: `${stage.stage} ${from}`,
				target: `${next.stage} ${to}`,
				animated: openJobs > 0,
				focusable: false,
				style: { stroke: 'var(--line)', strokeWidth: 2, ...(openJobs > 0 && { stroke: 'var(--mantine-color-indigo-5)' }) },
			})),
		);
	});
}
