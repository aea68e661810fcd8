//! What waits to be written to one connection, in order: pieces, then a tail that is still written
//! to.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use super::Message;
use super::drive::ROOM_BYTES;

/// The output of one connection.
#[derive(Debug, Default)]
pub(super) struct Output {
    queue: VecDeque<Piece>,
    n_queued: usize,
    tail: Vec<u8>,
    /// Bytes of the front, be it a piece or the tail, that have left: it cannot be dropped.
    n_begun: usize,
}

/// A piece of the queue.
#[derive(Debug)]
pub(super) struct Piece {
    what: What,
    /// Which subscription it belongs to, where it may be dropped for newer ones.
    subscription: Option<u64>,
}

#[derive(Debug)]
pub(super) enum What {
    Encoded(Bytes),
    /// A payload where it lies, maybe in a block of memory that is many times as large.
    Lent(Bytes),
    /// For a connection that encodes each message by itself, in order.
    Message(Message),
}

impl What {
    fn len(&self) -> usize {
        match self {
            Self::Encoded(bytes) | Self::Lent(bytes) => bytes.len(),
            Self::Message(message) => message.payload().len() + MESSAGE_BYTES,
        }
    }
}

/// Pieces up to this size are copied behind each other: cheaper than one more segment in writev.
pub(super) const COPY_MAX_BYTES: usize = 4 << 10;
/// A payload of this size may wait where it lies: the block is at most twice as large, or its own.
const LENT_MIN_BYTES: usize = ROOM_BYTES / 2;
/// Segments in one writev.
pub(super) const MAX_SEGMENTS: usize = 64;
/// What a message costs beside its payload.
const MESSAGE_BYTES: usize = 64;
/// What a piece costs beside its bytes.
pub(super) const PIECE_BYTES: usize = 64;

impl Output {
    /// Makes an output of bytes, of which some have left.
    pub(super) fn begun(bytes: Vec<u8>, n_begun: usize) -> Self {
        let mut output = Self {
            tail: bytes,
            ..Self::default()
        };
        output.advance(n_begun);
        output
    }

    /// Makes an output of a piece, of which some bytes have left.
    pub(super) fn rest_of(bytes: &Bytes, n_begun: usize, subscription: Option<u64>) -> Self {
        let mut output = Self::default();
        output.push_piece(What::Encoded(bytes.clone()), subscription);
        output.advance(n_begun);
        output
    }

