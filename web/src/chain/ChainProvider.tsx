// Gives every page the connection to the node that the settings name, and data that follows the chain.

import { createContext, useContext, useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { nodeProblem, useSettings } from '../settings';
import { WrongAddress } from '../shell/WrongAddress';
import { Connection, type ChainState } from './connection';

const Context = createContext<Connection | undefined>(undefined);

export function ChainProvider({ children }: { children: ReactNode }) {
	const { node } = useSettings().settings;
	const problem = nodeProblem(node);
	const [connection, setConnection] = useState<Connection>();
	useEffect(() => {
		if (problem) return;
		const opened = new Connection(node);
		// eslint-disable-next-line react-hooks/set-state-in-effect -- the connection lives exactly as long as this effect
		setConnection(opened);
		return () => opened.close();
	}, [node, problem]);
	if (problem) return <WrongAddress node={node} problem={problem} />;
	return connection && <Context value={connection}>{children}</Context>;
}

export function useChain(): Connection {
	const connection = useContext(Context);
	if (!connection) throw new Error('useChain needs a ChainProvider around it');
	return connection;
}

/** The state of the connection, followed. */
export function useChainState(): ChainState {
	const chain = useChain();
	return useSyncExternalStore(chain.subscribe, chain.state);
}

/** What a page reads: the last answer, or why there is none. */
export interface Live<T> {
	data?: T;
	error?: string;
}

/**
 * Reads from the chain now and again at every new block. `key` names what is read: answers of another key are
 * never shown. A failed read keeps the answer before it, so a node that restarts empties no page.
 */
export function useLive<T>(key: string, read: (chain: Connection) => Promise<T>): Live<T> {
	const chain = useChain();
	const { status, best } = useChainState();
	const [held, setHeld] = useState<Live<T> & { key: string }>({ key });
	const latest = useRef(read);
	const reading = useRef<string>(undefined);

	useEffect(() => {
		latest.current = read;
	});
	useEffect(() => {
		// One read of a key at a time: a slow node is not asked twice.
		if (status !== 'ready' || reading.current === key) return;
		reading.current = key;
		const settle = (change: Live<T>) => {
			if (reading.current !== key) return;
			reading.current = undefined;
			setHeld((before) => ({ ...(before.key === key ? before : {}), ...change, key }));
		};
		latest.current(chain).then(
			(data) => settle({ data, error: undefined }),
			(error: Error) => settle({ error: error.message }),
		);
	}, [key, chain, status, best]);

	return held.key === key ? held : {};
}
