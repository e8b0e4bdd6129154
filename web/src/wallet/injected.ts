// Browser wallets by the extension interface that Substrate wallets share: `window.injectedWeb3[name]`.

/** An account that a wallet lets this page see. */
export interface WalletAccount {
	address: string;
	name?: string;
	type?: string;
}

/** Who signs and pays. */
export interface Payer extends WalletAccount {
	wallet: string;
	signer: unknown;
}

interface Injected {
	accounts: { get(): Promise<WalletAccount[]>; subscribe?(heard: (accounts: WalletAccount[]) => void): () => void };
	signer: unknown;
}

interface Entry {
	version?: string;
	enable?(origin: string): Promise<Injected>;
}

/** Name by which the page asks a wallet for access. */
const ORIGIN = 'DLLM';

/** Names of the wallets in this browser. */
export function wallets(): string[] {
	return Object.keys(injected()).sort();
}

/** Asks a wallet for access and answers its accounts that can sign here. */
export async function connect(wallet: string): Promise<Payer[]> {
	const entry = injected()[wallet];
	if (!entry?.enable) throw new Error(`The wallet ${wallet} is not in this browser any more. Reload the page.`);
	const { accounts, signer } = await entry.enable(ORIGIN);
	const substrate = (await accounts.get()).filter(({ type }) => type !== 'ethereum');
	if (substrate.length === 0) throw new Error(`${wallet} shows no account to this page. Allow one in the wallet, then connect again.`);
	return substrate.map((account) => ({ ...account, wallet, signer }));
}

function injected(): Record<string, Entry> {
	return (window as { injectedWeb3?: Record<string, Entry> }).injectedWeb3 ?? {};
}
