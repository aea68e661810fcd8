//! A large file held open: reading it without a wait for the disk on the connection's thread.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use astatine_reactor::Readahead;
use bytes::Bytes;

use super::folder::Stamp;
use super::kernel;
use super::pool::{Pool, Work};

/// An open file, and the pool that reads from it what is not in memory.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    pool: Pool,
    /// Its first bytes, fewer than were asked for where it has become shorter.
    head: Bytes,
    /// Bytes from the start that the pool has read once. Where the file's system cannot tell what
    /// is in memory (overlays and tmpfs cannot), these are held to be.
    warmed_bytes: AtomicU64,
    /// What it was when it was opened.
    stamp: Stamp,
    /// The clock when it was last found to be that still, in nanoseconds.
    unchanged_at: AtomicU64,
    /// Until then the last byte need not be asked for again, in milliseconds of the clock.
    end_seen_until: AtomicU64,
}

impl OpenFile {
    pub(crate) fn new(file: File, stamp: Stamp, head: Bytes, pool: Pool) -> Self {
        Self {
            file,
            pool,
            head,
            warmed_bytes: AtomicU64::new(0),
            stamp,
            unchanged_at: AtomicU64::new(u64::MAX),
            end_seen_until: AtomicU64::new(0),
        }
    }

    /// Returns its length when it was opened.
    pub(crate) fn len(&self) -> u64 {
        self.stamp.len
    }

    /// Returns its first bytes.
    pub(crate) fn head(&self) -> &Bytes {
        &self.head
    }

    /// Tells whether it is what it was when it was opened, as of this step of the clock. Its bytes
    /// are read as they are sent, so those of a file that was written to since would go out under
    /// the length and the entity tag of what it was.
    pub(crate) fn is_unchanged(&self, now: Duration) -> bool {
        // The file is asked once in a step: its own times move in such steps, too.
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX - 1);
        if self.unchanged_at.load(Ordering::Relaxed) == now {
            return true;
        }
        let is_unchanged = Stamp::of(&self.file).is_ok_and(|stamp| stamp == self.stamp);
        if is_unchanged {
            self.unchanged_at.store(now, Ordering::Relaxed);
        }
        is_unchanged
    }

    /// Reads at most `max` bytes that are in memory; `None` when the disk has to be asked.
    pub(crate) fn read_resident(&self, offset: u64, max: usize) -> io::Result<Option<Bytes>> {
        let mut buf = vec![0; max];
        let read = match kernel::read_resident(&self.file, &mut buf, offset) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                if !self.is_warmed(offset + max as u64) {
                    return Ok(None);
                }
                read_once(&self.file, &mut buf, offset)
            }
            read => read,
        };
        match read? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n_bytes => {
                buf.truncate(n_bytes);
                Ok(Some(Bytes::from(buf)))
            }
        }
    }

    /// Reads `len` bytes on the pool; fewer are an error.
    pub(crate) fn read(self: &Arc<Self>, offset: u64, len: usize) -> Work<Bytes> {
        let this = Arc::clone(self);
        self.pool.run(move || {
            let bytes = this.read_exact(offset, len)?;
            this.note_warmed(offset, offset + len as u64);
            Ok(bytes)
        })
    }

    /// Reads `len` bytes here and now, waiting for the disk; fewer are an error.
    pub(crate) fn read_exact(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let mut buf = vec![0; len];
        self.file.read_exact_at(&mut buf, offset)?;
        Ok(Bytes::from(buf))
    }

    fn is_warmed(&self, end: u64) -> bool {
        end <= self.warmed_bytes.load(Ordering::Relaxed)
    }

    fn note_warmed(&self, offset: u64, end: u64) {
        if self.is_warmed(offset) {
            self.warmed_bytes.fetch_max(end, Ordering::Relaxed);
        }
    }
}

impl Readahead for OpenFile {
    fn file(&self) -> &File {
        &self.file
    }

