//! From blocks to views: which changes a subscriber is told of, and when a subscription ends.

use crate::service::{Block, Hash};
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

/// Views over a stream of blocks: the first, then each that differs from the one before.
///
/// It ends after the first view that `is_last`, or with the blocks. A block in which `read` finds nothing
/// (it may lie on a fork without the job, say) changes nothing.
pub fn changes<View: Clone + PartialEq + Send + 'static>(
	blocks: BoxStream<'static, Hash>,
	read: impl Fn(Hash) -> Option<View> + Send + 'static,
	is_last: impl Fn(&View) -> bool + Send + 'static,
) -> impl Stream<Item = View> + Send + Unpin + 'static {
	let start = Some((blocks, None));
	stream::unfold(
		(start, read, is_last),
		|(state, read, is_last)| async move {
			let (mut blocks, told) = state?;
			while let Some(block) = blocks.next().await {
				let Some(view) = read(block) else { continue };
				if told.as_ref() == Some(&view) {
					continue;
				}
				let rest = (!is_last(&view)).then(|| (blocks, Some(view.clone())));
				return Some((view, (rest, read, is_last)));
			}
			None
		},
	)
	.boxed()
}
