//! Shards come from peers, whole or not at all.

use crate::lab::*;
use dllm_model::manifest::{digest_of, Manifest};
use dllm_primitives::ids::Digest;
use dllm_worker::network::{
	frame::Frame,
	link::Link,
	shards::{Pace, Part, ShardError, ShardStore, PROTOCOL},
	Network, Peer,
};
use libp2p::bytes::Bytes;
use std::{fs, time::Duration};
use tempfile::{tempdir, TempDir};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(30);

fn store() -> (TempDir, ShardStore) {
	let folder = tempdir().unwrap();
	let store = ShardStore::open(folder.path()).unwrap();
	(folder, store)
}

/// A peer that serves the whole model.
async fn origin() -> (TempDir, Network) {
	let (folder, store) = store();
	assert_eq!(store.import(model()).unwrap(), manifest().root());
	let network = network(&[TCP]).await;
	store.serve(&network).unwrap();
	(folder, network)
}

/// A peer that claims `length` bytes and answers one request with `bytes`; gives the offset asked for.
async fn puppet(length: u64, bytes: &'static [u8]) -> (Network, Peer, JoinHandle<u64>) {
	let network = network(&[TCP]).await;
	let mut incoming = network.accept(PROTOCOL).unwrap();
	let answering = tokio::spawn(async move {
		let (_, stream) = incoming.next().await.unwrap();
		let mut link = Link::new(stream);
		let Frame::Want { offset, .. } = link.receive(PATIENCE).await.unwrap() else {
			panic!("no request");
		};
		link.send(&Frame::Have { bytes: length }).await.unwrap();
		if !bytes.is_empty() {
			link.send(&Frame::Chunk(Bytes::from_static(bytes)))
				.await
				.unwrap();
		}
		link.finish().await.unwrap();
		offset
	});
	let peer = network.as_peer();
	(network, peer, answering)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_fetches_its_part_and_no_more() {
	let (_origin, server) = origin().await;
	let (_folder, store) = store();
	let client = network(&[]).await;
	let peers = [server.as_peer()];
	let root = manifest().root();
	let folder = store
		.model(&client, &peers, root, Part::Layers(range(1, 3)))
		.await
		.unwrap();
	let manifest = Manifest::load(&folder).unwrap();
	assert_eq!(manifest.root(), root);
	for (layer, file) in manifest.layers.iter().enumerate() {
		assert_eq!(file.read(&folder).is_ok(), layer >= 1, "layer {layer}");
	}
	assert!(manifest.embed.read(&folder).is_err());

	let folder = store
		.model(&client, &peers, root, Part::Entry)
		.await
		.unwrap();
	assert!(manifest.embed.read(&folder).is_ok());
	assert!(manifest.tokenizer.read(&folder).is_ok());
	// Everything is there now: no peer is asked again.
	server.shutdown().await;
	store.model(&client, &[], root, Part::Entry).await.unwrap();
	let error = store
		.model(&client, &[], root, Part::Layers(range(2, 4)))
		.await
		.unwrap_err();
	assert!(matches!(error, ShardError::RangeOutside { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_fetch_is_resumed() {
	const WHOLE: &[u8] = b"the first half, and the second half";
	let (first, second) = WHOLE.split_at(15);
	let hash = digest_of(WHOLE);
	let (_folder, store) = store();
	let client = network(&[]).await;

	let (_one, peer, asked) = puppet(WHOLE.len() as u64, first).await;
	let error = store.ensure(&client, &[peer], &[hash]).await.unwrap_err();
	assert!(
		matches!(error, ShardError::NotFound { .. }) && error.is_retryable(),
		"{error}"
	);
	assert_eq!(asked.await.unwrap(), 0);
	assert!(!store.path(&hash).exists());

	let (_two, peer, asked) = puppet(WHOLE.len() as u64, second).await;
	store.ensure(&client, &[peer], &[hash]).await.unwrap();
	assert_eq!(asked.await.unwrap(), 15);
	assert_eq!(fs::read(store.path(&hash)).unwrap(), WHOLE);
}

/// A peer that takes requests and gives a byte of each file, then nothing more.
async fn dripper(length: u64) -> (Network, Peer) {
	let network = network(&[TCP]).await;
	let mut incoming = network.accept(PROTOCOL).unwrap();
	tokio::spawn(async move {
		let mut links = Vec::new();
		while let Some((_, stream)) = incoming.next().await {
			let mut link = Link::new(stream);
			link.receive(PATIENCE).await.unwrap();
			link.send(&Frame::Have { bytes: length }).await.unwrap();
			let byte = Frame::Chunk(Bytes::from_static(b"o"));
			link.send(&byte).await.unwrap();
			links.push(link);
		}
	});
	let peer = network.as_peer();
	(network, peer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_drips_is_given_up_for_the_next_one() {
	// Every byte is the one that the slow peer gives.
	const WHOLE: &[u8] = b"ooooo";
	let hash = digest_of(WHOLE);
	let (_folder, store) = store();
	let store = store.paced(Pace {
		grace: Duration::from_secs(2),
		bytes_per_second: 1 << 20,
	});
	let client = network(&[]).await;
	let (_slow, slow) = dripper(WHOLE.len() as u64).await;
	let error = store
		.ensure(&client, std::slice::from_ref(&slow), &[hash])
		.await
		.unwrap_err();
	assert!(error.to_string().contains("too slowly"), "{error}");

	// The next peer goes on behind the bytes that came: one each time.
	let (_quick, quick, asked) = puppet(WHOLE.len() as u64, &WHOLE[2..]).await;
	store
		.ensure(&client, &[slow, quick], &[hash])
		.await
		.unwrap();
	assert_eq!(asked.await.unwrap(), 2);
	assert_eq!(fs::read(store.path(&hash)).unwrap(), WHOLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_fetch_holds_up_nobody_but_its_own_file() {
	let (_origin, server) = origin().await;
	let (_folder, store) = store();
	let client = network(&[]).await;
	let (_slow, slow) = dripper(1000).await;
	let (slow, quick) = ([slow], [server.as_peer()]);
	let (missing, wanted) = ([Digest::repeat_byte(8)], [manifest().embed.blake3]);
	let slow = store.ensure(&client, &slow, &missing);
	let quick = store.ensure(&client, &quick, &wanted);
	tokio::select! {
		biased;
		ended = slow => panic!("the slow fetch ended first: {ended:?}"),
		ended = quick => ended.unwrap(),
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn one_peer_does_not_crowd_the_others_out() {
	let (_origin, server) = origin().await;
	let crowd = network(&[]).await;
	let mut silent = Vec::new();
	for _ in 0..20 {
		silent.push(crowd.open(&server.as_peer(), PROTOCOL).await);
	}
	let (_folder, store) = store();
	let client = network(&[]).await;
	let wanted = [manifest().embed.blake3];
	store
		.ensure(&client, &[server.as_peer()], &wanted)
		.await
		.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_get_no_name() {
	let (_origin, server) = origin().await;
	let (folder, store) = store();
	let client = network(&[]).await;
	let hash = manifest().embed.blake3;
	let (_liar, liar, _asked) = puppet(5, b"wrong").await;
	let error = store.ensure(&client, &[liar], &[hash]).await.unwrap_err();
	assert!(error.to_string().contains("wrong bytes"), "{error}");
	assert!(!store.path(&hash).exists());

	// A liar is passed over, and what it left does no harm.
	let (_liar, liar, _asked) = puppet(5, b"wron").await;
	store
		.ensure(&client, &[liar, server.as_peer()], &[hash])
		.await
		.unwrap();
	assert_eq!(digest_of(&fs::read(store.path(&hash)).unwrap()), hash);

	// A file that rots is fetched again.
	fs::write(store.path(&hash), b"rotten").unwrap();
	store
		.ensure(&client, &[server.as_peer()], &[hash])
		.await
		.unwrap();
	assert_eq!(digest_of(&fs::read(store.path(&hash)).unwrap()), hash);
	let parts = fs::read_dir(folder.path())
		.unwrap()
		.filter(|entry| entry.as_ref().unwrap().path().extension().is_some())
		.count();
	assert_eq!(parts, 0, "parts were left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_cannot_be_are_refused() {
	let (_folder, store) = store();
	let client = network(&[]).await;
	let hash = digest_of(b"something");
	let (_giant, giant, _asked) = puppet(u64::MAX, b"").await;
	let error = store.ensure(&client, &[giant], &[hash]).await.unwrap_err();
	assert!(error.to_string().contains("offers"), "{error}");
	// More bytes than were offered.
	let (_talker, talker, _asked) = puppet(3, b"something").await;
	let error = store.ensure(&client, &[talker], &[hash]).await.unwrap_err();
	assert!(error.to_string().contains("offers"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_is_not_found() {
	let (_origin, server) = origin().await;
	let (_folder, store) = store();
	let client = network(&[]).await;
	let hash = Digest::repeat_byte(9);
	let error = store
		.ensure(&client, &[server.as_peer()], &[hash])
		.await
		.unwrap_err();
	assert!(
		matches!(error, ShardError::NotFound { asked: 1, .. }),
		"{error}"
	);
	let error = store.ensure(&client, &[], &[hash]).await.unwrap_err();
	assert!(
		matches!(error, ShardError::NotFound { asked: 0, .. }),
		"{error}"
	);
}

#[test]
fn a_damaged_folder_is_imported_as_far_as_it_is_sound() {
	let source = tempdir().unwrap();
	for entry in fs::read_dir(model()).unwrap() {
		let entry = entry.unwrap();
		fs::copy(entry.path(), source.path().join(entry.file_name())).unwrap();
	}
	let manifest = manifest();
	fs::write(source.path().join(&manifest.layers[0].file), b"damaged").unwrap();
	let (_folder, store) = store();
	store.import(source.path()).unwrap();
	assert!(!store.path(&manifest.layers[0].blake3).exists());
	assert!(store.path(&manifest.layers[1].blake3).exists());
}
