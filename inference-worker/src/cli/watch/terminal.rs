//! The terminal while it is watched: another screen, given back as it was.

use super::{draw, View};
use console::Term;
use std::io;

/// What makes a terminal show its other screen, and the first one again.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// The screen on which a view is drawn; dropping it gives the terminal back.
pub struct Screen(Term);

impl Screen {
	/// Takes the terminal.
	pub fn open() -> io::Result<Self> {
		let terminal = Term::buffered_stdout();
		terminal.write_str(ENTER)?;
		terminal.hide_cursor()?;
		Ok(Self(terminal))
	}

	/// Draws a view.
	pub fn show(&self, view: &View) -> io::Result<()> {
		let (height, width) = self.0.size();
		self.0.clear_screen()?;
		self.0
			.write_str(&draw(view, (height.into(), width.into())))?;
		self.0.flush()
	}
}

impl Drop for Screen {
	fn drop(&mut self) {
		// A terminal that has gone needs nothing back.
		let _ = self.0.show_cursor();
		let _ = self.0.write_str(LEAVE);
		let _ = self.0.flush();
	}
}
