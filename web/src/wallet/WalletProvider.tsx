// The account that pays, over all pages. The choice of wallet and account is kept in this browser; the wallet
// itself decides again at every visit whether this page may see them.

import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { connect, wallets, type Payer } from './injected';

const STORED = 'dllm.wallet';
/** Milliseconds within which extensions have put themselves into a page after it loaded. */
const ARRIVAL = 400;

interface WalletContext {
	accounts: Payer[];
	payer?: Payer;
	/** Asks a wallet for its accounts and takes the first. */
	open(wallet: string): Promise<void>;
	choose(address: string): void;
	leave(): void;
}

const Context = createContext<WalletContext | undefined>(undefined);

export function WalletProvider({ children }: { children: ReactNode }) {
	const [accounts, setAccounts] = useState<Payer[]>([]);
	const [address, setAddress] = useState<string>();

	const open = useCallback(async (wallet: string, kept?: string) => {
		const found = await connect(wallet);
		setAccounts(found);
		const chosen = (found.find((account) => account.address === kept) ?? found[0]!).address;
		setAddress(chosen);
		localStorage.setItem(STORED, JSON.stringify({ wallet, address: chosen }));
	}, []);

	useEffect(() => {
		const kept = remembered();
		if (!kept) return;
		const timer = setTimeout(() => {
			// A wallet that refuses or is gone leaves the page without a payer, as on a first visit.
			if (wallets().includes(kept.wallet)) void open(kept.wallet, kept.address).catch(() => undefined);
		}, ARRIVAL);
		return () => clearTimeout(timer);
	}, [open]);

	const value = useMemo<WalletContext>(() => ({
		accounts,
		payer: accounts.find((account) => account.address === address),
		open: (wallet) => open(wallet),
		choose: (chosen) => {
			setAddress(chosen);
			const wallet = accounts.find((account) => account.address === chosen)?.wallet;
			localStorage.setItem(STORED, JSON.stringify({ wallet, address: chosen }));
		},
		leave: () => {
			setAccounts([]);
			localStorage.removeItem(STORED);
		},
	}), [accounts, address, open]);
	return <Context value={value}>{children}</Context>;
}

export function useWallet(): WalletContext {
	const context = useContext(Context);
	if (!context) throw new Error('useWallet needs a WalletProvider around it');
	return context;
}

function remembered(): { wallet: string; address: string } | undefined {
	try {
		return JSON.parse(localStorage.getItem(STORED) ?? 'null') ?? undefined;
	} catch {
		return undefined;
	}
}
