//! permessage-deflate (RFC 7692): what was agreed on, and with the feature `deflate` the compressor
//! and the inflater.
//!
//! Both belong to the caller. Where no context is kept, which is the default, one of each serves
//! all connections of a thread. Where it is kept, each connection needs its own: about 370 KiB for
//! a compressor of a 32 KiB window, and 48 KiB for an inflater.

#[cfg(feature = "deflate")]
mod deflater;
#[cfg(feature = "deflate")]
mod inflater;
mod terms;

#[cfg(feature = "deflate")]
pub use deflater::{Deflater, encode_deflated};
#[cfg(feature = "deflate")]
pub use inflater::Inflater;
pub use terms::{Context, Direction, Terms, WindowBits};

/// What ends each flush, and is not sent (RFC 7692 §7.2.1).
#[cfg(feature = "deflate")]
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
