//! Shards between peers: content-addressed files, fetched in chunks, resumed where a fetch broke off,
//! and compared with their digest before they get their name.
//!
//! A store is a folder of files that are named by their blake3. Any peer may fetch any of them: models
//! are public. What a model consists of says its manifest, itself a file of the store; [`ShardStore::model`]
//! lays a model out under plain names, as the engine reads it. So does [`ShardStore::adapter`] an adapter.

use super::{
	frame::{Frame, Reason},
	link::{out_of_turn, Link, LinkError},
	slots::Slots,
	Network, NetworkError, Peer,
};
use crate::metrics::metrics;
use dllm_model::{
	adapter::{self, AdapterError, AdapterManifest},
	manifest::{self, Manifest, ManifestError},
};
use dllm_primitives::{ids::Digest, model::LayerRange};
use libp2p::{bytes::Bytes, PeerId, StreamProtocol};
use std::{
	collections::HashMap,
	fs, io,
	path::{Path, PathBuf},
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc, Mutex, PoisonError,
	},
	time::{Duration, Instant},
};
use tokio::{
	io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
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
/// Fetches that are served at once, in all and for one peer: it fetches the parts of a few pipelines.
const MAX_SERVED: (usize, usize) = (16, 4);
/// Folder of models that were laid out.
const MODELS: &str = "models";

/// A folder of content-addressed files.
#[derive(Clone)]
pub struct ShardStore {
	folder: Arc<PathBuf>,
	/// One fetch of a file at a time, so that no two write the same one. A file has its lock here while
	/// somebody holds or awaits it.
	fetching: Arc<Mutex<HashMap<Digest, Turn>>>,
	pace: Pace,
}

/// A file's lock.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// How slowly a peer may send: the `n`-th byte has to be here `grace + n / bytes_per_second` after the
/// request. Who is slower is given up for the next peer, which goes on from what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
	/// To find the file and to begin.
	pub grace: Duration,
	/// Least rate.
	pub bytes_per_second: u64,
}

impl Default for Pace {
	/// A quarter of the 1 Mbit/s that frames are made for: a phone on a bad day passes.
	fn default() -> Self {
		Self {
			grace: Duration::from_secs(30),
			bytes_per_second: 32 << 10,
		}
	}
}

