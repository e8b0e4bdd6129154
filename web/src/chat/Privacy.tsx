// Who can read a prompt, said plainly.

import { Popover, Text, UnstyledButton } from '@mantine/core';
import { IconEye, IconLock } from '@tabler/icons-react';

const LABELS = {
	public: {
		icon: IconEye,
		short: 'Anyone can read this prompt and its reply.',
		text: 'The prompt and its reply are written to the chain in clear. Everybody can read them, for as long as somebody keeps old blocks. Do not send secrets.',
	},
	sealed: {
		icon: IconLock,
		short: 'Not on the chain in clear; the gateway and, with effort, its miners could read it.',
		text: 'Only a digest of the prompt goes on the chain. The gateway reads the prompt, because it makes the tokens. Miners see hidden states, from which a determined miner can guess the prompt. The receipt says how the job really ran.',
	},
};

export function Privacy({ label }: { label: keyof typeof LABELS }) {
	const { icon: Glyph, short, text } = LABELS[label];
	return (
		<Popover width={300} position="top-start" withArrow shadow="md">
			<Popover.Target>
				<UnstyledButton fz="sm" c="dimmed" aria-label={`Privacy: ${label}. ${short} Explain`} style={{ display: 'inline-flex', alignItems: 'center', gap: 6 }}>
					<Glyph size={15} />
					<Text span inherit td="underline" style={{ textDecorationStyle: 'dotted', textUnderlineOffset: 3 }}>{label}</Text>
				</UnstyledButton>
			</Popover.Target>
			<Popover.Dropdown>
				<Text size="sm" fw={600} mb={4} tt="capitalize">{label}</Text>
				<Text size="sm">{text}</Text>
			</Popover.Dropdown>
		</Popover>
	);
}
