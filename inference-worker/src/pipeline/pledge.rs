//! How the user of a sealed job stands by its rows: with every frame it signs for all rows so far, as the sender of
//! the first hop.
//!
//! Without that the first segment could run, and hand its checkers, the rows of another job, and say of the user that
//! it left: nobody else has seen what it sent. So no row of a user is executed for which it did not sign, and no
//! checker takes others. It signs before it has anything for them, and so may leave whenever it likes.

use super::{handover::Handover, ring::Ring, PipelineError, Workshop};
use crate::network::frame::Open;
use dllm_primitives::{
	commitment::{row_leaf, GrowingRoot},
	hop::{End, Hop, Signature},
	ids::{Digest, ENTRY_STAGE},
};
use libp2p::{bytes::Bytes, PeerId};

/// Names what a user signs to make the key of its digests, and the key that it makes of that.
const KEY_ASKED: &str = "dllm 2026-11 asks for a job key v1";
const JOB_KEY: &str = "dllm 2026-11 job key of a user v1";

/// The rows of a user so far, at either end of the first hop.
pub(super) struct Pledge {
	/// The hop, with no rows.
	hop: Hop,
	job_key: [u8; 32],
	row_bytes: usize,
	root: GrowingRoot,
	handover: Handover,
}

impl Pledge {
	/// No rows yet.
	pub fn new(ring: &Ring, open: &Open) -> Self {
		Self {
			hop: ring.hop(ENTRY_STAGE, 0, Digest::zero()),
			job_key: open.job_key,
			row_bytes: open.width as usize * open.dtype.bytes(),
			root: GrowingRoot::default(),
			handover: Handover::default(),
		}
	}

	/// Signs for these rows, which are the next ones, and all before.
	pub async fn sign(
		&mut self,
		workshop: &Workshop,
		position: u32,
		rows: &Bytes,
	) -> Result<Signature, PipelineError> {
		let hop = self.grown(position, rows).await?;
		let signed = workshop.network.sign(&hop.message(End::Sender));
		signed.ok_or(PipelineError::CannotSign { job: hop.job })
	}

	/// Fails unless the user has signed for these rows, which are the next ones, and all before.
	pub async fn expect(
		&mut self,
		user: PeerId,
		position: u32,
		rows: &Bytes,
		signed: Option<Signature>,
	) -> Result<(), PipelineError> {
		let hop = self.grown(position, rows).await?;
		let by_user = |signed| hop.is_signed(End::Sender, &user.to_bytes(), &signed);
		match signed.is_some_and(by_user) {
			true => Ok(()),
			false => Err(PipelineError::WrongRows {
				job: hop.job,
				peer: user,
				what: "not signed for",
			}),
		}
	}

	/// The hop with these rows added, which are whole; many are hashed off the threads of the network.
	async fn grown(&mut self, position: u32, rows: &Bytes) -> Result<Hop, PipelineError> {
		let (job, key, row_bytes) = (self.hop.job, self.job_key, self.row_bytes);
		let (mut root, rows) = (std::mem::take(&mut self.root), rows.clone());
		let one_row = rows.len() == row_bytes;
		let mut hashed = self.handover.start(one_row, move || {
			let mut next = position;
			for row in rows.chunks(row_bytes) {
				root.push(row_leaf(&key, job, ENTRY_STAGE, next, row));
				next += 1;
			}
			(next, root.root(), root)
		});
		let (rows, digest, root) = hashed
			.result()
			.await
			.map_err(|_| PipelineError::Interrupted { job })?;
		self.root = root;
		Ok(Hop {
			rows,
			root: digest,
			..self.hop
		})
	}
}

/// The key of a user's row digests: as secret as its network key, and the same however often it begins its job anew,
/// so that it never signs for two roots of as many rows.
pub(super) fn job_key(workshop: &Workshop, ring: &Ring) -> Result<[u8; 32], PipelineError> {
	let mut asked = blake3::Hasher::new_derive_key(KEY_ASKED);
	asked.update(&ring.job.to_le_bytes());
	asked.update(ring.run.as_bytes());
	let signed = workshop.network.sign(asked.finalize().as_bytes());
	let signed = signed.ok_or(PipelineError::CannotSign { job: ring.job })?;
	Ok(blake3::derive_key(JOB_KEY, &signed))
}
