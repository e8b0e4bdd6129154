// The frame of a page: its title, and what stands in its place while there is nothing to show.

import { Alert, Box, Group, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconAlertTriangle, type Icon } from '@tabler/icons-react';
import { useEffect, type ReactNode } from 'react';
import type { Live } from '../chain/ChainProvider';

interface PageProps {
	title: string;
	about?: ReactNode;
	aside?: ReactNode;
	children: ReactNode;
}

export function Page({ title, about, aside, children }: PageProps) {
	useEffect(() => {
		document.title = `${title} · DLLM`;
	}, [title]);
	return (
		<Stack gap="lg" maw={1160} mx="auto" pb="xl">
			<Group justify="space-between" align="flex-start">
				<Box>
					<Title order={1}>{title}</Title>
					{about && <Text c="dimmed" mt={4} maw={640}>{about}</Text>}
				</Box>
				{aside}
			</Group>
			{children}
		</Stack>
	);
}

interface SectionProps {
	title: ReactNode;
	about?: ReactNode;
	aside?: ReactNode;
	children: ReactNode;
}

export function Section({ title, about, aside, children }: SectionProps) {
	return (
		<Box component="section" className="surface padded">
			<Group justify="space-between" mb="md" gap="sm">
				<Box>
					<Title order={2}>{title}</Title>
					{about && <Text c="dimmed" size="sm" mt={2}>{about}</Text>}
				</Box>
				{aside}
			</Group>
			{children}
		</Box>
	);
}

export function Empty({ icon: Glyph, title, children }: { icon: Icon; title: string; children?: ReactNode }) {
	return (
		<Stack align="center" gap="xs" py="xl" ta="center">
			<ThemeIcon variant="light" size={48} radius="xl"><Glyph size={24} /></ThemeIcon>
			<Text fw={600}>{title}</Text>
			{children && <Text c="dimmed" size="sm" maw={440} component="div">{children}</Text>}
		</Stack>
	);
}

export function Problem({ title = 'This could not be read', children }: { title?: string; children: ReactNode }) {
	return (
		<Alert color="red" variant="outline" icon={<IconAlertTriangle />} title={title} role="alert" c="var(--mantine-color-text)">
			<Text size="sm" c="var(--mantine-color-text)">{children}</Text>
		</Alert>
	);
}

/** Shows data, the error in its place, or bars while it loads. */
export function Loaded<T>({ live, rows = 3, children }: { live: Live<T>; rows?: number; children: (data: T) => ReactNode }) {
	if (live.data !== undefined) return <>{children(live.data)}</>;
	if (live.error) return <Problem>{live.error}</Problem>;
	return (
		<Stack gap="sm" aria-busy="true">
			{Array.from({ length: rows }, (_, index) => <Skeleton key={index} height={28} radius="sm" />)}
		</Stack>
	);
}
