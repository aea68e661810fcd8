//! A file in one encoding, ready to be answered with.

use std::hash::BuildHasher;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use astatine_reactor::{FieldLines, FileRegion};
use bytes::Bytes;
use foldhash::quality::FixedState;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
    ETAG, LAST_MODIFIED, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};
use httpdate::HttpDate;

use super::body::{FIRST_FRAME_BYTES, FileBody};
use super::folder::{Opened, Stamp};
use super::kernel;
use super::open_file::OpenFile;
use super::pool::Pool;
use super::reach::Reach;
use crate::plan::{Encoding, Representation};

/// A file in one encoding: its bytes, or the way to them, and the headers of a whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) encoding: Encoding,
    pub(crate) headers: HeaderMap,
    /// The headers as they were when it was read, but for the length.
    pub(crate) lines: FieldLines,
    len: u64,
    etag: HeaderValue,
    last_modified: Option<HttpDate>,
    is_date_strong: bool,
    content: Content,
    is_stored: bool,
}

/// Where a variant's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// All of them are here.
    Memory(Bytes),
    /// They are in a file; the region is all of it.
    File(Arc<OpenFile>, FileRegion),
}

/// What all variants of a file have in common.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) content_type: HeaderValue,
    pub(crate) cache_control: HeaderValue,
    /// Whether there is, or may come to be, more than one encoding.
    pub(crate) is_negotiable: bool,
    /// The time at which the file is read, in seconds since 1970.
    pub(crate) now: i64,
}

impl Variant {
    /// Puts a variant together; `stamp` is the one of the file that its bytes come from.
    pub(crate) fn new(
        encoding: Encoding,
        stamp: &Stamp,
        content: Content,
        description: &Description,
    ) -> Self {
        let len = match &content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File(..) => stamp.len,
        };
        let etag = entity_tag(stamp, encoding, &content);
        let modified = stamp.modified.0;
        let last_modified = (modified <= description.now)
            .then(|| http_date(modified))
            .flatten();
        let mut headers = HeaderMap::with_capacity(N_HEADERS);
        headers.insert(CONTENT_TYPE, description.content_type.clone());
        headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        headers.insert(ETAG, etag.clone());
        if let Some(date) = last_modified {
            headers.insert(LAST_MODIFIED, ascii(date.to_string()));
        }
        headers.insert(CACHE_CONTROL, description.cache_control.clone());
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(token) = encoding.token() {
            headers.insert(CONTENT_ENCODING, token);
        }
        if description.is_negotiable {
            headers.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
        }
        Self {
            encoding,
            lines: field_lines(&headers),
            headers,
            len,
            etag,
            last_modified,
            is_date_strong: description.now - modified >= SETTLED_SECONDS,
            content,
            is_stored: true,
        }
    }

    /// Returns the variant that holds these bytes, made from its own by gzip.
    pub(crate) fn compressed(&self, bytes: Bytes) -> Self {
        let tag = String::from_utf8_lossy(self.etag.as_bytes());
        let etag = ascii(format!("{}-gzip\"", tag.trim_end_matches('"')));
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        headers.insert(ETAG, etag.clone());
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        Self {
            encoding: Encoding::Gzip,
            lines: field_lines(&headers),
            headers,
            len: bytes.len() as u64,
            etag,
            last_modified: self.last_modified,
            is_date_strong: self.is_date_strong,
            content: Content::Memory(bytes),
            is_stored: false,
        }
    }

    /// Tells whether its bytes are those of a file, not made on demand.
    pub(crate) fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Returns what the plan has to know.
    pub(crate) fn representation(&self) -> Representation<'_> {
        Representation {
            len: self.len,
            etag: self.etag.as_bytes(),
            last_modified: self.last_modified,
            is_date_strong: self.is_date_strong,
        }
    }

    /// Makes the body of a range, and the region beside it of one that may go by sendfile(2).
    pub(crate) fn body(&self, range: Range<u64>) -> (FileBody, Option<FileRegion>) {
        match &self.content {
            Content::Memory(bytes) => (FileBody::memory(slice(bytes, &range)), None),
            Content::File(file, whole) => {
                let file = Arc::clone(file);
                let len = range.end - range.start;
                if len == self.len {
                    return (FileBody::whole(file), Some(whole.clone()));
                }
                if len <= SMALL_BYTES {
                    return (FileBody::file(file, range), None);
                }
                let region = FileRegion::new(Arc::clone(&file), range.start, len);
                let body = FileBody::region(file, range, &region);
                (body, Some(region))
            }
        }
    }

    /// Adds a range to a body of several.
    pub(crate) fn append(&self, range: Range<u64>, body: &mut FileBody) {
        match &self.content {
            Content::Memory(bytes) => body.push_memory(slice(bytes, &range)),
            Content::File(file, _) => body.push_file(Arc::clone(file), range),
        }
    }

    /// Returns all bytes; it may wait for the disk, unless they are few.
    pub(crate) fn read_all(&self) -> io::Result<Bytes> {
        match &self.content {
            Content::Memory(bytes) => Ok(bytes.clone()),
            Content::File(file, _) => {
                let len = usize::try_from(self.len).map_err(io::Error::other)?;
                file.read_exact(0, len)
            }
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Tells whether its bytes are those that its headers are about.
    pub(crate) fn is_intact(&self, now: Duration) -> bool {
        match &self.content {
            Content::Memory(_) => true,
            Content::File(file, _) => file.is_unchanged(now),
        }
    }

    /// Tells whether it holds its file open.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.content, Content::File(..))
    }

    /// Returns what it costs to keep, a descriptor being charged with `open_file_bytes`.
    pub(crate) fn weight(&self, open_file_bytes: u64) -> u64 {
        match &self.content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File(file, _) => open_file_bytes.max(file.head().len() as u64),
        }
    }
}

