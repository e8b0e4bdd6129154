// Where the members of a pipeline stand in its diagram: a column a stage, a row a replica, and the way of the
// rows from each stage to the next and back to the entry.

import type { Edge, Node } from '@xyflow/react';
import type { Pipeline, Worker } from '../chain/views';
import { layersName, shorten, stageName } from '../format/text';

/** Pixels from a column to the next, and from a row to the next. */
const COLUMN = 270;
const ROW = 96;
const HEAD = 58;

export interface MemberData extends Record<string, unknown> {
	address: string;
	/** `ready`, `preparing` or `inactive`. */
	state: string;
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

export function layout(pipeline: Pipeline, workers: Map<string, Worker>): { nodes: DiagramNode[]; edges: Edge[] } {
	const tallest = Math.max(1, ...pipeline.stages.map((stage) => stage.workers.length));
	const nodes = pipeline.stages.flatMap(({ stage, layers, workers: members, ready }): DiagramNode[] => {
		const x = stage * COLUMN;
		const above = HEAD + ((tallest - members.length) * ROW) / 2;
		const head: DiagramNode = {
			id: `stage ${stage}`, type: 'stage', position: { x, y: 0 }, focusable: false, selectable: false,
			data: { name: stageName(stage), layers: layersName(layers) },
		};
		const placed = members.map((address, row): DiagramNode => {
			const worker = workers.get(address);
			const state = memberState(address, ready, worker);
			const data = { address, state, openJobs: worker?.openJobs ?? 0, faults: worker?.faults ?? 0, cheats: worker?.cheats ?? 0 };
			const ariaLabel = `${stageName(stage)}, worker ${shorten(address)}, ${state}, ${data.openJobs} open jobs, ${data.faults} faults`;
			return { id: `${stage} ${address}`, type: 'member', position: { x, y: above + row * ROW }, data, ariaLabel };
		});
		return [head, ...placed];
	});
	return { nodes, edges: links(pipeline) };
}

/** Every replica of a stage may send to every replica of the next; the last stage returns to the entry. */
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
