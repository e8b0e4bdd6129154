//! Tables for people: columns as wide as they need to be, without lines.

/// Lays rows out under a head; the last column is not padded.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
	let width = |column: usize| {
		let cells = rows.iter().map(|row| row[column].chars().count());
		cells
			.chain([head[column].chars().count()])
			.max()
			.unwrap_or(0)
	};
	let widths: [usize; N] = std::array::from_fn(width);
	let line = |cells: [&str; N]| {
		let cells = cells
			.iter()
			.zip(widths)
			.map(|(cell, width)| format!("{cell:width$}"));
		cells.collect::<Vec<_>>().join("  ").trim_end().to_string() + "\n"
	};
	let rows = rows
		.iter()
		.map(|row| line(std::array::from_fn(|column| row[column].as_str())));
	[line(head)].into_iter().chain(rows).collect()
}

/// The ends of something long, like an address.
pub fn short(text: &str) -> String {
	const HEAD: usize = 6;
	const TAIL: usize = 6;
	match text.is_ascii() && text.len() > HEAD + TAIL + 1 {
		true => format!("{}…{}", &text[..HEAD], &text[text.len() - TAIL..]),
		false => text.into(),
	}
}
