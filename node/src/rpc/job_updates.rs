//! From blocks to the views of one job: which changes a subscriber is told of, and when it ends.

use crate::service::{Block, Hash};
use dllm_primitives::api::JobView;
use futures::{
	future::ready,
	stream::{self, BoxStream, Stream, StreamExt},
};
use sc_client_api::{BlockchainEvents, HeaderBackend};

/// The best block now, and every later one as it becomes best.
pub fn best_blocks(
	client: &(impl BlockchainEvents<Block> + HeaderBackend<Block>),
) -> BoxStream<'static, Hash> {
	let imported = client.import_notification_stream();
	let later = imported.filter_map(|block| ready(block.is_new_best.then_some(block.hash)));
	stream::iter([client.info().best_hash]).chain(later).boxed()
}

/// Views of a job over a stream of blocks: the first, then each that differs from the one before.
///
/// It ends after the first view in a final state, or with the blocks. A block in which `read` finds
/// no job (it may lie on a fork without the job) changes nothing.
pub fn changes(
	blocks: BoxStream<'static, Hash>,
	read: impl Fn(Hash) -> Option<JobView> + Send + 'static,
) -> impl Stream<Item = JobView> + Send + Unpin + 'static {
	let start = Some((blocks, None));
	stream::unfold((start, read), |(state, read)| async move {
		let (mut blocks, last) = state?;
		while let Some(block) = blocks.next().await {
			let Some(view) = read(block) else { continue };
			if last.as_ref() == Some(&view) {
				continue;
			}
			let rest = (!view.state.is_final()).then(|| (blocks, Some(view.clone())));
			return Some((view, (rest, read)));
		}
		None
	})
	.boxed()
}
