//! A large file held open: reading it without a wait for the disk on the connection's thread.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use astatine_reactor::{FileRegion, Readahead};
use bytes::Bytes;

use super::kernel;
use super::pool::{Pool, Work};

/// An open file, and the pool that reads from it what is not in memory.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: Arc<File>,
    pool: Pool,
    /// Bytes from the start that the pool has read once. It stands in for knowledge where the
    /// file's system cannot tell what is in memory.
    warmed_bytes: AtomicU64,
}

impl OpenFile {
    pub(crate) fn new(file: File, pool: Pool) -> Self {
        Self {
            file: Arc::new(file),
            pool,
            warmed_bytes: AtomicU64::new(0),
        }
    }

    /// Names a part of the file for sendfile(2).
    pub(crate) fn region(self: &Arc<Self>, start: u64, len: u64) -> FileRegion {
        let residency = Residency {
            file: Arc::clone(self),
            reading: Mutex::new(None),
        };
        FileRegion::with_readahead(Arc::clone(&self.file), start, len, Box::new(residency))
    }

    /// Reads at most `max` bytes that are in memory; `None` when the disk has to be asked.
    pub(crate) fn read_resident(&self, offset: u64, max: usize) -> io::Result<Option<Bytes>> {
        let mut buf = vec![0; max];
        match kernel::read_resident(&self.file, &mut buf, offset) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n_bytes) => {
                buf.truncate(n_bytes);
                Ok(Some(Bytes::from(buf)))
            }
            Err(error) if is_not_known(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads `len` bytes on the pool; fewer are an error.
    pub(crate) fn read(self: &Arc<Self>, offset: u64, len: usize) -> Work<Bytes> {
        let this = Arc::clone(self);
        self.pool.run(move || this.read_exact(offset, len))
    }

    /// Reads `len` bytes here and now, waiting for the disk; fewer are an error.
    pub(crate) fn read_exact(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let mut buf = vec![0; len];
        self.file.read_exact_at(&mut buf, offset)?;
        Ok(Bytes::from(buf))
    }

    /// Tells whether a stretch is in memory, by its last byte: the kernel fills memory forwards,
    /// so one byte tells of the stretch wherever it was not thrown out in pieces.
    fn is_resident(&self, offset: u64, len: u64) -> io::Result<bool> {
        let end = offset + len;
        match kernel::read_resident(&self.file, &mut [0], end - 1) {
            // None there: the file has shrunk, and whoever sends it will find out.
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(end <= self.warmed_bytes.load(Ordering::Relaxed))
            }
            Err(error) if is_not_known(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads a stretch on the pool for its effect on the kernel's memory.
    fn warm(self: &Arc<Self>, offset: u64, len: u64) -> Work<()> {
        let this = Arc::clone(self);
        self.pool.run(move || {
            let mut buf = vec![0; WARM_BYTES];
            let end = offset + len;
            let mut at = offset;
            while at < end {
                let max = usize::try_from(end - at).map_or(WARM_BYTES, |rest| rest.min(WARM_BYTES));
                match this.file.read_at(&mut buf[..max], at) {
                    Ok(0) => break,
                    Ok(n_bytes) => at += n_bytes as u64,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            if offset <= this.warmed_bytes.load(Ordering::Relaxed) {
                this.warmed_bytes.fetch_max(end, Ordering::Relaxed);
            }
            Ok(())
        })
    }
}

/// Brings one response's stretches into memory.
struct Residency {
    file: Arc<OpenFile>,
    reading: Mutex<Option<Work<()>>>,
}

impl Readahead for Residency {
    fn poll_ready(&self, cx: &mut Context<'_>, offset: u64, len: u64) -> Poll<io::Result<()>> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if reading.is_none() && self.file.is_resident(offset, len)? {
            return Poll::Ready(Ok(()));
        }
        let work = reading.get_or_insert_with(|| self.file.warm(offset, len));
        let done = ready!(work.as_mut().poll(cx));
        *reading = None;
        Poll::Ready(done)
    }
}

impl fmt::Debug for Residency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Residency")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn is_not_known(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Unsupported
    )
}

const WARM_BYTES: usize = 64 * 1024;