    pub(super) fn len(&self) -> usize {
        self.n_queued + self.tail.len() - self.n_begun
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns what it costs to keep, which is more than its bytes where the pieces are small.
    pub(super) fn cost(&self) -> usize {
        self.len() + self.queue.len() * PIECE_BYTES
    }

    /// Works with a buffer that was lent; call where there is nothing.
    pub(super) fn borrow(&mut self, buffer: Vec<u8>) {
        if self.tail.capacity() == 0 {
            self.tail = buffer;
        }
    }

    /// Gives the buffer back, where it is empty.
    pub(super) fn give_back(&mut self) -> Option<Vec<u8>> {
        (self.is_empty() && self.tail.capacity() > 0).then(|| {
            self.n_begun = 0;
            let mut tail = std::mem::take(&mut self.tail);
            tail.clear();
            tail
        })
    }

    /// Returns the buffer at the end.
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Adds what is encoded; a subscription's may be dropped again.
    pub(super) fn push(&mut self, bytes: Bytes, subscription: Option<u64>) {
        if subscription.is_none() && bytes.len() <= COPY_MAX_BYTES {
            self.tail.extend_from_slice(&bytes);
        } else {
            self.push_piece(What::Encoded(bytes), subscription);
        }
    }

    /// Adds a payload where it lies.
    pub(super) fn push_lent(&mut self, payload: Bytes) {
        if payload.len() <= COPY_MAX_BYTES {
            self.tail.extend_from_slice(&payload);
        } else {
            self.push_piece(What::Lent(payload), None);
        }
    }

    /// Copies the payloads that have to wait, so that what they cost is what is counted.
    pub(super) fn own(&mut self) {
        for piece in &mut self.queue {
            if let What::Lent(payload) = &piece.what {
                if payload.len() < LENT_MIN_BYTES {
                    piece.what = What::Encoded(Bytes::copy_from_slice(payload));
                }
            }
        }
    }

    /// Adds a message that the driver will encode.
    pub(super) fn push_message(&mut self, message: Message, subscription: Option<u64>) {
        self.push_piece(What::Message(message), subscription);
    }

    fn push_piece(&mut self, what: What, subscription: Option<u64>) {
        // A write of nothing but empty pieces would look like a stream that takes nothing.
        if what.len() == 0 {
            return;
        }
        self.close_tail();
        self.n_queued += what.len();
        self.queue.push_back(Piece { what, subscription });
    }

    /// Makes a piece of the tail, so that something can stand behind it.
    fn close_tail(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let bytes = Bytes::copy_from_slice(&self.tail);
        self.tail.clear();
        self.n_queued += bytes.len();
        let what = What::Encoded(bytes);
        self.queue.push_back(Piece {
            what,
            subscription: None,
        });
    }

    /// Adds what goes before all that has not begun to leave.
    pub(super) fn push_urgent(&mut self, bytes: Bytes) {
        self.close_tail();
        let at = usize::from(self.n_begun > 0 && !self.queue.is_empty());
        self.insert(at, What::Encoded(bytes));
    }

    /// Adds a message that the driver will encode before all that it has not encoded.
    pub(super) fn push_urgent_message(&mut self, message: Message) {
        self.close_tail();
        let is_message = |piece: &Piece| matches!(piece.what, What::Message(_));
        let at = self.queue.iter().position(is_message);
        self.insert(at.unwrap_or(self.queue.len()), What::Message(message));
    }

    fn insert(&mut self, at: usize, what: What) {
        if what.len() > 0 {
            self.n_queued += what.len();
            let subscription = None;
            self.queue.insert(at, Piece { what, subscription });
        }
    }

    /// Drops the oldest pieces of a subscription, until what cost so many bytes is gone or there is
    /// none left; all of them where `n_bytes` is `None`. Returns them, to drop outside the lock.
    pub(super) fn drop_oldest(&mut self, subscription: u64, n_bytes: Option<usize>) -> Vec<Piece> {
        let (mut dropped, mut n_freed) = (Vec::new(), 0);
        let mut at = usize::from(self.n_begun > 0);
        while n_bytes.is_none_or(|n_bytes| n_freed < n_bytes) {
            let Some(found) = self
                .queue
                .iter()
                .skip(at)
                .position(|piece| piece.subscription == Some(subscription))
            else {
                break;
            };
            at += found;
            if let Some(piece) = self.queue.remove(at) {
                n_freed += piece.what.len() + PIECE_BYTES;
                self.n_queued -= piece.what.len();
                dropped.push(piece);
            }
        }
        dropped
    }

    /// Gives up all that has not begun to leave, and returns it, to drop outside the lock.
    pub(super) fn clear_unbegun(&mut self) -> VecDeque<Piece> {
        let n_kept = usize::from(self.n_begun > 0 && !self.queue.is_empty());
        let dropped = self.queue.split_off(n_kept);
        self.n_queued -= dropped.iter().map(|piece| piece.what.len()).sum::<usize>();
        if n_kept > 0 || self.n_begun == 0 {
            self.tail.clear();
        }
        dropped
    }

    /// Encodes the messages among so many pieces at the front, and returns them, to drop where no
    /// lock is held.
    pub(super) fn encode_front(
        &mut self,
        n_pieces: usize,
        mut encode: impl FnMut(&Message, &mut Vec<u8>),
    ) -> Vec<What> {
        let (mut done, mut has_empty) = (Vec::new(), false);
        for piece in self.queue.iter_mut().take(n_pieces) {
            let before = piece.what.len();
            if let What::Message(message) = &piece.what {
                let mut encoded = Vec::new();
                encode(message, &mut encoded);
                let encoded = What::Encoded(Bytes::from(encoded));
                done.push(std::mem::replace(&mut piece.what, encoded));
                // What has been encoded in a row depends on what was before it.
                piece.subscription = None;
                self.n_queued = self.n_queued - before + piece.what.len();
                has_empty |= piece.what.len() == 0;
            }
        }
        if has_empty {
            self.queue.retain(|piece| piece.what.len() > 0);
        }
        done
    }

    /// Returns all there is, where it lies in one piece.
    #[inline]
    pub(super) fn whole(&self) -> Option<&[u8]> {
        self.queue.is_empty().then(|| &self.tail[self.n_begun..])
    }

    /// Lists what to write next; returns how many segments there are.
    pub(super) fn segments<'a>(&'a self, segments: &mut [IoSlice<'a>; MAX_SEGMENTS]) -> usize {
        let pieces = self.queue.iter().map_while(|piece| match &piece.what {
            What::Encoded(bytes) | What::Lent(bytes) => Some(&bytes[..]),
            What::Message(_) => None,
        });
        let is_all = self.queue.len() < MAX_SEGMENTS
            && self
                .queue
                .iter()
                .all(|piece| !matches!(piece.what, What::Message(_)));
        let tail = (is_all && !self.tail.is_empty()).then_some(&self.tail[..]);
        let mut n_skipped = self.n_begun;
        let mut n_segments = 0;
        for (segment, bytes) in segments.iter_mut().zip(pieces.chain(tail)) {
            *segment = IoSlice::new(&bytes[std::mem::take(&mut n_skipped)..]);
            n_segments += 1;
        }
        n_segments
    }

    /// Forgets so many bytes, which have left.
    pub(super) fn advance(&mut self, n: usize) {
        self.n_begun += n;
        while let Some(front) = self.queue.front() {
            let len = front.what.len();
            if self.n_begun < len {
                return;
            }
            self.n_begun -= len;
            self.n_queued -= len;
            self.queue.pop_front();
        }
        if self.n_begun == self.tail.len() {
            self.tail.clear();
            self.n_begun = 0;
        } else if self.n_begun > self.tail.len() / 2 + 1 {
            // A tail that never empties must not grow. One byte stays and tells that it has begun.
            self.tail.drain(..self.n_begun - 1);
            self.n_begun = 1;
        }
    }

    /// Puts what was taken out, and has not left, before what came meanwhile.
    pub(super) fn put_before(mut self, newer: &mut Self) {
        if self.is_empty() {
            if newer.is_empty() {
                newer.borrow(self.tail);
            }
            return;
        }
        if newer.is_empty() {
            *newer = self;
            return;
        }
        self.close_tail();
        newer.close_tail();
        self.n_queued += newer.n_queued;
        self.queue.append(&mut newer.queue);
        *newer = self;
    }
}

impl Output {
    /// Copies out what is next, for a test.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        let mut segments = [IoSlice::new(&[]); MAX_SEGMENTS];
        let n = self.segments(&mut segments);
        let bytes: Vec<u8> = segments[..n].iter().flat_map(|s| s.to_vec()).collect();
        String::from_utf8(bytes).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_that_waits_is_copied_out_of_its_block_unless_it_is_most_of_it() {
        let block = Bytes::from(vec![b'x'; ROOM_BYTES]);
        let lies_in_block = |piece: &Piece| match &piece.what {
            What::Lent(bytes) | What::Encoded(bytes) => {
                block.as_ptr_range().contains(&bytes.as_ptr())
            }
            What::Message(_) => false,
        };
        let mut output = Output::default();
        output.push_lent(block.slice(..LENT_MIN_BYTES - 1));
        output.push_lent(block.slice(..LENT_MIN_BYTES));
        output.advance(1);
        let len = output.len();
        output.own();
        let lent: Vec<bool> = output.queue.iter().map(lies_in_block).collect();
        assert_eq!((lent, output.len()), (vec![false, true], len));
    }

