//! The worker's libp2p identity: an ed25519 key in a file that only its owner can read.

use libp2p::identity::Keypair;
use std::{
	fs, io,
	io::Write,
	path::{Path, PathBuf},
};

/// Why there is no identity.
#[derive(thiserror::Error, Debug)]
pub enum IdentityError {
	/// The file system failed.
	#[error("cannot use the network key {path}: {source}; give the worker's account the right to read and write there")]
	Io { path: PathBuf, source: io::Error },
	/// The file holds something else.
	#[error("{path} is no network key: restore it, or delete it and register the new peer id")]
	NoKey { path: PathBuf },
}

/// The key in `path`; made, where there is none.
pub fn load_or_create(path: &Path) -> Result<Keypair, IdentityError> {
	let failed = |source| IdentityError::Io {
		path: path.into(),
		source,
	};
	match fs::read(path) {
		Ok(bytes) => Keypair::from_protobuf_encoding(&bytes)
			.map_err(|_| IdentityError::NoKey { path: path.into() }),
		Err(error) if error.kind() == io::ErrorKind::NotFound => create(path),
		Err(error) => Err(failed(error)),
	}
}

fn create(path: &Path) -> Result<Keypair, IdentityError> {
	let failed = |source| IdentityError::Io {
		path: path.into(),
		source,
	};
	let keypair = Keypair::generate_ed25519();
	let bytes = keypair
		.to_protobuf_encoding()
		.map_err(|error| failed(io::Error::other(error.to_string())))?;
	if let Some(folder) = path.parent() {
		fs::create_dir_all(folder).map_err(failed)?;
	}
	let mut file = private_file(path).map_err(failed)?;
	file.write_all(&bytes)
		.and_then(|()| file.sync_all())
		.map_err(failed)?;
	Ok(keypair)
}

/// A new file that only its owner can read.
fn private_file(path: &Path) -> io::Result<fs::File> {
	let mut options = fs::OpenOptions::new();
	options.write(true).create_new(true);
	#[cfg(unix)]
	std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
	options.open(path)
}
