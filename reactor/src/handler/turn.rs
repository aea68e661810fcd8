//! What a handler writes to its own connection in its turn: it goes to a buffer of the thread,
//! without a lock.
//!
//! A turn begins when the driver has taken the writer bit and nothing is queued. Until its end
//! others queue what they write, behind all that the handler writes meanwhile. It ends where the
//! driver flushes, or earlier, where this thread takes the connection's lock: so under the lock the
//! queue has all that this thread has written.

use std::cell::{Cell, RefCell};

use super::output::Output;

thread_local! {
    /// The connection whose turn it is; none has the id 0.
    static OWNER: Cell<u64> = const { Cell::new(0) };
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Lent to whichever output needs one.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Begins a connection's turn, unless it is another's: a handler may block on a runtime of its own.
#[inline]
pub(super) fn begin(id: u64) {
    if OWNER.get() == 0 {
        OWNER.set(id);
    }
}

/// Tells whether it is a connection's turn on this thread.
#[inline]
fn is_on(id: u64) -> bool {
    OWNER.get() == id
}

/// Adds to what a connection writes in its turn, while that is less than so many bytes; tells
/// whether it has.
#[inline]
pub(super) fn write(id: u64, max_bytes: usize, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
    is_on(id)
        && WRITTEN.with_borrow_mut(|written| {
            let has_room = written.len() < max_bytes;
            if has_room {
                encode(written);
            }
            has_room
        })
}

/// Returns how much a connection has written in its turn.
pub(super) fn n_written(id: u64) -> usize {
    if is_on(id) {
        WRITTEN.with_borrow(Vec::len)
    } else {
        0
    }
}

/// Ends a connection's turn, and returns what it has written; `None` where it is not its turn.
#[inline]
pub(super) fn end(id: u64) -> Option<Vec<u8>> {
    is_on(id).then(|| {
        OWNER.set(0);
        WRITTEN.take()
    })
}

/// Keeps the buffer of a turn for the next one.
#[inline]
pub(super) fn give_back(mut written: Vec<u8>) {
    if written.capacity() <= MAX_KEPT_BYTES {
        written.clear();
        WRITTEN.set(written);
    }
}

/// Lends the thread's buffer to an output that has none.
pub(super) fn lend(output: &mut Output) {
    if output.is_empty() {
        output.borrow(BUFFER.take());
    }
}

/// Takes the buffer back from an output that is empty.
#[inline]
pub(super) fn lend_back(output: &mut Output) {
    if let Some(buffer) = output.give_back() {
        if buffer.capacity() <= MAX_KEPT_BYTES {
            BUFFER.set(buffer);
        }
    }
}

/// A buffer that has grown beyond this is not kept.
const MAX_KEPT_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_inside_another_is_none() {
        begin(1);
        begin(2);
        assert!(write(1, 1, |written| written.push(b'a')));
        assert!(!write(2, 1, |written| written.push(b'b')));
        assert!(!write(1, 1, |written| written.push(b'c')));
        assert_eq!((n_written(1), n_written(2)), (1, 0));
        assert_eq!(end(2), None);
        assert_eq!(end(1), Some(vec![b'a']));
        assert_eq!(end(1), None);
    }
}
