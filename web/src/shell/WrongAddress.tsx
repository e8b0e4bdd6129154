// Stands in the page's place where the address of the node cannot be one.

import { Button, Container, Text, Title } from '@mantine/core';
import { defaultNode, useSettings } from '../settings';

export function WrongAddress({ node, problem }: { node: string; problem: string }) {
	const { settings, apiKey, change } = useSettings();
	const fall = () => change({ ...settings, node: defaultNode(window.location) }, apiKey);
	return (
		<Container component="main" size="sm" py="xl">
			<Title order={1} mb="sm">This is not the address of a node</Title>
			<Text mb="lg" role="alert"><span className="mono">{node}</span>: {problem}.</Text>
			<Button onClick={fall}>Use {defaultNode(window.location)}</Button>
		</Container>
	);
}
