// Holds the settings of this visit and keeps what the person changes.

import { useMemo, useState, type ReactNode } from 'react';
import { keepKey, keepSettings, readKey, readSettings, SettingsContext } from '../settings';

export function SettingsProvider({ children }: { children: ReactNode }) {
	const [settings, setSettings] = useState(() => readSettings(window.location, localStorage));
	const [apiKey, setApiKey] = useState(() => readKey(settings.gateway, localStorage));
	const value = useMemo<SettingsContext>(() => ({
		settings,
		apiKey,
		change: (changed, key) => {
			keepSettings(changed, localStorage);
			keepKey(changed.gateway, key, localStorage);
			setSettings(changed);
			setApiKey(key);
		},
	}), [settings, apiKey]);
	return <SettingsContext value={value}>{children}</SettingsContext>;
}
