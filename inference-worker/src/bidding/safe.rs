//! Offers and salts on disk, from before a bid is sealed until its round is over for good.
//!
//! One file a seal, named by it, so that what the chain holds leads to what opens it, whatever a fork made
//! of the round's number. Nothing is overwritten, and only the worker's account can read it: an offer is a
//! secret until it is revealed.

use crate::{chain::AccountId32, commitment::random_bytes};
use codec::{Decode, Encode};
use dllm_primitives::{
	capacity::{seal, Offer, RoundId},
	ids::{Digest, ModelId},
};
use std::{
	fs,
	io::{self, Write},
	path::{Path, PathBuf},
	sync::Arc,
};
use tokio::task::spawn_blocking;

const SUFFIX: &str = "bid";

/// Why a bid cannot be kept or found.
#[derive(thiserror::Error, Debug)]
pub enum SafeError {
	/// The file system failed.
	#[error("bids cannot be kept in {path}: {source}; free space on the disk, or give the worker's account the right to write there")]
	Io { path: PathBuf, source: io::Error },
	/// A file holds something else.
	#[error("{path} is damaged: restore it from a copy before the bid has to be revealed, or move it away")]
	Damaged { path: PathBuf },
	/// A thread died.
	#[error("a bid was not kept because the worker is being stopped: start it again, it goes on")]
	Interrupted,
}

/// What opens a sealed bid.
#[derive(Encode, Decode, Clone, PartialEq, Eq, Debug)]
pub struct Record {
	/// The round.
	pub round: RoundId,
	/// Its model.
	pub model: ModelId,
	/// What was sealed.
	pub offer: Offer,
	/// With which salt.
	pub salt: Digest,
}

impl Record {
	/// An offer with a salt of its own.
	pub fn new(round: RoundId, model: ModelId, offer: Offer) -> Self {
		let salt = Digest::from(random_bytes());
		Self {
			round,
			model,
			offer,
			salt,
		}
	}
}

/// The folder of all records of a bidder.
#[derive(Clone, Debug)]
pub struct Safe {
	folder: Arc<PathBuf>,
	bidder: AccountId32,
}

impl Safe {
	/// The safe of `bidder` in `folder`, which is made where it is missing.
	pub fn open(folder: impl Into<PathBuf>, bidder: AccountId32) -> Result<Self, SafeError> {
		let folder = folder.into();
		fs::create_dir_all(&folder).map_err(at(&folder))?;
		Ok(Self {
			folder: Arc::new(folder),
			bidder,
		})
	}

	/// Does something with the safe on a thread that may wait for the disk.
	pub async fn blocking<T: Send + 'static>(
		&self,
		work: impl FnOnce(&Self) -> Result<T, SafeError> + Send + 'static,
	) -> Result<T, SafeError> {
		let safe = self.clone();
		let done = spawn_blocking(move || work(&safe)).await;
		done.unwrap_or(Err(SafeError::Interrupted))
	}

	/// The seal of a record.
	pub fn seal_of(&self, record: &Record) -> Digest {
		seal(record.round, &self.bidder, &record.offer, &record.salt)
	}

	/// Keeps a record, so that a power cut does not lose it, and answers its seal.
	pub fn put(&self, record: &Record) -> Result<Digest, SafeError> {
		let seal = self.seal_of(record);
		let path = self.path(&seal);
		let new = path.with_extension("new");
		let written = || -> io::Result<()> {
			let mut options = fs::OpenOptions::new();
			options.write(true).create(true).truncate(true);
			#[cfg(unix)]
			std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
			let mut file = options.open(&new)?;
			file.write_all(&record.encode())?;
			file.sync_all()?;
			fs::rename(&new, &path)?;
			sync_folder(&self.folder)
		};
		written().map_err(at(&path))?;
		Ok(seal)
	}

	/// What opens a seal; none where this safe never held it.
	pub fn get(&self, seal: &Digest) -> Result<Option<Record>, SafeError> {
		let path = self.path(seal);
		let bytes = match fs::read(&path) {
			Ok(bytes) => bytes,
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
			Err(error) => return Err(at(&path)(error)),
		};
		let record = Record::decode(&mut &bytes[..]).ok();
		let record = record.filter(|record| self.seal_of(record) == *seal);
		record.map(Some).ok_or(SafeError::Damaged { path })
	}

	/// Every record with its seal. Damaged ones are left out: they open nothing.
	pub fn records(&self) -> Result<Vec<(Digest, Record)>, SafeError> {
		let mut records = Vec::new();
		for entry in fs::read_dir(&*self.folder).map_err(at(&self.folder))? {
			let path = entry.map_err(at(&self.folder))?.path();
			if path.extension().is_none_or(|suffix| suffix != SUFFIX) {
				continue;
			}
			let bytes = fs::read(&path).map_err(at(&path))?;
			if let Ok(record) = Record::decode(&mut &bytes[..]) {
				records.push((self.seal_of(&record), record));
			}
		}
		records.retain(|(seal, _)| self.path(seal).exists());
		records.sort_by_key(|(seal, _)| *seal);
		Ok(records)
	}

	/// Drops the record of a seal.
	pub fn remove(&self, seal: &Digest) -> Result<(), SafeError> {
		let path = self.path(seal);
		match fs::remove_file(&path) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
			_ => Ok(()),
		}
	}

	fn path(&self, seal: &Digest) -> PathBuf {
		self.folder.join(format!("{}.{SUFFIX}", hex::encode(seal)))
	}
}

/// Makes the names in a folder durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
	fs::File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened, and a rename is as durable as the system makes it.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
	Ok(())
}

fn at(path: &Path) -> impl Fn(io::Error) -> SafeError + '_ {
	move |source| SafeError::Io {
		path: path.into(),
		source,
	}
}
