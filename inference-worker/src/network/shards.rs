//! Shards between peers: content-addressed files, fetched in chunks, resumed where a fetch broke off,
//! and compared with their digest before they get their name.
//!
//! A store is a folder of files that are named by their blake3. Any peer may fetch any of them: models
//! are public. What a model consists of says its manifest, itself a file of the store; [`ShardStore::model`]
//! lays a model out under plain names, as the engine reads it.

use super::{
	frame::{Frame, Reason},
	link::{out_of_turn, Link, LinkError},
	Network, NetworkError, Peer,
};
use dllm_model::manifest::{self, Manifest, ManifestError};
use dllm_primitives::{ids::Digest, model::LayerRange};
use libp2p::{bytes::Bytes, PeerId, StreamProtocol};
use std::{
	fs, io,
	path::{Path, PathBuf},
	sync::Arc,
	time::Duration,
};
use tokio::{
	io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
	sync::{Mutex, Semaphore},
	task::spawn_blocking,
};

/// The protocol: `Want`, then `Have`, then chunks.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/dllm/shards/1");
/// Bytes of one chunk.
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of a shard at most: ONNX files end at 2 GiB.
const MAX_SHARD_BYTES: u64 = i32::MAX as u64;
/// Longest wait for an answer or the next chunk.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(15);
/// Fetches that are served at once.
const MAX_SERVED: usize = 16;
/// Folder of models that were laid out.
const MODELS: &str = "models";

/// A folder of content-addressed files.
#[derive(Clone)]
pub struct ShardStore {
	folder: Arc<PathBuf>,
	/// One fetch at a time, so that no two write the same file.
	fetching: Arc<Mutex<()>>,
}

/// What a worker needs of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
	/// Tokenizer, embedding and head.
	Entry,
	/// Decoder layers.
	Layers(LayerRange),
}

/// Why a file is not there.
#[derive(thiserror::Error, Debug)]
pub enum ShardError {
	/// No peer gave the file.
	#[error("no peer has shard {hash:?} ({asked} asked; last: {last}): start a worker that holds the model, or import its folder")]
	NotFound {
		hash: Digest,
		asked: usize,
		last: String,
	},
	/// The manifest is wrong.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// The layers are not in the model.
	#[error("layers {}..{} are not in a model of {layers} layers", range.start, range.end)]
	RangeOutside { range: LayerRange, layers: usize },
	/// The file system failed.
	#[error("cannot use {path}: {source}")]
	Io { path: PathBuf, source: io::Error },
	/// The network is gone.
	#[error(transparent)]
	Network(#[from] NetworkError),
}

impl ShardError {
	/// Whether the same call can succeed later, when other peers are up.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::NotFound { .. } => true,
			Self::Network(error) => error.is_retryable(),
			Self::Manifest(error) => error.is_retryable(),
			_ => false,
		}
	}
}

