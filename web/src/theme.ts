// How the page looks: one accent, generous radii, and colours of text that keep a contrast of 4.5 to 1 in both
// schemes, which some defaults of the component library miss.

import { createTheme, type CSSVariablesResolver } from '@mantine/core';

export const theme = createTheme({
	colors: {
		dark: ['#e4e7ee', '#c3c9d6', '#a3abba', '#8089a0', '#4a5264', '#363d4c', '#2a2f3b', '#1a1d25', '#15181f', '#0f1116'],
	},
	primaryColor: 'indigo',
	primaryShade: 8,
	defaultRadius: 'md',
	fontFamily: "'Inter Variable', system-ui, sans-serif",
	fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, monospace',
	headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.125rem' }, h3: { fontSize: '1rem' } } },
	cursorType: 'pointer',
	respectReducedMotion: true,
});

export const variables: CSSVariablesResolver = () => ({
	variables: {},
	light: {
		'--mantine-color-body': '#f7f8fb',
		'--mantine-color-dimmed': '#55606e',
		'--mantine-color-error': '#c92a2a',
		'--mantine-color-placeholder': '#667080',
		'--mantine-color-indigo-light-color': '#2f4ac0',
		'--surface': '#ffffff',
		'--line': '#e3e6ee',
		'--good': '#2b8a3e',
		'--warn': '#e67700',
		'--bad': '#e03131',
		'--quiet': '#868e96',
	},
	dark: {
		'--mantine-color-body': '#12141a',
		'--mantine-color-text': '#e4e7ee',
		'--mantine-color-dimmed': '#a3abba',
		'--mantine-color-error': '#ff8787',
		'--mantine-color-placeholder': '#949dad',
		'--mantine-color-anchor': '#91a7ff',
		'--mantine-color-indigo-light-color': '#bac8ff',
		'--mantine-color-default': '#1a1d25',
		'--mantine-color-default-border': '#323845',
		'--mantine-color-disabled-color': '#8089a0',
		'--surface': '#1a1d25',
		'--line': '#2a2f3b',
		'--good': '#51cf66',
		'--warn': '#ffa94d',
		'--bad': '#ff6b6b',
		'--quiet': '#868e96',
	},
});
