//! Files that are replaced as a whole: a reader, or a restart, finds the old content or the new one.

use serde::{de::DeserializeOwned, Serialize};
use std::{
	fs,
	io::{self, Write},
	path::{Path, PathBuf},
};

/// Why a file of the gateway cannot be used.
#[derive(thiserror::Error, Debug)]
pub enum FileError {
	/// The file system failed.
	#[error("{path}: {source}; free space on the disk, or give the gateway's account the right to write there")]
	Io { path: PathBuf, source: io::Error },
	/// The content makes no sense.
	#[error("{path}: {reason}; restore the file from a copy, or move it away to start afresh")]
	Damaged { path: PathBuf, reason: String },
}

/// Reads a file; none where it does not exist.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
	let bytes = match fs::read(path) {
		Ok(bytes) => bytes,
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
		Err(source) => {
			return Err(FileError::Io {
				path: path.into(),
				source,
			})
		}
	};
	let content = serde_json::from_slice(&bytes);
	content.map(Some).map_err(|error| FileError::Damaged {
		path: path.into(),
		reason: error.to_string(),
	})
}

/// Replaces a file; only its owner can read it.
pub fn replace(path: &Path, content: &impl Serialize) -> Result<(), FileError> {
	let failed = |source| FileError::Io {
		path: path.into(),
		source,
	};
	let text = serde_json::to_vec_pretty(content).map_err(|error| failed(error.into()))?;
	let new = path.with_extension("new");
	let written = || -> io::Result<()> {
		if let Some(folder) = path.parent() {
			fs::create_dir_all(folder)?;
		}
		let mut options = fs::OpenOptions::new();
		options.write(true).create(true).truncate(true);
		#[cfg(unix)]
		std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
		let mut file = options.open(&new)?;
		file.write_all(&text)?;
		file.sync_all()?;
		fs::rename(&new, path)
	};
	written().map_err(failed)
}
