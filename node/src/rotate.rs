//! `dllm-node key rotate`: fresh session keys for a validator, and the call that registers them.
//!
//! The chain asks for a proof that the owner's account knows the keys, which wallets do not make. This
//! command makes keys in the node's keystore and prints the whole call: paste it into a wallet (in
//! polkadot.js Apps: Developer, Extrinsics, Decode) and sign it as the owner. A running node finds the new
//! keys at once; they take effect two sessions after the call.

use crate::cli::Cli;
use clap::Parser;
use dllm_runtime::{AccountId, RuntimeCall, SessionKeys};
use sc_cli::{Error, KeystoreParams, SharedParams, SubstrateCli};
use sc_keystore::LocalKeystore;
use sc_service::{config::KeystoreConfig, BasePath};
use sp_core::crypto::Ss58Codec;
use sp_keystore::{KeystoreExt, KeystorePtr};
use sp_runtime::codec::Encode;
use sp_state_machine::BasicExternalities;

/// Make fresh session keys, and print the call that registers them.
#[derive(Debug, Clone, Parser)]
pub struct RotateCmd {
	/// Account of the validator that will sign the call, as an SS58 address.
	#[arg(long, value_name = "ADDRESS", value_parser = parse_account)]
	pub owner: AccountId,
	/// Which chain, and where its data lie.
	#[clap(flatten)]
	pub shared_params: SharedParams,
	/// Where the keys lie.
	#[clap(flatten)]
	pub keystore_params: KeystoreParams,
}

/// Fresh keys.
pub struct Rotation {
	/// The public keys, as the chain stores them.
	pub keys: SessionKeys,
	/// What `session.setKeys` wants beside them.
	pub proof: Vec<u8>,
}

impl Rotation {
	/// Makes keys for `owner` in a keystore.
	pub fn make(owner: &AccountId, keystore: KeystorePtr) -> Self {
		let mut externalities = BasicExternalities::new_empty();
		externalities.register_extension(KeystoreExt::from(keystore));
		let made = externalities.execute_with(|| SessionKeys::generate(&owner.encode(), None));
		Self {
			keys: made.keys,
			proof: made.proof.encode(),
		}
	}

	/// The call `session.setKeys`, to be signed by the owner.
	pub fn call(&self) -> RuntimeCall {
		let (keys, proof) = (self.keys.clone(), self.proof.clone());
		RuntimeCall::set_session_keys(keys, proof)
	}
}

impl RotateCmd {
	/// Makes the keys and prints them.
	pub fn run(&self, cli: &Cli) -> Result<(), Error> {
		let rotation = Rotation::make(&self.owner, self.keystore(cli)?);
		let hex = |bytes: &[u8]| sp_core::bytes::to_hex(bytes, false);
		println!("keys   {}", hex(&rotation.keys.encode()));
		println!("proof  {}", hex(&rotation.proof));
		println!("call   {}", hex(&rotation.call().encode()));
		eprintln!(
			"the keys are in the keystore; now sign the call as {} \
			 (polkadot.js Apps: Developer, Extrinsics, Decode, paste the call)",
			self.owner.to_ss58check()
		);
		Ok(())
	}

	fn keystore(&self, cli: &Cli) -> Result<KeystorePtr, Error> {
		let base = self.shared_params.base_path()?;
		let base = base.unwrap_or_else(|| BasePath::from_project("", "", &Cli::executable_name()));
		let chain = self.shared_params.chain_id(self.shared_params.is_dev());
		let folder = base.config_dir(cli.load_spec(&chain)?.id());
		match self.keystore_params.keystore_config(&folder)? {
			KeystoreConfig::Path { path, password } => {
				Ok(LocalKeystore::open(path, password)?.into())
			}
			KeystoreConfig::InMemory => Err(Error::Input(
				"keys in memory would be lost: name a folder with --base-path or --keystore-path"
					.into(),
			)),
		}
	}
}

fn parse_account(text: &str) -> Result<AccountId, String> {
	AccountId::from_ss58check(text).map_err(|error| {
		format!("`{text}` is no SS58 address ({error:?}); copy the validator's from your wallet")
	})
}
