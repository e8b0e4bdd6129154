// Staking as a wallet does it, with real nodes: stake, validate, nominate, join a pool, be paid, leave, be
// slashed. A light client follows the same chain through sessions in which authors weigh differently.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LightClient } from '../lib/light.mjs';
import { Network } from '../lib/network.mjs';
import { binary, REPOSITORY, run, until } from '../lib/processes.mjs';
import { Record, totalsAt } from '../lib/record.mjs';
import { TOKEN } from '../lib/standard.mjs';

/** Weight of a validator without AI work, of one with all that counts, and of a key in its first session. */
const [BASE, FULL, PROBATION] = [10_000, 20_000, 1];
/** Own bond of each validator of the preset. */
const GENESIS_BOND = 100_000n * TOKEN;
/** First session with weights from the ledger of genesis. */
const WEIGHTED = 3;
/** Seconds for what takes a session of 15 s, or an era of 30 s, and those for which a change waits. */
const SESSIONS = 120;
const ERAS = 240;
/** Slots of a session and of an era of the preset. */
const [SESSION_SLOTS, ERA_SLOTS] = [15, 30];
/** Points for two blocks. */
const TWO_BLOCKS = 40;
const BILLION = 10n ** 9n;

describe('staking', () => {
	let network;
	let light;
	let record;
	const people = {};

	before(async () => {
		network = await Network.start({
			folder: path.join(REPOSITORY, '.demo', 'e2e', 'staking'),
			chain: 'fast',
			validators: ['alice', 'bob', 'charlie', 'dave'],
			change: (genesis) => {
				// Bob's credit outlasts every decay of this run; there is room for a fifth validator.
				const [, [bob]] = genesis.staking.stakers;
				genesis.poaw.credits = [[bob, Number(1_000_000n * TOKEN)]];
				genesis.staking.validatorCount = 5;
			},
		});
		record = await Record.start(network);
		light = await LightClient.start(network.chain, network.bootnode);
		for (const name of ['Alice', 'Bob', 'Dave', 'Eve', 'Ferdie', 'User', 'Miner1', 'Miner2']) people[name] = network.account(name);
		people.reward = network.account('Eve//reward');
	});
	after(async () => {
		await light?.stop();
		await network?.stop();
	});

	const alive = () => record.check();
	/** Sends calls of one account, one after the other, and waits until finalised blocks hold them. */
	const sign = async (who, ...calls) => {
		const first = (await network.api.rpc.system.accountNextIndex(who.address)).toNumber();
		return Promise.all(calls.map((call, at) => network.send(call, who, { nonce: first + at })));
	};
	const ledgerOf = async (who) => (await network.api.query.staking.ledger(who.address)).unwrap();
	const authorsOf = (session) => record.blocks.find((block) => block.session === session)?.authors;
	const weightOf = (session, who) => authorsOf(session)?.find(({ account }) => account === who.address)?.weight;

	it('keys made by a running node, by RPC, are registered; the account bonds and validates', async () => {
		const { api } = network;
		people.node = await network.addNode('eve-node', ['--validator'], { rpcMethods: 'unsafe' });
		await network.addressOf(people.node);
		const owner = api.createType('AccountId', people.Eve.address).toHex();
		const { keys, proof } = await people.node.rpc('author_rotateKeysWithOwner', owner);
		await sign(
			people.Eve,
			api.tx.staking.bond(150_000n * TOKEN, { Account: people.reward.address }),
			api.tx.session.setKeys(keys, proof),
			api.tx.staking.validate({ commission: BILLION / 10n, blocked: false }),
		);
		assert.equal((await api.query.session.nextKeys(people.Eve.address)).toHex(), keys);
		await assert.rejects(network.send(api.tx.session.setKeys(keys, '0x'), people.Eve), /session\.InvalidProof/);
	});

	it('a nominator names her, a pool is made for her and joined', async () => {
		const { api } = network;
		const { Eve, Ferdie, User, Miner1 } = people;
		const nominator = sign(Ferdie, api.tx.staking.bond(300_000n * TOKEN, 'Staked'), api.tx.staking.nominate([Eve.address]));
		const create = api.tx.nominationPools.create(50_000n * TOKEN, User.address, User.address, User.address);
		await sign(User, create, api.tx.nominationPools.nominate(1, [Eve.address]));
		await sign(Miner1, api.tx.nominationPools.join(20_000n * TOKEN, 1));
		await nominator;
		const pool = (await api.query.nominationPools.bondedPools(1)).unwrap();
		assert.equal(pool.points.toBigInt(), 70_000n * TOKEN);
		assert.deepEqual((await api.query.staking.nominators(Ferdie.address)).unwrap().targets.toHuman(), [Eve.address]);
	});

	it('a bond is raised, lowered, raised by what was leaving; a nominator chills', async () => {
		const { api } = network;
		const { Eve, Miner2 } = people;
		const before = await network.balance(Miner2.address);
		const results = await sign(
			Miner2,
			api.tx.staking.bond(1_000n * TOKEN, 'Stash'),
			api.tx.staking.nominate([Eve.address]),
			api.tx.staking.bondExtra(100n * TOKEN),
			api.tx.staking.chill(),
			api.tx.staking.unbond(400n * TOKEN),
			api.tx.staking.rebond(100n * TOKEN),
		);
		assert.ok((await api.query.staking.nominators(Miner2.address)).isNone, 'chilled');
		const { active, total, unlocking } = await ledgerOf(Miner2);
		assert.equal(active.toBigInt(), 800n * TOKEN);
		assert.equal(total.toBigInt(), 1_100n * TOKEN);
		assert.deepEqual(unlocking.map(({ value }) => value.toBigInt()), [300n * TOKEN]);
		people.leaves = unlocking[0].era.toNumber();
		const fees = results.reduce((sum, { fee }) => sum + fee, 0n);
		const now = await network.balance(Miner2.address);
		assert.deepEqual(now, { free: before.free - 1_100n * TOKEN - fees, reserved: before.reserved + 1_100n * TOKEN });
	});

	it('two processes with the keys of one validator make two blocks of a slot, and are reported', async () => {
		const twin = await network.addNode('dave-twin', ['--dave', '--validator']);
		const reported = await until('the equivocation is reported', SESSIONS, () => record.find('staking', 'SlashReported'), alive);
		// A double vote usually comes along: the blocks have to be reported as well.
		const doubled = ({ events }) => events.some(({ section, method, data }) => section === 'offences' && method === 'Offence' && data.kind.toUtf8() === 'babe:equivocatio');
		await until('the two blocks are an offence', SESSIONS, () => record.blocks.some(doubled), alive);
		await twin.daemon.stop();
		const { validator, fraction } = reported.data;
		assert.equal(validator.toString(), people.Dave.address);
		// (3 · offenders ⁄ validators)², in parts of a billion, by the set of that session or the one before.
		const { session } = record.block(reported.number);
		const sets = [session, session - 1].map((one) => BigInt(authorsOf(one)?.length ?? 1));
		assert.ok(sets.some((validators) => fraction.toBigInt() === (9n * BILLION) / validators ** 2n), `${fraction} of ${sets}`);
		people.fraction = fraction.toBigInt();
	});

	it('the verified work of one weighs twice, two sessions later; the RPC says so', async () => {
		const { Alice, Bob } = people;
		await until('weights from the ledger of genesis', SESSIONS, () => authorsOf(WEIGHTED), alive);
		assert.equal(weightOf(WEIGHTED - 1, Bob), BASE);
		assert.equal(weightOf(WEIGHTED, Bob), FULL);
		assert.equal(weightOf(WEIGHTED, Alice), BASE);
		const shares = authorsOf(WEIGHTED).map(({ share }) => share);
		assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
		const share = (who) => authorsOf(WEIGHTED).find(({ account }) => account === who.address).share;
		assert.ok(share(Bob) > share(Alice));
	});

	it('she is elected, on probation for a session, and authors', async () => {
		const { Eve } = people;
		const first = await until('Eve is a validator', ERAS, () => record.blocks.find(({ authors }) => authors.some(({ account }) => account === Eve.address)), alive);
		assert.equal(weightOf(first.session, Eve), PROBATION);
		await until('a block by Eve', ERAS, () => record.blocks.find(({ author }) => author === Eve.address), alive);
		await until('her second session', SESSIONS, () => authorsOf(first.session + 1), alive);
		assert.equal(weightOf(first.session + 1, Eve), BASE);
	});

	it('a wallet derives era, session and validators', async () => {
		const { api } = network;
		const { validators, validatorCount } = await api.derive.staking.overview();
		assert.ok(validators.some((who) => who.toString() === people.Eve.address), validators.join());
		assert.equal(validatorCount.toNumber(), 5);
		const { sessionLength, eraLength, sessionProgress, eraProgress, isEpoch } = await api.derive.session.progress();
		assert.ok(isEpoch);
		assert.deepEqual([sessionLength, eraLength].map(Number), [SESSION_SLOTS, ERA_SLOTS]);
		assert.ok(sessionProgress.toNumber() < SESSION_SLOTS && eraProgress.toNumber() < ERA_SLOTS, `${sessionProgress} ${eraProgress}`);
	});

	it('new keys by the command of the node take their place, from its printed call', async () => {
		const { api } = network;
		const { Eve, node } = people;
		const args = ['key', 'rotate', '--owner', Eve.address, '--chain', network.chain, '--base-path', node.folder];
		const printed = Object.fromEntries((await run(binary('dllm-node'), args)).stdout.trim().split('\n').map((line) => line.split(/\s+/)));
		const { block } = await network.send(api.tx(api.createType('Call', printed.call)), Eve);
		assert.equal((await (await api.at(block)).query.session.nextKeys(Eve.address)).toHex(), printed.keys);
		const babe = printed.keys.slice(2, 66);
		const fresh = await until('the new keys are in force', SESSIONS, async () => {
			const { hash, session } = record.blocks.at(-1);
			const authorities = await (await api.at(hash)).query.babe.authorities();
			return authorities.some(([key]) => key.toHex() === `0x${babe}`) && session;
		}, alive);
		assert.equal(weightOf(fresh, Eve), PROBATION, 'a fresh key, whoever owns it');
		await until('a block by the new keys', SESSIONS, () => record.blocks.find(({ author, session }) => session >= fresh && author === Eve.address), alive);
	});

	it('an era with her blocks pays her, her nominator and the pool', async () => {
		const { api } = network;
		const { Alice, Bob, Eve, Ferdie, reward } = people;
		const paidEra = await until('an era with her blocks is over', ERAS, async () => {
			const active = (await api.query.staking.activeEra()).unwrap().index.toNumber();
			for (let era = 1; era < active; era++) {
				const backers = (await api.query.staking.erasStakersOverview(era, Eve.address)).unwrapOrDefault().nominatorCount.toNumber();
				const { individual } = await api.query.staking.erasRewardPoints(era);
				const points = [...individual].find(([who]) => who.toString() === Eve.address)?.[1].toNumber() ?? 0;
				if (backers === 2 && points >= TWO_BLOCKS) return era;
			}
			return false;
		}, alive);
		const staked = (await ledgerOf(Ferdie)).active.toBigInt();
		const { events } = await network.send(api.tx.staking.payoutStakers(Eve.address, paidEra), Alice);
		const rewarded = events.filter(({ section, method }) => section === 'staking' && method === 'Rewarded');
		const paid = (who) => rewarded.filter(({ data }) => data.stash.toString() === who).reduce((sum, { data }) => sum + data.amount.toBigInt(), 0n);
		assert.equal((await network.balance(reward.address)).free, paid(Eve.address));
		assert.equal((await ledgerOf(Ferdie)).active.toBigInt(), staked + paid(Ferdie.address));
		assert.ok(paid(Eve.address) > 0n && paid(Ferdie.address) > 0n);
		assert.equal(rewarded.length, 3, 'she with her commission, the nominator, the pool');

		const { individual, total } = await api.query.staking.erasRewardPoints(paidEra);
		const points = [...individual].find(([who]) => who.toString() === Eve.address)[1].toBigInt();
		const era = (await api.query.staking.erasValidatorReward(paidEra)).unwrap().toBigInt();
		const due = (era * points) / total.toBigInt();
		const sum = rewarded.reduce((sum, { data }) => sum + data.amount.toBigInt(), 0n);
		// The pallet rounds parts to a billionth.
		const near = (one, other) => one - other <= other / 10n ** 6n && other - one <= other / 10n ** 6n;
		assert.ok(near(sum, due), `${sum} for ${due}`);
		// A tenth is her commission; of the rest the nominator gets what its stake was of all that backed her in
		// that era.
		const backing = (await api.query.staking.erasStakersOverview(paidEra, Eve.address)).unwrap().total.toBigInt();
		const { others } = (await api.query.staking.erasStakersPaged(paidEra, Eve.address, 0)).unwrap();
		const stake = others.find(({ who }) => who.toString() === Ferdie.address).value.toBigInt();
		assert.ok(near(paid(Ferdie.address), (due * 9n * stake) / (10n * backing)), `${paid(Ferdie.address)} of ${due}`);
		const again = network.send(api.tx.staking.payoutStakers(Eve.address, paidEra), Alice);
		const page = network.send(api.tx.staking.payoutStakersByPage(Bob.address, paidEra, 0), Bob);
		await assert.rejects(again, /staking\.AlreadyClaimed/);
		const bobs = (await page).events.filter(({ section, method }) => section === 'staking' && method === 'Rewarded');
		assert.deepEqual(bobs.map(({ data }) => data.stash.toString()), [Bob.address], 'he has no nominators');
	});

	it('a member of the pool claims its share', async () => {
		const { api } = network;
		const { Miner1 } = people;
		const pending = (await api.call.nominationPoolsApi.pendingRewards(Miner1.address)).toBigInt();
		const before = await network.balance(Miner1.address);
		const { fee } = await network.send(api.tx.nominationPools.claimPayout(), Miner1);
		const { free } = await network.balance(Miner1.address);
		assert.ok(pending > 0n);
		assert.equal(free, before.free + pending - fee);
	});

	it('stake that was unbonded comes back after the bonding time', async () => {
		const { api } = network;
		const { Miner2, leaves } = people;
		await until(`era ${leaves}`, ERAS, async () => (await api.query.staking.activeEra()).unwrap().index.toNumber() >= leaves, alive);
		const before = await network.balance(Miner2.address);
		const { fee } = await network.send(api.tx.staking.withdrawUnbonded(0), Miner2);
		const now = await network.balance(Miner2.address);
		assert.deepEqual(now, { free: before.free + 300n * TOKEN - fee, reserved: before.reserved - 300n * TOKEN });
	});

	it('the slash takes its part of the bond, and gives all of it to others', async () => {
		const { api } = network;
		const { Dave, fraction } = people;
		const slashed = await until('the slash', ERAS, () => record.find('staking', 'Slashed'), alive);
		const amount = (GENESIS_BOND * fraction) / BILLION;
		assert.equal(slashed.data.staker.toString(), Dave.address);
		assert.equal(slashed.data.amount.toBigInt(), amount);
		const totals = async (number) => totalsAt(network, await api.rpc.chain.getBlockHash(number));
		const [before, now] = [await totals(slashed.number - 1), await totals(slashed.number)];
		assert.equal(before.get(Dave.address) - now.get(Dave.address), amount);
		const minted = record.sum('staking', 'EraPaid', 'remainder', slashed.number, slashed.number);
		const gained = [...now].filter(([who]) => who !== Dave.address).reduce((sum, [who, total]) => sum + total - (before.get(who) ?? 0n), 0n);
		assert.equal(gained, amount + minted, 'to the reporter and the treasury, beside the remainder of the era');
	});

	it('a light client verified all of it', async () => {
		const { api } = network;
		const from = record.blocks.find(({ session }) => session === WEIGHTED).number;
		const to = await until('three sessions with weights', SESSIONS, () => record.blocks.find(({ session }) => session === WEIGHTED + 3)?.number, alive);
		await until(`the light client finalises block ${to}`, SESSIONS, () => light.finalised >= to, () => light.check());
		const headers = light.heads.map((head) => api.registry.createType('Header', head)).filter(({ number }) => number.toNumber() >= from);
		const sessions = new Set(headers.map(({ number }) => record.block(number.toNumber())?.session));
		for (const session of [WEIGHTED, WEIGHTED + 1, WEIGHTED + 2]) assert.ok(sessions.has(session), `session ${session}`);
		for (const header of headers) {
			assert.equal(header.hash.toHex(), (await api.rpc.chain.getBlockHash(header.number.unwrap())).toHex());
		}
	});

	it('no planck came from nowhere or went there', async () => {
		const { number, hash } = record.blocks.at(-1);
		const totals = await totalsAt(network, hash);
		const issuance = async (at) => (await (await network.api.at(at)).query.balances.totalIssuance()).toBigInt();
		const minted = record.sum('staking', 'EraPaid', 'remainder', 1, number) + record.sum('staking', 'Rewarded', 'amount', 1, number);
		const [first, last] = [await issuance(network.api.genesisHash), await issuance(hash)];
		assert.ok(minted > 0n);
		assert.equal(last, first + minted);
		assert.equal([...totals.values()].reduce((sum, total) => sum + total, 0n), last);
	});
});
