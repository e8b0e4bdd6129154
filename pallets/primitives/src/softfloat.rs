//! IEEE 754 binary32 in integers: what the exact profile computes between its sums, as the runtime
//! computes it again in a dispute.
//!
//! Every operation is rounded once, half to even; subnormal numbers count and nothing is contracted.
//! There are no flags and one NaN: whatever has no value gives [`Float::NAN`], which no rule of
//! `docs/exact-profile.md` lets into a row. Nothing here uses a float of the machine, so native code and
//! wasm give the same bits.
//!
//! The formats and the rules of rounding are those of IEEE 754-2019, §3.4, §4.3, §5.4.

/// Bits of the fraction that are stored.
const FRACTION_BITS: u32 = 23;
/// Bits of the fraction, all set.
const FRACTION: u32 = (1 << FRACTION_BITS) - 1;
/// The sign.
const SIGN: u32 = 1 << 31;
/// Infinity, and all bits of the exponent.
const EXPONENT: u32 = 0xff << FRACTION_BITS;
/// Exponent of the last bit of subnormal numbers, and of those of the smallest stored exponent.
const LEAST_EXPONENT: i32 = -149;
/// Exponent of the last bit of the largest numbers.
const LARGEST_EXPONENT: i32 = 104;

/// A binary32 number by its bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Float(u32);

/// A finite number taken apart: ± significand · 2^exponent.
struct Parts {
	negative: bool,
	exponent: i32,
	significand: u64,
}

impl Float {
	/// Zero.
	pub const ZERO: Self = Self(0);
	/// What has no value.
	pub const NAN: Self = Self(0x7fc0_0000);

	/// From the bits of a binary32 number.
	pub const fn from_bits(bits: u32) -> Self {
		Self(bits)
	}

	/// Its bits.
	pub const fn to_bits(self) -> u32 {
		self.0
	}

	/// The nearest number to an integer, half to even.
	pub fn from_integer(value: i64) -> Self {
		pack(value < 0, 0, value.unsigned_abs())
	}

	/// A whole number as an integer; fractions are cut off, what lies outside 64 bits becomes the
	/// nearest bound, and NaN becomes 0.
	pub fn to_integer(self) -> i64 {
		if self.is_nan() {
			return 0;
		}
		let Parts {
			negative,
			exponent,
			significand,
		} = self.parts();
		let magnitude = match exponent {
			0..=39 => significand << exponent,
			40.. => u64::MAX,
			_ => significand
				.checked_shr(exponent.unsigned_abs())
				.unwrap_or(0),
		};
		match (i64::try_from(magnitude), negative) {
			(Ok(magnitude), false) => magnitude,
			(Ok(magnitude), true) => -magnitude,
			(Err(_), false) => i64::MAX,
			(Err(_), true) => i64::MIN,
		}
	}

	/// Whether it has no value.
	pub const fn is_nan(self) -> bool {
		self.0 & !SIGN > EXPONENT
	}

	/// Whether it is a number other than an infinity.
	pub const fn is_finite(self) -> bool {
		self.0 & EXPONENT != EXPONENT
	}

	/// Without its sign.
	pub const fn magnitude(self) -> Self {
		Self(self.0 & !SIGN)
	}

	/// With the other sign.
	pub const fn negated(self) -> Self {
		Self(self.0 ^ SIGN)
	}

	/// Whether it is less than `other`; false where one of them has no value.
	pub fn is_less(self, other: Self) -> bool {
		!self.is_nan() && !other.is_nan() && self.order() < other.order()
	}

	/// `low` below `low`, `high` above `high`, else itself.
	pub fn clip(self, low: Self, high: Self) -> Self {
		if self.is_less(low) {
			return low;
		}
		if high.is_less(self) {
			return high;
		}
		self
	}

	/// Sum.
	pub fn plus(self, other: Self) -> Self {
		if self.is_nan() || other.is_nan() {
			return Self::NAN;
		}
		match (self.is_finite(), other.is_finite()) {
			(false, false) if self != other => Self::NAN,
			(false, _) => self,
			(_, false) => other,
			_ => add_finite(self.parts(), other.parts()),
		}
	}

	/// Difference.
	pub fn minus(self, other: Self) -> Self {
		self.plus(other.negated())
	}

	/// Product.
	pub fn times(self, other: Self) -> Self {
		let sign = (self.0 ^ other.0) & SIGN;
		if self.is_nan() || other.is_nan() {
			return Self::NAN;
		}
		if !self.is_finite() || !other.is_finite() {
			let zero = self.is_zero() || other.is_zero();
			return if zero {
				Self::NAN
			} else {
				Self(sign | EXPONENT)
			};
		}
		let (a, b) = (self.parts(), other.parts());
		pack(
			sign != 0,
			a.exponent + b.exponent,
			a.significand * b.significand,
		)
	}

