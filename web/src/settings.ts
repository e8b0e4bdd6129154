// Which node and which gateway the page talks to. Kept in this browser; `?node=` and `?gateway=` in the
// address take precedence for one visit and are not kept, so a link cannot change them for good. A key
// belongs to its gateway and is never sent to another one.

import { createContext, useContext } from 'react';

export interface Settings {
	/** Websocket address of a node. */
	node: string;
	/** Where the gateway's `/v1` is; empty for where the page came from. */
	gateway: string;
}

const STORED = 'dllm.settings';
const KEYS = 'dllm.gateway-keys';
const NODE_PORT = 9944;

/** Settings of this visit: the address line, then what was kept, then the host that served the page. */
export function readSettings(location: Location, storage: Storage): Settings {
	const asked = new URLSearchParams(location.search);
	const kept = parse<Partial<Settings>>(storage.getItem(STORED)) ?? {};
	return {
		node: asked.get('node') ?? kept.node ?? defaultNode(location),
		gateway: asked.get('gateway') ?? kept.gateway ?? '',
	};
}

/** The node beside the server of the page. */
export function defaultNode({ protocol, hostname }: Location): string {
	return `${protocol === 'https:' ? 'wss' : 'ws'}://${hostname || '127.0.0.1'}:${NODE_PORT}`;
}

export function keepSettings(settings: Settings, storage: Storage): void {
	storage.setItem(STORED, JSON.stringify(settings));
}

/** The key kept for a gateway; empty where there is none. */
export function readKey(gateway: string, storage: Storage): string {
	return parse<Record<string, string>>(storage.getItem(KEYS))?.[gateway] ?? '';
}

/** Keeps a key for its gateway; an empty one forgets it. */
export function keepKey(gateway: string, key: string, storage: Storage): void {
	const keys = parse<Record<string, string>>(storage.getItem(KEYS)) ?? {};
	if (key) keys[gateway] = key;
	else delete keys[gateway];
	storage.setItem(KEYS, JSON.stringify(keys));
}

/** Why an address of a node cannot be one; nothing where it can. */
export function nodeProblem(address: string): string | undefined {
	return /^wss?:\/\/[^\s/]+/.test(address) ? undefined : 'write a websocket address such as ws://127.0.0.1:9944';
}

/** Why an address of a gateway cannot be one; nothing where it can. */
export function gatewayProblem(address: string): string | undefined {
	if (address === '' || /^https?:\/\/[^\s/]+/.test(address)) return undefined;
	return 'write a web address such as http://127.0.0.1:8080, or leave it empty';
}

function parse<T>(text: string | null): T | undefined {
	try {
		return text ? (JSON.parse(text) as T) : undefined;
	} catch {
		return undefined;
	}
}

export interface SettingsContext {
	settings: Settings;
	/** Key of the gateway in use. */
	apiKey: string;
	change(settings: Settings, apiKey: string): void;
}

export const SettingsContext = createContext<SettingsContext | undefined>(undefined);

export function useSettings(): SettingsContext {
	const context = useContext(SettingsContext);
	if (!context) throw new Error('useSettings needs a SettingsContext around it');
	return context;
}
