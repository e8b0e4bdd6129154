// What the stake page reads: validators with their weights and stake, pools, and what an account has at stake.
// Each part is there only where the chain has its pallet.

import type { Connection } from '../chain/connection';
import { readPoaw } from '../chain/reads';
import type { Poaw } from '../chain/views';

/** A number as the API writes it in JSON: short ones as numbers, long ones as hex. */
type Figure = number | string | null | undefined;
const amount = (figure: Figure): bigint => BigInt(figure ?? 0);

export interface Validator {
	address: string;
	/** Whether it makes blocks in this session. */
	current: boolean;
	/** Planck behind it and of its own, in this era. */
	stake?: bigint;
	own?: bigint;
	nominators?: number;
	/** Part of the rewards that it keeps, 0 to 1. */
	commission?: number;
	blocked?: boolean;
	/** Weight in the draw of block authors, and the part of blocks to expect, 0 to 1. */
	weight?: number;
	share?: number;
	/** Planck of credit for AI work that counts. */
	credit?: bigint;
}

export interface StakeView {
	hasStaking: boolean;
	hasPools: boolean;
	poaw?: Poaw;
	era?: number;
	/** Planck at stake in this era. */
	staked?: bigint;
	/** Planck that a nominator bonds at least. */
	leastBond: bigint;
	leastJoin: bigint;
	validators: Validator[];
	pools: Pool[];
}

export interface Pool {
	id: number;
	name: string;
	state: string;
	members: number;
	points: bigint;
}

export async function readStake(chain: Connection): Promise<StakeView> {
	const { staking, nominationPools, session } = chain.api.query;
	const [current, poaw] = await Promise.all([session!.validators!(), readPoaw(chain)]);
	const addresses = current.toJSON() as string[];
	const view: StakeView = {
		hasStaking: staking !== undefined, hasPools: nominationPools !== undefined, poaw,
		leastBond: 0n, leastJoin: 0n, pools: [], validators: addresses.map((address) => ({ address, current: true })),
	};
	if (staking) await addStaking(chain, view);
	if (nominationPools) await addPools(chain, view);
	return { ...view, validators: view.validators.map((validator) => weighed(validator, poaw)) };
}

function weighed(validator: Validator, poaw?: Poaw): Validator {
	const author = poaw?.currentAuthors.find(({ account }) => account === validator.address);
	const entry = poaw?.ledger.find(({ account }) => account === validator.address);
	return { ...validator, weight: author?.weight, share: author?.share, credit: entry && BigInt(entry.counted) };
}

async function addStaking({ api }: Connection, view: StakeView): Promise<void> {
	const staking = api.query.staking!;
	const [active, preferences, least] = await Promise.all([staking.activeEra!(), staking.validators!.entries(), staking.minNominatorBond!()]);
	const era = (active.toJSON() as { index: number } | null)?.index ?? 0;
	const [total, overviews] = await Promise.all([staking.erasTotalStake!(era), staking.erasStakersOverview!.entries(era)]);
	const exposed = new Map(overviews.map(([key, value]) => [key.args[1]!.toString(), value.toJSON() as { total: Figure; own: Figure; nominatorCount: number }]));
	const known = new Map(view.validators.map((validator) => [validator.address, validator]));
	for (const [key, value] of preferences) {
		const address = key.args[0]!.toString();
		const { commission, blocked } = value.toJSON() as { commission: number; blocked: boolean };
		// Commission comes in parts of a milliard.
		known.set(address, { current: false, ...known.get(address), address, commission: commission / 1e9, blocked });
	}
	view.validators = [...known.values()].map((validator) => {
		const exposure = exposed.get(validator.address);
		return { ...validator, stake: exposure && amount(exposure.total), own: exposure && amount(exposure.own), nominators: exposure?.nominatorCount };
	});
	Object.assign(view, { era, staked: amount(total.toJSON() as Figure), leastBond: amount(least.toJSON() as Figure) });
}

async function addPools({ api }: Connection, view: StakeView): Promise<void> {
	const pools = api.query.nominationPools!;
	const [bonded, names, least] = await Promise.all([pools.bondedPools!.entries(), pools.metadata!.entries(), pools.minJoinBond!()]);
	const named = new Map(names.map(([key, value]) => [Number(key.args[0]!.toString()), value.toHuman() as string]));
	view.leastJoin = amount(least.toJSON() as Figure);
	view.pools = bonded.map(([key, value]) => {
		const id = Number(key.args[0]!.toString());
		const { state, memberCounter, points } = value.toJSON() as { state: string; memberCounter: number; points: Figure };
		return { id, name: named.get(id) || `Pool ${id}`, state: state.toLowerCase(), members: memberCounter, points: amount(points) };
	}).sort((one, other) => one.id - other.id);
}

export interface Position {
	/** Planck bonded, and what of it counts. */
	total: bigint;
	active: bigint;
	/** Planck that leaves, and the era from which it can be withdrawn. */
	unlocking: { value: bigint; era: number }[];
	nominations: string[];
	/** Rewards that wait: validators and eras to pay out. */
	unpaid: { validator: string; era: number }[];
	pool?: { id: number; points: bigint; pending: bigint; unbonding: { era: number; points: bigint }[] };
}

/** Eras back that are searched for unpaid rewards. */
const REWARD_ERAS = 12;

/** What an account has at stake. */
export async function readPosition(chain: Connection, address: string, era: number): Promise<Position> {
	const { staking, nominationPools } = chain.api.query;
	const [ledger, nominator, membership] = await Promise.all([staking?.ledger!(address), staking?.nominators!(address), nominationPools?.poolMembers!(address)]);
	const held = ledger?.toJSON() as { total: Figure; active: Figure; unlocking: { value: Figure; era: number }[] } | null | undefined;
	const nominations = (nominator?.toJSON() as { targets: string[] } | null | undefined)?.targets ?? [];
	const member = membership?.toJSON() as { poolId: number; points: Figure; unbondingEras: Record<string, Figure> } | null | undefined;
	return {
		total: amount(held?.total),
		active: amount(held?.active),
		unlocking: (held?.unlocking ?? []).map((chunk) => ({ value: amount(chunk.value), era: chunk.era })),
		nominations,
		unpaid: await readUnpaid(chain, nominations, era),
		pool: member ? await readMembership(chain, address, member) : undefined,
	};
}

async function readMembership(chain: Connection, address: string, member: { poolId: number; points: Figure; unbondingEras: Record<string, Figure> }) {
	const pending = await chain.api.call.nominationPoolsApi!.pendingRewards!(address);
	const unbonding = Object.entries(member.unbondingEras).map(([era, points]) => ({ era: Number(era), points: amount(points) }));
	return { id: member.poolId, points: amount(member.points), pending: amount(pending.toJSON() as Figure), unbonding };
}

async function readUnpaid(chain: Connection, validators: string[], era: number): Promise<Position['unpaid']> {
	const ask = chain.api.call.stakingApi?.pendingRewards;
	if (!ask) return [];
	const eras = Array.from({ length: Math.min(REWARD_ERAS, era) }, (_, back) => era - 1 - back);
	const asked = validators.flatMap((validator) => eras.map(async (past) => ((await ask(past, validator)).toJSON() ? [{ validator, era: past }] : [])));
	return (await Promise.all(asked)).flat();
}
