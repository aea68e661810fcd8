//! A body on its way into memory, and from there into a file.

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{io, mem};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Buffered, PIECE_BYTES, file};

/// What has come of one body.
#[derive(Debug)]
pub(super) struct Intake {
    folder: Arc<Path>,
    /// The only frame so far, not copied yet, as that is all there is of most bodies.
    single: Bytes,
    /// What has come since the last write, at most `PIECE_BYTES`.
    piece: Vec<u8>,
    /// What is left of a frame that did not fit into the piece.
    rest: Bytes,
    spilt: Option<Spilt>,
    writing: Option<JoinHandle<io::Result<Written>>>,
    trailers: Option<HeaderMap>,
    is_complete: bool,
}

/// The part of a body that is in its file.
#[derive(Debug)]
struct Spilt {
    file: File,
    n_bytes: u64,
}

/// What a write gives back: the file, and the piece, emptied.
type Written = (Spilt, Vec<u8>);

/// Why a body cannot be buffered.
#[derive(Debug)]
pub(super) enum Failure<E> {
    /// The body broke off.
    Body(E),
    /// It cannot be kept.
    File(io::Error),
}

impl<E: Into<Box<dyn Error + Send + Sync>>> Failure<E> {
    /// Notes the failure, and returns the status for it.
    pub(super) fn answer(self, folder: &Path) -> StatusCode {
        match self {
            Self::Body(error) => {
                let error = error.into();
                tracing::debug!(error = &*error as &dyn Error, "request body broke off");
                StatusCode::BAD_REQUEST
            }
            Self::File(error) => {
                tracing::error!(%error, folder = %folder.display(), "cannot keep a request body");
                status_of(&error)
            }
        }
    }
}

/// 507 is for what can be mended by making room (RFC 4918 §11.5).
fn status_of(error: &io::Error) -> StatusCode {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StatusCode::INSUFFICIENT_STORAGE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Intake {
    pub(super) fn new(folder: Arc<Path>) -> Self {
        Self {
            folder,
            single: Bytes::new(),
            piece: Vec::new(),
            rest: Bytes::new(),
            spilt: None,
            writing: None,
            trailers: None,
            is_complete: false,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the body to its end. While a piece is written nothing more is read, which holds the
    /// client back.
    pub(super) fn poll<B: Body<Data = Bytes>>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Buffered, Failure<B::Error>>> {
        loop {
            if let Some(writing) = &mut self.writing {
                let written = ready!(Pin::new(writing).poll(cx));
                self.writing = None;
                let written = written
                    .map_err(io::Error::other)
                    .and_then(|written| written);
                let (spilt, piece) = written.map_err(Failure::File)?;
                (self.spilt, self.piece) = (Some(spilt), piece);
            }
            if !self.rest.is_empty() {
                self.fill_piece();
                continue;
            }
            if self.is_complete {
                return Poll::Ready(Ok(self.finish()));
            }
            match ready!(body.as_mut().poll_frame(cx)).transpose() {
                Err(error) => return Poll::Ready(Err(Failure::Body(error))),
                Ok(Some(frame)) => match frame.into_data() {
                    Ok(data) => self.take(data),
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
                Ok(None) => {
                    self.is_complete = true;
                    if self.spilt.is_some() && !self.piece.is_empty() {
                        self.write();
                    }
                }
            }
        }
    }

    fn take(&mut self, data: Bytes) {
        let is_first = self.piece.is_empty() && self.single.is_empty() && self.spilt.is_none();
        if is_first && data.len() <= PIECE_BYTES {
            self.single = data;
        } else {
            let single = mem::take(&mut self.single);
            self.append(&single);
            self.rest = data;
        }
    }

    /// Moves as much into the piece as fits, and writes it where more is left.
    fn fill_piece(&mut self) {
        let room = PIECE_BYTES - self.piece.len();
        let part = self.rest.split_to(room.min(self.rest.len()));
        self.append(&part);
        if !self.rest.is_empty() {
            self.write();
        }
    }

    /// Appends to the piece, whose room grows by doubling as that of any vector, but never beyond
    /// a whole piece.
    fn append(&mut self, bytes: &[u8]) {
        let n_needed = self.piece.len() + bytes.len();
        if n_needed > self.piece.capacity() {
            let n_wanted = n_needed.max(2 * self.piece.capacity()).min(PIECE_BYTES);
            self.piece.reserve_exact(n_wanted - self.piece.len());
        }
        self.piece.extend_from_slice(bytes);
    }

    fn write(&mut self) {
        let (spilt, piece) = (self.spilt.take(), mem::take(&mut self.piece));
        let folder = Arc::clone(&self.folder);
        self.writing = Some(spawn_blocking(move || write(spilt, piece, &folder)));
    }

    fn finish(&mut self) -> Buffered {
        let trailers = self.trailers.take();
        match self.spilt.take() {
            Some(spilt) => Buffered::in_file(spilt.file, spilt.n_bytes, trailers),
            None if self.piece.is_empty() => {
                Buffered::in_memory(mem::take(&mut self.single), trailers)
            }
            None => Buffered::in_memory(mem::take(&mut self.piece).into(), trailers),
        }
    }
}

/// Writes a piece behind what is in the file, which is created with the first.
fn write(spilt: Option<Spilt>, mut piece: Vec<u8>, folder: &Path) -> io::Result<Written> {
    let mut spilt = match spilt {
        Some(spilt) => spilt,
        None => Spilt {
            file: file::create(folder)?,
            n_bytes: 0,
        },
    };
    spilt.file.write_all_at(&piece, spilt.n_bytes)?;
    spilt.n_bytes += piece.len() as u64;
    piece.clear();
    Ok((spilt, piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let status = |errno: rustix::io::Errno| status_of(&errno.into()).as_u16();
        assert_eq!(status(rustix::io::Errno::NOSPC), 507);
        assert_eq!(status(rustix::io::Errno::DQUOT), 507);
        assert_eq!(status(rustix::io::Errno::FBIG), 507);
        assert_eq!(status(rustix::io::Errno::IO), 500);
        assert_eq!(status(rustix::io::Errno::ACCESS), 500);
    }
}
