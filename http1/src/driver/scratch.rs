//! The buffers of a thread, lent to whichever connection is being polled, so that an idle
//! connection holds none.

use std::cell::Cell;

use bytes::BytesMut;

/// Read buffers and a write buffer.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// For heads and short bodies. A request's fields hold on to the block that they were read
    /// into, so it is kept small beside the memory that a long-lived request costs anyway.
    pub(crate) room: BytesMut,
    /// For long bodies, which are read in large pieces.
    pub(crate) large_room: BytesMut,
    pub(crate) output: Vec<u8>,
}

/// What the room for heads takes at a time.
pub(crate) const ROOM_BYTES: usize = 16 << 10;
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
            })
        })
    }

    /// Gives the thread's buffers back.
    pub(crate) fn put_back(self: Box<Self>) {
        SCRATCH.set(Some(self));
    }
}
