// The way of a job through the chain, a step a block and kind; where the node no longer holds the events of its
// blocks, what the record of the job still says.

import { Group, Stack, Text, Timeline } from '@mantine/core';
import type { Happening } from '../chain/events';
import type { Job } from '../chain/views';
import { stageName } from '../format/text';
import { Address } from '../parts/Named';
import { refundReason, rerunBy, State, toneOf } from '../parts/State';
import { stepsOf, waitsFor, type Line, type Step } from './course';

export function Course({ job, happenings }: { job: Job; happenings?: Happening[] }) {
	if (!happenings) return <Recorded job={job} />;
	const steps = stepsOf(happenings);
	const waits = job.ended === null ? waitsFor(happenings) : undefined;
	return (
		<Timeline active={steps.length - 1} bulletSize={18} lineWidth={2} data-testid="course">
			{steps.map((step) => <Timeline.Item key={`${step.block} ${step.title}`} title={step.title}><Told step={step} /></Timeline.Item>)}
			{job.ended === null && (
				<Timeline.Item title="Now">
					<Text size="sm" c="dimmed">{waits ? `${waits.text}, until block ${waits.until} at the latest` : `waits for a pipeline, until block ${job.deadline} at the latest`}</Text>
				</Timeline.Item>
			)}
		</Timeline>
	);
}

function Told({ step: { block, text, lines } }: { step: Step }) {
	return (
		<Stack gap={2}>
			<Text size="sm" c="dimmed">block {block}{text && `: ${text}`}</Text>
			{lines.map((line, index) => <Spoken key={index} line={line} />)}
		</Stack>
	);
}

function Spoken({ line: { stage, worker, text, verdict } }: { line: Line }) {
	return (
		<Group gap={8} mih={26}>
			{stage !== undefined && <Text size="sm" fw={550}>{stageName(stage)}</Text>}
			{worker && <Address address={worker} worker copy={false} />}
			{text && <Text size="sm">{text}</Text>}
			{verdict && <State of={verdict} tone={toneOf(verdict)} />}
		</Group>
	);
}

const ENDS: Record<string, string> = { refunded: 'Refunded', rerun: 'Run again' };

/** From the record alone, which holds three blocks. */
function Recorded({ job }: { job: Job }) {
	const steps = [
		{ title: 'Submitted', at: job.submitted, text: 'the ceiling of the price went on hold' },
		{ title: 'Awarded', at: job.awarded, text: 'the auction gave it to a pipeline' },
		{ title: ENDS[job.state.kind] ?? 'Settled', at: job.ended, text: refundReason(job) ?? rerunBy(job)?.reason ?? 'paid, the rest returned' },
	];
	const done = steps.filter(({ at }) => at !== null).length;
	return (
		<Stack gap="sm">
			<Text size="sm" c="dimmed">This node no longer holds the events of these blocks; an archive node tells every step.</Text>
			<Timeline active={done - 1} bulletSize={18} lineWidth={2}>
				{steps.map(({ title, at, text }) => (
					<Timeline.Item key={title} title={title}>
						<Text size="sm" c="dimmed">{at === null ? 'not yet' : `block ${at}: ${text}`}</Text>
					</Timeline.Item>
				))}
			</Timeline>
		</Stack>
	);
}
