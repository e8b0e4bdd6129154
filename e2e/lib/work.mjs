// Proof of AI work as a user sees it: workers linked to a validator, the credit that their verified work
// earns it, and the weights of authors that follow.

/** Links every worker of a network to a validator: each asks for it, the validator countersigns them all. */
export async function linkWorkers(network, validator) {
	const { api, workers } = network;
	const signer = network.account(validator);
	const propose = ({ name }) => network.send(api.tx.poaw.proposeLink(signer.address), network.account(name), { settle: false });
	await Promise.all(workers.map(propose));
	const accept = workers.map(({ address }) => api.tx.poaw.acceptLink(address));
	await network.send(api.tx.utility.batchAll(accept), signer);
}

/** What verified work has brought a validator so far, in planck, at the last finalised block. */
export async function creditOf(network, validator) {
	const credit = await network.rpc('dllm_poawCredit', network.account(validator).address, await network.finalized());
	return BigInt(credit.credit) + BigInt(credit.earned);
}

/** Weights and expected shares of blocks of the authors that are announced last, as one line. */
export function weightsLine({ session, nextAuthors }, names) {
	const authors = nextAuthors.map(({ account, weight, share }) => `${names.get(account) ?? account} ${weight} (${(100 * share).toFixed(1)} % of blocks)`);
	return `session ${session + 1}: ${authors.join(', ')}`;
}
