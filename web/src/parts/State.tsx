// A state in words with a coloured dot: colour is never the only sign.

import { Badge } from '@mantine/core';
import type { CSSProperties } from 'react';
import type { Job } from '../chain/views';
import { words } from '../format/text';

export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

const TONES: Record<string, Tone> = {
	live: 'good', active: 'good', settled: 'good', pass: 'good', alike: 'good', ready: 'good', connected: 'good',
	preparing: 'warn', draining: 'warn', waiting: 'warn', running: 'warn', proposed: 'warn', canary: 'warn',
	tallying: 'warn', drawing: 'warn', summoning: 'warn', verifying: 'warn', revealing: 'warn', reconciling: 'warn', disputing: 'warn', appointing: 'warn', comparing: 'warn', tiebreak: 'warn', held: 'warn', pardoned: 'warn', pending: 'warn', workerFault: 'warn', verifierFault: 'warn',
	indeterminate: 'warn', unlike: 'warn', unshown: 'warn', deprecated: 'warn', unbonding: 'warn',
	cheat: 'bad', banned: 'bad', lost: 'bad', silent: 'bad', convicted: 'bad', dismissed: 'warn', refunded: 'quiet', rerun: 'quiet',
	unchecked: 'quiet', unmeasured: 'quiet',
};

export function toneOf(state: string): Tone {
	return TONES[state] ?? 'quiet';
}

/** The colour of a tone for a style. */
export function toneStyle(tone: Tone): CSSProperties {
	return { '--tone': `var(--${tone})` } as CSSProperties;
}

export function State({ of, tone = toneOf(of), label = words(of) }: { of: string; tone?: Tone; label?: string }) {
	return (
		<Badge variant="default" radius="sm" tt="none" fw={550} leftSection={<span className="dot" style={toneStyle(tone)} />}>
			{label}
		</Badge>
	);
}

const REFUNDS: Record<string, string> = {
	cancelled: 'cancelled before a pipeline took it',
	notAwarded: 'no pipeline took it in time',
	unserved: 'a worker did not deliver in time',
	noShow: 'the user never came',
	cheated: 'a worker was convicted of cheating',
	indeterminate: 'the replicas could not agree',
};

/** Why a job was refunded, in words. */
export function refundReason(job: Job): string | undefined {
	if (job.state.kind !== 'refunded') return undefined;
	return refundWords(String(job.state.detail));
}

/** Why a job failed that another one runs again, and which one does. */
export function rerunBy(job: Job): { by: number; reason: string } | undefined {
	if (job.state.kind !== 'rerun') return undefined;
	const { by, reason } = job.state.detail as { by: number; reason: string };
	return { by, reason: refundWords(reason) };
}

/** A reason of a refund, `notAwarded`, in words. */
export function refundWords(reason: string): string {
	return REFUNDS[reason] ?? words(reason);
}

/** Where a job stands: its final state, or the phase of its trial. */
export function JobStateBadge({ job }: { job: Job }) {
	const open = job.state.kind === 'running' && job.phase && job.phase !== 'closed';
	return <State of={open ? (job.phase as string) : job.state.kind} />;
}
