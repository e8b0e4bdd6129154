//! A ring takes rows that come over the second connection of a link as those of the first, and each once.

use crate::{defence::*, hops::pledged, lab::*};
use dllm_worker::{
	metrics::metrics,
	network::{
		frame::Frame,
		link::{Link, LinkError},
		spare::MAX_COPY,
		Network, NetworkConfig, NetworkError, Peer, Stream,
	},
	pipeline::{self, Honest, COPIES_PROTOCOL, PROTOCOL},
};
use futures::AsyncWriteExt;
use libp2p::identity::Keypair;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// A second stream beside a link, as its opener opens it.
async fn second(network: &Network, link: &Link, peer: &Peer, first: &Frame) -> Stream {
	let beside = link.connection().unwrap();
	let opened = network.open_beside(peer, beside, COPIES_PROTOCOL).await;
	let mut stream = opened.unwrap();
	stream.write_all(&first.encode()).await.unwrap();
	stream
}

async fn say(stream: &mut Stream, numbered: impl IntoIterator<Item = (u64, Frame)>) {
	for (number, frame) in numbered {
		let copy = [&number.to_le_bytes()[..], &frame.encode()].concat();
		stream.write_all(&copy).await.unwrap();
	}
	stream.flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_count_once_over_whichever_connection_they_come() {
	let job = 301;
	let plain = Puppet::sealed(job, PATIENT).await;
	let play = async {
		let (mut forward, mut back) = plain.play(&[]).await;
		let network = &plain.user.workshop.network;
		for position in 0..3 {
			for frame in pledged(network, &plain.route, position, 1) {
				forward.send(&frame).await.unwrap();
			}
			assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		}
		forward.send(&Frame::Close { rows: 3 }).await.unwrap();
		(forward, back)
	};
	let (once, _links) = tokio::join!(plain.lead(), play);

	let puppet = Puppet::sealed(job, PATIENT).await;
	let play = async {
		let (mut forward, mut back) = puppet.play(&[]).await;
		let (network, peer) = (&puppet.user.workshop.network, puppet.lead.peer());
		let opening = Frame::Open(open(job, 0));
		let mut spare = second(network, &forward, &peer, &opening).await;
		// The first frame of the link was its opening.
		let frames = |position| pledged(network, &puppet.route, position, 1);
		let taken = metrics().copies.get();
		say(&mut spare, (1..).zip(frames(0))).await;
		assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		assert!(metrics().copies.get() >= taken + 2);
		for frame in [frames(0), frames(1)].concat() {
			forward.send(&frame).await.unwrap();
		}
		assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		// Late, and not even the same: a link that took them would end the job, and record two rows.
		let other = rows(job, 1, 1, 2 * WIDTH as usize * 4);
		say(&mut spare, [(3, Frame::Ready), (4, other)]).await;
		say(&mut spare, (5..).zip(frames(2))).await;
		assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		say(&mut spare, [(7, Frame::Close { rows: 3 })]).await;
		(forward, back, spare)
	};
	let (twice, _links) = tokio::join!(puppet.lead(), play);
	let (once, twice) = (once.unwrap(), twice.unwrap());
	assert_eq!(
		(once.rows, once.input, once.output),
		(3, twice.input, twice.output)
	);
	assert_eq!(twice.rows, 3);
	let ledger = &puppet.lead.workshop.ledger;
	let recorded = ledger.opening(job, 1).unwrap().unwrap();
	assert_eq!(recorded.roots.rows, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stream_of_another_link_brings_nothing() {
	let job = 302;
	let puppet = Puppet::sealed(job, PATIENT).await;
	let play = async {
		let (mut forward, mut back) = puppet.play(&[]).await;
		let peer = puppet.lead.peer();
		let network = &puppet.user.workshop.network;
		let frames = |position| pledged(network, &puppet.route, position, 1);
		// Another key, and another peer.
		let mut other_key = open(job, 0);
		other_key.job_key = [8; 32];
		let mut wrong = second(network, &forward, &peer, &Frame::Open(other_key)).await;
		say(&mut wrong, (1..).zip(frames(0))).await;
		let stranger = Worker::new(9).await.workshop.network;
		let link = dial(&stranger, &peer).await;
		let opening = Frame::Open(open(job, 0));
		let mut strange = second(&stranger, &link, &peer, &opening).await;
		say(&mut strange, (1..).zip(frames(0))).await;
		let nothing = back.receive(Duration::from_millis(300)).await;
		assert!(matches!(nothing, Err(LinkError::Silent(_))), "{nothing:?}");
		for frame in frames(0) {
			forward.send(&frame).await.unwrap();
		}
		assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		forward.send(&Frame::Close { rows: 1 }).await.unwrap();
		(forward, back)
	};
	let (led, _links) = tokio::join!(puppet.lead(), play);
	assert_eq!(led.unwrap().rows, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_streams_share_one_connection_beside_the_first() {
	for listen in [TCP, QUIC] {
		let (near, far) = (network(&[listen]).await, network(&[listen]).await);
		let mut served = far.accept(COPIES_PROTOCOL).unwrap();
		let _ring = far.accept(PROTOCOL).unwrap();
		let peer = far.as_peer();
		let first = dial(&near, &peer).await.connection().unwrap();
		let open = || async {
			let opened = near.open_beside(&peer, first, COPIES_PROTOCOL).await;
			Link::new(opened.unwrap()).connection().unwrap()
		};
		let (one, other) = tokio::join!(open(), open());
		assert_ne!(one, first);
		assert_eq!(one, other);
		assert_eq!(open().await, one);
		assert!(served.next().await.is_some());
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_has_no_second_stream_where_none_can_be() {
	let (near, far) = (network(&[QUIC]).await, network(&[QUIC]).await);
	let _served = far.accept(PROTOCOL).unwrap();
	let peer = far.as_peer();
	let first = dial(&near, &peer).await.connection().unwrap();
	let refused = |opened: Result<Stream, NetworkError>| {
		let error = opened.unwrap_err();
		assert!(matches!(error, NetworkError::Unreachable { .. }), "{error}");
	};
	// It does not serve them.
	refused(near.open_beside(&peer, first, COPIES_PROTOCOL).await);
	// Nobody is connected with it.
	let other = network(&[QUIC]).await.as_peer();
	refused(near.open_beside(&other, first, COPIES_PROTOCOL).await);
	// It cannot be dialled.
	let nowhere = Peer {
		addresses: Vec::new(),
		..far.as_peer()
	};
	let fresh = network(&[]).await;
	let first = dial(&fresh, &peer).await.connection().unwrap();
	refused(fresh.open_beside(&nowhere, first, COPIES_PROTOCOL).await);

	let keypair = Keypair::generate_ed25519();
	let long = NetworkConfig {
		copies: MAX_COPY + 1,
		..NetworkConfig::new(keypair, Vec::new())
	};
	let error = Network::start(long).await.map(drop).unwrap_err();
	assert!(matches!(error, NetworkError::LongCopies { .. }), "{error}");
}

/// A worker opens the second streams of the links that it opens, unless it is told to send nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_opens_second_streams_unless_it_is_told_not_to() {
	for (job, copies) in [(303, 4096), (304, 0)] {
		let next = network(&[QUIC]).await;
		let mut incoming = next.accept(PROTOCOL).unwrap();
		let mut seconds = next.accept(COPIES_PROTOCOL).unwrap();
		let config = NetworkConfig {
			copies,
			..NetworkConfig::new(Keypair::generate_ed25519(), vec![QUIC.parse().unwrap()])
		};
		let own = Network::start(config).await.unwrap();
		let entry = Worker::over(1, own, PATIENT, Arc::new(Honest)).enter();
		let lead = Worker::new(2).await;
		let mut route = route(job, &entry, &[(&lead, range(0, 3))]);
		let peer = next.as_peer();
		route.members[1].peer_id = peer.id.to_bytes();
		route.members[1].addresses = peer.addresses.iter().map(|a| a.to_string()).collect();

		let running = tokio::spawn({
			let (workshop, route) = (entry.workshop.clone(), route.clone());
			async move { pipeline::entry::run(&workshop, route, question(), &limits(), |_| {}).await }
		});
		let mut links = Vec::new();
		for _ in 0..2 {
			let (_, stream) = incoming.next().await.unwrap();
			let mut link = Link::new(stream);
			let opened = link.receive(PATIENCE).await.unwrap();
			link.send(&Frame::Ready).await.unwrap();
			links.push((opened, link));
		}
		if copies > 0 {
			for _ in 0..2 {
				let (_, stream) = seconds.next().await.unwrap();
				let mut link = Link::new(stream);
				let opened = link.receive_first(PATIENCE).await.unwrap();
				let (_, first) = links.iter().find(|(of, _)| *of == opened).unwrap();
				assert_ne!(first.connection(), link.connection());
			}
		} else {
			// The prompt comes, so the links stand: whoever wanted second streams would have asked for them.
			let (_, forward) = links
				.iter_mut()
				.find(|(of, _)| matches!(of, Frame::Open(open) if open.boundary == 0))
				.unwrap();
			assert!(matches!(
				forward.receive(PATIENCE).await,
				Ok(Frame::Rows(_))
			));
			let none = timeout(Duration::from_millis(300), seconds.next()).await;
			assert!(none.is_err());
		}
		running.abort();
	}
}
