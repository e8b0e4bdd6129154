// Where the members of a pipeline stand in its diagram, and the links between neighbours. On a wide screen a stage is
// a column and the ring runs to the right; on a narrow one a stage is a row and the ring runs down.

import type { Edge, Node } from '@xyflow/react';
import type { Link, Pipeline, Stage, Worker } from '../chain/views';
import { layersName, plural, shorten, stageName } from '../format/text';
import { hopsOf, LinkMap } from './links';

/** Pixels of a member, and between members and stages. */
export const MEMBER = { width: 190, height: 60 };
const HEAD = 52;
/** How much smaller two members side by side have to be on a phone. */
const PHONE = 0.8;
/** Between stages lie the figures of links: two beside or above each other. */
const GAP = { stage: 150, member: 34, head: 16 };

export interface MemberData extends Record<string, unknown> {
	address: string;
	/** `ready`, `preparing`, `inactive` or `silent`. */
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

export interface LinkData extends Record<string, unknown> {
	/** As measured; nothing where nobody did. */
	link?: Link;
	/** Where its figures stand on the way: 0 at its start, 1 at its end. */
	place: number;
	/** Whether rows are on their way. */
	busy: boolean;
}

export type LinkEdge = Edge<LinkData, 'link'>;
export type DiagramNode = Node<MemberData, 'member'> | Node<StageData, 'stage'>;

/** State of a member of a stage; `silent` are the workers that answer nobody. */
export function memberState(address: string, ready: string[], worker?: Worker, silent?: Set<string>): string {
	if (worker && !worker.active) return 'inactive';
	if (silent?.has(address)) return 'silent';
	return ready.includes(address) ? 'ready' : 'preparing';
}

/** Pixels that a diagram is high. */
export function heightOf({ stages }: Pipeline, narrow: boolean): number {
	return narrow ? PHONE * (stages.length * (HEAD + MEMBER.height + GAP.stage) - GAP.stage) : HEAD + tallest(stages) * (MEMBER.height + GAP.member);
}

export function layout(pipeline: Pipeline, workers: Map<string, Worker>, narrow = false, measured = new LinkMap()): { nodes: DiagramNode[]; edges: LinkEdge[] } {
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
			return { type: 'member', position, ...member(stage, address, narrow, measured, workers.get(address)) };
		});
		return [head, ...placed];
	});
	return { nodes, edges: links(pipeline, narrow, measured) };
}

function tallest(stages: Stage[]): number {
	return Math.max(1, ...stages.map(({ workers }) => workers.length));
}

function member({ stage, ready }: Stage, address: string, narrow: boolean, { silent }: LinkMap, worker?: Worker): { id: string; ariaLabel: string; data: MemberData } {
	const state = memberState(address, ready, worker, silent);
	const data = { address, state, narrow, openJobs: worker?.openJobs ?? 0, faults: worker?.faults ?? 0, cheats: worker?.cheats ?? 0 };
	const counts = `${plural(data.openJobs, 'open job')}, ${plural(data.faults, 'fault')}`;
	return { id: `${stage} ${address}`, ariaLabel: `${stageName(stage)}, worker ${shorten(address)}, ${state}, ${counts}`, data };
}

/** The ways from stage to stage; the one back to the entry is in the table only, so that nothing crosses. */
function links(pipeline: Pipeline, narrow: boolean, measured: LinkMap): LinkEdge[] {
	const places = new Map(pipeline.stages.map(({ stage, workers }) => [stage, workers]));
	const forward = hopsOf(pipeline).filter(({ from, to }) => to.stage > from.stage);
	return forward.map(({ from, to }): LinkEdge => {
		const targets = places.get(to.stage)!;
		const sources = places.get(from.stage)!;
		const [source, target] = [sources.indexOf(from.worker), targets.indexOf(to.worker)];
		// Figures are wider than high: in columns each has the same part of its way, in rows each has a row of its own.
		const place = narrow ? (source * targets.length + target + 1) / (sources.length * targets.length + 1) : 1 / (Math.max(sources.length, targets.length) + 1);
		return {
			id: `${from.stage} ${from.worker} ${to.worker}`, type: 'link',
			source: `${from.stage} ${from.worker}`, target: `${to.stage} ${to.worker}`, focusable: false,
			data: { link: measured.between(from.worker, to.worker), place, busy: pipeline.openJobs > 0 },
		};
	});
}
