//! Calls against metadata with the transaction extensions of the runtime: arguments are read back
//! whole, other arguments are noticed, and the signature covers what the runtime will check.

use codec::{Compact, Decode, Encode};
use dllm_primitives::{
	capacity::{Offer, Terms},
	commitment::Opening,
	compare::ShownRow,
	cost::{link::LinkFigures, DeviceFigures, Workload},
	dispute::Move,
	ids::{Digest, JobId, ModelId, StageIndex},
	job::{Assurance, Body, Limits, OnFailure, Options},
	links::{Links, Probed, Reading},
	miner::{Roles, WorkerSpec},
	model::LayerRange,
	plan::{Plan, Segment},
	summons,
	trace::{self, opening::Leaves},
};
use dllm_worker::{
	chain::{calls, calls::Call, Account, AccountId32, H256},
	duties::winning_lot,
};
use scale_info::{meta_type, MetaType, TypeInfo};
use sp_core::{sr25519, Pair};
use std::sync::Arc;
use subxt::{
	config::substrate::{SpecVersionForRange, SubstrateConfig},
	ext::frame_metadata::v16,
	Metadata, OfflineClient, OfflineClientAtBlock,
};

const SPEC_VERSION: u32 = 7;
const TRANSACTION_VERSION: u32 = 3;
const GENESIS: H256 = H256([1; 32]);
const BIRTH: (u64, H256) = (100, H256([2; 32]));
const NONCE: u64 = 9;

/// The calls as the pallets declare them.
#[allow(dead_code, non_camel_case_types)]
#[derive(TypeInfo)]
enum JobsCall {
	#[codec(index = 0)]
	submit {
		model: ModelId,
		body: Body,
		limits: Limits,
		max_price: u128,
		deadline_blocks: u32,
		assurance: Assurance,
	},
	#[codec(index = 1)]
	cancel { job: JobId },
	#[codec(index = 2)]
	submit_with {
		model: ModelId,
		body: Body,
		limits: Limits,
		max_price: u128,
		deadline_blocks: u32,
		assurance: Assurance,
		options: Options,
	},
}

#[allow(dead_code, non_camel_case_types)]
#[derive(TypeInfo)]
enum MinersCall {
	#[codec(index = 0)]
	register {
		operator: Option<[u8; 32]>,
		spec: WorkerSpec,
		bond: u128,
	},
	#[codec(index = 7)]
	report_links { links: Links<[u8; 32]> },
}

#[allow(dead_code, non_camel_case_types)]
#[derive(TypeInfo)]
enum VerificationCall {
	#[codec(index = 0)]
	commit {
		job: JobId,
		stage: StageIndex,
		commitment: Digest,
	},
	/// As it would be if the stage had grown to two bytes.
	#[codec(index = 2)]
	reveal {
		job: JobId,
		stage: u16,
		opening: Opening,
	},
	#[codec(index = 4)]
	dispute {
		job: JobId,
		stage: StageIndex,
		made: Move,
	},
	#[codec(index = 9)]
	show_rows {
		job: JobId,
		stage: StageIndex,
		rows: Vec<ShownRow>,
	},
}

#[allow(dead_code, non_camel_case_types)]
#[derive(TypeInfo)]
enum AuctionsCall {
	#[codec(index = 0)]
	open_round { model: ModelId, terms: Terms },
	#[codec(index = 1)]
	commit { model: ModelId, seal: Digest },
	#[codec(index = 2)]
	reveal {
		model: ModelId,
		offer: Offer,
		salt: Digest,
	},
}

#[allow(dead_code, non_camel_case_types)]
#[derive(TypeInfo)]
enum AllocationCall {
	#[codec(index = 4)]
	compete {
		plan: Plan<[u8; 32]>,
		#[codec(compact)]
		score: u128,
	},
}

#[allow(dead_code)]
#[derive(TypeInfo)]
enum Address {
	Id([u8; 32]),
}

#[allow(dead_code)]
#[derive(TypeInfo)]
enum Signature {
	Ed25519([u8; 64]),
	Sr25519([u8; 64]),
}

#[allow(dead_code)]
#[derive(TypeInfo)]
enum HashMode {
	Disabled,
	Enabled,
}

/// An era is two bytes here; which two is the sender's business.
#[allow(dead_code)]
#[derive(TypeInfo)]
struct Era([u8; 2]);

#[test]
fn submit_carries_every_argument() {
	let (body, limits) = (
		Body::Inline(b"hello".to_vec().try_into().expect("short")),
		limits(),
	);
	let call = calls::submit_job(4, &body, &limits, 1_000, 50, Assurance::Full);
	let expected = (22u8, 0u8, 4u32, body, limits, 1_000u128, 50u32, 1u8).encode();
	assert_eq!(signed(&call).call, expected);
}

