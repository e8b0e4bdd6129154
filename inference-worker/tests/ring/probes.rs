//! Links are measured over loopback; who answers is not worn out, and who does not is let go.

use crate::lab::*;
use dllm_primitives::api::AccountId32;
use dllm_worker::{
	links::{Rules, Surveyor, Target},
	network::{
		frame::{Frame, Reason},
		link::{Link, LinkError},
		probes::{self, ProbeError, Visit, PINGS, PROTOCOL, PULL_BYTES, SLOWEST},
		Network, NetworkError, Peer,
	},
};
use std::{
	future::Future,
	time::{Duration, Instant},
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
/// Visits that are made until one is as it should be: on a machine with much else to do a ping may come late.
const VISITS: u32 = 8;
const NONCE: [u8; 32] = [7; 32];
const RULES: Rules = Rules {
	period: Duration::from_secs(30),
	peers: 16,
};

async fn answering(listen: &str) -> Network {
	let network = network(&[listen]).await;
	probes::serve(&network).unwrap();
	network
}

async fn dial(network: &Network, peer: &Peer) -> Link {
	Link::new(network.open(peer, PROTOCOL).await.unwrap())
}

fn target(number: u8, network: &Network) -> Target {
	Target {
		worker: AccountId32::new([number; 32]),
		peer: network.as_peer(),
	}
}

/// A visit on which every ping came back in time, as on a machine with nothing else to do all do.
async fn whole_visit(client: &Network, server: &Network, transfer: bool) -> Visit {
	for _ in 0..VISITS {
		let visit = probes::visit(client, &server.as_peer(), transfer).await;
		let whole = |visit: &Visit| {
			let came = visit.round_trips.iter().flatten().count() == PINGS as usize;
			came && visit.bytes_per_second.is_some() == transfer
		};
		match visit {
			Ok(visit) if whole(&visit) => return visit,
			_ => {}
		}
	}
	panic!("no visit of {VISITS} was whole");
}

/// Measures until the surveyor has something to report.
async fn until_a_link_stands(surveyor: &mut Surveyor, targets: &[Target]) {
	for _ in 0..VISITS {
		surveyor.measure(targets.to_vec()).await;
		if !surveyor.links().is_empty() {
			return;
		}
	}
	panic!("no link after {VISITS} visits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_measures_round_trips_and_bandwidth_on_both_transports() {
	for listen in [TCP, QUIC] {
		let server = answering(listen).await;
		let client = network(&[]).await;
		let visit = whole_visit(&client, &server, true).await;
		let mut came = visit.round_trips.iter().flatten();
		assert!(came.all(|time| *time < Duration::from_secs(5)));
		assert!(visit.bytes_per_second.is_some_and(|speed| speed >= SLOWEST));
		whole_visit(&client, &server, false).await;
	}
}

/// A peer that does not serve probes, but makes this of the streams on which it is probed.
async fn pretending<F>(conduct: impl Fn(Link) -> F + Send + Sync + 'static) -> Network
where
	F: Future<Output = Result<(), LinkError>> + Send + 'static,
{
	let network = network(&[TCP]).await;
	let mut incoming = network.accept(PROTOCOL).unwrap();
	tokio::spawn(async move {
		while let Some((_, stream)) = incoming.next().await {
			// The prober may hang up in the middle.
			let _ = conduct(Link::new(stream)).await;
		}
	});
	network
}

/// Answers the pings of a visit, and nothing else.
async fn echo(link: &mut Link) -> Result<(), LinkError> {
	for _ in 0..=PINGS {
		let ping = link.receive(PATIENCE).await?;
		link.send(&ping).await?;
	}
	Ok(())
}

async fn is_not_believed(server: &Network) {
	let client = network(&[]).await;
	let visit = probes::visit(&client, &server.as_peer(), true).await;
	let made_up = matches!(
		visit,
		Err(ProbeError::Link(
			LinkError::OutOfTurn(_) | LinkError::Malformed(_)
		))
	);
	assert!(made_up, "{visit:?}");
	let mut surveyor = Surveyor::new(client, RULES);
	for _ in 0..3 {
		surveyor.measure(vec![target(1, server)]).await;
	}
	assert!(surveyor.links().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_that_are_answered_before_they_are_sent_are_not_believed() {
	let early = pretending(|mut link| async move {
		for number in 0..=u64::from(PINGS) {
			link.send(&Frame::Ping { number }).await?;
		}
		link.receive(PATIENCE).await.map(drop)
	});
	is_not_believed(&early.await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_that_is_answered_twice_is_not_believed() {
	let twice = pretending(|mut link| async move {
		for _ in 0..=PINGS {
			let ping = link.receive(PATIENCE).await?;
			link.send(&ping).await?;
			link.send(&ping).await?;
		}
		Ok::<_, LinkError>(())
	});
	is_not_believed(&twice.await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_not_made_from_the_request_are_not_believed() {
	let zeros = || Frame::Chunk(vec![0; PULL_BYTES as usize].into());
	let early = pretending(move |mut link| async move {
		echo(&mut link).await?;
		link.send(&zeros()).await?;
		link.receive(PATIENCE).await.map(drop)
	});
	is_not_believed(&early.await).await;
	let another = pretending(|mut link| async move {
		echo(&mut link).await?;
		link.receive(PATIENCE).await?;
		link.send(&Frame::Chunk(probes::chunk(&[0; 32], PULL_BYTES)))
			.await
	});
	is_not_believed(&another.await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_broken_off_counts_as_the_slowest() {
	let server = pretending(|mut link| async move {
		echo(&mut link).await?;
		link.receive(PATIENCE).await?;
		link.abort(Reason::Late).await;
		Ok::<_, LinkError>(())
	});
	let (server, client) = (server.await, network(&[]).await);
	let visit = whole_visit(&client, &server, true).await;
	assert_eq!(visit.bytes_per_second, Some(SLOWEST));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_place_says_so() {
	let server = answering(TCP).await;
	let client = network(&[]).await;
	let mut places = Vec::new();
	for _ in 0..2 {
		let mut link = dial(&client, &server.as_peer()).await;
		// Its place is taken once it is answered.
		link.send(&Frame::Ping { number: 1 }).await.unwrap();
		link.receive(PATIENCE).await.unwrap();
		places.push(link);
	}
	let error = probes::visit(&client, &server.as_peer(), false)
		.await
		.unwrap_err();
	assert!(error.is_busy(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_holds_its_place_for_so_long_only() {
	let server = answering(TCP).await;
	let client = network(&[]).await;
	let mut link = dial(&client, &server.as_peer()).await;
	let answered = async {
		for number in 0.. {
			link.send(&Frame::Ping { number }).await?;
			link.receive(PATIENCE).await?;
			// Never silent for as long as would end it.
			tokio::time::sleep(Duration::from_secs(3)).await;
		}
		Ok::<_, LinkError>(())
	};
	let began = Instant::now();
	let ended = timeout(PATIENCE, answered).await.expect("it ends in time");
	assert!(ended.is_err());
	let most = Duration::from_secs(3) * (PINGS + 2);
	assert!(began.elapsed() < most, "before its requests are used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_surveyor_reads_a_link_after_two_visits() {
	let (server, silent) = (answering(TCP).await, network(&[TCP]).await);
	let mut surveyor = Surveyor::new(network(&[]).await, RULES);
	let targets = [target(1, &server), target(2, &silent)];
	surveyor.measure(targets.to_vec()).await;
	assert!(surveyor.links().is_empty(), "too few pings");
	until_a_link_stands(&mut surveyor, &targets).await;
	let links = surveyor.links();
	assert_eq!(links.len(), 1, "one of two does not serve probes");
	assert_eq!(links[0].peer, AccountId32::new([1; 32]));
	assert_eq!(links[0].reading.implausible(), None);

	// Nobody asks for it any more.
	surveyor.measure(vec![target(2, &silent)]).await;
	assert!(surveyor.links().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_is_gone_after_two_visits() {
	let server = answering(TCP).await;
	let mut surveyor = Surveyor::new(network(&[]).await, RULES);
	let at = target(1, &server);
	until_a_link_stands(&mut surveyor, std::slice::from_ref(&at)).await;
	server.shutdown().await;
	surveyor.measure(vec![at.clone()]).await;
	assert_eq!(surveyor.links().len(), 1, "one visit may fail");
	surveyor.measure(vec![at]).await;
	assert!(surveyor.links().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_probes_is_named() {
	let server = network(&[TCP]).await;
	let client = network(&[]).await;
	let error = probes::visit(&client, &server.as_peer(), true)
		.await
		.unwrap_err();
	let unreachable = matches!(error, ProbeError::Network(NetworkError::Unreachable { .. }));
	assert!(unreachable, "{error}");
	assert!(!error.is_busy());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_or_too_long_are_refused() {
	let server = answering(TCP).await;
	let client = network(&[]).await;
	let bytes = PULL_BYTES + 1;
	let nonce = NONCE;
	for nonsense in [Frame::Pull { bytes, nonce }, Frame::Ready] {
		let mut link = dial(&client, &server.as_peer()).await;
		link.send(&nonsense).await.unwrap();
		let error = link.receive(PATIENCE).await.unwrap_err();
		let refused = matches!(error, LinkError::Aborted(Reason::Protocol));
		assert!(refused, "{nonsense:?}: {error}");
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_answered_no_longer_than_a_visit() {
	let server = answering(TCP).await;
	let client = network(&[]).await;
	let mut link = dial(&client, &server.as_peer()).await;
	let mut answered = 0;
	for number in 0..u64::from(2 * PINGS + 10) {
		if link.send(&Frame::Ping { number }).await.is_err() {
			break;
		}
		match link.receive(PATIENCE).await {
			Ok(frame) => assert_eq!(frame, Frame::Ping { number }),
			Err(_) => break,
		}
		answered += 1;
	}
	assert_eq!(answered, PINGS + 2);
}

/// Pulls until the server has no bytes left for anybody; gives what came, and how it ended.
async fn pull_until_busy(server: &Network) -> (u64, LinkError) {
	let (bytes, mut served) = (PULL_BYTES, 0);
	loop {
		// Somebody else each time: identities cost nothing.
		let client = network(&[]).await;
		let mut link = dial(&client, &server.as_peer()).await;
		for _ in 0..PINGS {
			let nonce = NONCE;
			link.send(&Frame::Pull { bytes, nonce }).await.unwrap();
			match link.receive(PATIENCE).await {
				Ok(Frame::Chunk(came)) => {
					assert_eq!(came, probes::chunk(&NONCE, bytes));
					served += came.len() as u64;
				}
				Ok(other) => panic!("{other:?}"),
				Err(error) => return (served, error),
			}
		}
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_for_everybody_together_are_bounded() {
	let server = answering(TCP).await;
	let pulled = timeout(4 * PATIENCE, pull_until_busy(&server)).await;
	let (served, busy) = pulled.expect("bytes come to an end");
	assert!(matches!(busy, LinkError::Aborted(Reason::Busy)), "{busy}");
	assert!(served >= probes::Allowance::MOST_BYTES);
}
