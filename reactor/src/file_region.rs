//! A range of an open file that rides in a response's extensions, so that a server which owns
//! the socket can use sendfile(2).
//!
//! The response has an ordinary body beside it, and the two agree by a witness: the body notes
//! its first frame here, and a server takes the rest from the file only if the first frame that
//! it was given is that very frame. A layer that replaces the body is therefore never bypassed.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// A file and a range of it; clones share both, so that one region serves many responses.
#[derive(Clone, Debug)]
pub struct FileRegion {
    shared: Arc<Shared>,
    sent: Option<Arc<AtomicU64>>,
}

struct Shared {
    file: Arc<dyn Readahead>,
    start: u64,
    len: u64,
    first_frame: OnceLock<Bytes>,
}

/// A read under way that brings a stretch of a file into memory.
pub type Reading = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// An open file whose stretches are brought into memory, so that sendfile(2) never waits for the
/// disk. Regions of the same file share it.
///
/// Of a plain [`File`] nothing is known: all of it passes for being in memory.
pub trait Readahead: fmt::Debug + Send + Sync {
    /// Returns the file.
    fn file(&self) -> &File;

    /// Tells whether `len` bytes from byte `offset` of the file on are in memory, as far as can be
    /// known without waiting. It is asked once for each stretch, just before the stretch is sent.
    ///
    /// # Errors
    ///
    /// The file cannot be read there.
    fn is_resident(&self, offset: u64, len: u64) -> io::Result<bool>;

    /// Brings a stretch into memory that is not there. The future may wait for the disk, but not
    /// on the thread that polls it.
    fn read_ahead(self: Arc<Self>, offset: u64, len: u64) -> Reading;
}

impl Readahead for File {
    fn file(&self) -> &File {
        self
    }

    fn is_resident(&self, _offset: u64, _len: u64) -> io::Result<bool> {
        Ok(true)
    }

    fn read_ahead(self: Arc<Self>, _offset: u64, _len: u64) -> Reading {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl FileRegion {
    /// Names `len` bytes of `file`, from byte `start` on.
    pub fn new(file: Arc<impl Readahead + 'static>, start: u64, len: u64) -> Self {
        let shared = Shared {
            file,
            start,
            len,
            first_frame: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
            sent: None,
        }
    }

    /// Returns what has to complete before the next `len` bytes may be sent without a wait for the
    /// disk: nothing where they are in memory.
    ///
    /// Whoever sends asks before each stretch of [`FileRegion::STRETCH`] bytes, `offset` being
    /// counted from the region's start, and sends only what it asked for. A stretch that reaches
    /// behind the region is cut at its end.
    ///
    /// # Errors
    ///
    /// The file cannot be read there, as the future says, too; the connection is of no more use, as
    /// when a file ends early.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub fn read_ahead(&self, offset: u64, len: u64) -> io::Result<Option<Reading>> {
        let shared = &self.shared;
        let len = len.min(shared.len.saturating_sub(offset));
        let offset = shared.start + offset;
        if len == 0 || shared.file.is_resident(offset, len)? {
            return Ok(None);
        }
        Ok(Some(Arc::clone(&shared.file).read_ahead(offset, len)))
    }

    /// How many bytes are asked for and sent at a time, so that one transfer does not hold its
    /// thread.
    pub const STRETCH: u64 = 256 * 1024;

    /// Returns the file.
    pub fn file(&self) -> &File {
        self.shared.file.file()
    }

    /// Returns where the region starts, in bytes from the file's start.
    pub fn start(&self) -> u64 {
        self.shared.start
    }

    /// Returns the region's length in bytes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a length in a file, not a collection"
    )]
    pub fn len(&self) -> u64 {
        self.shared.len
    }

    /// Notes the first frame that the body gives out. Only the first note counts.
    pub fn note_first_frame(&self, frame: &Bytes) {
        self.shared.first_frame.get_or_init(|| frame.clone());
    }

    /// Tells whether `frame` is the very one that the body noted: the same bytes in memory, not
    /// equal ones.
    pub fn is_first_frame(&self, frame: &Bytes) -> bool {
        self.shared
            .first_frame
            .get()
            .is_some_and(|noted| noted.as_ptr() == frame.as_ptr() && noted.len() == frame.len())
    }

    /// Has the bytes that leave by sendfile counted, which the body beside the region never sees, and
    /// returns a clone that knows the count. It is for a layer that finds the region in a response.
    #[must_use]
    pub fn counted(&mut self) -> Self {
        self.sent.get_or_insert_default();
        self.clone()
    }

    /// Counts bytes that left by sendfile; whoever sends adds here, once for each call.
    pub fn add_sent(&self, n_bytes: u64) {
        if let Some(sent) = &self.sent {
            sent.fetch_add(n_bytes, Ordering::Relaxed);
        }
    }

    /// Returns how many bytes of this response left by sendfile; 0 where it is not
    /// [counted](Self::counted).
    pub fn sent(&self) -> u64 {
        self.sent
            .as_ref()
            .map_or(0, |sent| sent.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("file", &self.file)
            .field("start", &self.start)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A file of which nothing is in memory, and what was asked of it.
    #[derive(Debug)]
    struct Cold {
        file: File,
        asked: Mutex<Vec<(u64, u64)>>,
    }

    impl Readahead for Cold {
        fn file(&self) -> &File {
            &self.file
        }

        fn is_resident(&self, offset: u64, len: u64) -> io::Result<bool> {
            self.asked.lock().unwrap().push((offset, len));
            Ok(false)
        }

        fn read_ahead(self: Arc<Self>, offset: u64, len: u64) -> Reading {
            assert_eq!(self.asked.lock().unwrap().last(), Some(&(offset, len)));
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[test]
    fn readahead_is_asked_in_file_offsets_and_only_inside_the_region() {
        let file = Arc::new(Cold {
            file: File::open("/dev/null").expect("/dev/null opens"),
            asked: Mutex::default(),
        });
        let region = FileRegion::new(Arc::clone(&file), 1_000, 500);
        for (offset, len) in [(0, 300), (300, 300)] {
            assert!(region.read_ahead(offset, len).unwrap().is_some());
        }
        assert!(region.read_ahead(500, 300).unwrap().is_none());
        assert_eq!(*file.asked.lock().unwrap(), [(1_000, 300), (1_300, 200)]);
    }

    #[test]
    fn a_plain_file_is_never_waited_for() {
        let file = Arc::new(File::open("/dev/null").expect("/dev/null opens"));
        let region = FileRegion::new(file, 0, 10);
        assert!(region.read_ahead(0, 10).unwrap().is_none());
    }

    #[test]
    fn only_the_responses_that_are_asked_for_it_count_what_is_sent() {
        let file = Arc::new(File::open("/dev/null").expect("/dev/null opens"));
        let kept = FileRegion::new(file, 0, 10);
        let mut first = kept.clone();
        let mut second = kept.clone();
        let (log, again) = (first.counted(), first.counted());
        let other = second.counted();
        first.add_sent(3);
        kept.add_sent(10);
        first.clone().add_sent(4);
        assert_eq!((log.sent(), again.sent()), (7, 7));
        assert_eq!((other.sent(), kept.sent()), (0, 0));
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
