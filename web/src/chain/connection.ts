// The connection to a node: one API object for the page, its state, and the height of the chain. It connects
// again by itself; what the pages read meanwhile stays on screen.

import { ApiPromise, WsProvider } from '@polkadot/api';

/** Milliseconds between attempts to connect. */
const RETRY = 1_500;

/** `connecting` before the first answer, `lost` after a break. */
export type Status = 'connecting' | 'ready' | 'lost';

export interface ChainState {
	status: Status;
	/** Why there is no connection, where that is known. */
	problem?: string;
	/** Name of the chain. */
	name: string;
	best: number;
	finalized: number;
}

const INITIAL: ChainState = { status: 'connecting', name: '', best: 0, finalized: 0 };

/** A node behind a websocket address. */
export class Connection {
	readonly api: ApiPromise;
	#provider: WsProvider;
	#state: ChainState = INITIAL;
	#listeners = new Set<() => void>();

	/** Starts to connect to `url`; throws where it is no websocket address. */
	constructor(readonly url: string) {
		this.#provider = new WsProvider(url, RETRY);
		this.api = new ApiPromise({ provider: this.#provider, noInitWarn: true });
		// A first attempt that fails is told by the event below, and followed by others.
		this.api.isReadyOrError.catch(() => undefined);
		this.api.on('ready', () => void this.#started());
		this.api.on('connected', () => void this.#connected());
		this.api.on('disconnected', () => this.#lost());
		this.api.on('error', () => this.#lost());
	}

	/** Calls `listener` after every change of state; answers how to stop that. */
	subscribe = (listener: () => void): (() => void) => {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	};

	state = (): ChainState => this.#state;

	/** A call of the node's JSON-RPC. */
	rpc<T>(method: string, ...params: unknown[]): Promise<T> {
		return this.#provider.send<T>(method, params);
	}

	close(): void {
		this.#listeners.clear();
		void this.api.disconnect();
	}

	#set(change: Partial<ChainState>): void {
		this.#state = { ...this.#state, ...change };
		for (const listener of this.#listeners) listener();
	}

	async #started(): Promise<void> {
		const name = (await this.api.rpc.system.chain()).toString();
		this.#set({ status: 'ready', name, problem: undefined });
		await this.api.rpc.chain.subscribeNewHeads((header) => this.#set({ best: header.number.toNumber() }));
		await this.api.rpc.chain.subscribeFinalizedHeads((header) => this.#set({ finalized: header.number.toNumber() }));
	}

	async #connected(): Promise<void> {
		if (this.#state.status !== 'lost' || !this.api.genesisHash) return;
		const genesis = await this.rpc<string>('chain_getBlockHash', 0);
		// Another chain has taken the node's place: nothing on this page is true any more.
		if (genesis !== this.api.genesisHash.toHex()) return window.location.reload();
		this.#set({ status: 'ready', problem: undefined });
	}

	#lost(): void {
		const started = this.#state.best > 0;
		this.#set({ status: started ? 'lost' : 'connecting', problem: `no answer from ${this.url}` });
	}
}
