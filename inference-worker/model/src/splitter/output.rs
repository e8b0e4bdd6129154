//! The folder of a split that is not finished yet: written beside the target, renamed at the end.
//!
//! A journal in it names every shard that is complete. Whoever is killed and starts again finds the
//! folder, compares each of those shards with its digest, and goes on behind them. Any change of the
//! source, the profile or the program makes another journal, and the folder is begun anew.

use super::SplitError;
use crate::manifest::{digest_of, ShardFile, TextFile};
use serde::{Deserialize, Serialize};
use std::{
	fs::{self, File, OpenOptions},
	io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
	path::{Path, PathBuf},
};

const JOURNAL: &str = "journal.jsonl";
/// Bytes that are hashed or written at once.
const BUFFER: usize = 1 << 20;

/// First line of a journal.
#[derive(Serialize, Deserialize, PartialEq)]
struct Opening {
	/// Digest of everything that the shards depend on.
	fingerprint: String,
}

/// A folder that is being filled.
pub struct Unfinished {
	/// The folder.
	pub path: PathBuf,
	journal: File,
	/// Shards that an earlier run completed.
	kept: Vec<ShardFile>,
	outcome: Outcome,
}

/// What becomes of the folder when it is dropped.
#[derive(PartialEq)]
enum Outcome {
	/// It is removed.
	Remove,
	/// It stays for the next run.
	Keep,
	/// It has the target's name already.
	Finished,
}

impl Unfinished {
	/// Makes the folder, or finds that of an earlier run of the same split.
	pub fn open(target: &Path, fingerprint: blake3::Hash) -> Result<Self, SplitError> {
		let name = target
			.file_name()
			.map(|name| name.to_string_lossy().into_owned());
		let name = name.unwrap_or_else(|| "model".into());
		let path = target.with_file_name(format!(".{name}.unfinished"));
		let io = |source| SplitError::Io {
			path: path.clone(),
			source,
		};
		fs::create_dir_all(&path).map_err(io)?;
		let journal = OpenOptions::new()
			.read(true)
			.write(true)
			.create(true)
			.truncate(false)
			.open(path.join(JOURNAL));
		let mut journal = journal.map_err(io)?;
		if journal.try_lock().is_err() {
			return Err(SplitError::TargetBusy {
				folder: target.into(),
			});
		}
		let opening = Opening {
			fingerprint: fingerprint.to_hex().to_string(),
		};
		let kept = entries(&mut journal, &opening);
		let mut folder = Self {
			path,
			journal,
			kept: Vec::new(),
			outcome: Outcome::Remove,
		};
		folder.kept = kept
			.into_iter()
			.take_while(|shard| folder.holds(shard))
			.collect();
		folder.clear()?;
		folder.rewrite_journal(&opening)?;
		Ok(folder)
	}

	/// The next shard, if an earlier run completed it.
	pub fn kept(&self, file: &str) -> Option<ShardFile> {
		self.kept.iter().find(|shard| shard.file == file).cloned()
	}

	/// Notes that a shard is complete.
	pub fn completed(&mut self, shard: &ShardFile) -> Result<(), SplitError> {
		self.note(shard)
	}

	/// Lets the folder stay for the next run.
	pub fn keep(&mut self) {
		self.outcome = Outcome::Keep;
	}

	/// Gives the folder its final name.
	pub fn finish(mut self, target: &Path) -> Result<(), SplitError> {
		let finished =
			fs::remove_file(self.path.join(JOURNAL)).and_then(|()| fs::rename(&self.path, target));
		finished.map_err(|source| SplitError::Io {
			path: target.into(),
			source,
		})?;
		self.outcome = Outcome::Finished;
		Ok(())
	}

	/// Starts a file.
	pub fn create(&self, file: &str) -> Result<HashedFile, SplitError> {
		let path = self.path.join(file);
		match File::create(&path) {
			Ok(out) => Ok(HashedFile {
				out: BufWriter::with_capacity(BUFFER, out),
				hasher: blake3::Hasher::new(),
				bytes: 0,
				path,
			}),
			Err(source) => Err(SplitError::Io { path, source }),
		}
	}

	/// Writes a small file.
	pub fn write(&self, file: &str, content: &[u8]) -> Result<(), SplitError> {
		let mut out = self.create(file)?;
		let written = out.write_all(content);
		written.map_err(|source| SplitError::Io {
			path: out.path.clone(),
			source,
		})?;
		out.finish().map(drop)
	}

