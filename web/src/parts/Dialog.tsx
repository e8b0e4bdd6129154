// Dialogs in the middle and at the side. Their titles are no page headers: only the frame has one.

import { Drawer, Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
	opened: boolean;
	onClose: () => void;
	title: string;
	children: ReactNode;
}

export function Dialog({ opened, onClose, title, children }: Props) {
	return (
		<Modal.Root opened={opened} onClose={onClose} centered>
			<Modal.Overlay />
			<Modal.Content>
				<Modal.Body p="lg">
					<Group justify="space-between" mb="md">
						<Modal.Title fw={650}>{title}</Modal.Title>
						<Modal.CloseButton aria-label="Close" />
					</Group>
					{children}
				</Modal.Body>
			</Modal.Content>
		</Modal.Root>
	);
}

export function SidePanel({ opened, onClose, title, children }: Props) {
	return (
		<Drawer.Root opened={opened} onClose={onClose} position="right" size="lg">
			<Drawer.Overlay />
			<Drawer.Content>
				<Drawer.Body p="lg">
					<Group justify="space-between" mb="md">
						<Drawer.Title fw={650} fz="lg">{title}</Drawer.Title>
						<Drawer.CloseButton aria-label="Close" />
					</Group>
					{children}
				</Drawer.Body>
			</Drawer.Content>
		</Drawer.Root>
	);
}
