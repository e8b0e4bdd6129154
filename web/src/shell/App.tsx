// The frame around every page: navigation, connection, wallet, scheme and settings.

import { ActionIcon, Anchor, AppShell, Center, Group, Loader, NavLink as Item, Stack, Text, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChartPie, IconListSearch, IconMessageCircle, IconMoon, IconServer2, IconSettings, IconSun, IconTopologyRing2 } from '@tabler/icons-react';
import { lazy, Suspense, useEffect, useRef } from 'react';
import { Link, Navigate, Route, Routes, useLocation } from 'react-router';
import { useChainState } from '../chain/ChainProvider';
import { Chat } from '../chat/Chat';
import { toneStyle } from '../parts/State';
import { WalletButton } from '../wallet/WalletButton';
import { Boundary } from './Boundary';
import { ConnectionBanner } from './ConnectionBanner';
import { SettingsDialog } from './SettingsDialog';

const Network = lazy(() => import('../network/Network'));
const Model = lazy(() => import('../models/Model'));
const Jobs = lazy(() => import('../jobs/Jobs'));
const Job = lazy(() => import('../jobs/Job'));
const Stake = lazy(() => import('../stake/Stake'));
const Miners = lazy(() => import('../miners/Miners'));
const Miner = lazy(() => import('../miners/Miner'));

const PAGES = [
	{ path: '/chat', label: 'Chat', icon: IconMessageCircle },
	{ path: '/network', label: 'Network', icon: IconTopologyRing2 },
	{ path: '/jobs', label: 'Jobs', icon: IconListSearch },
	{ path: '/miners', label: 'Miners', icon: IconServer2 },
	{ path: '/stake', label: 'Stake', icon: IconChartPie },
];

export function App() {
	const { pathname } = useLocation();
	const current = (path: string) => pathname.startsWith(path) || (path === '/network' && pathname.startsWith('/models'));
	return (
		<AppShell header={{ height: 60 }} navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: true } }} footer={{ height: { base: 60, sm: 0 } }} padding="md">
			<a className="skip" href="#main" onClick={focusMain}>Skip to the content</a>
			<Header />
			<AppShell.Navbar p="sm" visibleFrom="sm" aria-label="Pages" bg="var(--surface)">
				<Stack gap={4}>
					{PAGES.map(({ path, label, icon: Glyph }) => (
						<Item key={path} component={Link} to={path} label={label} className="nav" active={current(path)} aria-current={current(path) ? 'page' : undefined} leftSection={<Glyph size={19} stroke={1.7} />} />
					))}
				</Stack>
				<ChainLine />
			</AppShell.Navbar>
			<AppShell.Main id="main" tabIndex={-1} style={{ outline: 'none' }}>
				<ConnectionBanner />
				<Pages />
			</AppShell.Main>
			<AppShell.Footer hiddenFrom="sm">
				<nav className="tabbar" aria-label="Pages">
					{PAGES.map(({ path, label, icon: Glyph }) => (
						<Link key={path} to={path} aria-current={current(path) ? 'page' : undefined}><Glyph size={21} stroke={1.7} />{label}</Link>
					))}
				</nav>
			</AppShell.Footer>
		</AppShell>
	);
}

function focusMain(event: { preventDefault(): void }) {
	// The hash of the address names the page, so the link may not change it.
	event.preventDefault();
	document.getElementById('main')?.focus();
}

function Pages() {
	const { pathname } = useLocation();
	const before = useRef(pathname);
	useEffect(() => {
		if (before.current === pathname) return;
		before.current = pathname;
		window.scrollTo(0, 0);
		document.getElementById('main')?.focus({ preventScroll: true });
	}, [pathname]);
	return (
		<Suspense fallback={<Center h={240}><Loader aria-label="Loading the page" /></Center>}>
			<Boundary page={pathname}><Routes>
				<Route path="/chat" element={<Chat />} />
				<Route path="/network" element={<Network />} />
				<Route path="/models/:id" element={<Model />} />
				<Route path="/jobs" element={<Jobs />} />
				<Route path="/jobs/:id" element={<Job />} />
				<Route path="/stake" element={<Stake />} />
				<Route path="/miners" element={<Miners />} />
				<Route path="/miners/:address" element={<Miner />} />
				<Route path="*" element={<Navigate to="/chat" replace />} />
			</Routes></Boundary>
		</Suspense>
	);
}

function Header() {
	const [opened, { open, close }] = useDisclosure(false);
	const { setColorScheme } = useMantineColorScheme();
	const scheme = useComputedColorScheme('light');
	const other = scheme === 'dark' ? 'light' : 'dark';
	return (
		<AppShell.Header px="md" bg="var(--surface)">
			<Group h="100%" justify="space-between" wrap="nowrap" gap="xs">
				<Anchor component={Link} to="/chat" underline="never" c="var(--mantine-color-text)" aria-label="DLLM, to the chat">
					<Group gap={10} wrap="nowrap">
						<img src="./favicon.svg" alt="" width={28} height={28} />
						<Text fw={700} fz="lg" visibleFrom="xs">DLLM</Text>
					</Group>
				</Anchor>
				<Group gap="xs" wrap="nowrap">
					<WalletButton />
					<Tooltip label={`Use the ${other} scheme`}>
						<ActionIcon variant="default" size={36} aria-label={`Use the ${other} scheme`} onClick={() => setColorScheme(other)}>
							{scheme === 'dark' ? <IconSun size={18} /> : <IconMoon size={18} />}
						</ActionIcon>
					</Tooltip>
					<Tooltip label="Settings">
						<ActionIcon variant="default" size={36} aria-label="Settings" onClick={open}><IconSettings size={18} /></ActionIcon>
					</Tooltip>
				</Group>
			</Group>
			<SettingsDialog opened={opened} onClose={close} />
		</AppShell.Header>
	);
}

function ChainLine() {
	const { status, name, best, finalized } = useChainState();
	const ready = status === 'ready';
	return (
		<Stack gap={2} mt="auto" p="xs">
			<Group gap={8}>
				<span className="dot" style={toneStyle(ready ? 'good' : 'warn')} />
				<Text size="sm" fw={550} data-testid="connection">{ready ? name : status === 'lost' ? 'Reconnecting' : 'Connecting'}</Text>
			</Group>
			{best > 0 && <Text size="xs" c="dimmed" className="digits">block {best.toLocaleString('en-US')} · final {finalized.toLocaleString('en-US')}</Text>}
		</Stack>
	);
}
