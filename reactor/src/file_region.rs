//! A range of an open file that rides in a response's extensions, so that a server which owns
//! the socket can use sendfile(2).
//!
//! The response has an ordinary body beside it, and the two agree by a witness: the body notes
//! its first frame here, and a server takes the rest from the file only if the first frame that
//! it was given is that very frame. A layer that replaces the body is therefore never bypassed.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// A file and a range of it; clones share both, and the count of bytes sent.
#[derive(Clone, Debug)]
pub struct FileRegion(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    file: Arc<File>,
    start: u64,
    len: u64,
    first_frame: OnceLock<Bytes>,
    sent: AtomicU64,
}

impl FileRegion {
    /// Names `len` bytes of `file`, from byte `start` on.
    pub fn new(file: Arc<File>, start: u64, len: u64) -> Self {
        Self(Arc::new(Shared {
            file,
            start,
            len,
            first_frame: OnceLock::new(),
            sent: AtomicU64::new(0),
        }))
    }

    /// Returns the file.
    pub fn file(&self) -> &File {
        &self.0.file
    }

    /// Returns where the region starts, in bytes from the file's start.
    pub fn start(&self) -> u64 {
        self.0.start
    }

    /// Returns the region's length in bytes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a length in a file, not a collection"
    )]
    pub fn len(&self) -> u64 {
        self.0.len
    }

    /// Notes the first frame that the body gives out. Only the first note counts.
    pub fn note_first_frame(&self, frame: &Bytes) {
        self.0.first_frame.get_or_init(|| frame.clone());
    }

    /// Tells whether `frame` is the very one that the body noted: the same bytes in memory, not
    /// equal ones.
    pub fn is_first_frame(&self, frame: &Bytes) -> bool {
        self.0
            .first_frame
            .get()
            .is_some_and(|noted| noted.as_ptr() == frame.as_ptr() && noted.len() == frame.len())
    }

    /// Counts bytes that left by sendfile; whoever sends adds here, once for each call.
    pub fn add_sent(&self, n_bytes: u64) {
        self.0.sent.fetch_add(n_bytes, Ordering::Relaxed);
    }

    /// Returns how many bytes left by sendfile, which the body beside the region never saw.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_elsewhere_are_not_the_first_frame() {
        let file = Arc::new(File::open("/dev/null").expect("/dev/null opens"));
        let region = FileRegion::new(file, 0, 3);
        let frame = Bytes::copy_from_slice(b"abc");
        assert!(!region.is_first_frame(&frame));
        region.note_first_frame(&frame);
        let clone = region.clone();
        assert!(clone.is_first_frame(&frame));
        assert!(region.is_first_frame(&frame));
        assert!(!region.is_first_frame(&Bytes::copy_from_slice(b"abc")));
        assert!(!region.is_first_frame(&frame.slice(..2)));
    }
}