#[test]
fn submit_with_is_for_who_asks_for_more() {
	let (body, limits) = (
		Body::Inline(b"hello".to_vec().try_into().expect("short")),
		limits(),
	);
	let call = |on_failure, adapter| {
		let options = Options {
			on_failure,
			adapter,
		};
		signed(&calls::submit_job_with(
			4,
			&body,
			&limits,
			1_000,
			50,
			(Assurance::Full, options),
		))
		.call
	};
	let plain = (4u32, &body, &limits, 1_000u128, 50u32, 1u8);
	assert_eq!(call(OnFailure::Refund, None), (22u8, 0u8, plain).encode());
	assert_eq!(
		call(OnFailure::Refund, Some(6)),
		(22u8, 2u8, plain, 0u8, Some(6u32)).encode()
	);
	assert_eq!(
		call(OnFailure::Rerun, None),
		(22u8, 2u8, plain, 1u8, None::<u32>).encode()
	);
}

#[test]
fn register_carries_an_absent_operator() {
	let spec = WorkerSpec {
		peer_id: vec![7; 38].try_into().expect("short"),
		addresses: Default::default(),
		roles: Roles {
			entry: true,
			miner: false,
			verifier: true,
		},
		memory: 1 << 33,
		price: 5,
	};
	let alone = calls::register_worker(None, &spec, 10);
	let none = None::<AccountId32>;
	assert_eq!(
		signed(&alone).call,
		(21u8, 0u8, none, &spec, 10u128).encode()
	);
	let operator = AccountId32::new([9; 32]);
	let run = calls::register_worker(Some(&operator), &spec, 10);
	assert_eq!(
		signed(&run).call,
		(21u8, 0u8, Some(operator), &spec, 10u128).encode()
	);
}

#[test]
fn report_carries_every_figure() {
	let reading = Reading {
		rtt_us: 1,
		jitter_us: 2,
		loss_ppm: 3,
		bytes_per_second: 4,
	};
	let peer = AccountId32::new([9; 32]);
	let links = vec![Probed { peer, reading }];
	let call = calls::report_links(&links.clone().try_into().expect("one"));
	let figures = vec![([9u8; 32], 1u32, 2u32, 3u32, 4u64)];
	assert_eq!(signed(&call).call, (21u8, 7u8, figures).encode());
	let none = calls::report_links(&Links::default());
	assert_eq!(signed(&none).call, [21, 7, 0]);
}

#[test]
fn bids_and_rounds_carry_every_argument() {
	let terms = Terms {
		replicas: 2,
		jobs: 3,
		reserve: 4,
		deposit: 5,
		commit_blocks: 6,
		reveal_blocks: 7,
		plan_blocks: 8,
		workload: Workload {
			prompt_tokens: 9,
			new_tokens: 10,
			sessions: 11,
			row_bytes: 12,
			packet_bytes: 13,
		},
		link: LinkFigures {
			latency_us: 14,
			jitter_us: 15,
			loss_ppm: 16,
			bytes_per_second: 17,
			efficiency_ppm: 18,
		},
	};
	let open = calls::open_round(4, &terms);
	assert_eq!(signed(&open).call, (23u8, 0u8, 4u32, terms).encode());
	let digest = Digest::repeat_byte(6);
	let seal = calls::seal_bid(4, digest);
	assert_eq!(signed(&seal).call, (23u8, 1u8, 4u32, digest).encode());
	let offer = Offer {
		ask: 1,
		capacity: 2,
		device: DeviceFigures {
			flops_per_second: 3,
			memory_bytes_per_second: 4,
			download_bytes_per_second: 5,
			failure_ppm: 6,
		},
	};
	let reveal = calls::reveal_bid(4, &offer, digest);
	assert_eq!(
		signed(&reveal).call,
		(23u8, 2u8, 4u32, offer, digest).encode()
	);
}

#[test]
fn score_of_a_plan_is_compact() {
	let workers = vec![AccountId32::new([1; 32]), AccountId32::new([2; 32])];
	let plan = Plan {
		model: 4,
		slots: 2,
		entries: Default::default(),
		segments: vec![Segment {
			layers: LayerRange { start: 0, end: 3 },
			replicas: workers.try_into().expect("two"),
		}]
		.try_into()
		.expect("one"),
	};
	for score in [5, 70_000, u128::MAX] {
		let call = calls::compete(&plan, score);
		let expected = (24u8, 4u8, &plan, Compact(score)).encode();
		assert_eq!(signed(&call).call, expected);
	}
}

