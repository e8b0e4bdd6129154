//! Files mapped into memory, for reading: the only unsafe code of this crate.

use memmap2::Mmap;
use std::{fs::File, io, ops::Range};

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