    fn piece(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn order_is_kept_across_pieces_tail_and_partial_writes() {
        let mut output = Output::default();
        output.push(piece("ab"), None);
        output.push(piece("cd"), Some(1));
        output.push(piece("ef"), None);
        for (n, left) in [(0, "abcdef"), (1, "bcdef"), (2, "def"), (1, "ef"), (2, "")] {
            output.advance(n);
            assert_eq!((output.text().as_str(), output.len()), (left, left.len()));
        }
        output.push(piece("gh"), None);
        assert_eq!(output.text(), "gh");
    }

    #[test]
    fn urgent_pieces_go_before_all_but_what_has_begun() {
        let mut output = Output::default();
        output.push(piece("ab"), None);
        output.push_urgent(piece("!"));
        assert_eq!(output.text(), "!ab");
        output.advance(2);
        output.push_urgent(piece("?"));
        assert_eq!(output.text(), "b?");
    }

    #[test]
    fn the_oldest_of_a_subscription_are_dropped_and_nothing_else() {
        let mut output = Output::default();
        for (text, subscription) in [("a1", 1), ("b1", 2), ("a2", 1), ("a3", 1)] {
            output.push(piece(text), Some(subscription));
        }
        output.advance(1);
        assert_eq!(output.drop_oldest(1, Some(1)).len(), 1);
        assert_eq!(output.text(), "1b1a3");
        assert_eq!(output.drop_oldest(1, None).len(), 1);
        assert_eq!((output.text().as_str(), output.len()), ("1b1", 3));
    }

    #[test]
    fn what_was_taken_out_goes_before_what_came_meanwhile() {
        let mut output = Output::default();
        output.push(piece("ab"), None);
        let mut taken = std::mem::take(&mut output);
        output.push(piece("cd"), Some(1));
        output.push(piece("ef"), None);
        taken.advance(1);
        taken.put_before(&mut output);
        assert_eq!((output.text().as_str(), output.len()), ("bcdef", 5));
    }

    #[test]
    fn a_tail_that_never_empties_does_not_grow() {
        let mut output = Output::default();
        output.push(piece("0123456789"), None);
        for _ in 0..1000 {
            output.push(piece("0123456789"), None);
            output.advance(10);
        }
        assert_eq!(output.text(), "0123456789");
        assert!(output.tail.capacity() < 100);
        output.push_urgent(piece("!"));
        assert_eq!(output.text(), "0123456789!");
        output.advance(3);
        output.push_urgent(piece("?"));
        assert_eq!(output.text(), "3456789?!");
    }

    #[test]
    fn a_buffer_that_was_written_comes_back() {
        let mut output = Output::default();
        output.borrow(Vec::with_capacity(100));
        output.push(piece("ab"), None);
        let mut taken = std::mem::take(&mut output);
        taken.advance(2);
        taken.put_before(&mut output);
        assert!(
            output
                .give_back()
                .is_some_and(|buffer| buffer.capacity() >= 100)
        );
    }

    #[test]
    fn urgent_messages_go_before_all_that_is_not_encoded() {
        let mut output = Output::default();
        for text in ["a", "b", "c"] {
            output.push_message(Message::text(text), None);
        }
        let encode =
            |message: &Message, out: &mut Vec<u8>| out.extend_from_slice(message.payload());
        output.encode_front(1, encode);
        output.push_urgent_message(Message::text("!"));
        output.encode_front(usize::MAX, encode);
        assert_eq!((output.text().as_str(), output.len()), ("a!bc", 4));
    }

    #[test]
    fn messages_that_are_encoded_to_nothing_are_gone() {
        let mut output = Output::default();
        for _ in 0..100 {
            output.push_message(Message::text("a"), None);
        }
        output.push(piece("end"), None);
        output.encode_front(MAX_SEGMENTS, |_, _| {});
        output.encode_front(MAX_SEGMENTS, |_, _| {});
        assert_eq!(output.text(), "end");
    }

    #[test]
    fn what_has_begun_is_all_that_stays_of_a_slow_connection() {
        let mut output = Output::default();
        output.push(piece("ab"), Some(1));
        output.push(piece("cd"), Some(1));
        output.push(piece("ef"), None);
        output.advance(1);
        drop(output.clear_unbegun());
        assert_eq!(output.text(), "b");
    }
}