impl Pace {
	/// Time in which the byte after `received` ones has to be here.
	fn allowance(&self, received: u64) -> Duration {
		let millis = received.saturating_mul(1000) / self.bytes_per_second.max(1);
		self.grace.saturating_add(Duration::from_millis(millis))
	}
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
	/// The manifest of an adapter is wrong.
	#[error(transparent)]
	Adapter(#[from] AdapterError),
	/// The bytes of an adapter's manifest are not those that were registered.
	#[error("adapter.json has root {found:?}, but the chain names {expected:?}: split the adapter again, or remove the file from the data folder")]
	OtherAdapter { expected: Digest, found: Digest },
	/// The layers are not in the model.
	#[error("layers {}..{} are not in a model of {layers} layers: the plan does not belong to this manifest; report it to the owner of the model", range.start, range.end)]
	RangeOutside { range: LayerRange, layers: usize },
	/// The file system failed.
	#[error("cannot use {path}: {source}; free space on the disk, or give the worker's account the right to write there")]
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
	#[error("it sends too slowly ({0} bytes so far)")]
	TooSlow(u64),
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
			pace: Pace::default(),
		})
	}

	/// The same store with another least rate.
	pub fn paced(self, pace: Pace) -> Self {
		Self { pace, ..self }
	}

	/// Where a file lies, if it is there.
	pub fn path(&self, hash: &Digest) -> PathBuf {
		self.folder.join(hex::encode(hash.as_bytes()))
	}

	/// Takes in what a model's or an adapter's folder holds of its manifest; gives the manifest's root.
	pub fn import(&self, folder: &Path) -> Result<Digest, ShardError> {
		if folder.join(adapter::FILE).exists() {
			return self.import_adapter(folder);
		}
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

	fn import_adapter(&self, folder: &Path) -> Result<Digest, ShardError> {
		let manifest = AdapterManifest::load(folder)?;
		self.take(&folder.join(adapter::FILE), &manifest.root)?;
		for file in manifest.layers.iter().flatten() {
			let source = folder.join(&file.file);
			if source.exists() && hash_of(&source)? == file.blake3 {
				self.take(&source, &file.blake3)?;
			}
		}
		Ok(manifest.root)
	}

	/// Answers the peers that fetch, until the network stops.
	pub fn serve(&self, network: &Network) -> Result<(), NetworkError> {
		let mut incoming = network.accept(PROTOCOL)?;
		let store = self.clone();
		let slots = Slots::new(MAX_SERVED.0, MAX_SERVED.1);
		tokio::spawn(async move {
			while let Some((peer, stream)) = incoming.next().await {
				let Some(slot) = slots.take(peer) else {
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
		for hash in hashes {
			let turn = self.turn(*hash);
			let _alone = turn.lock().await;
			if !self.is_whole(*hash).await? {
				self.fetch(network, peers, *hash).await?;
			}
		}
		Ok(())
	}

	/// The lock of a file; those that nobody has any more are dropped.
	fn turn(&self, hash: Digest) -> Turn {
		let mut turns = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
		turns.retain(|_, turn| Arc::strong_count(turn) > 1);
		turns.entry(hash).or_default().clone()
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
		let files = blocking(move || {
			let manifest = Manifest::from_bytes(&manifest_bytes(&path)?)?;
			manifest.expect_root(root)?;
			part_files(&manifest, part)
		});
		let files = files.await?;
		self.lay_out_fetched(network, peers, (root, manifest::FILE), files)
			.await
	}

	/// Makes sure that the part of an adapter that belongs to some layers is here, and lays it out in a folder.
	/// `root` is that of its `adapter.json`.
	pub async fn adapter(
		&self,
		network: &Network,
		peers: &[Peer],
		root: Digest,
		layers: LayerRange,
	) -> Result<PathBuf, ShardError> {
		self.ensure(network, peers, &[root]).await?;
		let path = self.path(&root);
		let files = blocking(move || {
			let manifest = AdapterManifest::from_bytes(&manifest_bytes(&path)?)?;
			if manifest.root != root {
				let (expected, found) = (root, manifest.root);
				return Err(ShardError::OtherAdapter { expected, found });
			}
			let range = usize::from(layers.start)..usize::from(layers.end);
			let files = manifest.layers.get(range).unwrap_or_default();
			let files = files.iter().flatten();
			Ok(files.map(|file| (file.file.clone(), file.blake3)).collect())
		});
		let files = files.await?;
		self.lay_out_fetched(network, peers, (root, adapter::FILE), files)
			.await
	}

	/// Makes sure that the files are here, and shows them beside their manifest, which is.
	async fn lay_out_fetched(
		&self,
		network: &Network,
		peers: &[Peer],
		manifest: (Digest, &'static str),
		files: Vec<(String, Digest)>,
	) -> Result<PathBuf, ShardError> {
		let hashes = files.iter().map(|(_, hash)| *hash).collect::<Vec<_>>();
		self.ensure(network, peers, &hashes).await?;
		let store = self.clone();
		blocking(move || store.lay_out(manifest, files)).await
	}

	/// Shows stored files under their plain names in the folder of their model or adapter.
	fn lay_out(
		&self,
		(root, manifest): (Digest, &str),
		files: Vec<(String, Digest)>,
	) -> Result<PathBuf, ShardError> {
		let folder = self.folder.join(MODELS).join(hex::encode(root.as_bytes()));
		fs::create_dir_all(&folder).map_err(|source| io_error(&folder, source))?;
		for (name, hash) in files.iter().chain([&(manifest.to_string(), root)]) {
			link_or_copy(&self.path(hash), &folder.join(name))?;
		}
		Ok(folder)
	}

	/// Whether the file is here; a corrupt one is removed.
	async fn is_whole(&self, hash: Digest) -> Result<bool, ShardError> {
		let path = self.path(&hash);
		let check = move || {
			if !path.exists() {
				return Ok(false);
			}
			let found = hash_of(&path)?;
			if found == hash {
				return Ok(true);
			}
			tracing::warn!(shard = ?hash, ?found, "a stored shard is corrupt; it is fetched again");
			fs::remove_file(&path).map_err(|source| io_error(&path, source))?;
			Ok(false)
		};
		blocking(check).await
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
		metrics().fetch_ended(None);
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
		let part = tokio::fs::metadata(self.part(&hash)).await;
		let resumed = part.is_ok_and(|part| part.len() > 0);
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
		let found = tokio::fs::metadata(&part).await;
		let offset = found.map_or(0, |part| part.len());
		let mut link = Link::new(network.open(peer, PROTOCOL).await?);
		let asked = Instant::now();
		link.send(&Frame::Want { hash, offset }).await?;
		let bytes = match link.receive(CHUNK_TIMEOUT.min(self.pace.grace)).await? {
			Frame::Have { bytes } => bytes,
			other => return Err(out_of_turn(&other).into()),
		};
		if bytes > MAX_SHARD_BYTES || bytes < offset {
			tokio::fs::remove_file(&part).await.or_else(is_absent)?;
			return Err(FetchError::WrongLength(bytes));
		}
		append(&mut link, &part, bytes - offset, (self.pace, asked)).await?;
		let (written, target) = (part, self.path(&hash));
		let taken = spawn_blocking(move || {
			if hash_of(&written).is_ok_and(|found| found == hash) {
				return Ok(fs::rename(&written, target)?);
			}
			discard(&written)?;
			Err(FetchError::WrongBytes)
		});
		taken.await.map_err(io::Error::other)??;
		metrics().fetch_ended(Some(bytes - offset));
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

/// Appends `missing` bytes of chunks to a file, unless they come too slowly after they were asked for.
async fn append(
	link: &mut Link,
	part: &Path,
	missing: u64,
	(pace, asked): (Pace, Instant),
) -> Result<(), FetchError> {
	let mut file = tokio::fs::OpenOptions::new()
		.create(true)
		.append(true)
		.open(part)
		.await?;
	let mut left = missing;
	while left > 0 {
		let due = pace
			.allowance(missing - left)
			.saturating_sub(asked.elapsed());
		let received = match due.is_zero() {
			true => Err(LinkError::Silent(due)),
			false => link.receive(CHUNK_TIMEOUT.min(due)).await,
		};
		let chunk = match received {
			Err(LinkError::Silent(_)) if asked.elapsed() >= pace.allowance(missing - left) => {
				file.flush().await?;
				return Err(FetchError::TooSlow(missing - left));
			}
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

/// The bytes of a manifest, if they are not too many for one.
fn manifest_bytes(path: &Path) -> Result<Vec<u8>, ShardError> {
	let length = fs::metadata(path).map_err(|source| io_error(path, source))?;
	let bytes = length.len();
	if bytes > manifest::MAX_BYTES {
		return Err(ManifestError::TooLarge { bytes }.into());
	}
	fs::read(path).map_err(|source| io_error(path, source))
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

/// Shows a stored file under another name without taking its space twice, where the disk allows. The name
/// is never missing meanwhile: another thread may be loading it.
fn link_or_copy(source: &Path, target: &Path) -> Result<(), ShardError> {
	let beside = beside(target);
	match fs::hard_link(source, &beside) {
		Ok(()) => {
			let renamed = fs::rename(&beside, target).map_err(|error| io_error(target, error));
			// Where both names lead to the same file already, renaming leaves both.
			discard(&beside).map_err(|error| io_error(&beside, error))?;
			renamed
		}
		Err(_) => copy(source, target),
	}
}

/// Copies beside the target first, so that a target is always whole.
fn copy(source: &Path, target: &Path) -> Result<(), ShardError> {
	let beside = beside(target);
	fs::copy(source, &beside)
		.and_then(|_| fs::rename(&beside, target))
		.map_err(|error| io_error(target, error))
}

/// A name of its own for a file that takes the place of `target` when it is whole.
fn beside(target: &Path) -> PathBuf {
	static NUMBER: AtomicU64 = AtomicU64::new(0);
	let number = NUMBER.fetch_add(1, Ordering::Relaxed);
	target.with_extension(format!("{}-{number}.copy", std::process::id()))
}

fn is_absent(error: io::Error) -> io::Result<()> {
	match error.kind() {
		io::ErrorKind::NotFound => Ok(()),
		_ => Err(error),
	}
}

fn discard(path: &Path) -> io::Result<()> {
	fs::remove_file(path).or_else(is_absent)
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