#[test]
fn moves_of_a_dispute_carry_every_argument() {
	let digest = Digest::repeat_byte(6);
	let leaves = Leaves {
		blocks: vec![(7, vec![8; 256])],
		siblings: vec![Some(digest), None],
	};
	let moves = [
		Move::Trace {
			job_key: [1; 32],
			groups: vec![digest],
			nodes: vec![digest; 1_024],
		},
		Move::Choose {
			index: 9,
			node: digest,
			siblings: vec![Some(digest); 10],
		},
		Move::Step(vec![5; 32 << 10]),
		Move::Claim {
			index: 11,
			opening: trace::Opening {
				trace: leaves.clone(),
				weights: leaves,
			},
		},
	];
	for made in moves {
		let call = calls::dispute(4, 2, &made);
		assert_eq!(call.title(), "verification.dispute");
		let expected = (25u8, 4u8, 4u64, 2u8, made).encode();
		assert_eq!(signed(&call).call, expected);
	}
}

#[test]
fn rows_that_are_shown_carry_key_bytes_and_path() {
	let digest = Digest::repeat_byte(6);
	let row = |bytes: Vec<u8>, path: Vec<Digest>| ShownRow {
		key: [3; 32],
		bytes: bytes.try_into().expect("short"),
		path: path.try_into().expect("short"),
	};
	let long = vec![9; 32 << 10];
	let rows = [row(vec![1, 2], vec![]), row(long.clone(), vec![digest; 13])];
	let call = calls::show_rows(4, 2, &rows);
	assert_eq!(call.title(), "verification.show_rows");
	let rows = vec![
		([3u8; 32], vec![1u8, 2], vec![]),
		([3u8; 32], long, vec![digest; 13]),
	];
	let expected = (25u8, 9u8, 4u64, 2u8, rows).encode();
	assert_eq!(signed(&call).call, expected);
}

#[test]
fn signature_covers_call_extensions_and_implied_data() {
	let signed = signed(&calls::commit(1, 2, Digest::repeat_byte(3)));
	let extra = (Compact(NONCE), Compact(0u128), 0u8).encode();
	assert_eq!(signed.extra, extra);
	let implied = (
		SPEC_VERSION,
		TRANSACTION_VERSION,
		GENESIS,
		BIRTH.1,
		None::<[u8; 32]>,
	)
		.encode();
	let payload = [&signed.call[..], &signed.era, &signed.extra, &implied].concat();
	let account = alice();
	let public = sr25519::Public::from_raw(*account.id().as_ref());
	assert!(sr25519::Pair::verify(
		&sr25519::Signature::from_raw(signed.signature),
		&payload,
		&public
	));
	let other = [&payload[..payload.len() - 1], &[1]].concat();
	assert!(!sr25519::Pair::verify(
		&sr25519::Signature::from_raw(signed.signature),
		&other,
		&public
	));
}

#[test]
fn runtime_with_other_arguments_is_noticed() {
	let reveal = calls::reveal(1, 2, &Opening::default());
	let error = sign(&reveal).expect_err("the runtime reads a longer stage");
	assert!(
		error
			.to_string()
			.contains("does not fit this worker (verification.reveal"),
		"{error}"
	);
	assert!(!error.is_retryable());
}

#[test]
fn runtime_without_the_call_is_noticed() {
	for call in [calls::withdraw(), calls::activate_model(1)] {
		let error = sign(&call).expect_err("there is no such call");
		assert!(error.to_string().contains(&call.title()), "{error}");
	}
}

/// The parts of a signed transaction.
struct Parts {
	signature: [u8; 64],
	era: [u8; 2],
	extra: Vec<u8>,
	call: Vec<u8>,
}

fn signed(call: &Call) -> Parts {
	let bytes = sign(call).expect("the runtime has this call");
	let input = &mut bytes.as_slice();
	let length = Compact::<u32>::decode(input).expect("a length").0;
	assert_eq!(length as usize, input.len());
	assert_eq!(u8::decode(input), Ok(0x84), "signed, version 4");
	assert_eq!(
		<(u8, [u8; 32])>::decode(input),
		Ok((0, *alice().id().as_ref()))
	);
	let (kind, signature) = <(u8, [u8; 64])>::decode(input).expect("a signature");
	assert_eq!(kind, 1, "sr25519");
	let era = <[u8; 2]>::decode(input).expect("an era");
	let extra = (Compact(NONCE), Compact(0u128), 0u8).encode().len();
	let (extra, call) = input.split_at(extra);
	Parts {
		signature,
		era,
		extra: extra.to_vec(),
		call: call.to_vec(),
	}
}

fn sign(call: &Call) -> Result<Vec<u8>, dllm_worker::chain::ChainError> {
	let client = client();
	let transaction = call.sign(&alice(), NONCE, BIRTH, &client.transactions())?;
	Ok(transaction.encoded().to_vec())
}

