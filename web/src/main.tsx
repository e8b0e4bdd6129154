// Where the page starts: styles, settings, theme, and the connections that every page shares.

import '@fontsource-variable/inter';
import '@mantine/core/styles.css';
import '@mantine/charts/styles.css';
import '@mantine/notifications/styles.css';
import '@xyflow/react/dist/style.css';
import './styles.css';

import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { HashRouter } from 'react-router';
import { ChainProvider } from './chain/ChainProvider';
import { App } from './shell/App';
import { SettingsProvider } from './shell/SettingsProvider';
import { theme, variables } from './theme';
import { WalletProvider } from './wallet/WalletProvider';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element named root');

createRoot(root).render(
	<StrictMode>
		<MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
			<Notifications position="top-center" />
			<SettingsProvider>
				<ChainProvider>
					<WalletProvider>
						<HashRouter><App /></HashRouter>
					</WalletProvider>
				</ChainProvider>
			</SettingsProvider>
		</MantineProvider>
	</StrictMode>,
);
