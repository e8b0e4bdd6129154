// The attacks that real processes carry out, each with what should come of it.
//
// `cheat` is the switch of e2e/cheater, `part` what the cheat does in its stage, `stage` which one: 0 is the
// entry. `verdict` is what the chain should say of the cheat; one that `forfeits` loses part of its bond without
// a conviction; one that `works` computes all that is due, and saves nothing. One whose blame is `shared` may pull the
// lead of one neighbouring stage with it; else nobody but the cheat is blamed. Of `quick` ones a reduced run is made.

/** @typedef {{ name: string, cheat: string, part: 'lead' | 'replica', stage: number, verdict: string, forfeits?: boolean, works?: boolean, shared?: boolean, quick?: boolean }} Attack */

/** @type {Attack[]} */
export const ATTACKS = [
	{ name: 'altered activation', cheat: 'alter-activation', part: 'lead', stage: 1, verdict: 'cheat', quick: true },
	{ name: 'lying trace', cheat: 'lying-trace', part: 'lead', stage: 1, verdict: 'cheat', quick: true },
	{ name: 'false accuser', cheat: 'false-accuser', part: 'replica', stage: 1, verdict: 'cheat', quick: true },
	{ name: 'copied commitment', cheat: 'copy-commitment', part: 'replica', stage: 1, verdict: 'cheat', quick: true },
	{ name: 'skipped layer', cheat: 'skip-layer', part: 'lead', stage: 1, verdict: 'cheat' },
	{ name: 'cheaper model', cheat: 'cheap-model', part: 'lead', stage: 1, verdict: 'cheat' },
	{ name: 'abandoned dispute', cheat: 'abandon-dispute', part: 'lead', stage: 1, verdict: 'cheat' },
	{ name: 'silent lead', cheat: 'silent', part: 'lead', stage: 1, verdict: 'workerFault' },
	{ name: 'opening withheld', cheat: 'withhold-opening', part: 'lead', stage: 1, verdict: 'workerFault', forfeits: true },
	{ name: 'rows withheld by the entry', cheat: 'withhold-rows', part: 'lead', stage: 0, verdict: 'workerFault' },
	{ name: 'rows withheld by the first segment', cheat: 'withhold-rows', part: 'lead', stage: 1, verdict: 'workerFault' },
	{ name: 'rows withheld by the first segment, which denies it', cheat: 'withhold-rows-and-lie', part: 'lead', stage: 1, verdict: 'workerFault', shared: true },
	{ name: 'rows withheld by the last segment', cheat: 'withhold-rows', part: 'lead', stage: 2, verdict: 'workerFault' },
	{ name: 'rows withheld from the checker of the next stage', cheat: 'refuse-checkers', part: 'lead', stage: 1, verdict: 'pass', works: true, quick: true },
	{ name: 'rows denied for which it signed', cheat: 'deny-rows', part: 'lead', stage: 1, verdict: 'cheat', works: true },
];
