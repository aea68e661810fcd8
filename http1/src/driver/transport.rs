//! The stream of a connection with its buffers, its machine and its deadline.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use astatine_reactor::{Deadline, FileRegion, Io, PeerInfo, Phase, Reached};
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, StatusCode};

use super::file::FileTransfer;
use super::output::Output;
use super::scratch::{ROOM_BYTES, Scratch};
use super::{Turn, date};
use crate::body::{Feed, Incoming};
use crate::error::{Error, Misuse, Violation};
use crate::proto::{Chunk, Connection, Expired, Framing, HeadFacts, Timeouts, Transfer, Wait};
use crate::service::Setup;

pub(super) struct Transport {
    /// Gone once another protocol has taken it.
    connection: Option<astatine_reactor::Connection>,
    pub(super) core: Connection,
    /// What is read and not consumed.
    pub(super) input: Bytes,
    /// Whether the input lies in memory of its own, not in the thread's.
    owns_input: bool,
    pub(super) output: Output,
    pub(super) setup: Arc<Setup>,
    timeouts: Timeouts,
    deadline: Deadline,
    /// The deadline's idea of the time at the start of this turn.
    now: Instant,
    draining: Reached,
    /// When this connection came to know that the server drains.
    draining_since: Option<Instant>,
    awaits_continue: bool,
    /// Whether this turn's last read got less than it had room for: the stream is empty.
    is_drained: bool,
    is_eof: bool,
}

/// Input that is read ahead while the service works, so that the peer's end is noticed.
const MAX_READ_AHEAD_BYTES: usize = 16 << 10;

impl Transport {
    pub(super) fn new(connection: astatine_reactor::Connection, setup: Arc<Setup>) -> Self {
        let deadline = Deadline::new();
        Self {
            core: Connection::new(),
            input: Bytes::new(),
            owns_input: false,
            output: Output::default(),
            setup,
            timeouts: Timeouts::new(deadline.now()),
            now: deadline.now(),
            deadline,
            draining_since: None,
            draining: connection.shutdown.reached(Phase::Draining),
            connection: Some(connection),
            awaits_continue: false,
            is_drained: false,
            is_eof: false,
        }
    }

    /// Works with the thread's buffers.
    pub(super) fn borrow(&mut self, scratch: &mut Scratch) {
        self.now = self.deadline.now();
        self.is_drained = false;
        self.output.borrow(&mut scratch.output);
    }

    /// Gives the thread's buffers back; unread input is copied out of them.
    #[inline(always)]
    pub(super) fn give_back(&mut self, scratch: &mut Scratch) {
        Scratch::keep_input(&mut self.input, &mut self.owns_input);
        self.output.give_back(&mut scratch.output);
    }