    /// Tells whether a stretch is in memory, by its last byte: the kernel fills memory forwards,
    /// so one byte tells of the stretch wherever it was not thrown out in pieces.
    ///
    /// A file of one stretch is asked for its last byte again and again; asking costs half a
    /// microsecond, so the answer holds for a moment.
    fn is_resident(&self, offset: u64, len: u64) -> io::Result<bool> {
        let end = offset + len;
        let now = if end == self.stamp.len {
            now_millis()
        } else {
            u64::MAX
        };
        if now < self.end_seen_until.load(Ordering::Relaxed) {
            return Ok(true);
        }
        match kernel::read_resident(&self.file, &mut [0], end - 1) {
            // None there: the file has shrunk, and whoever sends it will find out.
            Ok(_) => {
                if end == self.stamp.len {
                    let until = now + SEEN_MILLIS;
                    self.end_seen_until.store(until, Ordering::Relaxed);
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(self.is_warmed(end)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads a stretch on the pool for its effect on the kernel's memory.
    fn read_ahead(self: Arc<Self>, offset: u64, len: u64) -> Work<()> {
        let pool = self.pool.clone();
        pool.run(move || {
            let mut buf = vec![0; WARM_BYTES];
            let end = offset + len;
            let mut at = offset;
            while at < end {
                let max = usize::try_from(end - at).map_or(WARM_BYTES, |rest| rest.min(WARM_BYTES));
                match read_once(&self.file, &mut buf[..max], at)? {
                    0 => break,
                    n_bytes => at += n_bytes as u64,
                }
            }
            self.note_warmed(offset, end);
            Ok(())
        })
    }
}

/// Reads once, however often that is interrupted.
fn read_once(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buf, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

fn now_millis() -> u64 {
    u64::try_from(kernel::now().as_millis()).unwrap_or(0)
}

const WARM_BYTES: usize = 64 * 1024;
/// The kernel hardly throws out what was just used.
const SEEN_MILLIS: u64 = 100;

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use astatine_reactor::FileRegion;
    use rustix::fs::{Advice, fadvise};

    use super::*;

    /// Opens a file of which nothing is in memory.
    fn cold_file(test: &str, pool: &Pool) -> Arc<OpenFile> {
        let name = format!("astatine-open-file-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, vec![7; LEN]).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        let stamp = Stamp::of(&file).unwrap();
        Arc::new(OpenFile::new(file, stamp, Bytes::new(), pool.clone()))
    }

    /// Asks cold files until one is found to be cold. A question makes the kernel fetch the bytes,
    /// and a fast disk may have brought them before the kernel answers.
    fn ask_cold<T>(test: &str, pool: &Pool, ask: impl Fn(Arc<OpenFile>) -> Option<T>) -> T {
        (0..100)
            .find_map(|_| ask(cold_file(test, pool)))
            .expect("a cold file is never found to be cold")
    }

    const LEN: usize = 1024 * 1024;

    #[tokio::test]
    async fn a_cold_stretch_waits_for_the_pool_and_a_warm_one_for_nothing() {
        const STRETCH: u64 = 256 * 1024;
        let pool = Pool::new(NonZeroUsize::MIN);
        let (release, held) = mpsc::sync_channel::<()>(1);
        let mut holder = pool.run(move || held.recv().map_err(io::Error::other));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(holder.as_mut().poll(&mut cx).is_pending());

        let (file, mut reading) = ask_cold("stretch", &pool, |file| {
            let region = FileRegion::new(Arc::clone(&file), 0, LEN as u64);
            let reading = region.read_ahead(0, STRETCH).unwrap()?;
            Some((file, reading))
        });
        assert!(reading.as_mut().poll(&mut cx).is_pending());
        release.send(()).unwrap();
        holder.await.unwrap();
        reading.await.unwrap();

        let again = FileRegion::new(file, 0, STRETCH);
        assert!(again.read_ahead(0, STRETCH).unwrap().is_none());
    }

    #[tokio::test]
    async fn bytes_that_are_not_in_memory_are_read_on_the_pool() {
        let pool = Pool::new(NonZeroUsize::MIN);
        let file = ask_cold("bytes", &pool, |file| {
            let read = file.read_resident(0, 1_000).unwrap();
            read.is_none().then_some(file)
        });
        assert_eq!(file.read(0, 1_000).await.unwrap().len(), 1_000);
        assert!(file.read_resident(0, 1_000).unwrap().is_some());
        let error = file.read(LEN as u64 - 10, 20).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
