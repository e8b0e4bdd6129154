//! Files mapped into memory, for reading, and memory in large pages.

use memmap2::{Mmap, MmapMut};
use std::{alloc, fs::File, io, marker::PhantomData, ops::Range, slice};

/// A file as one slice of bytes.
pub(crate) struct Mapping(Mmap);

impl Mapping {
	/// Maps a whole file.
	#[allow(unsafe_code)]
	pub(crate) fn open(file: &File) -> io::Result<Self> {
		// SAFETY: the map is only read. Whoever truncates a model's files while it is being split ends
		// this process, which is a command of its own and has written nothing but a temporary folder.
		unsafe { Mmap::map(file) }.map(Self)
	}

	/// Gives the memory of a range back; it is read from the file again when it is needed.
	#[allow(unsafe_code)]
	pub(crate) fn release(&self, place: Range<usize>) {
		#[cfg(unix)]
		{
			let advice = memmap2::UncheckedAdvice::DontNeed;
			let bytes = place.end.saturating_sub(place.start);
			// SAFETY: the map is read only and backed by a file, so that dropped pages come back with
			// the same bytes. A refusal only costs memory.
			let _ = unsafe { self.0.unchecked_advise_range(advice, place.start, bytes) };
		}
		#[cfg(not(unix))]
		let _ = place;
	}
}

impl AsRef<[u8]> for Mapping {
	fn as_ref(&self) -> &[u8] {
		&self.0
	}
}

/// Types of which every sequence of bytes is a value, and that need no more alignment than a page has.
///
/// # Safety
///
/// The implementor has no padding and no invalid values, and does not own anything.
#[allow(unsafe_code)]
pub(crate) unsafe trait Plain: Copy + Send + Sync {}

/// Items in pages of their own, large ones where the system has them: who reads gigabytes once for every token
/// spends a sixth of the time on finding pages of 4 KB.
pub(crate) struct Pages<T> {
	map: MmapMut,
	count: usize,
	of: PhantomData<T>,
}

impl<T: Plain> Pages<T> {
	/// Items of zero bytes. Like a vector, it ends the process where there is no memory.
	pub(crate) fn zeroed(count: usize) -> Self {
		let layout = alloc::Layout::array::<T>(count).unwrap_or(alloc::Layout::new::<T>());
		let map = count.checked_mul(size_of::<T>()).map(MmapMut::map_anon);
		let Some(Ok(map)) = map else {
			alloc::handle_alloc_error(layout)
		};
		// A system that refuses is slower, nothing else.
		#[cfg(target_os = "linux")]
		let _ = map.advise(memmap2::Advice::HugePage);
		Self {
			map,
			count,
			of: PhantomData,
		}
	}

	/// All items.
	#[allow(unsafe_code)]
	pub(crate) fn items(&self) -> &[T] {
		// SAFETY: the map holds so many items' bytes, begins at a page, and lives as long as the slice.
		unsafe { slice::from_raw_parts(self.map.as_ptr().cast(), self.count) }
	}

	/// All items.
	#[allow(unsafe_code)]
	pub(crate) fn items_mut(&mut self) -> &mut [T] {
		// SAFETY: as above, and nobody else has the map.
		unsafe { slice::from_raw_parts_mut(self.map.as_mut_ptr().cast(), self.count) }
	}
}
