//! How the ends of a link part: each signs for all the rows that crossed it, and keeps what the other signed.
//!
//! Who sent the rows signs before it closes the link. Who received them takes that for its own rows before it
//! records its stage, so that it can show them to its checkers whatever the sender says later, and signs in
//! answer. A user may leave without a word: it has signed as it went ([`super::pledge`]).

use super::{ring::Ring, PipelineError, Workshop};
use crate::{
	commitment::LedgerError,
	network::{
		frame::{Frame, Side},
		link::{out_of_turn, Link, LinkError},
	},
};
use dllm_primitives::{
	commitment::Roots,
	hop::{Contradiction, End, Hop, HopReceipt, Shown, Signature},
	ids::StageIndex,
};
use libp2p::PeerId;
use std::time::Duration;

/// Longest wait for the other end to have recorded its stage and to sign.
const ANSWER: Duration = Duration::from_secs(5);

/// Signs as the sender and closes the link.
pub(super) async fn close(
	workshop: &Workshop,
	link: &mut Link,
	hop: &Hop,
	within: Duration,
) -> Result<(), LinkError> {
	if let Some(own) = workshop.network.sign(&hop.message(End::Sender)) {
		let signed = Frame::Signed(Box::new(own));
		link.send_within(&signed, within).await?;
	}
	let close = Frame::Close { rows: hop.rows };
	link.send_within(&close, within).await
}

/// Waits for the receiver's signature.
pub(super) async fn answered(
	link: &mut Link,
	hop: &Hop,
	receiver: PeerId,
) -> Result<Signature, LinkError> {
	match link.receive(ANSWER).await? {
		Frame::Signed(signed) if hop.is_signed(End::Receiver, &receiver.to_bytes(), &signed) => {
			Ok(*signed)
		}
		other => Err(out_of_turn(&other)),
	}
}

/// The receipt of rows that were received, signed by this end; none where the sender has not signed for just these
/// rows.
pub(super) fn received(
	workshop: &Workshop,
	ring: &Ring,
	hop: Hop,
	signed: Option<Signature>,
) -> Result<HopReceipt, PipelineError> {
	let from = ring.member(hop.boundary)?;
	let sender =
		signed.filter(|signed| hop.is_signed(End::Sender, &from.peer.id.to_bytes(), signed));
	if sender.is_none() && !workshop.conduct.records_unsigned() {
		return Err(PipelineError::WrongRows {
			job: ring.job,
			peer: from.peer.id,
			what: "not signed for",
		});
	}
	let receiver = workshop.network.sign(&hop.message(End::Receiver));
	Ok(HopReceipt {
		hop,
		sender,
		receiver,
	})
}

/// Signs in answer to the sender, once the rows are recorded.
pub(super) async fn answer(link: &mut Link, receipt: &HopReceipt) -> Result<(), LinkError> {
	match receipt.receiver {
		Some(own) => {
			link.send_within(&Frame::Signed(Box::new(own)), ANSWER)
				.await
		}
		None => Ok(()),
	}
}

/// Keeps a receipt beside the rows of a stage.
pub(super) async fn keep(
	workshop: &Workshop,
	stage: StageIndex,
	side: Side,
	receipt: HopReceipt,
) -> Result<(), LedgerError> {
	let keeping = workshop
		.ledger
		.blocking(move |ledger| ledger.keep_receipt(receipt.hop.job, stage, side, &receipt));
	keeping.await
}

/// The receipt of rows that this stage sent, with the receiver's signature where it came.
pub(super) fn sent(workshop: &Workshop, hop: Hop, receiver: Option<Signature>) -> HopReceipt {
	let sender = workshop.network.sign(&hop.message(End::Sender));
	HopReceipt {
		hop,
		sender,
		receiver,
	}
}

/// What a receipt proves against others than this peer: of each end that signed for other rows than its lead
/// `told`, the signature; none where there is no such end, or the receipt is of another run.
pub fn contradicted(
	ring: &Ring,
	receipt: &HopReceipt,
	told: impl Fn(StageIndex) -> Option<Roots>,
	own: PeerId,
) -> Option<Shown> {
	let Hop {
		boundary,
		rows,
		root,
		..
	} = receipt.hop;
	if receipt.hop != ring.hop(boundary, rows, root) {
		return None;
	}
	let convicts = |stage, end, signature: Option<Signature>| {
		let signature = signature?.into();
		let claim = Contradiction {
			end,
			rows,
			root,
			signature,
		};
		let peer = ring.member(stage).ok()?.peer.id;
		let hop = (ring.job, ring.run, boundary);
		let proves = peer != own && claim.convicts(hop, &told(stage)?, &peer.to_bytes());
		proves.then_some(signature)
	};
	let shown = Shown {
		boundary,
		rows,
		root,
		sender: convicts(boundary, End::Sender, receipt.sender),
		receiver: convicts(ring.receiver(boundary), End::Receiver, receipt.receiver),
	};
	(shown.sender.is_some() || shown.receiver.is_some()).then_some(shown)
}
