// A button that asks for an amount of money and then acts.

import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState, type FormEvent } from 'react';
import { formatMoney, parseMoney } from '../format/money';
import { Dialog } from '../parts/Dialog';
import { amountProblem } from './limits';

interface Props {
	label: string;
	about: string;
	/** Planck at least and at most. */
	least?: bigint;
	most: bigint;
	busy: boolean;
	primary?: boolean;
	onAmount: (planck: bigint) => Promise<boolean>;
}

export function AmountButton({ label, primary = false, busy, ...form }: Props) {
	const [opened, { open, close }] = useDisclosure(false);
	return (
		<>
			<Button variant={primary ? 'filled' : 'default'} onClick={open} disabled={busy}>{label}</Button>
			<Dialog opened={opened} onClose={close} title={label}>
				<AmountForm {...form} label={label} busy={busy} onClose={close} />
			</Dialog>
		</>
	);
}

function AmountForm({ label, about, least = 1n, most, busy, onAmount, onClose }: Omit<Props, 'primary'> & { onClose: () => void }) {
	const [text, setText] = useState('');
	const planck = parseMoney(text);
	const problem = text === '' ? undefined : amountProblem(planck, least, most);
	const act = async (event: FormEvent) => {
		event.preventDefault();
		if (planck !== undefined && !problem && (await onAmount(planck))) onClose();
	};
	return (
		<form onSubmit={(event) => void act(event)}>
			<Stack>
				<Text size="sm" c="dimmed">{about}</Text>
				<TextInput label="Amount in DLLM" description={`at most ${formatMoney(most)}`} inputMode="decimal" value={text} error={problem} onChange={(event) => setText(event.currentTarget.value)} data-autofocus />
				<Group justify="flex-end">
					<Button variant="default" onClick={onClose}>Cancel</Button>
					<Button type="submit" loading={busy} disabled={planck === undefined || problem !== undefined}>{label}</Button>
				</Group>
			</Stack>
		</form>
	);
}
