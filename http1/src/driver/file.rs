//! Sends the rest of a file by sendfile(2), behind a head and a first frame that are in the output.

use std::io;
use std::task::{Context, Poll, ready};

use astatine_reactor::{Direct, FileRegion, Reading, give_way};
use bytes::Bytes;

use super::output::Output;
use crate::error::{Error, Misuse};

/// A file under way.
pub(super) struct FileTransfer {
    direct: Direct,
    region: FileRegion,
    /// Bytes of the region that are sent, the first frame included.
    offset: u64,
    /// Up to here the region is known to be in memory.
    resident: u64,
    /// Whether bytes were sent since other connections last had their turn.
    has_sent: bool,
    /// The read that brings the next stretch into memory.
    reading: Option<Reading>,
}

impl FileTransfer {
    /// Begins a transfer if the first frame of the body is the one that the region's own body
    /// gave out, and a socket is there to send from.
    pub(super) fn begin(
        region: &mut Option<FileRegion>,
        direct: Option<Direct>,
        content_length: u64,
        first_frame: &Bytes,
    ) -> Option<Self> {
        let offset = first_frame.len() as u64;
        let is_witnessed = |region: &mut FileRegion| {
            region.len() == content_length
                && offset < content_length
                && region.is_first_frame(first_frame)
        };
        let direct = direct?;
        Some(Self {
            direct,
            region: region.take_if(is_witnessed)?,
            offset,
            resident: offset,
            has_sent: false,
            reading: None,
        })
    }

    /// Tells whether the disk, not the peer, is what the transfer waits for.
    pub(super) fn waits_for_disk(&self) -> bool {
        self.reading.is_some()
    }

    /// Returns how many bytes are left.
    fn left(&self) -> u64 {
        self.region.len() - self.offset
    }

    /// Returns how many bytes are asked for next. Stretches end between two pages of the file,
    /// wherever the region begins: the kernel sends a page that is cut in two twice.
    fn next_stretch(&self) -> u64 {
        let position = self.region.start() + self.offset;
        let up_to_border = FileRegion::STRETCH - position % FileRegion::STRETCH;
        up_to_border.min(self.left())
    }

    /// Completes when the next stretch is in memory.
    fn poll_resident(&mut self, stretch: u64, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reading.is_none() {
            self.reading = self.region.read_ahead(self.offset, stretch)?;
        }
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(Ok(()));
        };
        let read = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        Poll::Ready(read)
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
            if self.resident == self.offset {
                if std::mem::take(&mut self.has_sent) {
                    give_way(cx);
                    return Poll::Pending;
                }
                let stretch = self.next_stretch();
                ready!(self.poll_resident(stretch, cx))?;
                self.resident += stretch;
            }
            let max = usize::try_from(self.resident - self.offset).unwrap_or(usize::MAX);
            match self.direct.try_send_file(&self.region, self.offset, max) {
                Ok(0) => return Poll::Ready(Err(Misuse::BodyShorterThanDeclared.into())),
                Ok(n) => {
                    self.offset += n as u64;
                    self.has_sent = true;
                    self.region.add_sent(n as u64);
                    *n_taken += n;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.has_sent = false;
                    ready!(self.direct.poll_write_ready(cx))?;
                }
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Poll::Ready(Ok(()))
    }
}