    /// Tells whether each answer has to say that the connection ends.
    pub(super) fn is_shutting_down(&self) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| connection.shutdown.phase() >= Phase::LameDuck)
    }

    pub(super) fn peer(&self) -> Option<&PeerInfo> {
        self.connection.as_ref().map(|connection| &connection.peer)
    }

    fn io(&mut self) -> Option<&mut dyn Io> {
        let connection = self.connection.as_mut()?;
        Some(&mut *connection.io)
    }

    /// Gives the connection away, with what was read but not consumed.
    pub(super) fn hand_over(&mut self) -> Option<(astatine_reactor::Connection, Bytes)> {
        let connection = self.connection.take()?;
        self.deadline.set(None);
        let unread = Bytes::copy_from_slice(&std::mem::take(&mut self.input));
        Some((connection, unread))
    }

    /// Makes the body of a request, and the end that feeds it where it has not come whole.
    #[inline(always)]
    pub(super) fn incoming(&mut self, head: HeadFacts) -> (Option<Feed>, Incoming) {
        let len = match head.framing {
            Framing::Length(len) => Some(len),
            Framing::Chunked | Framing::None => None,
        };
        if let Some(body) = self.core.receive_whole_body(&mut self.input) {
            return (None, Incoming::whole(body));
        }
        self.awaits_continue = head.expects_continue && self.input.is_empty();
        let (feed, body) = Incoming::stream(len);
        (Some(feed), body)
    }

    /// Lets a client that waits for it send its body, unless the response has begun.
    pub(super) fn send_continue(&mut self) -> bool {
        if !self.awaits_continue || !self.core.is_response_owed() {
            return false;
        }
        self.awaits_continue = false;
        self.core.send_continue(self.output.buffer());
        true
    }

    /// Tells whether a client still waits for `100 Continue`: it may send its body or not, so the
    /// next bytes cannot be told apart.
    pub(super) fn awaits_continue(&self) -> bool {
        self.awaits_continue
    }

    #[inline(always)]
    pub(super) fn send_head(
        &mut self,
        head: &Parts,
        lines: &[u8],
        exact_len: Option<u64>,
    ) -> Transfer {
        let date = date::field(self.now);
        let output = self.output.buffer();
        let head = (head.status, &head.headers);
        self.core
            .send_head_and_lines(head, lines, exact_len, &date, output)
    }

    pub(super) fn send_handover_head(&mut self, head: &Parts, lines: &[u8]) {
        let date = date::field(self.now);
        let output = self.output.buffer();
        let head = (head.status, &head.headers);
        self.core.send_handover_head(head, lines, &date, output);
    }

    pub(super) fn refuse(&mut self, status: StatusCode) {
        let date = date::field(self.now);
        self.core.refuse(status, &date, self.output.buffer());
    }

    /// Sends a frame of the response's body. Where it is a file's first frame, the rest of the
    /// file is left to the transfer that is returned.
    #[inline(always)]
    pub(super) fn send_frame(
        &mut self,
        data: Bytes,
        region: &mut Option<FileRegion>,
    ) -> Result<Option<FileTransfer>, Misuse> {
        if data.is_empty() {
            return Ok(None);
        }
        let content_length = self.core.content_length_left();
        let chunk = self.core.send_data(data.len(), self.output.buffer())?;
        let mut file = None;
        if let (Some(_), Some(len), Some(connection)) = (&region, content_length, &self.connection)
        {
            file = FileTransfer::begin(region, connection.io.direct(), len, &data);
            if file.is_some() {
                self.core.send_rest_by_file();
            }
        }
        self.output.push(data);
        if chunk == Chunk::Chunked {
            self.output.buffer().extend_from_slice(b"\r\n");
        }
        Ok(file)
    }

    #[inline(always)]
    pub(super) fn send_end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Misuse> {
        self.core.send_end(trailers, self.output.buffer())
    }

    /// Sends what the socket takes of a file; ready when all is sent.
    pub(super) fn send_file(
        &mut self,
        file: &mut FileTransfer,
        cx: &mut Context<'_>,
    ) -> Result<Poll<()>, Error> {
        let mut n_taken = 0;
        let sent = file.poll_send(&mut self.output, &mut n_taken, cx)?;
        self.note_written(n_taken, sent.is_ready() || file.waits_for_disk());
        Ok(sent)
    }

    /// Writes what the stream takes.
    #[inline(always)]
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let Some(connection) = &mut self.connection else {
            return Ok(Turn::Waits);
        };
        if self.output.is_empty() {
            return Ok(Turn::Waits);
        }
        let mut n_taken = 0;
        let flushed = self
            .output
            .poll_flush(&mut *connection.io, &mut n_taken, cx)?;
        self.note_written(n_taken, flushed.is_ready());
        Ok(if flushed.is_ready() {
            Turn::Moved
        } else {
            Turn::Waits
        })
    }

    #[inline(always)]
    fn note_written(&mut self, n_taken: usize, is_done: bool) {
        if is_done {
            self.timeouts.write_done();
        } else {
            self.timeouts.write_pending(n_taken, self.now);
        }
        if n_taken > 0 && self.timeouts.wait() == Wait::HalfClosed {
            self.timeouts.begin(Wait::HalfClosed, self.now);
        }
    }

    /// Tells whether more may be read: behind a request, only once its answer has left.
    pub(super) fn can_fill(&self) -> bool {
        let waits_for_output = !self.core.is_receiving_body() && !self.output.is_empty();
        !self.is_eof && self.has_room() && !waits_for_output
    }

    /// Reads once.
    ///
    /// The peer's end of its side is no end of the connection: what it asked for is answered.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Result<Poll<Result<(), Violation>>, Error> {
        match self.poll_read(scratch, cx) {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(Err(error)) => Err(error.into()),
            Poll::Ready(Ok(0)) => {
                self.is_eof = true;
                Ok(Poll::Ready(self.core.receive_eof(&self.input)))
            }
            Poll::Ready(Ok(n)) => {
                if self.core.is_receiving_body() {
                    self.awaits_continue = false;
                    self.timeouts.received(n);
                }
                Ok(Poll::Ready(Ok(())))
            }
        }
    }

    /// Reads once behind the input, into the thread's room where there is none.
    #[inline(always)]
    fn poll_read(
        &mut self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Some(connection) = &mut self.connection else {
            return Poll::Pending;
        };
        let io = &mut *connection.io;
        if std::mem::take(&mut self.is_drained) {
            ready!(io.poll_read_ready(cx))?;
        }
        let input = (&mut self.input, &mut self.owns_input);
        let filled = ready!(scratch.poll_fill(io, input, self.core.body_left(), cx))?;
        self.is_drained = filled.is_short;
        Poll::Ready(Ok(filled.n_bytes))
    }

    /// Tells whether the input has room for more.
    pub(super) fn has_room(&self) -> bool {
        self.core.is_receiving_body()
            || self.core.is_idle()
            || self.input.len() < MAX_READ_AHEAD_BYTES
    }

    /// Tells whether the peer has ended its side or is gone, where nothing is read that would say
    /// so.
    pub(super) fn has_peer_ended(&mut self, cx: &mut Context<'_>) -> bool {
        self.io().is_some_and(|io| io.poll_ended(cx).is_ready())
    }

    pub(super) fn is_eof(&self) -> bool {
        self.is_eof
    }

    /// Ends our side of the stream.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.io() {
            Some(io) => Pin::new(io).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Makes the end of the stream an abort: what is written need not reach the peer.
    pub(super) fn abort(&mut self) {
        self.io().into_iter().for_each(Io::abort);
    }

    /// Reads what nobody will look at and returns its length, 0 at the end.
    pub(super) fn poll_discard(
        &mut self,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.input = Bytes::new();
        let Some(connection) = &mut self.connection else {
            return Poll::Ready(Ok(0));
        };
        scratch.room.reserve(ROOM_BYTES / 4);
        let read = connection.io.poll_receive(&mut scratch.room, cx);
        scratch.room.clear();
        read
    }

    /// Says what is waited for between two exchanges. The wait for a head goes on through empty
    /// lines before it.
    pub(super) fn wait_between(&self) -> Wait {
        match (
            self.input.is_empty(),
            self.timeouts.wait(),
            self.core.has_served(),
        ) {
            (false, _, _) | (true, Wait::Head, _) => Wait::Head,
            (true, _, true) => Wait::NextRequest,
            (true, _, false) => Wait::FirstByte,
        }
    }

    /// Begins the wait for the next request.
    #[inline(always)]
    pub(super) fn begin_idle(&mut self) {
        self.timeouts.begin(Wait::NextRequest, self.now);
    }

    /// Says what is waited for, and tells what is over.
    #[inline(always)]
    pub(super) fn check_deadline(&mut self, wait: Wait, cx: &mut Context<'_>) -> Option<Expired> {
        self.timeouts.wait_for(wait, self.now);
        let is_draining = Pin::new(&mut self.draining).poll(cx).is_ready();
        let begins_to_drain = is_draining && self.draining_since.is_none();
        if begins_to_drain {
            self.draining_since = Some(self.now);
        }
        let (config, since) = (&self.setup.config, self.draining_since);
        if self.timeouts.take_changed() || begins_to_drain {
            self.deadline
                .set(self.timeouts.poll_deadline(config, since));
        }
        if self.deadline.poll_expired(cx).is_pending() {
            return None;
        }
        let expired = self.timeouts.handle_timeout(self.now, config, since);
        self.deadline
            .set(self.timeouts.poll_deadline(config, since));
        expired
    }
}

impl Drop for Transport {
    /// Sees to it that the end of the stream is not taken for the end of a response, however the
    /// connection came to end. Where the framing tells, what was written still reaches the peer.
    fn drop(&mut self) {
        if self.core.is_body_until_close() {
            self.abort();
        }
    }
}
