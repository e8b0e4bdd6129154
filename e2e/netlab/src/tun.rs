//! Network devices whose other end is this process, in the network namespaces of the lab's hosts.

use std::{
	ffi::CStr,
	fs::{File, OpenOptions},
	io,
	os::fd::AsRawFd,
	path::Path,
	thread,
};

/// What the device is called in every namespace.
pub const DEVICE: &CStr = c"lab";

/// Opens the device [`DEVICE`] of a network namespace, making it where it is not there. Reads give one IP packet
/// each, and writes take one. `namespace` is the file that names it, as `ip netns` leaves in `/run/netns`.
pub fn open(namespace: &Path) -> io::Result<File> {
	let namespace = File::open(namespace)?;
	// A thread of its own enters, so that the others stay where they are.
	let opened = thread::spawn(move || {
		enter(&namespace)?;
		let device = OpenOptions::new()
			.read(true)
			.write(true)
			.open("/dev/net/tun")?;
		attach(&device)?;
		Ok(device)
	});
	opened
		.join()
		.unwrap_or_else(|_| Err(io::Error::other("the thread died")))
}

/// Moves this thread into a network namespace.
fn enter(namespace: &File) -> io::Result<()> {
	// SAFETY: the descriptor is open for the call, and the call touches no memory of ours.
	let done = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
	told(done)
}

/// Makes the open file the other end of the device.
fn attach(device: &File) -> io::Result<()> {
	// SAFETY: a C struct of integers and unions of such, for which all zeros is a value.
	let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
	let name = DEVICE.to_bytes_with_nul().iter();
	for (to, from) in request.ifr_name.iter_mut().zip(name) {
		*to = *from as libc::c_char;
	}
	request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
	// SAFETY: the call reads and writes one `ifreq`, which lives until it returns.
	let done = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
	told(done)
}

fn told(done: libc::c_int) -> io::Result<()> {
	match done {
		-1 => Err(io::Error::last_os_error()),
		_ => Ok(()),
	}
}
