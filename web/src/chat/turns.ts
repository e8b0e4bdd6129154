// The conversation: prompts and replies in order, kept in this browser until they are cleared.

export type PaidBy = 'wallet' | 'gateway';

/** `signing` and `sent` are of a wallet's prompt, `streaming` is of the gateway's. */
export type Phase = 'signing' | 'sent' | 'streaming' | 'accepted' | 'done' | 'failed';

export interface Turn {
	id: string;
	prompt: string;
	paidBy: PaidBy;
	model: string;
	phase: Phase;
	/** What has come of a streamed reply; a wallet's is read from its job. */
	reply: string;
	/** Number of the job on the chain with genesis `chain`. */
	job?: number;
	chain?: string;
	error?: string;
}

const STORED = 'dllm.conversation';
/** Turns that are kept at most. */
const KEPT = 50;

/** The conversation as it was left. A turn that was cut off without a job says so. */
export function readTurns(storage: Storage): Turn[] {
	try {
		const turns = JSON.parse(storage.getItem(STORED) ?? '[]') as Turn[];
		return turns.map(resume);
	} catch {
		return [];
	}
}

export function keepTurns(turns: Turn[], storage: Storage): void {
	storage.setItem(STORED, JSON.stringify(turns.slice(-KEPT)));
}

function resume(turn: Turn): Turn {
	const open = turn.phase === 'signing' || turn.phase === 'sent' || turn.phase === 'streaming';
	if (!open) return turn;
	const error = 'The page was closed before this was through. If it was sent, the list of jobs has it.';
	return { ...turn, phase: 'failed', error };
}
