//! A body that is whole, in memory or in a file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::PIECE_BYTES;

/// A request body that is whole; its length is known.
///
/// What lies in a file is read in pieces of 64 KiB, by the runtime's threads for what blocks. The
/// file has no name, and goes with the last body that reads it.
#[derive(Debug)]
pub struct Buffered {
    store: Store,
    /// So much has been given out.
    n_read: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    trailers: Trailers,
}

#[derive(Clone, Debug)]
enum Store {
    Memory(Bytes),
    File { file: Arc<File>, n_bytes: u64 },
}

#[derive(Clone, Debug)]
enum Trailers {
    None,
    Ahead(Arc<HeaderMap>),
    Told(Arc<HeaderMap>),
}

impl Buffered {
    /// Wraps a body that lies in memory.
    pub(super) fn in_memory(bytes: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self::new(Store::Memory(bytes), trailers)
    }

    /// Wraps a body that lies in a file, from its start on.
    pub(super) fn in_file(file: File, n_bytes: u64, trailers: Option<HeaderMap>) -> Self {
        let file = Arc::new(file);
        Self::new(Store::File { file, n_bytes }, trailers)
    }

    fn new(store: Store, trailers: Option<HeaderMap>) -> Self {
        Self {
            store,
            n_read: 0,
            reading: None,
            trailers: trailers.map_or(Trailers::None, |t| Trailers::Ahead(Arc::new(t))),
        }
    }

    /// Returns the same body from its start, however far this one has been read. Both can be read
    /// independently; nothing is copied.
    #[must_use]
    pub fn from_start(&self) -> Self {
        Self {
            store: self.store.clone(),
            n_read: 0,
            reading: None,
            trailers: match &self.trailers {
                Trailers::None => Trailers::None,
                Trailers::Ahead(trailers) | Trailers::Told(trailers) => {
                    Trailers::Ahead(Arc::clone(trailers))
                }
            },
        }
    }

    fn n_left(&self) -> u64 {
        let n_bytes = match &self.store {
            Store::Memory(bytes) => bytes.len() as u64,
            Store::File { n_bytes, .. } => *n_bytes,
        };
        n_bytes - self.n_read
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let n_left = self.n_left();
        let bytes = match &self.store {
            Store::Memory(bytes) => bytes.clone(),
            Store::File { file, .. } => {
                let reading = self.reading.get_or_insert_with(|| {
                    let (file, offset) = (Arc::clone(file), self.n_read);
                    spawn_blocking(move || read_piece(&file, offset, n_left))
                });
                let read = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                read.map_err(io::Error::other)??
            }
        };
        self.n_read += bytes.len() as u64;
        Poll::Ready(Ok(bytes))
    }
}

fn read_piece(file: &File, offset: u64, n_left: u64) -> io::Result<Bytes> {
    let n_bytes = usize::try_from(n_left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
    let mut piece = vec![0; n_bytes];
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece.into())
}

impl Body for Buffered {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.n_left() > 0 {
            return self.poll_data(cx).map_ok(Frame::data).map(Some);
        }
        let Trailers::Ahead(trailers) = &self.trailers else {
            return Poll::Ready(None);
        };
        let trailers = Arc::clone(trailers);
        let frame = Frame::trailers(HeaderMap::clone(&trailers));
        self.trailers = Trailers::Told(trailers);
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.n_left() == 0 && !matches!(self.trailers, Trailers::Ahead(_))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.n_left())
    }
}
