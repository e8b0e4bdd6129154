//! API keys: who may ask, how often, and for how much money.
//!
//! A key is `sk-dllm-<id>-<secret>`. The file holds blake3 of salt and secret, so who reads it cannot ask.
//! The secret has 256 random bits: nobody can guess it, so that a slow hash, as passwords need, would only
//! slow every request down. `dllm-worker gateway key` changes the file; a running gateway notices that.

use super::{files, FileError};
use crate::commitment::random_bytes;
use dllm_primitives::ids::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
	fs,
	path::{Path, PathBuf},
	sync::{Mutex, MutexGuard, PoisonError},
	time::SystemTime,
};

/// Begins every key, so that people and scanners of leaked secrets know one.
const PREFIX: &str = "sk-dllm-";
/// Bytes of the public part of a key.
const ID_BYTES: usize = 4;
/// Id of whoever asks an open gateway without a key.
const ANYBODY: &str = "anybody";

/// A key, without its secret.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Key {
	/// Public part; names it in logs and in the file of spending.
	pub id: String,
	/// Name for people; no two keys share one.
	pub name: String,
	salt: Digest,
	hash: Digest,
	/// What it may spend in planck; without an end where left out.
	#[serde(
		default,
		serialize_with = "write_planck",
		deserialize_with = "read_planck"
	)]
	pub budget: Option<u128>,
	/// Requests a minute; without an end where left out.
	pub rate: Option<u32>,
}

/// Why the file of keys was not changed.
#[derive(thiserror::Error, Debug)]
pub enum KeyError {
	/// The file cannot be read or written.
	#[error(transparent)]
	File(#[from] FileError),
	/// The name is taken.
	#[error(
		"there is a key named {name:?} already: choose another name, or remove that one first"
	)]
	NameTaken { name: String },
	/// The name is none.
	#[error("{name:?} is no name for a key: 1 to 64 letters, digits, dots, dashes or underscores")]
	BadName { name: String },
	/// A rate of nothing.
	#[error("a rate of 0 requests a minute refuses everything: leave it out, or remove the key")]
	NoRate,
	/// There is no such key.
	#[error("no key is named {name:?}: `dllm-worker gateway key list` shows them")]
	Unknown { name: String },
}

/// The file of keys.
pub struct Keys {
	path: PathBuf,
	read: Mutex<Read>,
}

/// What was read of the file.
struct Read {
	stamp: Option<Stamp>,
	keys: Vec<Key>,
}

/// Tells a file from the one that replaces it: clocks of file systems tick slower than files are written,
/// so the time alone does not.
type Stamp = (SystemTime, u64, u64);

#[derive(Serialize, Deserialize, Default)]
struct File {
	keys: Vec<Key>,
}

impl Key {
	/// Whoever asks a gateway that needs no key: no limits but the account's.
	pub fn anybody() -> Self {
		Self {
			id: ANYBODY.into(),
			name: ANYBODY.into(),
			salt: Digest::zero(),
			hash: Digest::zero(),
			budget: None,
			rate: None,
		}
	}

	/// A new key, and its text, which is shown once.
	fn generate(name: &str, budget: Option<u128>, rate: Option<u32>) -> (Self, String) {
		let (secret, salt) = (random_bytes(), Digest::from(random_bytes()));
		let id = hex::encode(&random_bytes()[..ID_BYTES]);
		let text = format!("{PREFIX}{id}-{}", hex::encode(secret));
		let hash = Digest::from(*hash(&salt, &secret).as_bytes());
		let name = name.into();
		let key = Self {
			id,
			name,
			salt,
			hash,
			budget,
			rate,
		};
		(key, text)
	}

	/// Whether `secret` is this key's, in a time that tells nothing of it.
	fn is_opened_by(&self, secret: &[u8]) -> bool {
		hash(&self.salt, secret) == self.hash.0
	}
}

impl Keys {
	/// Opens a file of keys; none yet where it does not exist.
	pub fn open(path: PathBuf) -> Result<Self, FileError> {
		let read = Mutex::new(Read::of(&path)?);
		Ok(Self { path, read })
	}

	/// The key that a text is, if it is one.
	pub fn find(&self, text: &str) -> Option<Key> {
		let (id, secret) = text.strip_prefix(PREFIX)?.split_once('-')?;
		let secret = hex::decode(secret).ok()?;
		let read = self.current();
		let key = read.keys.iter().find(|key| key.id == id)?;
		key.is_opened_by(&secret).then(|| key.clone())
	}

	/// Every key.
	pub fn list(&self) -> Vec<Key> {
		self.current().keys.clone()
	}

	/// Adds a key and gives its text, which cannot be shown again.
	pub fn add(
		&self,
		name: &str,
		budget: Option<u128>,
		rate: Option<u32>,
	) -> Result<String, KeyError> {
		let letter = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
		if name.is_empty() || name.len() > 64 || !name.chars().all(letter) {
			return Err(KeyError::BadName { name: name.into() });
		}
		if rate == Some(0) {
			return Err(KeyError::NoRate);
		}
		let mut keys = self.list();
		if keys.iter().any(|key| key.name == name) {
			return Err(KeyError::NameTaken { name: name.into() });
		}
		let (key, text) = Key::generate(name, budget, rate);
		keys.push(key);
		self.write(keys)?;
		Ok(text)
	}

	/// Removes a key: from now on it opens nothing.
	pub fn remove(&self, name: &str) -> Result<Key, KeyError> {
		let mut keys = self.list();
		let at = keys.iter().position(|key| key.name == name);
		let at = at.ok_or_else(|| KeyError::Unknown { name: name.into() })?;
		let removed = keys.remove(at);
		self.write(keys)?;
		Ok(removed)
	}

	fn write(&self, keys: Vec<Key>) -> Result<(), FileError> {
		files::replace(&self.path, &File { keys })
	}

	/// The keys as the file has them now. Where it cannot be read, those that were read last stand.
	fn current(&self) -> MutexGuard<'_, Read> {
		let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
		if stamp(&self.path) != read.stamp {
			match Read::of(&self.path) {
				Ok(now) => *read = now,
				Err(error) => tracing::error!(%error, "the file of keys cannot be read again"),
			}
		}
		read
	}
}

impl Read {
	fn of(path: &Path) -> Result<Self, FileError> {
		// Taken before the content: a change in between is noticed the next time.
		let stamp = stamp(path);
		let keys = files::read::<File>(path)?.unwrap_or_default().keys;
		Ok(Self { stamp, keys })
	}
}

fn stamp(path: &Path) -> Option<Stamp> {
	let file = fs::metadata(path).ok()?;
	#[cfg(unix)]
	let number = std::os::unix::fs::MetadataExt::ino(&file);
	#[cfg(not(unix))]
	let number = 0;
	Some((file.modified().ok()?, file.len(), number))
}

fn hash(salt: &Digest, secret: &[u8]) -> blake3::Hash {
	blake3::keyed_hash(&salt.0, secret)
}

/// Planck as a decimal string: JSON numbers lose digits above 2⁵³.
fn write_planck<S: Serializer>(planck: &Option<u128>, serializer: S) -> Result<S::Ok, S::Error> {
	planck
		.map(|planck| planck.to_string())
		.serialize(serializer)
}

fn read_planck<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u128>, D::Error> {
	let text = Option::<String>::deserialize(deserializer)?;
	let planck = text.map(|text| text.parse()).transpose();
	planck.map_err(serde::de::Error::custom)
}