impl Content {
    /// Reads what is kept of a regular file: all of a small one, the head of a large one.
    pub(crate) fn read(opened: Opened, pool: &Pool, reach: Reach) -> io::Result<Self> {
        let len = opened.stamp.len;
        if len <= SMALL_BYTES {
            return Ok(Self::Memory(read(&opened, len, reach)?));
        }
        kernel::keep_access_time(&opened.file);
        let head = read(&opened, FIRST_FRAME_BYTES as u64, reach)?;
        let file = OpenFile::new(opened.file, opened.stamp, head, pool.clone());
        let file = Arc::new(file);
        let region = FileRegion::new(Arc::clone(&file), 0, len);
        region.note_first_frame(file.head());
        Ok(Self::File(file, region))
    }
}

/// Reads `len` bytes from the start, or fewer where the file has become shorter.
pub(crate) fn read(opened: &Opened, len: u64, reach: Reach) -> io::Result<Bytes> {
    let len = usize::try_from(len).map_err(io::Error::other)?;
    let mut buf = vec![0; len];
    let mut n_read = 0;
    while n_read < len {
        let rest = &mut buf[n_read..];
        let read = match reach {
            Reach::Memory => kernel::read_resident(&opened.file, rest, n_read as u64),
            Reach::Disk => opened.file.read_at(rest, n_read as u64),
        };
        match read {
            Ok(0) => break,
            Ok(n_bytes) => n_read += n_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Err(error) => return Err(error),
        }
    }
    buf.truncate(n_read);
    Ok(Bytes::from(buf))
}

fn field_lines(headers: &HeaderMap) -> FieldLines {
    let fields = headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
    FieldLines::new(fields.map(|(name, value)| (name.as_str(), value.as_bytes())))
        .expect("what a map holds can be written, and none of it is the server's")
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let bound = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.slice(bound(range.start)..bound(range.end))
}

/// Makes the entity tag.
///
/// Of bytes in memory it is a hash, so that they have the same one on each server, and another one
/// after a change, even where each version is unpacked with the same time. A larger file is held to
/// be the same while its length and its time of modification, to the nanosecond, are.
fn entity_tag(stamp: &Stamp, encoding: Encoding, content: &Content) -> HeaderValue {
    let version = match content {
        Content::Memory(bytes) => {
            let hash = FixedState::default().hash_one(&bytes[..]);
            format!("{:x}-{hash:016x}", bytes.len())
        }
        Content::File(..) => {
            let (seconds, nanoseconds) = stamp.modified;
            format!("{:x}-{seconds:x}.{nanoseconds:x}", stamp.len)
        }
    };
    let suffix = encoding.suffix().replace('.', "-");
    ascii(format!("\"{version}{suffix}\""))
}

fn http_date(seconds: i64) -> Option<HttpDate> {
    let seconds = u64::try_from(seconds).ok()?;
    (seconds < YEAR_10000)
        .then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .map(HttpDate::from)
}

fn ascii(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("it was written from digits and ASCII letters")
}

/// Files up to this length are kept in memory whole.
pub(crate) const SMALL_BYTES: u64 = 64 * 1024;
/// A file that is this old was not changed twice within the step of the file system's clock.
pub(crate) const SETTLED_SECONDS: i64 = 2;
const YEAR_10000: u64 = 253_402_300_800;
const N_HEADERS: usize = 12;

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn dates_are_told_once_they_have_come_and_strong_once_they_are_past() {
        let stamp = Stamp::of(&File::open("/dev/null").unwrap()).unwrap();
        let modified = stamp.modified.0;
        for (age, is_known, is_strong) in [(-1, false, false), (1, true, false), (2, true, true)] {
            let description = Description {
                content_type: HeaderValue::from_static("text/plain"),
                cache_control: HeaderValue::from_static("no-cache"),
                is_negotiable: false,
                now: modified + age,
            };
            let content = Content::Memory(Bytes::new());
            let variant = Variant::new(Encoding::Identity, &stamp, content, &description);
            let representation = variant.representation();
            assert_eq!(representation.last_modified.is_some(), is_known, "{age}");
            assert_eq!(representation.is_date_strong, is_strong, "{age}");
            assert_eq!(
                variant.headers.contains_key(LAST_MODIFIED),
                is_known,
                "{age}"
            );
        }
    }
}
