//! Request bodies that are whole before the service is called, in memory or in a file.
//!
//! [`BufferLayer`] reads a body to its end first: 64 KiB of it in memory, all of it in a file
//! without a name where it is longer. So a service that is slow, or that blocks, is never called
//! for a client that is slow; the length is known; and the body can be read again from its start.
//! A body of any length costs at most 64 KiB of memory and the frame under way, here and when it is
//! read.
//!
//! It is the server that bounds the length of a body, and how slowly it may come
//! ([`Config`](crate::Config)).

mod body;
mod intake;
mod named_file;
mod service;
#[cfg(target_os = "linux")]
mod unnamed_file;

#[cfg(not(target_os = "linux"))]
use named_file as file;
#[cfg(target_os = "linux")]
use unnamed_file as file;

pub use body::Buffered;
pub use service::{Buffer, BufferFuture, BufferLayer};

/// A body is kept in memory up to this length, and moved to and from its file in pieces of it.
const PIECE_BYTES: usize = 64 << 10;
