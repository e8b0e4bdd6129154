// A prompt and its reply, and where the job behind it stands until it is settled or refunded.

import { Alert, Box, Button, Group, Loader, Text } from '@mantine/core';
import { IconAlertTriangle, IconReceipt } from '@tabler/icons-react';
import { useChain, useChainState, useLive } from '../chain/ChainProvider';
import { readJob } from '../chain/reads';
import type { Job } from '../chain/views';
import { plural } from '../format/text';
import { Money } from '../parts/Named';
import { refundReason, State } from '../parts/State';
import type { Turn } from './turns';

interface Props {
	turn: Turn;
	onReceipt: (job: number) => void;
}

export function TurnView({ turn, onReceipt }: Props) {
	return (
		<Box component="article" mb="lg" data-testid="turn" data-phase={turn.phase}>
			<Box className="bubble user" mb="sm">{turn.prompt}</Box>
			{turn.job === undefined ? <WithoutJob turn={turn} /> : <WithJob turn={turn} job={turn.job} onReceipt={onReceipt} />}
		</Box>
	);
}

function WithoutJob({ turn }: { turn: Turn }) {
	return (
		<>
			{turn.reply && <Reply text={turn.reply} open={turn.phase === 'streaming'} />}
			{turn.error ? <Failure>{turn.error}</Failure> : !turn.reply && <Waiting>{WAITS[turn.phase]}</Waiting>}
		</>
	);
}

const WAITS: Partial<Record<Turn['phase'], string>> = {
	signing: 'Waiting for your wallet to sign',
	sent: 'Sent; waiting for a block',
	streaming: 'Waiting for the first token',
};

function WithJob({ turn, job, onReceipt }: Props & { job: number }) {
	const chain = useChain();
	const { status } = useChainState();
	const same = status !== 'connecting' && chain.api.genesisHash?.toHex() === turn.chain;
	const live = useLive(`job ${job} ${same}`, async () => (same ? readJob(chain, job) : undefined));
	const view = live.data;
	const text = turn.paidBy === 'wallet' ? (view?.reply ?? turn.reply) : turn.reply;
	const refund = view && refundReason(view);
	return (
		<>
			{text && <Reply text={text} open={turn.phase === 'streaming'} />}
			{!text && !refund && !turn.error && <Waiting>{progress(view)}</Waiting>}
			{refund && <Failure title="Nothing was charged">The job was refunded: {refund}. The whole amount came back.</Failure>}
			{turn.error && <Failure>{turn.error}</Failure>}
			{view && <Footer job={view} onReceipt={onReceipt} />}
			{!view && status === 'ready' && !same && <Text size="sm" c="dimmed" mt={6}>Job {job} is of another chain.</Text>}
			{!view && live.error && <Text size="sm" c="dimmed" mt={6}>{live.error}</Text>}
		</>
	);
}

/** What a job waits for. */
function progress(job?: Job): string {
	if (!job) return 'In a block; looking for a pipeline';
	if (job.state.kind === 'waiting') return 'Waiting for a pipeline';
	if (job.phase === 'tallying') return 'It did not come to its end in time; its workers tell how far they came, then it is refunded or run again';
	return job.phase === 'running' ? 'The miners run it' : 'Being verified';
}

function Footer({ job, onReceipt }: { job: Job; onReceipt: (job: number) => void }) {
	const settled = job.state.kind === 'settled';
	return (
		<Group gap="sm" mt={8} pl={6} fz="sm" c="dimmed" data-testid="outcome" data-state={job.state.kind} data-fee={job.fee}>
			{settled && <State of="settled" label="verified and paid" />}
			{job.state.kind === 'running' && <State of={job.phase ?? 'running'} label={job.reply ? 'not verified yet' : undefined} />}
			{job.state.kind === 'waiting' && <State of="waiting" />}
			{settled && <span><Money planck={job.fee} /> charged</span>}
			{settled && job.tokens > 0 && <span>{plural(job.tokens, 'token')}</span>}
			{job.sealed ? <span>sealed</span> : <span>public</span>}
			<Button variant="subtle" size="compact-sm" leftSection={<IconReceipt size={15} />} onClick={() => onReceipt(job.id)}>Receipt</Button>
		</Group>
	);
}

function Reply({ text, open }: { text: string; open: boolean }) {
	return <div className={`bubble reply${open ? ' caret' : ''}`} data-testid="reply">{text}</div>;
}

function Waiting({ children }: { children: React.ReactNode }) {
	return (
		<Group gap={10} c="dimmed" pl={6} role="status">
			<Loader size={16} type="dots" />
			<Text size="sm">{children}</Text>
		</Group>
	);
}

function Failure({ title, children }: { title?: string; children: React.ReactNode }) {
	return (
		<Alert mt="xs" color="red" variant="outline" icon={<IconAlertTriangle />} title={title} role="alert" data-testid="failure">
			<Text size="sm" c="var(--mantine-color-text)">{children}</Text>
		</Alert>
	);
}
