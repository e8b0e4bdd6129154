// What a worker did in the latest jobs and what it was paid, read from their receipts.

import type { Receipt } from '../chain/views';

export interface Part {
	job: number;
	block: number | null;
	stage: number;
	part: string;
	verdict: string | null;
	/** Planck over all parts that the worker had in this job; 0 where it was not settled. */
	paid: bigint;
}

/** Parts of `worker` in `receipts`, in their order; a job is paid once, in its first part here. */
export function partsOf(worker: string, receipts: Receipt[]): Part[] {
	return receipts.flatMap((receipt) => {
		const parts = receipt.stages.flatMap(({ stage, participants }) =>
			participants.filter((one) => one.worker === worker).map(({ part, verdict }) => ({ job: receipt.job.id, block: receipt.job.ended, stage, part, verdict, paid: 0n })),
		);
		const paid = [...receipt.miners, ...receipt.verifiers].reduce((sum, { to, amount }) => (to === worker ? sum + BigInt(amount) : sum), 0n);
		return parts.map((part, index) => ({ ...part, paid: index === 0 ? paid : 0n }));
	});
}

/** Planck that parts were paid. */
export function totalPaid(parts: Part[]): bigint {
	return parts.reduce((sum, { paid }) => sum + paid, 0n);
}
