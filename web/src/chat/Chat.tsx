// The chat: the conversation above, the composer below, a receipt behind each reply.

import { Box, Button, Group, SimpleGrid, Text, Title } from '@mantine/core';
import { IconCoins, IconEye, IconShieldCheck, IconTrash } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useLive } from '../chain/ChainProvider';
import { readModels } from '../chain/reads';
import { Gateway, type GatewayModel } from '../gateway/client';
import { ReceiptDrawer } from '../receipt/ReceiptDrawer';
import { useSettings } from '../settings';
import { Composer } from './Composer';
import { TurnView } from './TurnView';
import type { PaidBy } from './turns';
import { useConversation } from './useConversation';

export function Chat() {
	const { turns, busy, ask, stop, clear } = useConversation();
	const models = useLive('models', readModels);
	const [receipt, setReceipt] = useState<number>();
	const [paidBy, setPaidBy] = useState<PaidBy>('wallet');
	const gateway = useGatewayModels(paidBy === 'gateway');
	const active = models.data?.filter(({ state }) => state === 'active') ?? [];
	const end = useRef<HTMLDivElement>(null);

	useEffect(() => {
		document.title = 'Chat · DLLM';
	}, []);
	useEffect(() => {
		if (turns.length > 0) end.current?.scrollIntoView({ block: 'end' });
	}, [turns]);

	return (
		<Box className="chat">
			<Group justify="space-between" mb="xs">
				<Title order={1} className={turns.length === 0 ? 'sr' : undefined}>Chat</Title>
				{turns.length > 0 && <Button variant="subtle" color="gray" size="compact-sm" c="dimmed" leftSection={<IconTrash size={15} />} onClick={clear} disabled={busy}>Clear</Button>}
			</Group>
			<Box className="transcript" role="log" aria-label="Conversation" tabIndex={0}>
				{turns.length === 0 ? <Welcome /> : turns.map((turn) => <TurnView key={turn.id} turn={turn} onReceipt={setReceipt} />)}
				<div ref={end} />
			</Box>
			{paidBy === 'gateway' && gateway.problem && <Text size="sm" mb={6} role="alert" c="var(--mantine-color-error)">{gateway.problem}</Text>}
			{models.data && active.length === 0 && paidBy === 'wallet' && <Text size="sm" mb={6} c="dimmed">No model takes prompts on this chain yet.</Text>}
			<Composer models={active} gatewayModels={gateway.models} paidBy={paidBy} busy={busy} onPaidBy={setPaidBy} onAsk={(asked) => void ask(asked)} onStop={stop} />
			<ReceiptDrawer job={receipt} onClose={() => setReceipt(undefined)} />
		</Box>
	);
}

/** The models that the gateway offers, asked for when it is to pay. */
function useGatewayModels(wanted: boolean): { models: GatewayModel[]; problem?: string } {
	const { settings, apiKey } = useSettings();
	const [answer, setAnswer] = useState<{ models: GatewayModel[]; problem?: string }>({ models: [] });
	useEffect(() => {
		if (!wanted) return;
		const abort = new AbortController();
		new Gateway(settings.gateway, apiKey).models(abort.signal).then(
			(models) => setAnswer({ models }),
			(error: Error) => error.name !== 'AbortError' && setAnswer({ models: [], problem: error.message }),
		);
		return () => abort.abort();
	}, [wanted, settings.gateway, apiKey]);
	return answer;
}

const POINTS = [
	{ icon: IconShieldCheck, title: 'Verifiable', text: 'Miners commit to their work before a draw says whether other operators repeat it. You pay only if nothing in it is found wrong.' },
	{ icon: IconCoins, title: 'Priced before you send', text: 'A ceiling goes on hold. What the reply did not use comes back in the same block.' },
	{ icon: IconEye, title: 'Honest about privacy', text: 'The label below the prompt says who can read it.' },
];

function Welcome() {
	return (
		<Box py={{ base: 'xs', sm: 'xl' }} mt={{ base: 0, sm: 40 }}>
			<Text fz={{ base: 26, sm: 34 }} fw={700} ta="center" lh={1.2}>Ask an open model</Text>
			<Text c="dimmed" ta="center" mt={8} mb={{ base: 'md', sm: 'xl' }}>Run by independent miners who answer for their work.</Text>
			<SimpleGrid cols={{ base: 1, sm: 3 }} spacing={{ base: 'xs', sm: 'md' }}>
				{POINTS.map(({ icon: Glyph, title, text }) => (
					<Box key={title} className="surface point" p={{ base: 'sm', sm: 'md' }}>
						<Glyph size={22} stroke={1.6} color="var(--mantine-color-indigo-light-color)" aria-hidden />
						<Box>
							<Text fw={600}>{title}</Text>
							<Text size="sm" c="dimmed">{text}</Text>
						</Box>
					</Box>
				))}
			</SimpleGrid>
		</Box>
	);
}