	/// Quotient.
	pub fn over(self, other: Self) -> Self {
		let sign = (self.0 ^ other.0) & SIGN;
		let undefined = (self.is_zero() && other.is_zero())
			|| (!self.is_finite() && !other.is_finite())
			|| self.is_nan()
			|| other.is_nan();
		if undefined {
			return Self::NAN;
		}
		if !self.is_finite() || other.is_zero() {
			return Self(sign | EXPONENT);
		}
		if self.is_zero() || !other.is_finite() {
			return Self(sign);
		}
		let (a, b) = (self.parts(), other.parts());
		// With its top bit at 63 the dividend leaves at least 39 bits; the last one also says whether a
		// remainder is left, which is all that rounding needs to know of it.
		let shift = a.significand.leading_zeros();
		let dividend = a.significand << shift;
		let quotient = dividend / b.significand;
		let rest = u64::from(dividend % b.significand != 0);
		let exponent = a.exponent - shift as i32 - b.exponent;
		pack(sign != 0, exponent, quotient | rest)
	}

	/// Square root.
	pub fn square_root(self) -> Self {
		if self.is_nan() || (self.0 & SIGN != 0 && !self.is_zero()) {
			return Self::NAN;
		}
		if self.is_zero() || !self.is_finite() {
			return self;
		}
		let Parts {
			mut exponent,
			mut significand,
			..
		} = self.parts();
		// The root of a number of 61 bits or more has at least 31; an even exponent is halved exactly.
		let mut shift = significand.leading_zeros() - 1;
		if (exponent - shift as i32) % 2 != 0 {
			shift -= 1;
		}
		significand <<= shift;
		exponent -= shift as i32;
		let root = significand.isqrt();
		let rest = u64::from(root * root != significand);
		pack(false, exponent / 2, root | rest)
	}

	/// The nearest whole number, half to even; zero keeps the sign.
	pub fn round(self) -> Self {
		let stored = (self.0 & EXPONENT) >> FRACTION_BITS;
		// From 2^23 on numbers are whole.
		if stored >= 127 + FRACTION_BITS {
			return if self.is_nan() { Self::NAN } else { self };
		}
		let Parts {
			negative,
			exponent,
			significand,
		} = self.parts();
		let whole = shifted(significand, exponent.unsigned_abs());
		let rounded = pack(negative, 0, whole);
		Self(rounded.0 | (self.0 & SIGN))
	}

	/// Whether it is zero, of either sign.
	const fn is_zero(self) -> bool {
		self.0 & !SIGN == 0
	}

	/// An integer that is ordered like the number.
	fn order(self) -> i64 {
		let magnitude = i64::from(self.0 & !SIGN);
		if self.0 & SIGN != 0 {
			-magnitude
		} else {
			magnitude
		}
	}

	/// Takes a number apart; an infinity looks like the number after the largest.
	fn parts(self) -> Parts {
		let stored = ((self.0 & EXPONENT) >> FRACTION_BITS) as i32;
		let fraction = self.0 & FRACTION;
		let significand = if stored == 0 {
			fraction
		} else {
			fraction | (1 << FRACTION_BITS)
		};
		Parts {
			negative: self.0 & SIGN != 0,
			exponent: stored.max(1) - 1 + LEAST_EXPONENT,
			significand: significand.into(),
		}
	}
}

/// Sum of two finite numbers.
fn add_finite(a: Parts, b: Parts) -> Float {
	let (a, b) = if a.exponent >= b.exponent {
		(a, b)
	} else {
		(b, a)
	};
	/// Room below the larger number: with it, what is left of the smaller one is far below half of the
	/// last bit that can stay.
	const ROOM: i32 = 38;
	let distance = a.exponent - b.exponent;
	let (larger, smaller, exponent) = if distance <= ROOM {
		(a.significand << distance, b.significand, b.exponent)
	} else {
		let trace = u64::from(b.significand != 0);
		(a.significand << ROOM, trace, a.exponent - ROOM)
	};
	let signed = |negative: bool, value: u64| {
		let value = value as i64;
		if negative {
			-value
		} else {
			value
		}
	};
	let sum = signed(a.negative, larger) + signed(b.negative, smaller);
	let negative = match sum {
		0 => a.negative && b.negative,
		_ => sum < 0,
	};
	pack(negative, exponent, sum.unsigned_abs())
}

/// The nearest number to ± significand · 2^exponent, half to even. Where bits are missing below the
/// significand, it has at least 26 and its last one is set.
fn pack(negative: bool, exponent: i32, significand: u64) -> Float {
	let sign = if negative { SIGN } else { 0 };
	if significand == 0 {
		return Float(sign);
	}
	let width = 64 - significand.leading_zeros() as i32;
	let shift = (width - 24).max(LEAST_EXPONENT - exponent);
	let last = exponent + shift;
	if last > LARGEST_EXPONENT {
		return Float(sign | EXPONENT);
	}
	let kept = if shift > 0 {
		shifted(significand, shift.unsigned_abs())
	} else {
		significand << shift.unsigned_abs()
	};
	// A significand of 24 bits carries one into the exponent, and so does one that was rounded up to 25.
	let stored = ((last - LEAST_EXPONENT) as u32) << FRACTION_BITS;
	let bits = stored + kept as u32;
	Float(sign | bits.min(EXPONENT))
}

/// value / 2^shift to the nearest integer, half to even.
fn shifted(value: u64, shift: u32) -> u64 {
	if shift == 0 {
		return value;
	}
	if shift > 63 {
		// Only a value above 2^63 shifted by 64 would be more than a half; values have 63 bits at most.
		return 0;
	}
	let whole = value >> shift;
	let rest = value & ((1 << shift) - 1);
	let half = 1 << (shift - 1);
	let up = rest > half || (rest == half && whole & 1 == 1);
	whole + u64::from(up)
}