/// Why one peer did not give a file.
#[derive(thiserror::Error, Debug)]
enum FetchError {
	#[error(transparent)]
	Network(#[from] NetworkError),
	#[error(transparent)]
	Link(#[from] LinkError),
	#[error("it offers {0} bytes")]
	WrongLength(u64),
	#[error("it sent wrong bytes")]
	WrongBytes,
	#[error(transparent)]
	Io(#[from] io::Error),
}

impl ShardStore {
	/// The store in `folder`, which is made where it is missing.
	pub fn open(folder: impl Into<PathBuf>) -> Result<Self, ShardError> {
		let folder = folder.into();
		let path = folder.join(MODELS);
		fs::create_dir_all(&path).map_err(|source| ShardError::Io { path, source })?;
		Ok(Self {
			folder: Arc::new(folder),
			fetching: Arc::default(),
		})
	}

	/// Where a file lies, if it is there.
	pub fn path(&self, hash: &Digest) -> PathBuf {
		self.folder.join(hex::encode(hash.as_bytes()))
	}

	/// Takes in what a model's folder holds of its manifest; gives the manifest's root.
	pub fn import(&self, folder: &Path) -> Result<Digest, ShardError> {
		let manifest = Manifest::load(folder)?;
		self.take(&folder.join(manifest::FILE), &manifest.root())?;
		for (file, hash) in files(&manifest) {
			let source = folder.join(&file);
			if source.exists() && hash_of(&source)? == hash {
				self.take(&source, &hash)?;
			}
		}
		Ok(manifest.root())
	}

	/// Answers the peers that fetch, until the network stops.
	pub fn serve(&self, network: &Network) -> Result<(), NetworkError> {
		let mut incoming = network.accept(PROTOCOL)?;
		let store = self.clone();
		let slots = Arc::new(Semaphore::new(MAX_SERVED));
		tokio::spawn(async move {
			while let Some((peer, stream)) = incoming.next().await {
				let Ok(slot) = slots.clone().try_acquire_owned() else {
					tracing::debug!(%peer, "too many fetches at once, one is refused");
					continue;
				};
				let store = store.clone();
				tokio::spawn(async move {
					if let Err(error) = store.answer(Link::new(stream)).await {
						tracing::debug!(%peer, %error, "a fetch ended early");
					}
					drop(slot);
				});
			}
		});
		Ok(())
	}

	/// Makes sure that the files are here and whole, fetching what is missing from the first peer that
	/// has it.
	pub async fn ensure(
		&self,
		network: &Network,
		peers: &[Peer],
		hashes: &[Digest],
	) -> Result<(), ShardError> {
		let _one_at_a_time = self.fetching.lock().await;
		for hash in hashes {
			if !self.is_whole(*hash).await? {
				self.fetch(network, peers, *hash).await?;
			}
		}
		Ok(())
	}

	/// Makes sure that a part of the model with that manifest is here, and lays it out in a folder.
	pub async fn model(
		&self,
		network: &Network,
		peers: &[Peer],
		root: Digest,
		part: Part,
	) -> Result<PathBuf, ShardError> {
		self.ensure(network, peers, &[root]).await?;
		let path = self.path(&root);
		let length = fs::metadata(&path)
			.map_err(|source| io_error(&path, source))?
			.len();
		if length > manifest::MAX_BYTES {
			return Err(ManifestError::TooLarge { bytes: length }.into());
		}
		let bytes = fs::read(&path).map_err(|source| io_error(&path, source))?;
		let manifest = Manifest::from_bytes(&bytes)?;
		manifest.expect_root(root)?;

		let files = part_files(&manifest, part)?;
		let hashes = files.iter().map(|(_, hash)| *hash).collect::<Vec<_>>();
		self.ensure(network, peers, &hashes).await?;
		let folder = self.folder.join(MODELS).join(hex::encode(root.as_bytes()));
		fs::create_dir_all(&folder).map_err(|source| io_error(&folder, source))?;
		for (name, hash) in files.iter().chain([&(manifest::FILE.to_string(), root)]) {
			link_or_copy(&self.path(hash), &folder.join(name))?;
		}
		Ok(folder)
	}

	/// Whether the file is here; a corrupt one is removed.
	async fn is_whole(&self, hash: Digest) -> Result<bool, ShardError> {
		let path = self.path(&hash);
		if !path.exists() {
			return Ok(false);
		}
		let found = blocking(move || hash_of(&path)).await?;
		if found == hash {
			return Ok(true);
		}
		let path = self.path(&hash);
		tracing::warn!(shard = ?hash, ?found, "a stored shard is corrupt; it is fetched again");
		fs::remove_file(&path).map_err(|source| io_error(&path, source))?;
		Ok(false)
	}

	async fn fetch(
		&self,
		network: &Network,
		peers: &[Peer],
		hash: Digest,
	) -> Result<(), ShardError> {
		let mut last = "no peer is known".to_string();
		let mut asked = 0;
		for peer in peers.iter().filter(|peer| peer.id != network.peer_id()) {
			asked += 1;
			match self.fetch_from(network, peer, hash).await {
				Ok(()) => return Ok(()),
				Err(FetchError::Io(source)) => return Err(io_error(&self.path(&hash), source)),
				Err(error) => {
					tracing::debug!(peer = %peer.id, shard = ?hash, %error, "fetching failed");
					last = format!("{}: {error}", peer.id);
				}
			}
		}
		Err(ShardError::NotFound { hash, asked, last })
	}

	/// Fetches from one peer. Where resuming gave wrong bytes, the earlier part may be at fault: then
	/// the whole file is fetched once more.
	async fn fetch_from(
		&self,
		network: &Network,
		peer: &Peer,
		hash: Digest,
	) -> Result<(), FetchError> {
		let resumed = self.part(&hash).metadata().is_ok_and(|part| part.len() > 0);
		match self.attempt(network, peer, hash).await {
			Err(FetchError::WrongBytes | FetchError::WrongLength(_)) if resumed => {
				self.attempt(network, peer, hash).await
			}
			result => result,
		}
	}

	async fn attempt(
		&self,
		network: &Network,
		peer: &Peer,
		hash: Digest,
	) -> Result<(), FetchError> {
		let part = self.part(&hash);
		let offset = part.metadata().map_or(0, |part| part.len());
		let mut link = Link::new(network.open(peer, PROTOCOL).await?);
		link.send(&Frame::Want { hash, offset }).await?;
		let bytes = match link.receive(CHUNK_TIMEOUT).await? {
			Frame::Have { bytes } => bytes,
			other => return Err(out_of_turn(&other).into()),
		};
		if bytes > MAX_SHARD_BYTES || bytes < offset {
			discard(&part)?;
			return Err(FetchError::WrongLength(bytes));
		}
		append(&mut link, &part, bytes - offset).await?;
		let written = part.clone();
		let found = blocking(move || hash_of(&written)).await;
		if !found.is_ok_and(|found| found == hash) {
			discard(&part)?;
			return Err(FetchError::WrongBytes);
		}
		fs::rename(&part, self.path(&hash))?;
		tracing::info!(shard = ?hash, bytes, peer = %peer.id, resumed_at = offset, "shard fetched");
		Ok(())
	}

	async fn answer(&self, mut link: Link) -> Result<(), FetchError> {
		let (hash, offset) = match link.receive_first(CHUNK_TIMEOUT).await? {
			Frame::Want { hash, offset } => (hash, offset),
			other => return Err(out_of_turn(&other).into()),
		};
		let Ok(mut file) = tokio::fs::File::open(self.path(&hash)).await else {
			link.abort(Reason::NotFound).await;
			return Ok(());
		};
		let bytes = file.metadata().await?.len();
		link.send(&Frame::Have { bytes }).await?;
		file.seek(io::SeekFrom::Start(offset.min(bytes))).await?;
		let mut chunk = vec![0; CHUNK_BYTES];
		loop {
			let read = file.read(&mut chunk).await?;
			if read == 0 {
				return Ok(link.finish().await?);
			}
			link.send(&Frame::Chunk(Bytes::copy_from_slice(&chunk[..read])))
				.await?;
		}
	}

	fn part(&self, hash: &Digest) -> PathBuf {
		self.path(hash).with_extension("part")
	}

	/// Puts a file that was compared already under its name.
	fn take(&self, source: &Path, hash: &Digest) -> Result<(), ShardError> {
		let target = self.path(hash);
		if target.exists() && hash_of(&target)? == *hash {
			return Ok(());
		}
		// A copy: the file of the user may change later.
		copy(source, &target)
	}
}

/// Appends `missing` bytes of chunks to a file.
async fn append(link: &mut Link, part: &Path, missing: u64) -> Result<(), FetchError> {
	let mut file = tokio::fs::OpenOptions::new()
		.create(true)
		.append(true)
		.open(part)
		.await?;
	let mut left = missing;
	while left > 0 {
		let chunk = match link.receive(CHUNK_TIMEOUT).await {
			Ok(Frame::Chunk(chunk)) if !chunk.is_empty() && chunk.len() as u64 <= left => chunk,
			Ok(Frame::Chunk(chunk)) => return Err(FetchError::WrongLength(chunk.len() as u64)),
			Ok(other) => return Err(out_of_turn(&other).into()),
			Err(error) => {
				// What came so far is kept, and resumed.
				file.flush().await?;
				return Err(error.into());
			}
		};
		file.write_all(&chunk).await?;
		left -= chunk.len() as u64;
	}
	file.flush().await?;
	Ok(file.sync_all().await?)
}

/// Every file that a manifest names, with its digest.
fn files(manifest: &Manifest) -> Vec<(String, Digest)> {
	let shards = manifest
		.shards()
		.map(|shard| (shard.file.clone(), shard.blake3));
	let texts = manifest.texts.iter().chain([&manifest.tokenizer]);
	shards
		.chain(texts.map(|text| (text.file.clone(), text.blake3)))
		.collect()
}

/// The files of a part.
fn part_files(manifest: &Manifest, part: Part) -> Result<Vec<(String, Digest)>, ShardError> {
	let shards = match part {
		Part::Layers(range) => {
			let layers = manifest.layers.len();
			let files = manifest
				.layers
				.get(usize::from(range.start)..usize::from(range.end));
			let files = files.filter(|files| !files.is_empty());
			return Ok(files
				.ok_or(ShardError::RangeOutside { range, layers })?
				.iter()
				.map(|shard| (shard.file.clone(), shard.blake3))
				.collect());
		}
		Part::Entry => [&manifest.embed, &manifest.head],
	};
	let shards = shards
		.into_iter()
		.map(|shard| (shard.file.clone(), shard.blake3));
	let texts = manifest.texts.iter().chain([&manifest.tokenizer]);
	Ok(shards
		.chain(texts.map(|text| (text.file.clone(), text.blake3)))
		.collect())
}

/// blake3 of a file, read piece by piece.
fn hash_of(path: &Path) -> Result<Digest, ShardError> {
	let mut hasher = blake3::Hasher::new();
	fs::File::open(path)
		.and_then(|file| hasher.update_reader(file).map(|_| ()))
		.map_err(|source| io_error(path, source))?;
	Ok(Digest::from(*hasher.finalize().as_bytes()))
}

/// Shows a stored file under another name without taking its space twice, where the disk allows.
fn link_or_copy(source: &Path, target: &Path) -> Result<(), ShardError> {
	discard(target).map_err(|error| io_error(target, error))?;
	match fs::hard_link(source, target) {
		Ok(()) => Ok(()),
		Err(_) => copy(source, target),
	}
}

/// Copies beside the target first, so that a target is always whole.
fn copy(source: &Path, target: &Path) -> Result<(), ShardError> {
	let beside = target.with_extension("copy");
	fs::copy(source, &beside)
		.and_then(|_| fs::rename(&beside, target))
		.map_err(|error| io_error(target, error))
}

fn discard(path: &Path) -> io::Result<()> {
	match fs::remove_file(path) {
		Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
		_ => Ok(()),
	}
}

fn io_error(path: &Path, source: io::Error) -> ShardError {
	ShardError::Io {
		path: path.into(),
		source,
	}
}

async fn blocking<T: Send + 'static>(
	work: impl FnOnce() -> Result<T, ShardError> + Send + 'static,
) -> Result<T, ShardError> {
	match spawn_blocking(work).await {
		Ok(result) => result,
		// Only a panic or the end of the runtime ends it otherwise.
		Err(error) => Err(ShardError::Io {
			path: PathBuf::new(),
			source: io::Error::other(error.to_string()),
		}),
	}
}

/// Peers in the given order, each once: those that [`ShardStore::ensure`] asks.
pub fn distinct(peers: impl IntoIterator<Item = Peer>) -> Vec<Peer> {
	let mut seen = std::collections::HashSet::<PeerId>::new();
	peers
		.into_iter()
		.filter(|peer| seen.insert(peer.id))
		.collect()
}
