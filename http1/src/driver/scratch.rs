//! The buffers of a thread, lent to whichever connection is being polled, so that an idle
//! connection holds none.

use std::cell::Cell;

use bytes::BytesMut;

/// A read buffer and a write buffer, both empty.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) input: BytesMut,
    pub(super) output: BytesMut,
}

/// Room for reading. A request's fields hold on to the block that they were read into, so it is
/// kept small beside the memory that a long-lived request costs anyway.
const INPUT_BYTES: usize = 16 << 10;
const OUTPUT_BYTES: usize = 16 << 10;

thread_local! {
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

impl Scratch {
    /// Borrows the thread's buffers.
    pub(super) fn take() -> Self {
        SCRATCH.take().unwrap_or_else(|| Self {
            input: BytesMut::with_capacity(INPUT_BYTES),
            output: BytesMut::with_capacity(OUTPUT_BYTES),
        })
    }

    /// Gives the thread's buffers back.
    pub(super) fn put_back(self) {
        SCRATCH.set(Some(self));
    }
}
