//! Who signs: an sr25519 account from a key file or a secret.

use dllm_primitives::{
	ids::{Digest, JobId, StageIndex},
	summons::{self, Proof},
};
use sp_core::{
	crypto::{AccountId32, Ss58Codec, VrfSecret},
	sr25519, Pair,
};
use std::{
	fs,
	io::{self, Write},
	path::{Path, PathBuf},
};
use subxt::{
	config::substrate::{MultiSignature, SubstrateConfig},
	transactions::Signer,
};

/// An account that this process can sign for.
#[derive(Clone)]
pub struct Account {
	pair: sr25519::Pair,
	id: AccountId32,
}

/// Why there is no account.
#[derive(thiserror::Error, Debug)]
pub enum AccountError {
	/// There is no key file.
	#[error("no key file at {path}: make one with `dllm-worker keys generate --out {path}`, or give --account")]
	NoKeyFile { path: PathBuf },
	/// Other users of the machine can read the secret.
	#[error("{path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`")]
	Exposed { path: PathBuf, mode: u32 },
	/// The file or text holds no secret.
	#[error("{origin} holds no secret: expected a mnemonic, a seed of 64 hex digits after 0x, or a name like //Miner1")]
	NoSecret { origin: String },
	/// The key file exists.
	#[error(
		"{path} exists: a key is never overwritten; choose another file, or move this one away"
	)]
	Exists { path: PathBuf },
	/// The text is no address.
	#[error(
		"{0:?} is no address: expected 48 characters that begin with 5, or 0x with 64 hex digits"
	)]
	BadAddress(String),
	/// The file system failed.
	#[error("{path}: {source}")]
	Io { path: PathBuf, source: io::Error },
}

impl Account {
	/// An account from the path of a key file, or from a secret.
	pub fn load(source: &str) -> Result<Self, AccountError> {
		if Self::is_secret(source) {
			return Self::from_secret(source, "the account given");
		}
		let path = Path::new(source);
		let text = fs::read_to_string(path).map_err(|error| match error.kind() {
			io::ErrorKind::NotFound => AccountError::NoKeyFile { path: path.into() },
			_ => AccountError::Io {
				path: path.into(),
				source: error,
			},
		})?;
		check_mode(path)?;
		Self::from_secret(text.trim(), source)
	}

	/// Whether a text is a secret rather than the path of a file.
	pub fn is_secret(source: &str) -> bool {
		let words = source.split_whitespace().count();
		source.starts_with("//") || words >= 12 || (source.starts_with("0x") && source.len() >= 66)
	}

	/// Makes a new account and writes its mnemonic to a new file that only its owner can read.
	pub fn generate(path: &Path) -> Result<Self, AccountError> {
		let (pair, phrase, _) = sr25519::Pair::generate_with_phrase(None);
		let mut options = fs::OpenOptions::new();
		options.write(true).create_new(true);
		#[cfg(unix)]
		std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
		let written = options.open(path).and_then(|mut file| {
			writeln!(file, "{phrase}")?;
			file.sync_all()
		});
		written.map_err(|source| match source.kind() {
			io::ErrorKind::AlreadyExists => AccountError::Exists { path: path.into() },
			_ => AccountError::Io {
				path: path.into(),
				source,
			},
		})?;
		Ok(Self::of(pair))
	}

	/// Its number on chain.
	pub fn id(&self) -> &AccountId32 {
		&self.id
	}

	/// Its address, as wallets show it.
	pub fn address(&self) -> String {
		address(&self.id)
	}

	/// Its lot over a stage of a job: always the same one, with another proof each time.
	pub fn draw_lot(&self, seed: Digest, (job, stage): (JobId, StageIndex)) -> Proof {
		let input = summons::transcript(seed, job, stage);
		Proof::from(&self.pair.vrf_sign(&input.into_sign_data()))
	}

	fn from_secret(secret: &str, origin: &str) -> Result<Self, AccountError> {
		let pair = sr25519::Pair::from_string(secret, None);
		pair.map(Self::of).map_err(|_| AccountError::NoSecret {
			origin: origin.into(),
		})
	}

	fn of(pair: sr25519::Pair) -> Self {
		let id = AccountId32::new(pair.public().0);
		Self { pair, id }
	}
}

impl Signer<SubstrateConfig> for Account {
	fn account_id(&self) -> subxt::utils::AccountId32 {
		subxt::utils::AccountId32(*self.id.as_ref())
	}

	fn sign(&self, payload: &[u8]) -> MultiSignature {
		MultiSignature::Sr25519(self.pair.sign(payload).0)
	}
}

/// The address of an account, as wallets show it.
pub fn address(id: &AccountId32) -> String {
	id.to_ss58check()
}

/// Reads an address; a development name such as `//Alice` stands for its account.
pub fn parse_address(text: &str) -> Result<AccountId32, AccountError> {
	if text.starts_with("//") {
		return Account::from_secret(text, text).map(|account| account.id);
	}
	text.parse()
		.map_err(|_| AccountError::BadAddress(text.into()))
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), AccountError> {
	use std::os::unix::fs::PermissionsExt;
	let metadata = fs::metadata(path);
	let mode = metadata.map_err(|source| AccountError::Io {
		path: path.into(),
		source,
	})?;
	match mode.permissions().mode() & 0o777 {
		mode if mode & 0o077 != 0 => Err(AccountError::Exposed {
			path: path.into(),
			mode,
		}),
		_ => Ok(()),
	}
}

#[cfg(not(unix))]
fn check_mode(_path: &Path) -> Result<(), AccountError> {
	Ok(())
}
