//! Compiles a kernel for the vector units that x86 processors may have, and picks one at run time.
//!
//! The body is the same plain Rust in every copy. Integers give the same result however wide the
//! vectors are, floats are only used element by element, and Rust never contracts a multiplication and
//! an addition; so the copies differ in speed alone. On other processors the plain copy is compiled for
//! the target's own vectors (NEON is always there on aarch64).

/// Vector units, best last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
	/// What the target always has.
	Plain,
	/// AVX2.
	Avx2,
	/// AVX-512 with bytes, words, and short vectors.
	Avx512,
}

/// The best that this processor has.
#[cfg(target_arch = "x86_64")]
pub fn level() -> Level {
	use std::sync::OnceLock;
	static LEVEL: OnceLock<Level> = OnceLock::new();
	*LEVEL.get_or_init(|| {
		if is_x86_feature_detected!("avx512f")
			&& is_x86_feature_detected!("avx512bw")
			&& is_x86_feature_detected!("avx512dq")
			&& is_x86_feature_detected!("avx512vl")
		{
			Level::Avx512
		} else if is_x86_feature_detected!("avx2") {
			Level::Avx2
		} else {
			Level::Plain
		}
	})
}

/// The best that this processor has.
#[cfg(not(target_arch = "x86_64"))]
pub fn level() -> Level {
	Level::Plain
}

/// Declares `pub fn name(arguments)` over the inlined function `body` of the same arguments.
macro_rules! dispatched {
	($(#[$doc:meta])* $name:ident = $body:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)?) => {
		$(#[$doc])*
		#[allow(clippy::too_many_arguments)]
		pub fn $name($($argument: $kind),*) $(-> $result)? {
			#[cfg(target_arch = "x86_64")]
			{
				#[target_feature(enable = "avx2")]
				fn avx2($($argument: $kind),*) $(-> $result)? {
					$body($($argument),*)
				}
				#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
				fn avx512($($argument: $kind),*) $(-> $result)? {
					$body($($argument),*)
				}
				match $crate::exact::kernels::dispatch::level() {
					// SAFETY: `level` has seen that this processor has these units.
					#[allow(unsafe_code)]
					$crate::exact::kernels::dispatch::Level::Avx512 => return unsafe { avx512($($argument),*) },
					// SAFETY: as above.
					#[allow(unsafe_code)]
					$crate::exact::kernels::dispatch::Level::Avx2 => return unsafe { avx2($($argument),*) },
					$crate::exact::kernels::dispatch::Level::Plain => {}
				}
			}
			$body($($argument),*)
		}
	};
}
pub(crate) use dispatched;
