// A link of the diagram: its colour says how good it is, its width how much it carries, its label the round trip
// and the loss. Broken where nobody measured it.

import { BaseEdge, EdgeLabelRenderer, getStraightPath, type EdgeProps } from '@xyflow/react';
import { toneStyle } from '../parts/State';
import type { LinkEdge } from './layout';
import { linkLabel, linkTone } from './links';

/** Pixels of the thinnest line, and what ten times the bandwidth adds; 1 Mbit/s is the thinnest. */
const WIDTH = { least: 1, step: 0.75, most: 4 };
const THINNEST = 125_000;

export function LinkLine({ id, data, sourceX, sourceY, targetX, targetY }: EdgeProps<LinkEdge>) {
	const { link, place, busy } = data!;
	const [path] = getStraightPath({ sourceX, sourceY, targetX, targetY });
	const [x, y] = [sourceX + place * (targetX - sourceX), sourceY + place * (targetY - sourceY)];
	const tone = toneStyle(linkTone(link));
	const style = { ...tone, stroke: busy ? 'var(--mantine-color-indigo-5)' : link ? 'var(--tone)' : 'var(--line)', strokeWidth: width(link?.bytesPerSecond), strokeDasharray: link ? undefined : '4 6' };
	return (
		<>
			<BaseEdge id={id} path={path} style={style} />
			{link && (
				<EdgeLabelRenderer>
					<div className="link-label" data-link={link.ends.join(' ')} style={{ ...tone, transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}>
						<span className="dot" />{linkLabel(link)}
					</div>
				</EdgeLabelRenderer>
			)}
		</>
	);
}

function width(bytesPerSecond?: number): number {
	if (bytesPerSecond === undefined) return 2;
	const tens = Math.log10(Math.max(1, bytesPerSecond / THINNEST));
	return Math.min(WIDTH.most, WIDTH.least + WIDTH.step * tens);
}
