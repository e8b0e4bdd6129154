// What the chain tells, as JSON: the views of `dllm_*`. Balances are decimal strings of planck.

export interface Shard {
	hash: string;
	bytes: number;
	flopsPerToken: number;
	kvBytesPerToken: number;
}

/** Low-rank additions to the layers of a model, which a job may name. */
export interface Adapter {
	id: number;
	owner: string;
	/** Takes no new prompts. */
	retired: boolean;
	name: string;
	licence: string;
	manifestRoot: string;
	/** Width of its products. */
	rank: number;
	bytes: number;
}

export interface Model {
	id: number;
	owner: string;
	state: string;
	name: string;
	licence: string;
	manifestRoot: string;
	tokenizerHash: string;
	profile: string;
	hiddenSize: number;
	maxContext: number;
	embed: Shard;
	layers: Shard[];
	head: Shard;
	adapters: Adapter[];
}

/** Consecutive layers `start..end`; empty for the entry. */
export interface Layers {
	start: number;
	end: number;
}

export interface Stage {
	stage: number;
	layers: Layers;
	workers: string[];
	/** Those that have loaded their shards. */
	ready: string[];
	/** Planck per GFLOP. */
	price: string;
}

export interface Pipeline {
	id: number;
	model: number;
	state: string;
	slots: number;
	openJobs: number;
	/** Rows at most of its open jobs. */
	inFlight: number;
	/** Rows that passed lately in a thousand blocks of running; null where no job showed it of late. */
	pace: number | null;
	stages: Stage[];
}

export interface Worker {
	account: string;
	operator: string;
	active: boolean;
	state: string;
	bond: bigint;
	roles: { entry: boolean; miner: boolean; verifier: boolean };
	/** Bytes. */
	memory: number;
	/** Planck per GFLOP. */
	price: bigint;
	addresses: string[];
	openJobs: number;
	passed: number;
	faults: number;
	cheats: number;
}

/** A way between two workers, as the worse of its ends measured it. */
export interface Link {
	ends: [string, string];
	/** Median round trip in microseconds. */
	rttUs: number;
	/** Longest minus shortest round trip in microseconds. */
	jitterUs: number;
	/** Share of packets lost in ppm. */
	lossPpm: number;
	bytesPerSecond: number;
	/** Blocks since each end reported it; null for an end that does not. */
	ages: [number | null, number | null];
}

/** `dllm_links`: what workers measured of late. */
export interface Links {
	links: Link[];
	/** Workers that reported once, do so no longer, and answer nobody who does. */
	silent: string[];
}

export interface JobState {
	kind: string;
	detail?: unknown;
}

export interface Job {
	id: number;
	client: string;
	model: number;
	/** Number of the adapter that it asks for; null for the plain model. */
	adapter: number | null;
	state: JobState;
	phase: string | null;
	sealed: boolean;
	/** How sure its user wanted to be. */
	assurance: string;
	/** What becomes of it where its workers fail it: `refund` or `rerun`. */
	onFailure: string;
	/** The job that failed and that it runs again. */
	rerunOf: number | null;
	maxPrice: string;
	fee: string;
	tokens: number;
	rows: number;
	reply: string | null;
	submitted: number;
	deadline: number;
	awarded: number | null;
	ended: number | null;
}

export interface Roots {
	class: string;
	weights: string;
	input: string;
	output: string;
	result: string;
	rows: number;
}

export interface Opening {
	salt: string;
	roots: Roots;
}

export interface Participant {
	worker: string;
	part: string;
	/** The commitment and the block that holds it. */
	commitment: [string, number] | null;
	opening: Opening | null;
	verdict: string | null;
}

/** How far a lead came whose job did not come to its end, by its own word. */
export interface Tally {
	/** Rows that came from the stage before; null where that link never stood. */
	received: number | null;
	/** Rows that it sent to the next stage; null where that link never stood. */
	sent: number | null;
	/** Whether the next stage gave up, or could not be reached any more. */
	lostNext: boolean;
}

/** Rows of lead and replica in unlike numerics classes that the chain compared. */
export interface Comparison {
	/** Positions of these rows. */
	positions: number[];
	/** What they may differ by, in parts per billion of a row's length: their median, and each of them. */
	tolerance: { median: number; max: number; version: number; calibration: string };
	/** What came of it; null while one of the two has not shown its rows. */
	likeness: 'alike' | 'unlike' | 'unshown' | null;
}

export interface StageReceipt {
	stage: number;
	layers: Layers;
	participants: Participant[];
	/** Checkers that got no rows, in the order in which they were drawn. */
	refused?: string[];
	/** Probability in ppm with which its holders summon a checker by lot; 0 where the whole job is checked. */
	chance?: number;
	/** Where the dispute between lead and replica stands, or how it ended; null where there is none. */
	dispute: 'awaiting' | 'moved' | { over: 'convicted' | 'dismissed' } | null;
	/** How the rows of lead and replica compare; null where nothing was compared. */
	comparison?: Comparison | null;
	/** How far its lead came, where the job did not come to its end and the lead told it. */
	tally?: Tally | null;
	/** What its lead signed as an end of a hop, where it told another root. */
	contradiction?: { end: 'sender' | 'receiver'; rows: number; root: string; signature: string } | null;
}

export interface Payment {
	to: string;
	amount: string;
}

export interface Receipt {
	job: Job;
	pipeline: number | null;
	/** Whether the draw has it checked; null before the draw. */
	checked: boolean | null;
	stages: StageReceipt[];
	miners: Payment[];
	verifiers: Payment[];
	treasury: string;
	burned: string;
	refunded: string;
}

export interface Quote {
	fee: string;
}

/** Weights of block authors by proof of AI work: `dllm_poaw`. */
export interface Poaw {
	session: number;
	/** Planck of credit for the full multiplier. */
	target: string;
	pot: string;
	currentAuthors: { account: string; weight: number; share: number }[];
	ledger: { account: string; credit: string; earned: string; selfBond: string; counted: string }[];
	params: { kappaMilli: number; minValidators: number };
}

/** Whether nothing more will happen to a job. */
export function isFinal(job: Job): boolean {
	return job.ended !== null;
}
