// One figure with its name, in a row of such figures.

import { Box, SimpleGrid, Text } from '@mantine/core';
import type { ReactNode } from 'react';

export function Figures({ children, cols = 4 }: { children: ReactNode; cols?: number }) {
	return (
		<SimpleGrid component="dl" m={0} cols={{ base: 2, md: cols }} spacing="sm">{children}</SimpleGrid>
	);
}

export function Figure({ name, value, note }: { name: string; value: ReactNode; note?: ReactNode }) {
	return (
		<Box className="surface" p="md">
			<Text component="dt" size="sm" c="dimmed">{name}</Text>
			<Text component="dd" m={0} fz={{ base: 18, sm: 22 }} fw={650} className="digits" lh={1.3}>
				{value}
				{note && <Text span display="block" size="sm" c="dimmed" fw={400}>{note}</Text>}
			</Text>
		</Box>
	);
}
