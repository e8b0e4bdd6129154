//! `Reconcile`: two workers tell other rows of one hop. Where this worker holds the receipt, it shows who signed
//! for other rows than it opened.

use super::{DutyError, Key, Progress, Worker};
use crate::{
	chain::calls,
	commitment::Ledger,
	network::frame::Side,
	pipeline::{contradicted, Ring},
};
use dllm_primitives::{
	api::{Receipt, Route},
	commitment::Roots,
	hop::{HopReceipt, Shown},
	ids::{JobId, StageIndex},
	verdict::Part,
};

impl Worker {
	/// Shows what this worker holds of a hop, if it proves anything.
	pub(super) async fn reconcile(
		self,
		route: Route,
		boundary: StageIndex,
	) -> Result<Progress, DutyError> {
		let key = Key::Reconcile(route.job, boundary);
		self.show_receipt(key, &route, boundary).await?;
		Ok(Progress::Done)
	}

	/// The same, on behalf of a duty that stands.
	pub(super) async fn show_receipt(
		&self,
		key: Key,
		route: &Route,
		boundary: StageIndex,
	) -> Result<(), DutyError> {
		let job = route.job;
		let Some(shown) = self.proof(route, boundary).await? else {
			tracing::debug!(
				job,
				boundary,
				"no receipt here shows that an end signed for other rows than it told"
			);
			return Ok(());
		};
		let call = calls::show_receipt(job, &shown);
		if let Some(block) = self.say(key, &call).await? {
			tracing::warn!(
				job,
				boundary,
				block,
				sender = shown.sender.is_some(),
				receiver = shown.receiver.is_some(),
				"who signed for other rows of a hop than it told was shown to the chain"
			);
		}
		Ok(())
	}

	/// What the receipts of a hop in the ledger prove against others.
	async fn proof(&self, route: &Route, boundary: StageIndex) -> Result<Option<Shown>, DutyError> {
		let job = route.job;
		let Some(known) = self.chain.receipt(job).await? else {
			return Ok(None);
		};
		let ring = Ring::read(route)?;
		let told = |stage| opened(&known, stage);
		let receiver = ring.receiver(boundary);
		let held = self
			.workshop
			.ledger
			.blocking(move |ledger| held(ledger, job, boundary, receiver));
		let peer = self.workshop.network.peer_id();
		let proofs = held.await?.into_iter();
		let mut proofs = proofs.filter_map(|receipt| contradicted(&ring, &receipt, told, peer));
		Ok(proofs.next())
	}
}

/// The receipts of a hop that the ledger holds: as who received its rows, or checks them, and as who sent them.
fn held(
	ledger: &Ledger,
	job: JobId,
	boundary: StageIndex,
	receiver: StageIndex,
) -> Result<Vec<HopReceipt>, crate::commitment::LedgerError> {
	let received = ledger.receipt(job, receiver, Side::Input)?;
	let sent = ledger.receipt(job, boundary, Side::Output)?;
	Ok(received.into_iter().chain(sent).collect())
}

/// What the lead of a stage opened.
fn opened(known: &Receipt, stage: StageIndex) -> Option<Roots> {
	let stage = known.stages.iter().find(|of| of.stage == stage)?;
	let lead = stage.participants.iter().find(|of| of.part == Part::Lead)?;
	lead.opening.map(|opening| opening.roots)
}
