//! The buffers of a thread, lent to whichever connection is being polled, so that an idle
//! connection holds none.

use std::cell::Cell;
use std::io;
use std::task::{Context, Poll, ready};

use astatine_reactor::Io;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::stage::SpareStages;

/// Read buffers and a write buffer.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// For heads and short bodies. A request's fields hold on to the block that they were read
    /// into, so it is kept small beside the memory that a long-lived request costs anyway.
    pub(crate) room: BytesMut,
    /// For long bodies, which are read in large pieces.
    pub(crate) large_room: BytesMut,
    pub(crate) output: Vec<u8>,
    /// An empty map with the room of an earlier response's, for the fields of the next request.
    pub(crate) fields: HeaderMap,
    /// Boxes for what services give out.
    pub(crate) stages: SpareStages,
}

/// What one read has brought.
pub(crate) struct Filled {
    /// 0 at the end of the stream.
    pub(crate) n_bytes: usize,
    /// Whether there was room for more: the stream is empty.
    pub(crate) is_short: bool,
}

/// What the room for heads takes at a time.
pub(crate) const ROOM_BYTES: usize = 16 << 10;
/// A read of a large body asks for this much.
const BODY_READ_BYTES: usize = 64 << 10;
/// A read that continues a head asks for at least this much room, and for more as the head grows.
const MIN_CONTINUED_BYTES: usize = 512;
/// Room for more fields than this is not kept.
const MAX_KEPT_FIELDS: usize = 64;
const OUTPUT_BYTES: usize = 16 << 10;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    /// Borrows the thread's buffers.
    pub(crate) fn take() -> Box<Self> {
        SCRATCH.take().unwrap_or_else(|| {
            Box::new(Self {
                room: BytesMut::with_capacity(ROOM_BYTES),
                large_room: BytesMut::new(),
                output: Vec::with_capacity(OUTPUT_BYTES),
                fields: HeaderMap::new(),
                stages: SpareStages::new(),
            })
        })
    }

    /// Gives the thread's buffers back.
    pub(crate) fn put_back(self: Box<Self>) {
        SCRATCH.set(Some(self));
    }

    /// Tells whether the room of a response's fields is to be kept: it is not large, and there is
    /// none yet.
    #[inline(always)]
    pub(crate) fn lacks_fields(&self, fields: &HeaderMap) -> bool {
        self.fields.capacity() == 0 && fields.capacity() <= MAX_KEPT_FIELDS
    }

    /// Keeps the room of a response's fields, which are written, where there was none.
    #[inline(always)]
    pub(crate) fn keep_fields(&mut self, fields: HeaderMap) {
        debug_assert!(self.lacks_fields(&fields));
        // To drop a map without room would cost more than to move one, and free nothing.
        std::mem::forget(std::mem::replace(&mut self.fields, fields));
        self.fields.clear();
    }

    /// Reads once behind the input, into the thread's room where there is no input. `owns_input`
    /// tells, and is told, whether the input lies in memory of its own; `n_expected` bytes are known
    /// to be missing, or nobody knows.
    #[inline(always)]
    pub(crate) fn poll_fill(
        &mut self,
        io: &mut dyn Io,
        (input, owns_input): (&mut Bytes, &mut bool),
        n_expected: Option<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Filled>> {
        let is_large = n_expected.is_none_or(|n| n > BODY_READ_BYTES as u64);
        let (room, size) = if is_large {
            (&mut self.large_room, BODY_READ_BYTES)
        } else {
            (&mut self.room, ROOM_BYTES)
        };
        let (n_bytes, space) = if input.is_empty() {
            if room.capacity() < size / 4 {
                // Also an empty piece holds on to the block, which could be used again.
                *input = Bytes::new();
                room.reserve(size);
            }
            let space = room.capacity();
            let n_bytes = ready!(io.poll_receive(room, cx))?;
            if n_bytes > 0 {
                *input = room.split().freeze();
                *owns_input = false;
            }
            (n_bytes, space)
        } else {
            let mut whole = own(std::mem::take(input));
            whole.reserve(whole.len().clamp(MIN_CONTINUED_BYTES, size));
            let space = whole.capacity() - whole.len();
            let read = io.poll_receive(&mut whole, cx);
            *input = whole.freeze();
            *owns_input = true;
            (ready!(read)?, space)
        };
        Poll::Ready(Ok(Filled {
            n_bytes,
            is_short: n_bytes < space,
        }))
    }

    /// Lets the thread have its room back: what is left of the input is copied out of it.
    #[inline(always)]
    pub(crate) fn keep_input(input: &mut Bytes, owns_input: &mut bool) {
        if input.is_empty() {
            // Also an empty piece holds on to the thread's block.
            *input = Bytes::new();
        } else if !*owns_input {
            *input = Bytes::copy_from_slice(input);
            *owns_input = true;
        }
    }
}

/// Makes unread input writable at its end: in place, where nobody else holds it.
fn own(unread: Bytes) -> BytesMut {
    unread.try_into_mut().unwrap_or_else(|shared| {
        let mut whole = BytesMut::with_capacity(2 * shared.len());
        whole.extend_from_slice(&shared);
        whole
    })
}
