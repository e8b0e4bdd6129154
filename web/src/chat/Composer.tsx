// Where a prompt is written: who pays, which model, how long the reply may be, and what it costs.

import { ActionIcon, Box, Button, Group, NumberInput, Popover, SegmentedControl, Select, Slider, Stack, Text, Textarea } from '@mantine/core';
import { IconAdjustmentsHorizontal, IconArrowUp, IconPlayerStopFilled } from '@tabler/icons-react';
import { useState, type KeyboardEvent } from 'react';
import type { Model } from '../chain/views';
import { formatMoney } from '../format/money';
import type { GatewayModel } from '../gateway/client';
import { baseOf } from '../models/named';
import { useWallet } from '../wallet/WalletProvider';
import { lengthProblem } from './limits';
import { Privacy } from './Privacy';
import type { PaidBy } from './turns';
import type { Ask } from './useConversation';
import { usePrice } from './usePrice';

/** Tokens that a job may generate at most. */
const MAX_NEW_TOKENS = 2048;
const USUAL_TOKENS = 64;

interface Props {
	models: Model[];
	gatewayModels: GatewayModel[];
	paidBy: PaidBy;
	busy: boolean;
	onPaidBy: (by: PaidBy) => void;
	onAsk: (ask: Ask) => void;
	onStop: () => void;
}

export function Composer({ models, gatewayModels, paidBy, busy, onPaidBy, onAsk, onStop }: Props) {
	const { payer } = useWallet();
	const [prompt, setPrompt] = useState('');
	const [choice, setChoice] = useState<string | null>(null);
	const [maxTokens, setMaxTokens] = useState(USUAL_TOKENS);
	const [temperature, setTemperature] = useState(0);
	const wallet = paidBy === 'wallet';
	const options = wallet
		? models.map(({ id, name }) => ({ value: String(id), label: models.some((other) => other.id !== id && other.name === name) ? `${name} (#${id})` : name }))
		: gatewayModels.map(({ id }) => ({ value: id, label: id }));
	const chosen = options.find(({ value }) => value === choice)?.value ?? options[0]?.value ?? null;
	const model = wallet ? models.find(({ id }) => String(id) === chosen) : baseOf(models, chosen);
	const text = prompt.trim();
	const price = usePrice(model?.id, text, maxTokens, !wallet);
	const problem = lengthProblem(text, maxTokens, wallet ? model : undefined);
	const ready = text !== '' && chosen !== null && !problem && !busy && (!wallet || Boolean(payer && price.data));

	const send = () => {
		if (!ready) return;
		if (!wallet) onAsk({ paidBy: 'gateway', model: chosen, prompt: text, maxTokens, temperature });
		else if (payer && price.data && model) {
			const order = { model: model.id, prompt: text, maxTokens, temperatureMilli: Math.round(temperature * 1000), maxPrice: price.data.ceiling };
			onAsk({ paidBy: 'wallet', payer, modelName: model.name, order });
		}
		setPrompt('');
	};
	const keyed = (event: KeyboardEvent) => {
		if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
		event.preventDefault();
		send();
	};

	return (
		<Box component="form" className="surface composer" p="sm" aria-label="New prompt" onSubmit={(event: React.FormEvent) => { event.preventDefault(); send(); }}>
			<Textarea
				aria-label="Prompt" placeholder="Ask something" variant="unstyled" autosize minRows={1} maxRows={8} px={6}
				value={prompt} onChange={(event) => setPrompt(event.currentTarget.value)} onKeyDown={keyed} error={problem}
			/>
			<Group gap="xs" mt={6}>
				<SegmentedControl size="xs" aria-label="Who pays" value={paidBy} onChange={(value) => onPaidBy(value as PaidBy)} data={[{ value: 'wallet', label: 'Wallet' }, { value: 'gateway', label: 'Gateway' }]} />
				<Select size="xs" w={{ base: 118, sm: 150 }} aria-label="Model" data={options} value={chosen} onChange={setChoice} allowDeselect={false} placeholder="No model" disabled={options.length === 0} />
				<Sampling maxTokens={maxTokens} temperature={temperature} onMaxTokens={setMaxTokens} onTemperature={setTemperature} />
				<Privacy label={wallet ? 'public' : 'sealed'} />
				<Group gap="sm" ml="auto" wrap="nowrap">
					<Text size="sm" c="dimmed" className="digits" aria-live="polite" data-testid="price">{priceText(price.data, price.error, wallet, payer !== undefined, text)}</Text>
					{busy && !wallet ? (
						<ActionIcon size={36} radius="xl" aria-label="Stop the reply" onClick={onStop}><IconPlayerStopFilled size={16} /></ActionIcon>
					) : (
						<ActionIcon size={36} radius="xl" type="submit" aria-label={wallet ? 'Sign and send' : 'Send'} disabled={!ready}><IconArrowUp size={20} /></ActionIcon>
					)}
				</Group>
			</Group>
		</Box>
	);
}

function priceText(price: { quote: bigint; ceiling: bigint } | undefined, error: string | undefined, wallet: boolean, connected: boolean, prompt: string): string {
	if (wallet && !connected) return 'Connect a wallet to pay';
	if (!prompt) return '';
	if (price) return `at most ${formatMoney(price.ceiling, 3)}`;
	return error ?? (wallet ? 'Asking the price…' : '');
}

interface SamplingProps {
	maxTokens: number;
	temperature: number;
	onMaxTokens: (value: number) => void;
	onTemperature: (value: number) => void;
}

function Sampling({ maxTokens, temperature, onMaxTokens, onTemperature }: SamplingProps) {
	return (
		<Popover width={280} position="top" withArrow shadow="md" trapFocus>
			<Popover.Target>
				<Button variant="default" size="xs" px={8} aria-label={`Reply of at most ${maxTokens} tokens, temperature ${temperature}. Change`} leftSection={<IconAdjustmentsHorizontal size={15} />}>{maxTokens}</Button>
			</Popover.Target>
			<Popover.Dropdown>
				<Stack>
					<NumberInput label="Tokens of the reply at most" min={1} max={MAX_NEW_TOKENS} clampBehavior="strict" allowDecimal={false} value={maxTokens} onChange={(value) => typeof value === 'number' && value >= 1 && onMaxTokens(value)} />
					<Box>
						<Text size="sm" fw={500} mb={4}>Temperature {temperature.toFixed(1)}{temperature === 0 && ' (always the same reply)'}</Text>
						<Slider min={0} max={2} step={0.1} label={null} value={temperature} onChange={onTemperature} thumbLabel="Temperature" />
					</Box>
				</Stack>
			</Popover.Dropdown>
		</Popover>
	);
}
