// Node, gateway and key, checked before they are kept.

import { Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { Dialog } from '../parts/Dialog';
import { gatewayProblem, nodeProblem, readKey, useSettings } from '../settings';

export function SettingsDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
	return (
		<Dialog opened={opened} onClose={onClose} title="Settings">
			<Form onClose={onClose} />
		</Dialog>
	);
}

function Form({ onClose }: { onClose: () => void }) {
	const { settings, apiKey, change } = useSettings();
	const [node, setNode] = useState(settings.node);
	const [gateway, setGateway] = useState(settings.gateway);
	const [key, setKey] = useState(apiKey);
	const problem = nodeProblem(node) ?? gatewayProblem(gateway);
	const save = (event: FormEvent) => {
		event.preventDefault();
		if (problem) return;
		change({ node, gateway }, key);
		onClose();
	};
	const anotherGateway = (address: string) => {
		setGateway(address);
		setKey(readKey(address, localStorage));
	};
	return (
		<form onSubmit={save}>
			<Stack>
				<TextInput label="Node" description="Websocket address of a node of the chain" value={node} error={nodeProblem(node)} onChange={(event) => setNode(event.currentTarget.value)} data-autofocus />
				<TextInput label="Gateway" description="Leave empty if the gateway served this page" value={gateway} error={gatewayProblem(gateway)} onChange={(event) => anotherGateway(event.currentTarget.value.trim())} />
				<PasswordInput label="Key of the gateway" description="Kept in this browser and sent to this gateway only" value={key} autoComplete="off" onChange={(event) => setKey(event.currentTarget.value)} visibilityToggleButtonProps={{ 'aria-label': 'Show the key' }} />
				<Group justify="flex-end">
					<Button variant="default" onClick={onClose}>Cancel</Button>
					<Button type="submit" disabled={problem !== undefined}>Save</Button>
				</Group>
			</Stack>
		</form>
	);
}
