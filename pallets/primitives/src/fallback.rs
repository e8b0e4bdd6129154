//! The plan that the chain makes by itself from the winners of a capacity round, where nobody submits a
//! better one.
//!
//! Greedy: the winners of most slots come first; the next ones of different operators, as many as there are
//! replicas, form a segment as long as the shortest of them allows, until every layer has its segment.
//! Grouping winners of like size wastes the fewest slots. It is not optimal and, where the sizes of the
//! winners differ much, may not cover the model; [`crate::plan::check`] has the last word.

use crate::{
	capacity::Won,
	ids::{MAX_REPLICAS, MAX_SEGMENTS},
	model::LayerRange,
	plan::Segment,
};
use alloc::vec::Vec;
use frame_support::{traits::ConstU32, BoundedVec};

/// Segments of a plan.
pub type Segments<AccountId> = BoundedVec<Segment<AccountId>, ConstU32<MAX_SEGMENTS>>;

/// Segments of `replicas` workers each that cover `layers` layers; none where the winners do not suffice.
/// Winners of equal slots keep their order.
pub fn segments<AccountId: Clone + Eq>(
	layers: u16,
	replicas: u8,
	winners: &[Won<AccountId>],
) -> Option<Segments<AccountId>> {
	let mut free: Vec<_> = winners.iter().collect();
	free.sort_by_key(|won| core::cmp::Reverse(won.slots));
	let mut segments = Segments::default();
	let mut start = 0u16;
	while start < layers {
		let group = take_group(&mut free, replicas.into())?;
		let length = group.iter().map(|won| won.slots).min().unwrap_or(0);
		let length = u16::try_from(length).unwrap_or(u16::MAX);
		let end = start.saturating_add(length).min(layers);
		if end == start {
			return None;
		}
		let workers: Vec<_> = group.iter().map(|won| won.who.clone()).collect();
		let replicas = BoundedVec::<_, ConstU32<MAX_REPLICAS>>::try_from(workers).ok()?;
		let segment = Segment {
			layers: LayerRange { start, end },
			replicas,
		};
		segments.try_push(segment).ok()?;
		start = end;
	}
	Some(segments)
}

/// Takes the first `size` winners of different operators out of `free`.
fn take_group<'a, AccountId: Eq>(
	free: &mut Vec<&'a Won<AccountId>>,
	size: usize,
) -> Option<Vec<&'a Won<AccountId>>> {
	let mut group: Vec<&Won<AccountId>> = Vec::with_capacity(size);
	for won in free.iter().copied() {
		if group.len() == size {
			break;
		}
		if group.iter().all(|taken| taken.operator != won.operator) {
			group.push(won);
		}
	}
	if group.len() < size {
		return None;
	}
	free.retain(|won| group.iter().all(|taken| taken.who != won.who));
	Some(group)
}
