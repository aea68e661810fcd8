//! Sends the rest of a file by sendfile(2), behind a head and a first frame that are in the output.

use std::io;
use std::task::{Context, Poll, ready};

use astatine_reactor::{Direct, FileRegion};
use bytes::Bytes;

use super::output::Output;
use crate::error::{Error, Misuse};

/// A file under way.
#[derive(Debug)]
pub(super) struct FileTransfer {
    direct: Direct,
    region: FileRegion,
    /// Bytes of the region that are sent, the first frame included.
    offset: u64,
    /// Up to here the region is known to be in memory.
    resident: u64,
    /// Bytes sent since the transfer last yielded to other connections.
    n_since_yield: u64,
}

impl FileTransfer {
    /// Begins a transfer if the first frame of the body is the one that the region's own body
    /// gave out, and a socket is there to send from.
    pub(super) fn begin(
        region: &FileRegion,
        direct: Option<Direct>,
        content_length: u64,
        first_frame: &Bytes,
    ) -> Option<Box<Self>> {
        let is_witnessed = region.len() == content_length && region.is_first_frame(first_frame);
        let direct = direct.filter(|_| is_witnessed)?;
        let offset = first_frame.len() as u64;
        let region = region.clone();
        Some(Box::new(Self {
            direct,
            region,
            offset,
            resident: offset,
            n_since_yield: 0,
        }))
    }

    /// Returns how many bytes are left.
    fn left(&self) -> u64 {
        self.region.len() - self.offset
    }

    /// Sends as much as the socket takes; ready when all is sent. `n_taken` counts along.
    pub(super) fn poll_send(
        &mut self,
        output: &mut Output,
        n_taken: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        ready!(output.poll_flush_before_file(&self.direct, n_taken, cx))?;
        while self.left() > 0 {
            if self.n_since_yield >= FileRegion::STRETCH {
                self.n_since_yield = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.resident == self.offset {
                let stretch = FileRegion::STRETCH.min(self.left());
                ready!(self.region.poll_resident(cx, self.offset, stretch))?;
                self.resident += stretch;
            }
            let max = usize::try_from(self.resident - self.offset).unwrap_or(usize::MAX);
            match self.direct.try_send_file(&self.region, self.offset, max) {
                Ok(0) => return Poll::Ready(Err(Misuse::BodyShorterThanDeclared.into())),
                Ok(n) => {
                    self.offset += n as u64;
                    self.n_since_yield += n as u64;
                    self.region.add_sent(n as u64);
                    *n_taken += n;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.n_since_yield = 0;
                    ready!(self.direct.poll_write_ready(cx))?;
                }
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Poll::Ready(Ok(()))
    }
}
