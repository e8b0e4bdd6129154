// The roles of a worker in words.

import type { Worker } from '../chain/views';

export function rolesOf({ roles }: Worker): string {
	const names = [roles.entry && 'entry', roles.miner && 'miner', roles.verifier && 'verifier'].filter(Boolean);
	return names.join(', ') || 'none';
}
