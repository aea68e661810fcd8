//! A range of an open file that rides in a response's extensions, so that a server which owns
//! the socket can use sendfile(2).
//!
//! The response has an ordinary body beside it, and the two agree by a witness: the body notes
//! its first frame here, and a server takes the rest from the file only if the first frame that
//! it was given is that very frame. A layer that replaces the body is therefore never bypassed.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;

/// A file and a range of it; clones share both, and the count of bytes sent.
#[derive(Clone, Debug)]
pub struct FileRegion(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    file: Arc<File>,
    start: u64,
    len: u64,
    readahead: Option<Box<dyn Readahead>>,
    first_frame: OnceLock<Bytes>,
    sent: AtomicU64,
}

/// Brings stretches of a file into memory, so that sendfile(2) never waits for the disk.
///
/// One task at a time polls it: the connection's.
pub trait Readahead: fmt::Debug + Send + Sync {
    /// Completes when `len` bytes from byte `offset` of the file on are in memory, as far as can
    /// be known. It is asked once for each stretch, just before the stretch is sent.
    ///
    /// # Errors
    ///
    /// The file cannot be read there.
    fn poll_ready(&self, cx: &mut Context<'_>, offset: u64, len: u64) -> Poll<io::Result<()>>;
}

impl FileRegion {
    /// Names `len` bytes of `file`, from byte `start` on.
    ///
    /// Nothing is known of where the bytes are: [`FileRegion::poll_resident`] is always ready.
    pub fn new(file: Arc<File>, start: u64, len: u64) -> Self {
        Self::assemble(file, start, len, None)
    }

    /// Names `len` bytes of `file`, from byte `start` on, which `readahead` brings into memory
    /// stretch by stretch.
    pub fn with_readahead(
        file: Arc<File>,
        start: u64,
        len: u64,
        readahead: Box<dyn Readahead>,
    ) -> Self {
        Self::assemble(file, start, len, Some(readahead))
    }

    fn assemble(
        file: Arc<File>,
        start: u64,
        len: u64,
        readahead: Option<Box<dyn Readahead>>,
    ) -> Self {
        Self(Arc::new(Shared {
            file,
            start,
            len,
            readahead,
            first_frame: OnceLock::new(),
            sent: AtomicU64::new(0),
        }))
    }

    /// Completes when the next `len` bytes may be sent without a wait for the disk.
    ///
    /// Whoever sends asks before each stretch of [`FileRegion::STRETCH`] bytes, `offset` being
    /// counted from the region's start, and sends only what it asked for. A stretch that reaches
    /// behind the region is cut at its end.
    ///
    /// # Errors
    ///
    /// The file cannot be read there; the connection is of no more use, as when a file ends early.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is not polled again.
    pub fn poll_resident(
        &self,
        cx: &mut Context<'_>,
        offset: u64,
        len: u64,
    ) -> Poll<io::Result<()>> {
        let len = len.min(self.0.len.saturating_sub(offset));
        match &self.0.readahead {
            Some(readahead) if len > 0 => readahead.poll_ready(cx, self.0.start + offset, len),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// How many bytes are asked for and sent at a time, so that one transfer does not hold its
    /// thread.
    pub const STRETCH: u64 = 256 * 1024;

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
    use std::sync::Mutex;
    use std::task::Waker;

    use super::*;

    #[derive(Debug, Default, Clone)]
    struct Asked(Arc<Mutex<Vec<(u64, u64)>>>);

    impl Readahead for Asked {
        fn poll_ready(&self, _: &mut Context<'_>, offset: u64, len: u64) -> Poll<io::Result<()>> {
            self.0.lock().unwrap().push((offset, len));
            Poll::Pending
        }
    }

    #[test]
    fn readahead_is_asked_in_file_offsets_and_only_inside_the_region() {
        let file = Arc::new(File::open("/dev/null").expect("/dev/null opens"));
        let asked = Asked::default();
        let region = FileRegion::with_readahead(file, 1_000, 500, Box::new(asked.clone()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(region.poll_resident(&mut cx, 0, 300).is_pending());
        assert!(region.poll_resident(&mut cx, 300, 300).is_pending());
        assert!(region.poll_resident(&mut cx, 500, 300).is_ready());
        assert_eq!(*asked.0.lock().unwrap(), [(1_000, 300), (1_300, 200)]);
    }

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
