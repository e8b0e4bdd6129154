//! Damage of the kinds that break readers: lengths that lie, numbers at the edge, pieces that moved.

/// Numbers at which readers go wrong: edges of the integer types, and sizes that overflow when multiplied.
const EDGES: [u64; 14] = [
	0,
	1,
	2,
	127,
	255,
	256,
	65_535,
	65_536,
	(1 << 31) - 1,
	1 << 31,
	(1 << 32) - 1,
	1 << 32,
	1 << 63,
	u64::MAX,
];
/// The same as texts, with some that are no whole numbers.
const NUMBERS: [&str; 16] = [
	"0",
	"1",
	"-1",
	"2",
	"3",
	"16",
	"65536",
	"2147483647",
	"4294967295",
	"4294967296",
	"9223372036854775808",
	"18446744073709551615",
	"1e308",
	"-0.0",
	"0.5",
	"null",
];
/// Kinds of damage.
const KINDS: u64 = 9;
/// Times out of ten that damage falls on the front, where there is one.
const FRONT_BIAS: usize = 8;

/// Makes damaged inputs out of others.
pub struct Mutator {
	state: u64,
	words: &'static [&'static str],
	front: Option<usize>,
}

impl Mutator {
	/// The same seed gives the same damage.
	pub fn new(seed: u64, words: &'static [&'static str], front: Option<usize>) -> Self {
		Self {
			state: seed | 1,
			words,
			front,
		}
	}

	/// One input of the corpus with one to four kinds of damage.
	pub fn damage(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
		let mut input = corpus[self.below(corpus.len())].clone();
		for _ in 0..=self.below(4) {
			self.once(&mut input, corpus);
		}
		input
	}

	fn once(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
		match self.next() % KINDS {
			0 => self.at(input, |mutator, byte| *byte ^= 1 << mutator.below(8)),
			1 => self.at(input, |mutator, byte| *byte = mutator.next() as u8),
			2 => self.edge(input),
			3 => self.number(input),
			4 => self.word(input),
			5 => {
				let range = self.range(input);
				input.drain(range);
			}
			6 => {
				let (range, to) = (self.range(input), self.position(input));
				let piece = input[range].to_vec();
				input.splice(to..to, piece);
			}
			7 => {
				let from = self.position(input);
				input.truncate(from);
			}
			_ => {
				let other = &corpus[self.below(corpus.len())];
				let (from, to) = (self.position(other), self.position(input));
				input.truncate(to);
				input.extend_from_slice(&other[from..]);
			}
		}
	}

	fn at(&mut self, input: &mut [u8], change: impl FnOnce(&mut Self, &mut u8)) {
		let position = self.position(input);
		if let Some(byte) = input.get_mut(position) {
			change(self, byte);
		}
	}

	/// Overwrites 1, 2, 4 or 8 bytes with a little-endian number at an edge.
	fn edge(&mut self, input: &mut [u8]) {
		let width = 1 << self.below(4);
		let position = self.position(input);
		let value = match self.below(3) {
			0 => (input.len() as u64)
				.wrapping_add(self.next() % 3)
				.wrapping_sub(1),
			_ => EDGES[self.below(EDGES.len())],
		};
		for (byte, new) in input[position..]
			.iter_mut()
			.zip(&value.to_le_bytes()[..width])
		{
			*byte = *new;
		}
	}

	/// Replaces a number that is written in digits.
	fn number(&mut self, input: &mut Vec<u8>) {
		let from = self.position(input);
		let is_digit = |byte: &u8| byte.is_ascii_digit();
		let Some(start) = input[from..].iter().position(is_digit) else {
			return;
		};
		let start = from + start;
		let end = input[start..].iter().position(|byte| !is_digit(byte));
		let end = end.map_or(input.len(), |length| start + length);
		let number = NUMBERS[self.below(NUMBERS.len())];
		input.splice(start..end, number.bytes());
	}

	/// Puts a word of the format in, over others or between them.
	fn word(&mut self, input: &mut Vec<u8>) {
		if self.words.is_empty() {
			return;
		}
		let word = self.words[self.below(self.words.len())];
		let start = self.position(input);
		let end = match self.below(2) {
			0 => start,
			_ => (start + word.len()).min(input.len()),
		};
		input.splice(start..end, word.bytes());
	}

	/// A piece of an input, seldom long.
	fn range(&mut self, input: &[u8]) -> std::ops::Range<usize> {
		let start = self.position(input);
		let most = match self.below(4) {
			0 => input.len() - start,
			_ => (input.len() - start).min(16),
		};
		start..start + self.below(most + 1)
	}

	/// A position from the first byte to behind the last.
	fn position(&mut self, input: &[u8]) -> usize {
		let front = self.front.filter(|_| self.below(10) < FRONT_BIAS);
		let end = front.map_or(input.len(), |front| front.min(input.len()));
		self.below(end + 1)
	}

	/// A number below `end`; 0 where that is 0.
	fn below(&mut self, end: usize) -> usize {
		(self.next() % end.max(1) as u64) as usize
	}

	/// xorshift64* (Marsaglia 2003, Vigna 2016).
	fn next(&mut self) -> u64 {
		self.state ^= self.state >> 12;
		self.state ^= self.state << 25;
		self.state ^= self.state >> 27;
		self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
	}
}