	/// Copies a small file.
	pub fn copy(&self, source: &Path, file: &str) -> Result<TextFile, SplitError> {
		let path = source.join(file);
		let content = fs::read(&path).map_err(|source| SplitError::Io { path, source })?;
		self.write(file, &content)?;
		Ok(TextFile {
			file: file.into(),
			blake3: digest_of(&content),
			bytes: content.len() as u64,
		})
	}

	/// Whether the folder has a shard, byte for byte.
	fn holds(&self, shard: &ShardFile) -> bool {
		let mut hasher = blake3::Hasher::new();
		let mut buffer = vec![0; BUFFER];
		let Ok(mut file) = File::open(self.path.join(&shard.file)) else {
			return false;
		};
		loop {
			match file.read(&mut buffer) {
				Ok(0) => break,
				Ok(bytes) => hasher.update(&buffer[..bytes]),
				Err(_) => return false,
			};
		}
		shard.blake3 == (*hasher.finalize().as_bytes()).into()
	}

	/// Removes what no earlier run of this split completed.
	fn clear(&self) -> Result<(), SplitError> {
		let known =
			|name: &str| name == JOURNAL || self.kept.iter().any(|shard| shard.file == name);
		let cleared = fs::read_dir(&self.path).and_then(|mut entries| {
			entries.try_for_each(|entry| {
				let entry = entry?;
				match known(&entry.file_name().to_string_lossy()) {
					true => Ok(()),
					false => fs::remove_file(entry.path()),
				}
			})
		});
		cleared.map_err(|source| SplitError::Io {
			path: self.path.clone(),
			source,
		})
	}

	fn rewrite_journal(&mut self, opening: &Opening) -> Result<(), SplitError> {
		let emptied = self.journal.set_len(0).and_then(|()| self.journal.rewind());
		emptied.map_err(|source| self.failed(source))?;
		self.note(opening)?;
		for shard in self.kept.clone() {
			self.note(&shard)?;
		}
		Ok(())
	}

	fn note(&mut self, entry: &impl Serialize) -> Result<(), SplitError> {
		let line = serde_json::to_string(entry).map_err(io::Error::from);
		let written = line.and_then(|line| {
			writeln!(self.journal, "{line}")?;
			self.journal.sync_data()
		});
		written.map_err(|source| self.failed(source))
	}

	fn failed(&self, source: io::Error) -> SplitError {
		SplitError::Io {
			path: self.path.join(JOURNAL),
			source,
		}
	}
}

impl Drop for Unfinished {
	fn drop(&mut self) {
		if self.outcome == Outcome::Remove {
			// Nothing can be done about a failure here, and the cause is already being reported.
			let _ = fs::remove_dir_all(&self.path);
		}
	}
}

/// A file that is hashed while it is written.
pub struct HashedFile {
	out: BufWriter<File>,
	hasher: blake3::Hasher,
	/// Bytes written so far.
	pub bytes: u64,
	/// Where it lies.
	pub path: PathBuf,
}

impl HashedFile {
	/// Brings the file to the disk and gives its digest.
	pub fn finish(self) -> Result<blake3::Hash, SplitError> {
		let Self {
			out, hasher, path, ..
		} = self;
		let synced = match out.into_inner() {
			Ok(file) => file.sync_all(),
			Err(error) => Err(error.into_error()),
		};
		synced.map_err(|source| SplitError::Io { path, source })?;
		Ok(hasher.finalize())
	}
}

impl Write for HashedFile {
	fn write(&mut self, part: &[u8]) -> io::Result<usize> {
		let taken = self.out.write(part)?;
		self.hasher.update(&part[..taken]);
		self.bytes += taken as u64;
		Ok(taken)
	}

	fn flush(&mut self) -> io::Result<()> {
		self.out.flush()
	}
}

/// The shards that a journal names, if it is of the same split. A line that was cut off ends it.
fn entries(journal: &mut File, opening: &Opening) -> Vec<ShardFile> {
	let mut lines = BufReader::new(journal).lines().map_while(Result::ok);
	let first = lines
		.next()
		.and_then(|line| serde_json::from_str(&line).ok());
	if first.as_ref() != Some(opening) {
		return Vec::new();
	}
	lines
		.map_while(|line| serde_json::from_str(&line).ok())
		.collect()
}