/// A restart, or a second try, draws the same lot; another account, draw, job or stage another one.
#[test]
fn a_lot_is_the_accounts_own_and_stays_the_same() {
	let (seed, at) = (Digest::repeat_byte(1), (7, 2));
	let lot = |account: &Account, seed, at| {
		let proof = account.draw_lot(seed, at);
		summons::lot(seed, at, account.id().as_ref(), &proof).expect("its own")
	};
	let own = lot(&alice(), seed, at);
	assert_eq!(lot(&alice(), seed, at), own);
	let bob = Account::load("//Bob").expect("a development account");
	let others = [
		lot(&bob, seed, at),
		lot(&alice(), Digest::repeat_byte(2), at),
		lot(&alice(), seed, (8, 2)),
		lot(&alice(), seed, (7, 1)),
	];
	assert!(!others.contains(&own));
	assert!(winning_lot(&alice(), seed, at, own).is_none(), "not below");
	let shown = winning_lot(&alice(), seed, at, own + 1).expect("it wins");
	assert_eq!(
		summons::lot(seed, at, alice().id().as_ref(), &shown),
		Some(own)
	);
}

fn alice() -> Account {
	Account::load("//Alice").expect("a development account")
}

fn limits() -> Limits {
	Limits {
		max_tokens: 16,
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 1,
		stop: Default::default(),
	}
}

fn client() -> OfflineClientAtBlock<SubstrateConfig> {
	let config = SubstrateConfig::builder()
		.set_genesis_hash(GENESIS)
		.set_metadata_for_spec_versions([(SPEC_VERSION, Arc::new(metadata()))])
		.set_spec_version_for_block_ranges([SpecVersionForRange {
			block_range: 0..u64::MAX,
			spec_version: SPEC_VERSION,
			transaction_version: TRANSACTION_VERSION,
		}])
		.build();
	OfflineClient::new_with_config(config)
		.at_block(BIRTH.0)
		.expect("metadata for the block")
}

fn metadata() -> Metadata {
	let pallets = vec![
		pallet("Miners", 21, meta_type::<MinersCall>()),
		pallet("Jobs", 22, meta_type::<JobsCall>()),
		pallet("Auctions", 23, meta_type::<AuctionsCall>()),
		pallet("Allocation", 24, meta_type::<AllocationCall>()),
		pallet("Verification", 25, meta_type::<VerificationCall>()),
	];
	let extensions = extensions();
	let positions = (0..extensions.len() as u32).map(Compact).collect();
	let extrinsic = v16::ExtrinsicMetadata {
		versions: vec![4, 5],
		address_ty: meta_type::<Address>(),
		call_ty: meta_type::<JobsCall>(),
		signature_ty: meta_type::<Signature>(),
		transaction_extensions_by_version: [(0, positions)].into_iter().collect(),
		transaction_extensions: extensions,
	};
	let enums = v16::OuterEnums {
		call_enum_ty: meta_type::<JobsCall>(),
		event_enum_ty: meta_type::<()>(),
		error_enum_ty: meta_type::<()>(),
	};
	let custom = v16::CustomMetadata {
		map: Default::default(),
	};
	let metadata = v16::RuntimeMetadataV16::new(pallets, extrinsic, Vec::new(), enums, custom);
	metadata.try_into().expect("sound metadata")
}

fn pallet(name: &'static str, index: u8, calls: MetaType) -> v16::PalletMetadata {
	v16::PalletMetadata {
		name,
		storage: None,
		calls: Some(v16::PalletCallMetadata {
			ty: calls,
			deprecation_info: v16::EnumDeprecationInfo::nothing_deprecated(),
		}),
		event: None,
		constants: Vec::new(),
		error: None,
		associated_types: Vec::new(),
		view_functions: Vec::new(),
		index,
		docs: Vec::new(),
		deprecation_info: v16::ItemDeprecationInfo::NotDeprecated,
	}
}

/// The extensions of the runtime in their order; several have no content at all.
fn extensions() -> Vec<v16::TransactionExtensionMetadata> {
	let none = meta_type::<()>;
	let list = [
		("AuthorizeCall", none(), none()),
		("CheckNonZeroSender", none(), none()),
		("CheckSpecVersion", none(), meta_type::<u32>()),
		("CheckTxVersion", none(), meta_type::<u32>()),
		("CheckGenesis", none(), meta_type::<H256>()),
		("CheckMortality", meta_type::<Era>(), meta_type::<H256>()),
		("CheckNonce", meta_type::<Compact<u32>>(), none()),
		("CheckWeight", none(), none()),
		(
			"ChargeTransactionPayment",
			meta_type::<Compact<u128>>(),
			none(),
		),
		(
			"CheckMetadataHash",
			meta_type::<HashMode>(),
			meta_type::<Option<[u8; 32]>>(),
		),
		("WeightReclaim", none(), none()),
	];
	let extension = |(identifier, ty, implicit)| v16::TransactionExtensionMetadata {
		identifier,
		ty,
		implicit,
	};
	list.into_iter().map(extension).collect()
}
