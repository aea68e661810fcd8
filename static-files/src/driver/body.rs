//! The body of an answer: bytes from memory, a file read as it is sent, or several ranges.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use astatine_reactor::FileRegion;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::open_file::OpenFile;
use super::pool::Work;

/// The bytes of a file, or of parts of it.
///
/// A file that is too large for memory is read in frames of at most 64 KiB while it is polled;
/// what is not in the kernel's memory is read on the blocking pool. The first frame of a region
/// that may go by sendfile(2) is a few bytes. A file that ends early is an error of the body: its
/// length was promised, so the connection cannot go on.
#[derive(Debug)]
pub struct FileBody(Kind);

/// Most bodies come from memory; they are moved a few times, and kept as small as `Bytes` are.
#[derive(Debug)]
enum Kind {
    Memory(Bytes),
    Disk(OnDisk),
}

/// Bytes of which at least some are in files.
#[derive(Debug)]
enum OnDisk {
    /// All of a file, or what is behind its head: mostly sendfile(2) takes that.
    Whole {
        file: Arc<OpenFile>,
        is_begun: bool,
    },
    Pieces(Box<Pieces>),
}

#[derive(Debug, Default)]
struct Pieces {
    front: Option<Piece>,
    behind: VecDeque<Piece>,
    remaining_bytes: u64,
}

#[derive(Debug)]
enum Piece {
    Memory(Bytes),
    File(FilePiece),
}

struct FilePiece {
    file: Arc<OpenFile>,
    range: Range<u64>,
    /// Where the first frame is yet to be noted.
    region: Option<FileRegion>,
    reading: Option<Work<Bytes>>,
}

impl FileBody {
    pub(crate) fn memory(bytes: Bytes) -> Self {
        Self(Kind::Memory(bytes))
    }

    /// Makes the body of a whole file; its first frame is the file's head.
    pub(crate) fn whole(file: Arc<OpenFile>) -> Self {
        // The head of a file that was emptied is no frame.
        let is_begun = file.head().is_empty();
        Self(Kind::Disk(OnDisk::Whole { file, is_begun }))
    }

    /// Makes the body of a range of a file.
    pub(crate) fn file(file: Arc<OpenFile>, range: Range<u64>) -> Self {
        Self::piece(FilePiece::new(file, range))
    }

    /// Makes the body of a range that may go by sendfile(2), whose witness `region` is.
    pub(crate) fn region(file: Arc<OpenFile>, range: Range<u64>, region: &FileRegion) -> Self {
        Self::piece(FilePiece {
            region: Some(region.clone()),
            ..FilePiece::new(file, range)
        })
    }

    fn piece(piece: FilePiece) -> Self {
        Self::boxed(Pieces {
            remaining_bytes: piece.range.end - piece.range.start,
            front: Some(Piece::File(piece)),
            behind: VecDeque::new(),
        })
    }

    fn boxed(pieces: Pieces) -> Self {
        Self(Kind::Disk(OnDisk::Pieces(Box::new(pieces))))
    }

    /// Adds bytes behind those that are there.
    pub(crate) fn push_memory(&mut self, bytes: Bytes) {
        let len = bytes.len() as u64;
        self.pieces().push(Piece::Memory(bytes), len);
    }

    /// Adds a range of a file behind the bytes that are there.
    pub(crate) fn push_file(&mut self, file: Arc<OpenFile>, range: Range<u64>) {
        let len = range.end - range.start;
        let piece = Piece::File(FilePiece::new(file, range));
        self.pieces().push(piece, len);
    }

    fn pieces(&mut self) -> &mut Pieces {
        match &mut self.0 {
            Kind::Memory(bytes) => {
                let mut pieces = Pieces::default();
                if !bytes.is_empty() {
                    let len = bytes.len() as u64;
                    pieces.push(Piece::Memory(std::mem::take(bytes)), len);
                }
                *self = Self::boxed(pieces);
            }
            Kind::Disk(OnDisk::Whole { file, is_begun }) => {
                let range = n_begun(file, *is_begun)..file.len();
                *self = Self::file(Arc::clone(file), range);
            }
            Kind::Disk(OnDisk::Pieces(_)) => {}
        }
        match &mut self.0 {
            Kind::Disk(OnDisk::Pieces(pieces)) => pieces,
            _ => unreachable!("it was turned into pieces just before"),
        }
    }
}

/// A body without bytes.
impl Default for FileBody {
    fn default() -> Self {
        Self::memory(Bytes::new())
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Kind::Memory(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Memory(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Disk(OnDisk::Whole { file, is_begun }) if !*is_begun => {
                *is_begun = true;
                Poll::Ready(Some(Ok(Frame::data(file.head().clone()))))
            }
            Kind::Disk(_) => self.pieces().poll_bytes(cx).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Memory(bytes) => bytes.is_empty(),
            Kind::Disk(OnDisk::Whole { .. }) => false,
            Kind::Disk(OnDisk::Pieces(pieces)) => pieces.front.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Kind::Memory(bytes) => bytes.len() as u64,
            Kind::Disk(OnDisk::Whole { file, is_begun }) => file.len() - n_begun(file, *is_begun),
            Kind::Disk(OnDisk::Pieces(pieces)) => pieces.remaining_bytes,
        })
    }
}

impl Pieces {
    fn push(&mut self, piece: Piece, len: u64) {
        self.remaining_bytes += len;
        if self.front.is_none() {
            self.front = Some(piece);
        } else {
            self.behind.push_back(piece);
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let read = match &mut self.front {
            None => return Poll::Ready(None),
            Some(Piece::Memory(bytes)) => Ok((std::mem::take(bytes), true)),
            Some(Piece::File(piece)) => {
                ready!(piece.poll_bytes(cx)).map(|bytes| (bytes, piece.range.is_empty()))
            }
        };
        match read {
            Ok((bytes, is_last)) => {
                self.remaining_bytes -= bytes.len() as u64;
                if is_last {
                    self.front = self.behind.pop_front();
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Err(error) => {
                (self.front, self.behind) = (None, VecDeque::new());
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

/// Returns how many bytes of a whole file are sent.
fn n_begun(file: &OpenFile, is_begun: bool) -> u64 {
    if is_begun {
        file.head().len() as u64
    } else {
        0
    }
}

impl FilePiece {
    fn new(file: Arc<OpenFile>, range: Range<u64>) -> Self {
        Self {
            file,
            range,
            region: None,
            reading: None,
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let bytes = ready!(self.poll_read(cx))?;
        self.range.start += bytes.len() as u64;
        if let Some(region) = self.region.take() {
            region.note_first_frame(&bytes);
        }
        Poll::Ready(Ok(bytes))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => {
                let max = if self.region.is_some() {
                    FIRST_FRAME_BYTES
                } else {
                    FRAME_BYTES
                };
                let len = usize::try_from(self.range.end - self.range.start).unwrap_or(max);
                let len = len.min(max);
                if let Some(bytes) = self.file.read_resident(self.range.start, len)? {
                    return Poll::Ready(Ok(bytes));
                }
                self.file.read(self.range.start, len)
            }
        };
        let polled = reading.as_mut().poll(cx);
        if polled.is_pending() {
            self.reading = Some(reading);
        }
        polled
    }
}

impl fmt::Debug for FilePiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePiece")
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// The greatest first frame of a region. It is sent behind the head in one write, and its bytes are
/// copied where those behind it are not, so it is no longer than a witness has to be.
pub(crate) const FIRST_FRAME_BYTES: usize = 64;
const FRAME_BYTES: usize = 64 * 1024;
